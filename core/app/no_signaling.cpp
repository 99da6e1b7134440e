// no_signaling: see the header.
#include "core/app/no_signaling.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/app/ask.hpp"

namespace tandem::app {
namespace {

struct {
  td_signal_event_fn event = nullptr;
  void* user = nullptr;
} g_listener;

void tell(const nlohmann::json& event) {
  if (g_listener.event == nullptr) return;
  const std::string text = event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  g_listener.event(g_listener.user, {text.data(), text.size()});
}

int command(td_str text) noexcept {
  const auto order = nlohmann::json::parse(std::string_view(text.data, text.size), nullptr, false);
  const std::string name = text_field(order, "cmd"), leg = text_field(order, "leg");
  if (name == "lookup")
    tell({{"ev", "contacts"},
          {"id", text_field(order, "id")},
          {"user", text_field(order, "user")},
          {"contacts", nlohmann::json::array()}});
  if (name == "invite")
    tell({{"ev", "failed"}, {"leg", leg}, {"code", 503}, {"reason", "No link to phones"}, {"q850", 38}});
  return TD_OK;
}

}  // namespace

const td_signaling* no_signaling() {
  static const td_signaling table{sizeof(td_signaling), "none",
                                  [](td_signal_event_fn event, void* user) noexcept {
                                    g_listener = {event, user};
                                  },
                                  command,
                                  [](std::uint64_t, void (*stopped)(void*), void* user) noexcept {
                                    g_listener = {};
                                    stopped(user);
                                  }};
  return &table;
}

}  // namespace tandem::app
