// Fuzz: any bytes as a JSON-RPC text, a filter, an event and params. Nothing may crash, throw or stay
// unanswered.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/api/api.hpp"
#include "core/api/json.hpp"
#include "tests/support/fake_timers.hpp"

using namespace tandem;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static testing::FakeTimers timers;
  static api::ApiLimits limits = [] {
    api::ApiLimits small;
    small.subscriptions = 8;
    small.replay_events = 16;
    small.idempotency_keys = 16;
    return small;
  }();
  static api::Api door(timers, limits);
  static const bool ready = [] {
    const auto echo = [](const api::Caller&, std::string_view params, const api::Reply& reply) {
      reply(std::string(params));
    };
    return door
        .provide(
            "echo",
            R"({"params":{"properties":{"a":{"type":"string","maxLength":4},"b":{"type":"array","maxItems":2,
                            "items":{"type":"integer"}},"c":{"enum":[1,"x"]}}}})",
            echo)
        .ok();
  }();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  int answers = 0;
  door.rpc({"", api::Role::anyone}, text, [&](const std::string& answer) {
    ++answers;
    if (!answer.empty() && !api::Json::accept(answer)) std::abort();
  });
  door.invoke({"t", api::Role::anyone}, "echo", text, [&](const Result<std::string>&) { ++answers; });
  if (!ready || answers != 2) std::abort();
  if (const auto id = door.subscribe({"", api::Role::anyone}, text, [](std::string_view) {}))
    door.unsubscribe(*id);
  (void)door.publish(text);
  (void)api::error_from_json(text);
  timers.advance(milliseconds(1));
  return 0;
}
