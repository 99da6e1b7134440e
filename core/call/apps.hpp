// Apps: what handles a leg when a number was dialed: a call script, by name. The host of the scripts is
// elsewhere; core/api bridges this to its command `script.start`. Thread: [control].
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/base/result.hpp"
#include "core/call/signaling.hpp"

namespace tandem::call {

struct AppStart {
  std::uint64_t run =
      0;  // this start's number; given back to Calls::app_ended, 0 when the host does not know it
  std::string leg, call, tenant, app, args;
  Party from, to;
  std::string dialed, auth_user, direction;
};

class Apps {
 public:
  virtual ~Apps() = default;
  // `started` is called once, now or later: an error means that the app never ran (not_found: no such app).
  // When it ran and is over, the host says so with Calls::app_ended.
  virtual void start(const AppStart&, std::function<void(Result<void>)> started) = 0;
};

}  // namespace tandem::call
