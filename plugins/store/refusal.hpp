// Refusal: why a command of the store was not done, in the API's words. It is an exception because a
// command's body is one SQL transaction and SOCI throws: both roll back the same way. It is caught in one
// place, run_command(). Thread: [any].
#pragma once

#include <stdexcept>
#include <string>

#include "tandem/abi.h"

namespace tandem::store {

class Refusal : public std::runtime_error {
 public:
  // `code` is one of TD_INVALID … TD_INTERNAL.
  Refusal(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
  int code() const { return code_; }

 private:
  int code_;
};

}  // namespace tandem::store
