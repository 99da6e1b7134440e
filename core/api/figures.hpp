// Figures: what plugins count, by name, read when somebody asks for /metrics.
//
//   plugin ──add(name, how to read it)──► Figures ◄──collect── /metrics
//
// Thread: [control].
#pragma once

#include <functional>
#include <map>
#include <string>

#include "core/base/result.hpp"

namespace tandem::api {

struct Figure {
  std::string help;  // one line
  std::function<double()> value;
};

class Figures {
 public:
  static constexpr std::size_t kMax = 1000;

  // Errors: invalid (a name not of a to z, 0 to 9 and _), conflict (taken), exhausted (kMax).
  Result<void> add(const std::string& name, std::string help, std::function<double()> value);
  // Unknown names are ignored.
  void remove(const std::string& name) { all_.erase(name); }
  const std::map<std::string, Figure>& all() const { return all_; }

 private:
  std::map<std::string, Figure> all_;
};

}  // namespace tandem::api
