// ScriptApps: call::Apps over the command script.start, and the event script.ended back to Calls.
//
//   Calls ──start──► script.start (given by the Lua host)      script.ended ──► ended(leg, run)
//
// Without a host every start is refused with `unavailable`. Thread: [control].
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/api/api.hpp"
#include "core/call/apps.hpp"

namespace tandem::app {

class ScriptApps final : public call::Apps {
 public:
  using Ended = std::function<void(const std::string& leg, std::uint64_t run)>;

  // `api` outlives this. Subscribes at once; `ended` is called for each script.ended.
  ScriptApps(api::Api& api, Ended ended);
  ~ScriptApps() override;
  ScriptApps(const ScriptApps&) = delete;
  ScriptApps& operator=(const ScriptApps&) = delete;

  void start(const call::AppStart&, std::function<void(Result<void>)> started) override;

 private:
  api::Api& api_;
  const Ended ended_;
  std::int64_t subscription_ = -1;
};

}  // namespace tandem::app
