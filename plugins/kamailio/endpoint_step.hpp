// Endpoint::Step: brackets one step of the machine; the outermost one gives out the queued events. Private to
// endpoint.cpp and commands.cpp. Thread: one ([control]).
#pragma once

#include "kamailio/endpoint.hpp"

namespace tandem::kamailio {

class Endpoint::Step {
 public:
  explicit Step(Endpoint& endpoint) : endpoint_(endpoint) { ++endpoint_.depth_; }
  ~Step();
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

 private:
  Endpoint& endpoint_;
};

}  // namespace tandem::kamailio
