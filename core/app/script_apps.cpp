// ScriptApps: see the header.
#include "core/app/script_apps.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "core/app/ask.hpp"

namespace tandem::app {
namespace {

nlohmann::json party(const call::Party& from) {
  return {{"user", from.user}, {"uri", from.uri}, {"name", from.name}};
}

}  // namespace

ScriptApps::ScriptApps(api::Api& api, Ended ended) : api_(api), ended_(std::move(ended)) {
  const auto subscribed = api_.subscribe(
      {"", api::Role::internal}, R"({"events":["script.ended"]})", [this](std::string_view text) {
        const auto event = nlohmann::json::parse(text, nullptr, false);
        const auto run = number_field(event, "run");
        ended_(text_field(event, "leg"), run > 0 ? static_cast<std::uint64_t>(run) : 0);
      });
  if (subscribed) subscription_ = *subscribed;
}

ScriptApps::~ScriptApps() { api_.unsubscribe(subscription_); }

void ScriptApps::start(const call::AppStart& about, std::function<void(Result<void>)> started) {
  const nlohmann::json params = {{"run", about.run},
                                 {"leg", about.leg},
                                 {"call", about.call},
                                 {"tenant", about.tenant},
                                 {"app", about.app},
                                 {"args", about.args},
                                 {"from", party(about.from)},
                                 {"to", party(about.to)},
                                 {"dialed", about.dialed},
                                 {"auth_user", about.auth_user},
                                 {"direction", about.direction}};
  ask(api_, about.tenant, "script.start", params,
      [started = std::move(started)](const Result<nlohmann::json>& r) {
        if (r) return started({});
        started(r.error());
      });
}

}  // namespace tandem::app
