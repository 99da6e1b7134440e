// Event: something that happened to a call or a leg, as a value: docs/api.md lists every name with its
// fields.
//
//   Calls, Dials, … ──emit(Event)──► EventSink (core/api numbers it, stamps it and makes JSON of it)
//
// Thread: [control]. Not JSON: this layer knows none.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tandem::call {

using EventValue = std::variant<bool, std::int64_t, double, std::string>;

struct Event {
  std::string name;               // "leg.answered"
  std::string tenant, call, leg;  // "" when it has none
  std::vector<std::pair<std::string, EventValue>> fields;

  Event&& with(std::string key, std::string value) && { return add(std::move(key), std::move(value)); }
  Event&& with(std::string key, const char* value) && { return add(std::move(key), std::string(value)); }
  Event&& with(std::string key, bool value) && { return add(std::move(key), value); }
  Event&& with(std::string key, int value) && {
    return add(std::move(key), static_cast<std::int64_t>(value));
  }
  Event&& with(std::string key, std::int64_t value) && { return add(std::move(key), value); }

  // The text of a field; "" when it is absent or no text.
  std::string text(std::string_view key) const {
    for (const auto& [name_seen, value] : fields) {
      if (name_seen == key && std::holds_alternative<std::string>(value)) return std::get<std::string>(value);
    }
    return {};
  }
  // The number of a field; 0 when it is absent or no whole number.
  std::int64_t number(std::string_view key) const {
    for (const auto& [name_seen, value] : fields) {
      if (name_seen == key && std::holds_alternative<std::int64_t>(value))
        return std::get<std::int64_t>(value);
    }
    return 0;
  }

 private:
  Event&& add(std::string key, EventValue value) {
    fields.emplace_back(std::move(key), std::move(value));
    return std::move(*this);
  }
};

class EventSink {
 public:
  virtual ~EventSink() = default;
  // Called for every event, in order, possibly from inside a verb. Must not call back into Calls.
  virtual void on_event(const Event&) = 0;
};

}  // namespace tandem::call
