// IceLite: see ice_lite.hpp. Thread: [media] but for the credentials.
#include "core/stun/ice_lite.hpp"

#include <algorithm>
#include <utility>

#include "core/base/id.hpp"

namespace tandem::stun {
namespace {

constexpr std::string_view kIceChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static_assert(kIceChars.size() == 64);

std::string random_text(std::size_t size) {
  std::string out(size, '\0');
  random_bytes(out.data(), size);
  for (char& c : out) c = kIceChars[static_cast<unsigned char>(c) % kIceChars.size()];
  return out;
}

bool within(std::string_view text, std::size_t least) {
  return text.size() >= least && text.size() <= 256 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::uint32_t hash(std::string_view text) {  // FNV-1a
  std::uint32_t value = 2166136261u;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 16777619u;
  return value;
}

// "ours:theirs" (RFC 8445 7.2.2); no ufrag has a colon in it.
std::string_view peer_of(std::string_view username) {
  const std::size_t colon = username.find(':');
  return colon == std::string_view::npos ? std::string_view() : username.substr(colon + 1);
}

}  // namespace

Credentials make_credentials() { return {random_text(8), random_text(24)}; }

bool good_credentials(std::string_view ufrag, std::string_view password) {
  return within(ufrag, 4) && ufrag.find(':') == std::string_view::npos && within(password, 22);
}

void IceLite::follow(IceLite& before) {
  second_ = before.second_;
  checks_ = before.checks_;
  errors_ = before.errors_;
  known_ = before.known_;
  if (before.config_.ours != config_.ours) {  // a restart: what was learned carries the media meanwhile
    before_.ufrag.swap(before.config_.ours.ufrag);
    before_.password.swap(before.config_.ours.password);
    for (Known& one : known_)
      for (std::size_t i = 0; i < one.count; ++i) one.sources[i].before_restart = true;
    return;
  }
  before_.ufrag.swap(before.before_.ufrag);
  before_.password.swap(before.before_.password);
  if (config_.peer_ufrag.empty()) return;
  const std::uint32_t peer = hash(config_.peer_ufrag);
  for (Known& one : known_)  // whoever else checked with our credentials is another branch of a fork
    for (std::size_t i = one.count; i-- > 0;)
      if (!one.sources[i].before_restart && one.sources[i].peer != peer) forget(one, i);
}

IceLite::Outcome IceLite::on_datagram(std::span<const std::uint8_t> bytes, const Address& source,
                                      Component component, TimePoint now, std::span<std::uint8_t> out) {
  Message message;
  if (parse(bytes, message) != ParseVerdict::ok) return {Verdict::refused};
  if (message.kind != Class::request || message.method != kBinding) return {Verdict::ignored};
  begin_second(now);
  if (!message.has_username || message.integrity_at == 0) {
    Outcome outcome = refuse(message, ErrorNumber::bad_request, nullptr, out);
    outcome.verdict = Verdict::unauthorized;
    return outcome;
  }
  return answer_check(message, source, component, now, out);
}

void IceLite::begin_second(TimePoint now) {
  if (now - second_ < seconds(1)) return;
  second_ = now;
  checks_ = errors_ = 0;
}

// Whose user name it is; null: not ours, or not from this peer.
const Credentials* IceLite::credentials_for(std::string_view username) const {
  const std::string_view ours = username.substr(0, username.find(':'));
  if (ours.empty() || ours.size() == username.size()) return nullptr;
  if (ours == config_.ours.ufrag)
    return config_.peer_ufrag.empty() || peer_of(username) == config_.peer_ufrag ? &config_.ours : nullptr;
  return !before_.ufrag.empty() && ours == before_.ufrag ? &before_ : nullptr;
}

IceLite::Outcome IceLite::answer_check(const Message& check, const Address& source, Component component,
                                       TimePoint now, std::span<std::uint8_t> out) {
  const Credentials* const whose = credentials_for(check.username);
  if (whose != nullptr && ++checks_ > kChecksPerSecond) return {Verdict::over_limit};
  if (whose == nullptr || !check.authentic(whose->password)) {
    Outcome outcome = refuse(check, ErrorNumber::unauthenticated, nullptr, out);
    outcome.verdict = Verdict::unauthorized;
    return outcome;
  }
  if (check.unknown_count != 0) return refuse(check, ErrorNumber::unknown_attribute, &whose->password, out);
  if (check.controlled) return refuse(check, ErrorNumber::role_conflict, &whose->password, out);
  Outcome outcome{Verdict::answered};
  if (whose == &config_.ours) {
    Known& here = known(component);
    Source& known_source = learn(here, source, hash(peer_of(check.username)), now);
    known_source.priority = check.priority.value_or(0);
    if (check.use_candidate) outcome.selected = nominate(here, known_source, now);
  } else {
    (void)admits(source, component, now);  // consent for the pair before the restart
  }
  Writer answer(out, Class::success, kBinding, check.transaction);
  answer.mapped(source);
  answer.integrity(whose->password);
  answer.fingerprint();
  outcome.answer_bytes = answer.bytes();
  return outcome;
}

// Never longer than the question, which may come with a false source: what is too short gets no answer.
IceLite::Outcome IceLite::refuse(const Message& check, ErrorNumber error, const std::string* password,
                                 std::span<std::uint8_t> out) {
  if (errors_ >= kErrorsPerSecond) return {Verdict::over_limit};
  Writer answer(out.first(std::min(out.size(), check.bytes.size())), Class::error, kBinding,
                check.transaction);
  answer.error(error);
  if (error == ErrorNumber::unknown_attribute) answer.unknown({check.unknown.data(), check.unknown_count});
  if (password != nullptr) answer.integrity(*password);
  if (check.has_fingerprint) answer.fingerprint();
  if (answer.bytes() != 0) ++errors_;
  return {Verdict::refused, answer.bytes()};
}

// ---- who has been heard

IceLite::Source& IceLite::learn(Known& here, const Address& source, std::uint32_t peer, TimePoint now) {
  Source* found = nullptr;
  for (std::size_t i = 0; i < here.count; ++i)
    if (here.sources[i].address == source && !here.sources[i].before_restart) found = &here.sources[i];
  if (found == nullptr) {
    std::size_t at = here.count;
    if (here.count == kSourcesMax) {
      at = here.selected == 0 ? 1 : 0;
      for (std::size_t i = 0; i < here.count; ++i)
        if (i != here.selected && here.sources[i].heard < here.sources[at].heard) at = i;
    } else {
      ++here.count;
    }
    found = &here.sources[at];
    *found = Source{};
    found->address = source;
  }
  found->peer = peer;
  found->heard = now;
  return *found;
}

void IceLite::forget(Known& here, std::size_t at) {
  const std::size_t last = --here.count;
  if (here.selected == at) here.selected = kSourcesMax;
  if (here.selected == last) here.selected = at;
  if (at != last) here.sources[at] = here.sources[last];
}

// Peers nominate one pair (RFC 8445 8.1.1), or by the older RFC 5245 several of which the best counts, or
// another later when their network changed: then the one before has fallen silent.
bool IceLite::nominate(Known& here, Source& source, TimePoint now) {
  const auto at = static_cast<std::size_t>(&source - here.sources.data());
  if (here.selected == at) return false;
  if (here.selected != kSourcesMax) {
    const Source& present = here.sources[here.selected];
    const bool lesser = source.priority < present.priority && !present.before_restart;
    if (lesser && now - present.heard < kSilentAfter) return false;
  }
  const Address chosen = source.address;
  const Address present = here.selected == kSourcesMax ? Address() : here.sources[here.selected].address;
  here.selected = at;
  bool restarting = false;
  for (std::size_t i = here.count; i-- > 0;)  // the restart is over
    if (here.sources[i].before_restart) forget(here, i);
  for (const Known& one : known_)
    for (std::size_t i = 0; i < one.count; ++i) restarting = restarting || one.sources[i].before_restart;
  if (!restarting) before_.ufrag.clear(), before_.password.clear();
  return !present.valid() || !(present == chosen);
}

bool IceLite::admits(const Address& source, Component component, TimePoint now) {
  Known& here = known(component);
  for (std::size_t i = 0; i < here.count; ++i) {
    if (!(here.sources[i].address == source)) continue;
    here.sources[i].heard = now;
    return true;
  }
  return false;
}

Address IceLite::selected(Component component) const {
  const Known& here = known_[static_cast<std::size_t>(component)];
  return here.selected == kSourcesMax ? Address() : here.sources[here.selected].address;
}

}  // namespace tandem::stun
