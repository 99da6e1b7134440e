// Events: what happened, numbered, kept for a while, and told to whom it concerns.
//
//   publish ─► seq, time ─► ring of the last N ─► (next turn of the loop) ─► every subscription that matches
//
// Told on the next turn, never from inside publish(): a subscriber may command whatever it likes.
// Thread: [control].
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/api.hpp"
#include "core/api/json.hpp"
#include "core/call/event.hpp"

namespace tandem::api {

class Events final : public call::EventSink {
 public:
  Events(Timers& timers, std::size_t keep, std::size_t subscriptions_max)
      : timers_(timers), keep_(keep), subscriptions_max_(subscriptions_max) {}

  // From the call layer.
  void on_event(const call::Event& event) override;
  // From elsewhere: an object with at least "event". Errors: invalid.
  Result<void> publish(Json event);

  // See Api::subscribe.
  Result<std::int64_t> subscribe(const Caller& caller, const Json& filter, OnEvent on_event);
  void unsubscribe(std::int64_t id);

  std::uint64_t last_seq() const { return last_seq_; }
  std::size_t subscriptions() const { return subscriptions_.size(); }

 private:
  struct Kept {
    std::uint64_t seq = 0;
    std::string name, tenant, call, leg;
    std::shared_ptr<const std::string> text;  // owners: the ring, and the deliveries that run
  };
  struct Subscription {
    std::string tenant;  // the caller's own; "" sees all
    std::string wanted_tenant, call, leg;
    std::vector<std::string> names;  // globs; empty: all
    std::uint64_t seen = 0;
    OnEvent on_event;
  };
  void keep(Json event, std::string name, std::string tenant, std::string call, std::string leg);
  static bool matches(const Subscription& subscription, const Kept& event);
  void deliver();

  // borrowed
  Timers& timers_;
  // state
  const std::size_t keep_, subscriptions_max_;
  std::deque<Kept> ring_;
  std::map<std::int64_t, std::shared_ptr<Subscription>>
      subscriptions_;  // owners: this, and a delivery that runs
  std::uint64_t last_seq_ = 0;
  std::uint64_t delivered_ = 0;
  std::int64_t last_id_ = 0;
  bool delivery_waits_ = false;
};

// [any] `pattern` with * (any run) and ? (any one) against the whole text.
bool glob(std::string_view pattern, std::string_view text);
// [any] "2026-11-22T12:00:00.000Z"
std::string iso_time(WallTime when);

}  // namespace tandem::api
