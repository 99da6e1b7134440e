// StoreCdrs: call::CdrSink over the command cdr.add: a leg's record in the store's field names. Thread:
// [control]. A record that the store refuses is counted and goes to the log, whole: it is somebody's money.
#pragma once

#include <string>

#include "core/api/api.hpp"
#include "core/base/counter.hpp"
#include "core/call/cdr.hpp"

namespace tandem::app {

// The record as cdr.add takes it, JSON text. [any]
std::string cdr_json(const call::Cdr& record);

class StoreCdrs final : public call::CdrSink {
 public:
  // `api` outlives this.
  explicit StoreCdrs(api::Api& api) : api_(api) {}
  void on_cdr(const call::Cdr&) override;

  const Counter& written() const { return written_; }
  const Counter& refused() const { return refused_; }

 private:
  api::Api& api_;
  Counter written_, refused_;
};

}  // namespace tandem::app
