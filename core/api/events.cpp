// Events. Thread: [control].
#include "core/api/events.hpp"

#include <algorithm>
#include <ctime>

namespace tandem::api {
namespace {

constexpr std::size_t kEventNameMax = 64, kPatternsMax = 50;

Result<std::string> filter_text(const Json& filter, const char* key) {
  const auto it = filter.find(key);
  if (it == filter.end()) return std::string();
  if (!it->is_string()) {
    return Error{ErrorCode::invalid,
                 "filter \"" + std::string(key) + "\": expected a text, saw " + text_of(*it)};
  }
  return it->get<std::string>();
}

}  // namespace

bool glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t]) && pattern[p] != '*') {
      ++p;
      ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string iso_time(WallTime when) {
  const auto us = when.time_since_epoch().count();
  const auto whole = static_cast<std::time_t>(us / 1'000'000);
  std::tm parts{};
  gmtime_r(&whole, &parts);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  char ms[8];
  std::snprintf(ms, sizeof ms, ".%03dZ", static_cast<int>(us / 1000 % 1000));
  return std::string(text, size) + ms;
}

void Events::on_event(const call::Event& event) {
  Json json = Json::object();
  json["seq"] = 0;
  json["time"] = "";
  json["event"] = event.name;
  json["tenant"] = event.tenant;
  if (!event.call.empty()) json["call"] = event.call;
  if (!event.leg.empty()) json["leg"] = event.leg;
  for (const auto& [key, value] : event.fields) {
    std::visit([&json, &name = key](const auto& held) { json[name] = held; }, value);
  }
  keep(std::move(json), event.name, event.tenant, event.call, event.leg);
}

Result<void> Events::publish(Json event) {
  const std::string name = event.is_object() ? text_at(event, "event") : "";
  if (name.empty() || name.size() > kEventNameMax) {
    return Error{ErrorCode::invalid, "expected an object with \"event\", a name of at most 64 bytes"};
  }
  const std::string tenant = text_at(event, "tenant"), call = text_at(event, "call"),
                    leg = text_at(event, "leg");
  Json json = Json::object();
  json["seq"] = 0;
  json["time"] = "";
  json["event"] = name;
  json["tenant"] = tenant;
  for (const auto& [key, value] : event.items()) {
    if (key != "seq" && key != "time" && key != "event" && key != "tenant") json[key] = value;
  }
  keep(std::move(json), name, tenant, call, leg);
  return {};
}

void Events::keep(Json event, std::string name, std::string tenant, std::string call, std::string leg) {
  event["seq"] = ++last_seq_;
  event["time"] = iso_time(timers_.wall_now());
  auto text = std::make_shared<const std::string>(text_of(event));
  ring_.push_back(
      {last_seq_, std::move(name), std::move(tenant), std::move(call), std::move(leg), std::move(text)});
  if (!delivery_waits_ && !subscriptions_.empty()) {
    delivery_waits_ = true;
    timers_.after(Nanos::zero(), [this] { deliver(); });
  }
  // What nobody was told yet stays beyond the limit: it is at most one turn's worth.
  while (ring_.size() > keep_ && (subscriptions_.empty() || ring_.front().seq <= delivered_))
    ring_.pop_front();
}

bool Events::matches(const Subscription& wants, const Kept& event) {
  if (!wants.tenant.empty() && wants.tenant != event.tenant) return false;
  if (!wants.wanted_tenant.empty() && wants.wanted_tenant != event.tenant) return false;
  if (!wants.call.empty() && wants.call != event.call) return false;
  if (!wants.leg.empty() && wants.leg != event.leg) return false;
  return wants.names.empty() || std::any_of(wants.names.begin(), wants.names.end(),
                                            [&](const std::string& name) { return glob(name, event.name); });
}

void Events::deliver() {
  delivery_waits_ = false;
  const std::uint64_t until = last_seq_;  // what is published meanwhile waits for the next turn
  std::vector<std::shared_ptr<Subscription>> all;
  for (const auto& [id, subscription] : subscriptions_) all.push_back(subscription);
  auto it = std::lower_bound(ring_.begin(), ring_.end(), delivered_ + 1,
                             [](const Kept& kept, std::uint64_t seq) { return kept.seq < seq; });
  std::vector<Kept> batch;
  for (; it != ring_.end() && it->seq <= until; ++it) batch.push_back(*it);
  delivered_ = until;
  for (const Kept& event : batch) {
    for (const auto& subscription : all) {
      if (!subscription->on_event || event.seq <= subscription->seen) continue;
      subscription->seen = event.seq;
      if (matches(*subscription, event)) {
        const OnEvent run = subscription->on_event;  // a copy: it may unsubscribe itself
        run(*event.text);
      }
    }
  }
}

Result<std::int64_t> Events::subscribe(const Caller& caller, const Json& filter, OnEvent on_event) {
  if (!filter.is_object()) return Error{ErrorCode::invalid, "expected the filter as an object"};
  if (subscriptions_.size() >= subscriptions_max_) {
    return Error{ErrorCode::exhausted,
                 "there are " + std::to_string(subscriptions_max_) + " subscriptions already"};
  }
  auto made = std::make_shared<Subscription>();
  made->tenant = caller.tenant;
  for (const auto& [key, member] : {std::pair{"tenant", &made->wanted_tenant}, std::pair{"call", &made->call},
                                    std::pair{"leg", &made->leg}}) {
    auto text = filter_text(filter, key);
    if (!text) return text.error();
    *member = *text;
  }
  for (const auto& [key, value] : filter.items()) {
    if (key == "events") {
      const bool fine = value.is_array() && value.size() <= kPatternsMax &&
                        std::all_of(value.begin(), value.end(), [](const Json& v) {
                          return v.is_string() && v.get_ref<const std::string&>().size() <= kEventNameMax;
                        });
      if (!fine) return Error{ErrorCode::invalid, "filter \"events\": expected a list of at most 50 names"};
      made->names = value.get<std::vector<std::string>>();
    } else if (key == "since") {
      if (!value.is_number_unsigned()) {
        return Error{ErrorCode::invalid,
                     "filter \"since\": expected a sequence number, saw " + text_of(value)};
      }
    } else if (key != "tenant" && key != "call" && key != "leg") {
      return Error{ErrorCode::invalid, "unknown filter \"" + key.substr(0, kEventNameMax) +
                                           "\", there is tenant, call, leg, events, since"};
    }
  }
  made->seen = last_seq_;
  if (subscriptions_.empty()) delivered_ = last_seq_;
  const auto since = filter.find("since");
  std::vector<Kept> missed;
  if (since != filter.end()) {
    const auto from = since->get<std::uint64_t>();
    const std::uint64_t oldest = ring_.empty() ? last_seq_ + 1 : ring_.front().seq;
    if (from > last_seq_ || from + 1 < oldest) {
      return Error{ErrorCode::not_found, "events after " + std::to_string(from) +
                                             " are not kept: there are " + std::to_string(oldest) + " to " +
                                             std::to_string(last_seq_)};
    }
    for (const Kept& event : ring_) {
      if (event.seq > from && matches(*made, event)) missed.push_back(event);
    }
  }
  made->on_event = std::move(on_event);
  const std::int64_t id = ++last_id_;
  subscriptions_[id] = made;
  for (const Kept& event : missed) {
    if (!made->on_event) break;
    const OnEvent run = made->on_event;
    run(*event.text);
  }
  return id;
}

void Events::unsubscribe(std::int64_t id) {
  const auto it = subscriptions_.find(id);
  if (it == subscriptions_.end()) return;
  it->second->on_event = nullptr;
  subscriptions_.erase(it);
}

}  // namespace tandem::api
