// Parties that we offer to: what an offer of ours says, what its answer comes to, and the watch over calls
// that nobody answers for.
#include <fmt/format.h>

#include <algorithm>

#include "core/anchor/anchors.hpp"
#include "core/anchor/payloads.hpp"
#include "core/anchor/profile.hpp"
#include "core/anchor/sdes.hpp"
#include "core/base/id.hpp"
#include "core/base/log.hpp"
#include "core/base/text.hpp"

namespace tandem::anchor {

Result<OwnSection> Anchors::ask_section(Call& call, Party& party, std::size_t i, AskedSection asked,
                                        const std::string& proto, const Options& options,
                                        std::vector<std::string>& warnings) {
  if (is_rtp(proto) && (is_dtls(proto) || (asked.opaque && is_secure(proto))))
    return Error{ErrorCode::unsupported,
                 fmt::format("{} cannot be offered here: DTLS is passed from end to end only", proto)};
  const Family family =
      options.address_family.value_or(party.family != Family::none ? party.family : config_.default_family);
  auto line = ensure_line(call, party, i, family, 0);
  if (!line) return line.error();
  OwnSection section;
  section.kind = asked.kind;
  section.proto = proto;
  section.rtp = (*line)->rtp;
  section.rtcp = (*line)->rtcp;
  (*line)->kind = asked.kind;
  (*line)->proto = proto;
  asked.mux = options.mux.offer || options.mux.require;
  asked.secure = is_secure(proto);
  if (!asked.opaque) {
    Chosen chosen = offer_formats(asked.sent, options.codecs, codecs_);
    for (std::string& warning : chosen.warnings) warnings.push_back(std::move(warning));
    asked.sent = section.formats = std::move(chosen.formats);
  }
  if (asked.secure) {
    auto crypto = offer_keys(**line, {}, options);
    if (!crypto) return crypto.error();
    section.crypto = std::move(*crypto);
  }
  section.mux = asked.mux;
  section.ptime_ms = options.ptime_ms;
  asked.ice = offer_ice(**line, PeerIce{}, options);
  if (asked.ice)
    section.ice = ice_text(**line, options.media_address, OnePort{asked.mux && options.mux.require});
  party.asked[i] = std::move(asked);
  return section;
}

Result<std::vector<std::string>> Anchors::take_answer(Call& call, Party& party, const std::string& text,
                                                      const Options& options) {
  if (party.asked.empty())
    return Error{ErrorCode::not_found, "this answer has no offer: nothing was offered to that party"};
  auto parsed = sdp::parse(text);
  if (!parsed) return Error{parsed.error().code, "Failed to parse SDP: " + parsed.error().message};
  if (parsed->media.size() != party.asked.size())
    return Error{ErrorCode::invalid, fmt::format("the offer has {} m= lines, this answer has {}",
                                                 party.asked.size(), parsed->media.size())};
  std::vector<std::string> warnings;
  if (!options.label.empty()) party.label = options.label;
  for (std::size_t i = 0; i < party.asked.size(); ++i) {
    if (auto taken = take_answered_section(call, party, i, *parsed, options, warnings); !taken) {
      counts_.errors.add();
      return taken.error();
    }
  }
  call.last_signal = timers_.now();
  attach_flows(call);
  if (auto kept = keep_forwarding(call); !kept) warnings.push_back("not forwarded: " + kept.error().message);
  return warnings;
}

Result<void> Anchors::take_answered_section(Call& call, Party& party, std::size_t i,
                                            const sdp::Description& sdp, const Options& options,
                                            std::vector<std::string>& warnings) {
  const AskedSection& asked = party.asked[i];
  const sdp::Media& media = sdp.media[i];
  if (media.port == 0) {
    close_line(party, i);
    return {};
  }
  if (!same_name(media.kind_text, asked.kind))
    return Error{ErrorCode::invalid, fmt::format("m= line {} was offered as {}, is answered as {}", i + 1,
                                                 asked.kind, sdp::printable(media.kind_text))};
  auto line = ensure_line(call, party, i, party.family, 0);
  if (!line) return line.error();
  auto side = read_side(sdp, media, options, (*line)->opened.rtp.family());
  if (!side) return side.error();
  media::LegConfig& config = side->config;
  config.receive = config.receive && (party.role == Role::created || party.bidirectional);
  config.rtcp_mux = asked.mux && media.rtcp_mux;
  agree_ice(**line, read_ice(sdp, media), asked.ice);
  config.symmetric = config.symmetric && !options.asymmetric;
  if (asked.opaque) {
    config.opaque = true;
    config.payloads.push_back({datagrams_, 0, 0, "", ""});
  } else {
    std::vector<Format> answered = read_formats(media, codecs_);
    events_by_clock(answered);
    for (const Format& format : answered)
      if (const Format* sent = find_same(asked.sent, format)) add_payload(config, *sent, format);
    if (config.payloads.empty()) {
      warnings.emplace_back("the answer accepts no codec that was offered");
      for (const Format& format : answered)
        if (format.transcodable()) add_payload(config, format, format);
    }
    if (config.payloads.empty())
      return Error{ErrorCode::unsupported, "the answer accepts no codec that was offered"};
    set_encoders(config, options.codecs);
    config.may_relay = asked.may_relay && !options.force_transcoding;
    if (!asked.may_relay) config.send_ptime_ms = asked.ptime_ms;
  }
  if (asked.secure) {
    const auto pair = sdp::match_crypto((*line)->keys, media, flags_of((*line)->keys));
    if (!pair) return pair.error();
    config.srtp = media::SrtpConfig{pair->send, pair->receive};
  }
  (*line)->agreed = std::move(config);
  return apply(party, **line);
}

// ---- create

// What is offered: of a party that stands what it has, of a new one what is wanted.
Result<Anchors::SectionsOf> Anchors::sections_of(Call&, Party& party, const std::vector<WantedMedia>& wanted,
                                                 const Options& options) {
  SectionsOf out;
  for (const Line& line : party.lines) {
    if (line.opened.id == 0 || (!line.configured && party.asked.empty())) continue;
    AskedSection asked;
    asked.kind = line.kind;
    asked.opaque = line.agreed.opaque;
    asked.sent = formats_of(line.agreed);
    if (!line.configured) asked = party.asked[out.size()];
    out.emplace_back(std::move(asked), profile_out(line.proto, options));
  }
  if (!out.empty()) return out;
  std::vector<WantedMedia> all = wanted;
  if (all.empty()) all.push_back({"audio", options.codecs.offer});
  for (WantedMedia& one : all) {
    AskedSection asked;
    asked.kind = one.kind;
    if (one.kind != "audio")
      return Error{ErrorCode::unsupported,
                   fmt::format("create: expected audio, got \"{}\"", sdp::printable(one.kind))};
    if (one.codecs.empty()) one.codecs = {"PCMA", "PCMU"};
    for (const std::string& spec : one.codecs) {
      if (same_name(spec, "telephone-event")) continue;
      auto format = make_format(spec, asked.sent, codecs_);
      if (!format) return format.error();
      asked.sent.push_back(std::move(*format));
    }
    if (asked.sent.empty()) return Error{ErrorCode::invalid, "create: expected a codec"};
    out.emplace_back(std::move(asked), options.transport.empty() ? "RTP/AVP" : options.transport);
  }
  return out;
}

// The party alone in its call that `who` names, made where it is not there yet; names left out are made up
// and told in `out`.
Result<Anchors::Entered> Anchors::enter(const Selector& who, Role role, const Options& options,
                                        CreateOutcome& out) {
  out.call_id = who.call_id.empty() ? make_id("call") : who.call_id;
  out.from_tag = who.from_tag.empty() ? make_id(role == Role::publisher   ? "pub"
                                                : role == Role::transform ? "transform"
                                                                          : "made")
                                      : who.from_tag;
  Entered in;
  auto call = open_call(out.call_id, in.fresh);
  if (!call) return call.error();
  in.call = *call;
  in.party = in.call->by_tag(out.from_tag);
  in.made = in.party == nullptr;
  if (!in.made && role != Role::created && in.party->role != role)
    return turn_back(in, {ErrorCode::conflict, "that from-tag is another kind of party of the call already"});
  if (in.made && in.call->parties.size() >= kPartiesPerCallMax)
    return turn_back(
        in, {ErrorCode::exhausted, fmt::format("a call has at most {} parties", kPartiesPerCallMax)});
  if (in.made) in.party = &made_party(*in.call, out.from_tag, role);
  choose_interface(*in.party, options, out.warnings);
  if (!options.label.empty()) in.party->label = options.label;
  return in;
}

// Takes back what enter() made.
Error Anchors::turn_back(const Entered& in, Error error) {
  counts_.errors.add();
  if (in.fresh) {
    const std::string id = in.call->id;  // goes with the call
    close_call(id, "");
  } else if (in.made && in.party != nullptr) {
    close_party(*in.call, in.party);
  }
  return error;
}

Result<CreateOutcome> Anchors::create(const Selector& who, const std::vector<WantedMedia>& wanted,
                                      const Options& options) {
  CreateOutcome out;
  auto in = enter(who, Role::created, options, out);
  if (!in) return in.error();
  Party& party = *in->party;
  auto sections = sections_of(*in->call, party, wanted, options);
  if (!sections) return turn_back(*in, sections.error());
  Options after = options;  // the list of a new party's codecs is its order already
  if (in->made) after.codecs.offer.clear();
  party.asked.assign(sections->size(), {});
  std::vector<OwnSection> own;
  for (std::size_t i = 0; i < sections->size(); ++i) {
    auto section = ask_section(*in->call, party, i, std::move((*sections)[i].first), (*sections)[i].second,
                               after, out.warnings);
    if (!section) return turn_back(*in, section.error());
    section->format_text = party.lines[i].format_text;
    section->format_lines = party.lines[i].format_lines;
    own.push_back(std::move(*section));
  }
  out.sdp = print_own_sdp(own, party.sdp_session, ++party.sdp_version, options);
  if (in->fresh) counts_.calls.add();
  in->call->last_signal = timers_.now();
  watch(*in->call);
  return out;
}

Result<std::vector<std::string>> Anchors::create_answer(const Selector& who, const std::string& text,
                                                        const Options& options) {
  auto call = demand(who.call_id);
  if (!call) return call.error();
  if (who.from_tag.empty()) return Error{ErrorCode::invalid, "No from-tag in message"};
  Party* party = (*call)->by_tag(who.from_tag);
  if (party == nullptr) return Error{ErrorCode::not_found, "From-tag not found"};
  return take_answer(**call, *party, text, options);
}

// A call without offer and answer has nobody who would miss the other: it ends when nothing at all came for
// the timeout.
void Anchors::watch(Call& call) {
  if (call.watch != 0 || config_.media_timeout <= seconds(0)) return;
  call.watch = timers_.after(config_.media_timeout, [this, id = call.id] {
    Call* late = find(id);
    if (late == nullptr) return;
    late->watch = 0;
    watch(*late);
    const bool joined = std::any_of(late->parties.begin(), late->parties.end(),
                                    [](const auto& party) { return party->partner != nullptr; });
    if (joined) return;  // its lines say themselves when they fall silent
    report(*late, [this, id, alive = std::weak_ptr(alive_)](const Result<CallReport>& told) {
      Call* still = alive.lock() ? find(id) : nullptr;
      if (still == nullptr || !told) return;
      std::uint64_t packets = 0;
      for (const PartyReport& party : told->parties)
        for (const LineReport& line : party.lines) packets += line.stats.received.packets;
      if (std::exchange(still->packets_then, packets) != packets) return;
      if (timers_.now() - still->last_signal < config_.media_timeout) return;
      counts_.timeouts.add();
      log::info("anchor", "call {} ends: no media for {} s", id, config_.media_timeout.count());
      close_call(id, "media_timeout");
    });
  });
}

}  // namespace tandem::anchor
