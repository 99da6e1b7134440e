// Sound of a call for a program outside: which lines are streamed.
#include <fmt/format.h>

#include <algorithm>

#include "core/anchor/anchors.hpp"

namespace tandem::anchor {
namespace {

// As a text of JSON: names of strangers are escaped, bytes that are no ASCII left out.
std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c >= ' ' && c <= '~') out += c;
  }
  return out + "\"";
}

}  // namespace

// Begins what is asked for and can be heard; how many streams there are.
Result<std::size_t> Anchors::keep_forwarding(Call& call) {
  std::size_t running = 0;
  for (const auto& party : call.parties) {
    if (!call.forwarded && !party->forwarded) continue;
    for (Line& line : party->lines) {
      if (line.opened.id == 0 || !line.configured || line.kind != "audio" || line.agreed.opaque) continue;
      ++running;
      if (line.stream != 0) continue;
      session::StreamSpec spec;
      spec.leg = line.opened.id;
      spec.to = config_.forward_to;
      spec.rate = config_.forward_rate;
      spec.preamble = call.metadata;
      if (spec.preamble.empty())
        spec.preamble =
            fmt::format("{{\"call_id\":{},\"tag\":{},\"label\":{}}}", json_text(call.id),
                        json_text(party->tags.empty() ? "" : party->tags.front()), json_text(party->label));
      spec.preamble += '\0';
      auto begun = media_.stream(spec);
      if (!begun) return begun.error();
      line.stream = *begun;
    }
  }
  return running;
}

Result<void> Anchors::forward(const Selector& who, bool on, const std::string& metadata) {
  auto found = demand(who.call_id);
  if (!found) return found.error();
  Call& call = **found;
  if (on && !config_.forward_to.valid())
    return Error{ErrorCode::unsupported,
                 "nothing to forward to: anchor.forward_to is not configured (an IP address and a port)"};
  auto chosen = select(call, who, false);
  if (!chosen) return chosen.error();
  if (!metadata.empty()) call.metadata = metadata;
  if (*chosen == nullptr) call.forwarded = on;
  for (const auto& party : call.parties)
    if (*chosen == nullptr ? !on : party.get() == *chosen) party->forwarded = on;
  call.last_signal = timers_.now();
  if (on) {
    auto running = keep_forwarding(call);
    if (!running) return running.error();
    if (*running == 0 && call.any_answer)
      return Error{ErrorCode::conflict, "nothing can be forwarded: no audio of that call is decoded here"};
    return {};
  }
  for (const auto& party : call.parties) {
    if (call.forwarded || party->forwarded) continue;
    for (Line& line : party->lines)
      if (line.stream != 0) media_.stop_stream(std::exchange(line.stream, 0));
  }
  return {};
}

}  // namespace tandem::anchor
