// Bench: one command through the table, and through JSON-RPC text; one event to a subscriber.
#include <benchmark/benchmark.h>

#include "core/api/api.hpp"
#include "tests/support/fake_timers.hpp"

namespace {

using namespace tandem;

struct Door {
  Door() {
    (void)door.provide(
        "leg.play",
        R"({"params":{"properties":{"leg":{"type":"string","maxLength":64},
                           "files":{"type":"array","maxItems":100,"items":{"type":"string"}}},"required":["leg"]}})",
        [](const api::Caller&, std::string_view, const api::Reply& reply) { reply(std::string("{}")); });
  }
  testing::FakeTimers timers;
  api::Api door{timers};
};

void BM_InvokeCommand(benchmark::State& state) {
  Door d;
  const api::Caller caller{"", api::Role::internal};
  for (auto _ : state) {
    d.door.invoke(caller, "leg.play", R"({"leg":"leg-0123456789abcdef","files":["welcome"]})",
                  [](const Result<std::string>& answer) { benchmark::DoNotOptimize(answer.ok()); });
  }
}
BENCHMARK(BM_InvokeCommand);

void BM_JsonRpcRequest(benchmark::State& state) {
  Door d;
  const api::Caller caller{"", api::Role::anyone};
  for (auto _ : state) {
    d.door.rpc(
        caller,
        R"({"jsonrpc":"2.0","method":"leg.play","params":{"leg":"leg-0123456789abcdef","files":["welcome"]},"id":1})",
        [](const std::string& answer) { benchmark::DoNotOptimize(answer.size()); });
  }
}
BENCHMARK(BM_JsonRpcRequest);

void BM_EventToSubscribers(benchmark::State& state) {
  Door d;
  for (int i = 0; i < state.range(0); ++i) {
    (void)d.door.subscribe({"", api::Role::anyone}, R"({"events":["leg.*"]})", [](std::string_view) {});
  }
  for (auto _ : state) {
    (void)d.door.publish(
        R"({"event":"leg.digit","tenant":"demo","call":"call-1","leg":"leg-1","digit":"5"})");
    d.timers.advance(Nanos::zero());
  }
}
BENCHMARK(BM_EventToSubscribers)->Arg(1)->Arg(100);

}  // namespace
