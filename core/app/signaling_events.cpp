// deliver_event: a table from the event's name to its reader.
#include "core/app/signaling_events.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace tandem::app {
namespace {

using nlohmann::json;
using Listener = call::SignalingListener;

std::string text(const json& from, const char* key) {
  const auto found = from.find(key);
  return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}
int number(const json& from, const char* key, int otherwise = 0) {
  const auto found = from.find(key);
  if (found == from.end() || !found->is_number_integer()) return otherwise;
  const auto value = found->get<std::int64_t>();
  return value < -1'000'000'000 || value > 1'000'000'000 ? otherwise : static_cast<int>(value);
}
bool truth(const json& from, const char* key) {
  const auto found = from.find(key);
  return found != from.end() && found->is_boolean() && found->get<bool>();
}
call::Party party(const json& from, const char* key) {
  const auto found = from.find(key);
  if (found == from.end() || !found->is_object()) return {};
  return {text(*found, "user"), text(*found, "uri"), text(*found, "name")};
}
call::Headers headers(const json& from) {
  call::Headers out;
  const auto found = from.find("headers");
  if (found == from.end() || !found->is_array()) return out;
  for (const auto& row : *found) {
    if (row.is_array() && row.size() == 2 && row[0].is_string() && row[1].is_string())
      out.emplace_back(row[0].get<std::string>(), row[1].get<std::string>());
  }
  return out;
}
template <typename Each>
void each(const json& from, const char* key, Each each_one) {
  const auto found = from.find(key);
  if (found == from.end() || !found->is_array()) return;
  for (const auto& one : *found) each_one(one);
}

void incoming(const json& e, Listener& to) {
  to.on_incoming({.leg = text(e, "leg"),
                  .call_id = text(e, "call_id"),
                  .from = party(e, "from"),
                  .to = party(e, "to"),
                  .dialed = text(e, "dialed"),
                  .source = text(e, "source"),
                  .auth_user = text(e, "auth_user"),
                  .sdp = text(e, "sdp"),
                  .replaces = text(e, "replaces"),
                  .user_agent = text(e, "user_agent"),
                  .headers = headers(e)});
}
void failed(const json& e, Listener& to) {
  call::Failed out{text(e, "leg"), number(e, "code"), text(e, "reason"), number(e, "q850"), {}};
  each(e, "contacts", [&](const json& one) {
    if (one.is_string()) out.contacts.push_back(one.get<std::string>());
    if (one.is_object()) out.contacts.push_back(text(one, "uri"));
  });
  to.on_failed(out);
}
void contacts(const json& e, Listener& to) {
  std::vector<call::Contact> found;
  each(e, "contacts", [&](const json& one) {
    if (one.is_object())
      found.push_back({text(one, "uri"), one.dump(-1, ' ', false, json::error_handler_t::replace)});
  });
  to.on_contacts(text(e, "id"), text(e, "user"), found);
}
void digit(const json& e, Listener& to) {
  const std::string key = text(e, "digit");
  to.on_info_digit({text(e, "leg"), key.size() == 1 ? key[0] : '\0', number(e, "duration_ms")});
}
void message(const json& e, Listener& to) {
  to.on_message({text(e, "id"), party(e, "from"), party(e, "to"), text(e, "dialed"), text(e, "ctype"),
                 text(e, "body"), text(e, "auth_user")});
}

enum class Needs { nothing, leg };
struct Row {
  const char* name;
  Needs needs;
  void (*read)(const json&, Listener&);
};

constexpr std::array kRows{
    Row{"up", Needs::nothing, [](const json&, Listener& to) { to.on_link_up(); }},
    Row{"down", Needs::nothing, [](const json&, Listener& to) { to.on_link_down(); }},
    Row{"incoming", Needs::leg, incoming},
    Row{"progress", Needs::leg,
        [](const json& e, Listener& to) {
          to.on_progress({text(e, "leg"), number(e, "code", 180), text(e, "reason"), text(e, "sdp")});
        }},
    Row{"answered", Needs::leg,
        [](const json& e, Listener& to) {
          to.on_answered({text(e, "leg"), text(e, "sdp"), text(e, "contact"), text(e, "user_agent")});
        }},
    Row{"failed", Needs::leg, failed},
    Row{"confirmed", Needs::leg,
        [](const json& e, Listener& to) { to.on_confirmed(text(e, "leg"), text(e, "sdp")); }},
    Row{"ended", Needs::leg,
        [](const json& e, Listener& to) {
          to.on_ended(
              {text(e, "leg"), text(e, "by"), number(e, "code"), number(e, "q850"), text(e, "reason")});
        }},
    Row{"reoffer", Needs::leg,
        [](const json& e, Listener& to) {
          to.on_reoffer({text(e, "leg"), text(e, "sdp"), truth(e, "refresh")});
        }},
    Row{"reanswered", Needs::leg,
        [](const json& e, Listener& to) {
          to.on_reanswered({text(e, "leg"), number(e, "code"), text(e, "sdp")});
        }},
    Row{"refer", Needs::leg,
        [](const json& e, Listener& to) {
          to.on_refer({text(e, "leg"), text(e, "refer_to"), text(e, "user"), text(e, "replaces"),
                       text(e, "referred_by")});
        }},
    Row{"refer_progress", Needs::leg,
        [](const json& e, Listener& to) {
          to.on_refer_progress({text(e, "leg"), number(e, "code"), text(e, "reason"), truth(e, "final")});
        }},
    Row{"info", Needs::leg,
        [](const json& e, Listener& to) {
          to.on_info({text(e, "leg"), text(e, "ctype"), text(e, "body")});
        }},
    Row{"dtmf", Needs::leg, digit},
    Row{"message", Needs::nothing, message},
    Row{"message_sent", Needs::nothing,
        [](const json& e, Listener& to) { to.on_message_sent(text(e, "id"), number(e, "code")); }},
    Row{"registered", Needs::nothing,
        [](const json& e, Listener& to) {
          to.on_registered({text(e, "user"), text(e, "contact"), text(e, "source"), text(e, "user_agent"),
                            number(e, "expires")});
        }},
    Row{"contacts", Needs::nothing, contacts},
    Row{"subscribed", Needs::nothing,
        [](const json& e, Listener& to) {
          to.on_subscribed({text(e, "user"), text(e, "event"), number(e, "expires")});
        }},
};

}  // namespace

Result<void> deliver_event(std::string_view json_text, call::SignalingListener& to) {
  const json event = json::parse(json_text, nullptr, false);
  if (!event.is_object()) return Error{ErrorCode::invalid, "expected a JSON object"};
  const std::string name = text(event, "ev");
  for (const Row& row : kRows) {
    if (name != row.name) continue;
    if (row.needs == Needs::leg && text(event, "leg").empty())
      return Error{ErrorCode::invalid, fmt::format("{}: expected \"leg\", found none", name)};
    row.read(event, to);
    return {};
  }
  return Error{ErrorCode::unsupported,
               fmt::format("expected a known \"ev\", found \"{}\"", name.substr(0, 40))};
}

}  // namespace tandem::app
