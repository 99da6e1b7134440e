// Offer and answer (negotiate.hpp): each public function builds a value from values.
//
//   answer():   streams one by one ──accept()──► the first that fits; all others refused in their places
//   conclude(): our stream, theirs at the same place ──► types paired, direction and addresses as for
//   answer()
//
// Thread: [any]. Numbers and codecs are in payloads.cpp, addresses and directions in transport.cpp.
#include "core/sdp/negotiate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/base/text.hpp"
#include "core/sdp/payloads.hpp"
#include "core/sdp/transport.hpp"

namespace tandem::sdp {
namespace {

constexpr std::size_t kCodecsNamed = 8;           // in a message
constexpr std::size_t kReasonsBytesEnough = 600;  // in a message

Error refused(std::string why) { return {ErrorCode::unsupported, std::move(why)}; }

bool is_spoken(std::string_view proto) {
  const std::string plain = plain_profile(proto);
  return same_name(plain, "RTP/AVP") || same_name(plain, "RTP/AVPF");
}

// What an offered stream's a=crypto comes to under our policy: a pair, nothing (plain RTP), or why it is
// refused.
struct SrtpChoice {
  std::optional<CryptoPair> pair;
  std::optional<CryptoLine> line;  // of our answer
};
Result<SrtpChoice> accept_srtp(const LocalSrtp& ours, const Media& m) {
  const bool secure = is_secure(m.proto);
  if (ours.policy == SrtpPolicy::off) {
    if (secure) return refused(fmt::format("{} is offered, and SRTP is off here", printable(m.proto)));
    return SrtpChoice{};
  }
  const CryptoRead read = crypto_lines(m);
  const CryptoLine* chosen = choose_crypto(read.lines, ours.lines, ours.preference == Preference::ours);
  if (chosen == nullptr) {
    if (!secure && ours.policy != SrtpPolicy::required) return SrtpChoice{};
    const std::string why = !read.problem.empty() ? read.problem
                            : has_crypto(m)       ? std::string("no crypto suite in common")
                                                  : std::string("expected a=crypto, saw none");
    return refused(secure ? why : "SRTP is required here: " + why);
  }
  SrtpChoice choice;
  choice.line = answer_line(*chosen, ours.lines);
  if (choice.line) choice.pair = CryptoPair{chosen->tag, choice.line->protection, chosen->protection};
  return choice;
}

// What their answer's a=crypto comes to.
Result<std::optional<CryptoPair>> conclude_srtp(const LocalSrtp& local, const Media& ours,
                                                const Media& theirs) {
  const CryptoRead offered = crypto_lines(ours);
  if (offered.lines.empty()) {
    if (is_secure(theirs.proto)) return refused("they answered with SRTP, which was not offered");
    return std::optional<CryptoPair>{};
  }
  if (local.policy != SrtpPolicy::required && !is_secure(theirs.proto) && !is_secure(ours.proto) &&
      !has_crypto(theirs))
    return std::optional<CryptoPair>{};
  auto pair = match_crypto(offered.lines, theirs);
  if (!pair) return refused(pair.error().message);
  return std::optional<CryptoPair>(std::move(*pair));
}

Error no_codec_in_common(const Local& local, const std::vector<Payload>& theirs) {
  std::string here, there;
  for (std::size_t i = 0; i < local.codecs.size() && i < kCodecsNamed; ++i)
    here += ' ' + codec_text(local.codecs[i].name, local.codecs[i].clock_rate, local.codecs[i].channels);
  for (std::size_t i = 0; i < theirs.size() && i < kCodecsNamed; ++i)
    there += ' ' + codec_text(theirs[i].map.name, theirs[i].map.clock_rate, theirs[i].map.channels);
  return refused(fmt::format("no codec in common: they have{}, we have{}",
                             there.empty() ? " none we know" : there, here.empty() ? " none" : here));
}

// One offered stream: what it comes to, or why it is refused.
Result<Negotiated> accept(const Local& local, const Description& offer, const Media& m,
                          std::optional<CryptoLine>& crypto) {
  if (m.kind != MediaKind::audio)
    return refused(fmt::format("{} is not spoken here", printable(m.kind_text)));
  if (m.port == 0) return refused("its port is 0");
  if (!is_spoken(m.proto))
    return refused(fmt::format("{} is not spoken here, RTP/AVP is", printable(m.proto)));
  auto srtp = accept_srtp(local.srtp, m);
  if (!srtp) return srtp.error();
  auto read = read_transport(local, offer, m, local.direction, local.rtcp_mux);
  if (!read) return read;
  const std::vector<Payload> theirs = read_payloads(m, nullptr);
  read->payloads = match_codecs(local.codecs, theirs, Theirs::offer);
  if (read->payloads.empty()) return no_codec_in_common(local, theirs);
  if (local.preference == Preference::ours)
    std::sort(read->payloads.begin(), read->payloads.end(),
              [](const AgreedPayload& a, const AgreedPayload& b) { return a.codec < b.codec; });
  const Payload* event = pick_event(theirs, local.codecs[read->payloads.front().codec].clock_rate);
  if (local.event.enabled && event) {
    read->event_receive_type = read->event_send_type = event->map.type;
    read->event_clock_rate = event->map.clock_rate;
    for (const Payload* other : pick_beside(kEventName, theirs, local.codecs, read->payloads))
      if (other->map.clock_rate != event->map.clock_rate)
        read->other_events.push_back({other->map.type, other->map.type, other->map.clock_rate});
  }
  if (local.noise != NoisePolicy::off)
    for (const Payload* noise : pick_beside(kNoiseName, theirs, local.codecs, read->payloads))
      read->noise.push_back({noise->map.type, noise->map.type, noise->map.clock_rate});
  read->srtp = std::move(srtp->pair);
  crypto = std::move(srtp->line);
  return read;
}

void add_payload(Media& m, const Rtpmap& map, const std::string& fmtp) {
  m.formats.push_back(std::to_string(map.type));
  m.rtpmaps.push_back(map);
  if (!fmtp.empty()) m.fmtps.push_back({map.type, fmtp});
}

// Our audio section but for its payloads.
Media our_section(const Local& local, Direction direction, bool mux) {
  Media m;
  m.port = local.rtp.port();
  if (local.ptime_ms) m.ptime_ms = local.ptime_ms;
  m.direction = direction;
  m.rtcp_mux = mux;
  if (!local.rtcp.valid()) return m;
  const bool same_host = local.rtcp.same_host(local.rtp);
  if (same_host && local.rtcp.port() == local.rtp.port() + 1) return m;
  m.rtcp = RtcpAttribute{local.rtcp.port(), std::nullopt};
  if (!same_host) m.rtcp->connection = Connection::of(local.rtcp);
  return m;
}

Media accepted_section(const Local& local, const Media& offered, const Negotiated& n,
                       const std::optional<CryptoLine>& crypto) {
  Media m = our_section(local, n.direction, n.rtcp_mux);
  m.proto = offered.proto;
  for (const AgreedPayload& p : n.payloads) {
    const CodecOffer& c = local.codecs[p.codec];
    add_payload(m, {p.receive_type, c.name, c.clock_rate, c.channels}, p.our_fmtp);
  }
  for (const AgreedType& noise : n.noise)
    add_payload(m, {noise.receive_type, kNoiseName, noise.clock_rate, 1}, "");
  if (n.event_receive_type >= 0)
    add_payload(m, {static_cast<std::uint8_t>(n.event_receive_type), kEventName, n.event_clock_rate, 1},
                local.event.events);
  for (const AgreedType& other : n.other_events)
    add_payload(m, {other.receive_type, kEventName, other.clock_rate, 1}, local.event.events);
  if (crypto) set_crypto(m, {&*crypto, 1});
  return m;
}

// The crypto lines of an offer of ours; `proto` becomes the secure one where SRTP is required or agreed on.
void offer_srtp(const LocalSrtp& srtp, Media& m) {
  if (srtp.agreed) return set_crypto(m, {&*srtp.agreed, 1});
  if (srtp.policy == SrtpPolicy::required) {
    m.proto = secure_profile(m.proto);
  } else if (is_secure(m.proto)) {
    m.proto = plain_profile(m.proto);  // what was SRTP and is no more
  }
  const bool offered =
      srtp.policy == SrtpPolicy::required || (srtp.policy == SrtpPolicy::optional && !srtp.settled);
  if (offered) set_crypto(m, std::span(srtp.lines).first(std::min(srtp.lines.size(), kCryptoLinesOffered)));
}

Media refused_section(const Media& offered) {
  Media m;
  m.kind = offered.kind;
  m.kind_text = offered.kind_text;
  m.proto = offered.proto;
  m.formats = offered.formats;
  if (m.formats.empty()) m.formats.emplace_back("0");  // the grammar wants one
  return m;
}

// The frame around the sections, with the version that RFC 3264 8 asks for.
Description framed(const Local& local, const SessionState& state, std::vector<Media> sections) {
  Description d;
  if (state.ours) {
    d.origin = state.ours->origin;
  } else {
    d.origin.session_id = std::to_string(state.id);
    d.origin.version = "1";
    d.origin.address_type = local.rtp.family() == Family::v6 ? "IP6" : "IP4";
    d.origin.host = Connection::of(local.rtp).host;
  }
  d.connection = Connection::of(local.rtp);
  d.lines = {{'t', "0 0"}};
  d.media = std::move(sections);
  if (state.ours && d != *state.ours) {
    const std::string& last = state.ours->origin.version;
    std::uint64_t version = 0;
    std::from_chars(last.data(), last.data() + last.size(), version);
    d.origin.version = std::to_string(version + 1);
  }
  return d;
}

// Where our live audio stands in a description of ours, or nothing.
std::optional<std::size_t> live_audio(const Description& d) {
  for (std::size_t i = 0; i < d.media.size(); ++i)
    if (d.media[i].kind == MediaKind::audio && d.media[i].port != 0) return i;
  return std::nullopt;
}

}  // namespace

Description make_offer(const Local& local, const SessionState& state) {
  Media audio = our_section(local, local.direction, local.rtcp_mux);
  for (const Payload& p : number_payloads(local, state.bindings)) add_payload(audio, p.map, p.fmtp);
  std::vector<Media> sections;
  if (state.ours) {
    sections = state.ours->media;
    for (Media& m : sections)
      if (m.port == 0) m = refused_section(m);
  }
  const auto place = state.ours ? live_audio(*state.ours) : std::nullopt;
  if (place) {
    audio.proto = sections[*place].proto;
    offer_srtp(local.srtp, audio);
    sections[*place] = std::move(audio);
  } else {
    offer_srtp(local.srtp, audio);
    sections.push_back(std::move(audio));
  }
  return framed(local, state, std::move(sections));
}

Result<Answer> answer(const Local& local, const Description& offer, const SessionState& state) {
  std::optional<Negotiated> negotiated;
  std::optional<CryptoLine> crypto;
  std::vector<Media> sections;
  std::string reasons;
  for (const Media& m : offer.media) {
    Result<Negotiated> read =
        negotiated ? Result<Negotiated>(refused("one stream is enough")) : accept(local, offer, m, crypto);
    if (!read) {
      sections.push_back(refused_section(m));
      if (reasons.size() < kReasonsBytesEnough)
        reasons += fmt::format("; stream {} ({} {}): {}", sections.size(), printable(m.kind_text),
                               printable(m.proto), read.error().message);
      continue;
    }
    sections.push_back(accepted_section(local, m, *read, crypto));
    negotiated = std::move(*read);
  }
  if (!negotiated)
    return refused("no stream of the offer can be accepted" + (reasons.empty() ? "; it has none" : reasons));
  return Answer{framed(local, state, std::move(sections)), std::move(*negotiated)};
}

Result<Negotiated> conclude(const Local& local, const Description& our_offer,
                            const Description& their_answer) {
  const auto place = live_audio(our_offer);
  if (!place) return Error{ErrorCode::invalid, "our offer has no audio stream to be answered"};
  const Media& ours = our_offer.media[*place];
  if (their_answer.media.size() != our_offer.media.size())
    return Error{ErrorCode::invalid, fmt::format("expected an answer of {} streams, saw {}",
                                                 our_offer.media.size(), their_answer.media.size())};
  const Media& m = their_answer.media[*place];
  if (m.kind != MediaKind::audio)
    return Error{ErrorCode::invalid, fmt::format("expected audio as stream {} of the answer, saw \"{}\"",
                                                 *place + 1, printable(m.kind_text))};
  if (m.port == 0) return refused("they refused the audio stream");
  if (!is_spoken(m.proto)) return refused(fmt::format("they answered with {}", printable(m.proto)));
  auto read = read_transport(local, their_answer, m, our_offer.direction_of(ours), ours.rtcp_mux);
  if (!read) return read;
  auto srtp = conclude_srtp(local.srtp, ours, m);
  if (!srtp) return srtp.error();
  read->srtp = std::move(*srtp);

  if (!sends(our_offer.direction_of(ours))) read->held = false;  // they only follow what we asked for
  const std::vector<Payload> theirs = read_payloads(m, &ours), offered = read_payloads(ours, nullptr);
  for (AgreedPayload& p : match_codecs(local.codecs, theirs)) {
    const Payload* mine = payload_of(offered, local.codecs[p.codec]);
    if (!mine) continue;
    p.receive_type = mine->map.type;
    read->payloads.push_back(std::move(p));
  }
  if (read->payloads.empty()) return no_codec_in_common(local, theirs);
  const Payload* event = pick_event(theirs, local.codecs[read->payloads.front().codec].clock_rate);
  const Payload* our_event = event ? pick_event(offered, event->map.clock_rate) : nullptr;
  if (event && our_event && our_event->map.clock_rate == event->map.clock_rate) {
    read->event_receive_type = our_event->map.type;
    read->event_send_type = event->map.type;
    read->event_clock_rate = event->map.clock_rate;
  }
  const auto pair_up = [&](const char* name, std::vector<AgreedType>& into) {
    for (const Payload* beside : pick_beside(name, theirs, local.codecs, read->payloads))
      for (const Payload& mine : offered)
        if (same_name(mine.map.name, name) && mine.map.clock_rate == beside->map.clock_rate)
          into.push_back({mine.map.type, beside->map.type, mine.map.clock_rate});
  };
  pair_up(kNoiseName, read->noise);
  pair_up(kEventName, read->other_events);
  std::erase_if(read->other_events, [&](const AgreedType& one) {
    return read->event_receive_type < 0 || one.clock_rate == read->event_clock_rate;
  });
  return read;
}

void remember(SessionState& state, const Description& sent) {
  for (const Media& m : sent.media) {
    if (m.kind != MediaKind::audio || m.port == 0) continue;
    for (const Rtpmap& map : m.rtpmaps) {
      std::erase_if(state.bindings, [&](const Binding& b) { return b.type == map.type; });
      state.bindings.push_back(
          {map.type, map.name, map.clock_rate, map.channels, std::string(m.fmtp_of(map.type))});
    }
  }
  state.ours = sent;
}

bool same_session(const Description& previous, const Description& next) {
  Origin aligned = next.origin;
  aligned.version = previous.origin.version;
  return aligned == previous.origin;
}

bool is_refresh(const Description& previous, const Description& next) {
  return previous.origin == next.origin;
}

std::optional<NoisePolicy> noise_policy_named(std::string_view name) {
  if (name == "off") return NoisePolicy::off;
  if (name == "accept") return NoisePolicy::accept;
  if (name == "offer") return NoisePolicy::offer;
  if (name == "send") return NoisePolicy::send;
  return std::nullopt;
}

std::optional<SrtpPolicy> srtp_policy_named(std::string_view name) {
  if (name == "off") return SrtpPolicy::off;
  if (name == "accept") return SrtpPolicy::accept;
  if (name == "optional") return SrtpPolicy::optional;
  if (name == "required") return SrtpPolicy::required;
  return std::nullopt;
}

int sip_code(const Error& error) {
  if (error.code == ErrorCode::unsupported) return 488;
  if (error.code == ErrorCode::exhausted) return 413;
  return 400;
}

}  // namespace tandem::sdp
