// KeyLog; see key_log.hpp. What rtpengine sends: daemon/dtmf.c, docs of --dtmf-log-dest.
#include "ng/key_log.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include "ng/report.hpp"
#include "ng/socket_name.hpp"
#include "ng/words.hpp"

namespace tandem::ng {
namespace {

// RFC 4733's event code of a key; below 0: none.
int event_of(const std::string& key) {
  const std::size_t at = key.size() == 1 ? kKeys.find(key[0]) : std::string_view::npos;
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

// Who pressed and who else is in the call, from anchor.query.
void add_parties(const Value& call, const std::string& tag, Value& into) {
  for (const Value& party : call.value("parties", Value::array())) {
    const std::string own = text_at(party, "tag");
    into["tags"].push_back(own);
    if (own != tag) continue;
    into["source_label"] = text_at(party, "label");
    const Value lines = party.value("lines", Value::array());
    if (!lines.empty()) into["source_ip"] = text_at(endpoint(text_at(lines.front(), "remote")), "address");
  }
}

}  // namespace

KeyLog::KeyLog(const sdk::Host& host, std::optional<Listen> common)
    : host_(host), common_(std::move(common)) {
  events_ =
      std::make_unique<sdk::Subscription>(host_, td_caller{}, R"({"events":["anchor.digit","anchor.ended"]})",
                                          [this](std::string_view json) { on_event(json); });
}

KeyLog::~KeyLog() {
  events_.reset();
  for (const int fd : {v4_, v6_})
    if (fd >= 0) ::close(fd);
}

bool KeyLog::lead(const std::string& call_id, const Listen& to) {
  if (of_calls_.size() >= kCallsMax && !of_calls_.contains(call_id)) return false;
  of_calls_[call_id] = to;
  return true;
}

void KeyLog::on_event(std::string_view json) {
  if (!common_ && of_calls_.empty()) return;
  const Value event = Value::parse(json, nullptr, false);
  if (!event.is_object()) return;
  const std::string name = text_at(event, "event"), call_id = text_at(event, "call_id");
  if (name == "anchor.ended") of_calls_.erase(call_id);
  if (name != "anchor.digit") return;
  const auto own = of_calls_.find(call_id);
  if (own != of_calls_.end())
    tell(event, own->second);
  else if (common_)
    tell(event, *common_);
}

void KeyLog::tell(const Value& digit, const Listen& to) {
  const int code = event_of(text_at(digit, "text"));
  if (code < 0) return;
  const std::string call_id = text_at(digit, "call_id"), tag = text_at(digit, "tag");
  Value datagram{{"callid", call_id},      {"source_tag", tag}, {"source_label", ""},
                 {"tags", Value::array()}, {"type", "DTMF"},    {"timestamp", host_.wall_us() / 1'000'000},
                 {"source_ip", ""},        {"event", code},     {"duration", digit.value("number", 0)}};
  host_.invoke(
      "", "anchor.query", Value{{"call_id", call_id}}.dump(-1, ' ', false, Value::error_handler_t::replace),
      [this, datagram, tag, to, alive = std::weak_ptr(alive_)](int status, std::string_view json) mutable {
        if (!alive.lock()) return;
        const Value call = Value::parse(json, nullptr, false);
        if (status == TD_OK && call.is_object()) add_parties(call, tag, datagram);
        send(datagram, to);
      });
}

void KeyLog::send(const Value& datagram, const Listen& to) {
  int& fd = to.ipv6() ? v6_ : v4_;
  if (fd < 0) fd = ::socket(to.ipv6() ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const std::string text = datagram.dump(-1, ' ', false, Value::error_handler_t::replace);
  SocketName name = SocketName::of(to);
  const bool sent =
      fd >= 0 && ::sendto(fd, text.data(), text.size(), MSG_NOSIGNAL, name.get(), name.size) >= 0;
  ++(sent ? counts_.sent : counts_.failed);
}

}  // namespace tandem::ng
