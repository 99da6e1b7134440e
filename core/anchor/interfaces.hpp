// Interfaces: the named local addresses of [[anchor.interface]], each with what is told to the outside.
//
//   "pub", IPv4 ──► bind 10.0.0.5, say 198.51.100.7
//
// A name may stand once a family. Without any, and for names that are not known, the media section's own
// addresses serve. Thread: [any] once made.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/address.hpp"

namespace tandem::anchor {

struct Interface {
  std::string name;
  std::string address;     // bound
  std::string advertised;  // in the SDP; "": the bound one
};

class Interfaces {
 public:
  explicit Interfaces(std::vector<Interface> all = {}) : all_(std::move(all)) {}
  // "" gives the first one of that family. Null: the media section's own.
  const Interface* find(std::string_view name, Family family) const;
  bool known(std::string_view name) const;

 private:
  std::vector<Interface> all_;
};

}  // namespace tandem::anchor
