// Socket pairs: opened, told their codecs, joined, closed.
#include <fmt/format.h>

#include <algorithm>

#include "core/anchor/anchors.hpp"
#include "core/anchor/codec_lists.hpp"
#include "core/anchor/opaque_codecs.hpp"
#include "core/anchor/payloads.hpp"
#include "core/base/log.hpp"

namespace tandem::anchor {
namespace {

// Whether the offerer, and whether the answerer, hears himself. What the answer asks for stands above that of
// its offer.
std::pair<bool, bool> who_echoes(Echo offer, Echo answer) {
  const bool by_answer = answer != Echo::none;
  const Echo one = by_answer ? answer : offer;
  if (one == Echo::both) return {true, true};
  const Echo towards_answerer = by_answer ? Echo::sender : Echo::receiver;
  const Echo towards_offerer = by_answer ? Echo::receiver : Echo::sender;
  return {one == towards_offerer, one == towards_answerer};
}

// What is not echoed goes nowhere.
void keep_back(media::LegConfig& offerer, media::LegConfig& answerer, Echo offer, Echo answer) {
  const auto [first, second] = who_echoes(offer, answer);
  offerer.receive = offerer.receive && first;
  answerer.receive = answerer.receive && second;
}

// Who answers with parameters that cannot go with what was offered sends by its own.
Format as_it_will_be_sent(Format offered, const Format& answered) {
  if (!answered.agrees(offered)) offered.fmtp = answered.fmtp;
  return offered;
}

bool is_coded_here(const media::LegConfig& config) {
  return !OpaqueCodecs::is_opaque(config.payloads.front().codec);
}

// What is not to be relayed as it comes, or in packets of another length. A codec that nobody here knows
// passes all the same: anything else would be silence.
void code_anew(media::LegConfig& offerer, media::LegConfig& answerer, const Options& offer,
               const Options& answer, unsigned own_ptime, std::vector<std::string>& warnings) {
  const bool forced = offer.force_transcoding || answer.force_transcoding;
  const bool cut = offer.ptime_ms != 0 || offer.ptime_reverse_ms != 0;
  const bool known = is_coded_here(offerer) && is_coded_here(answerer);
  if ((forced || cut) && !known)
    warnings.push_back(fmt::format("{} is not coded here: its packets pass as they are",
                                   offerer.payloads.front().codec->name));
  offerer.may_relay = answerer.may_relay = !forced || !known;
  answerer.ptime_fixed = known && offer.ptime_ms != 0;
  offerer.ptime_fixed = known && (offer.ptime_reverse_ms != 0 || (offer.ptime_ms != 0 && own_ptime != 0));
}

// codec-transcode=telephone-event: the tones of who has no events become such for who has them. The other way
// round needs no order, it is how a leg without events is told keys.
void convert_keys(Line& a, Line& b, const CodecOptions& options) {
  const bool asked = names(options.transcode, "telephone-event");
  a.converts_keys = asked && !has_events(a.agreed) && has_events(b.agreed);
  b.converts_keys = asked && !has_events(b.agreed) && has_events(a.agreed);
}

}  // namespace

Result<Line*> Anchors::ensure_line(Call& call, Party& party, std::size_t i, Family family,
                                   session::MediaId near) {
  if (party.lines.size() <= i) party.lines.resize(i + 1);
  Line& line = party.lines[i];
  if (line.opened.id != 0 && line.opened.rtp.family() == family) return &line;
  close_line(party, i);
  session::OpenSpec spec;
  spec.family = family;
  spec.near = near;
  for (const auto& other : call.parties)  // what is joined must live on one media loop
    for (const Line& one : other->lines)
      if (spec.near == 0) spec.near = one.opened.id;
  const Interface* interface = interfaces_.find(party.interface_name, family);
  if (interface != nullptr) spec.local_host = interface->address;
  auto opened = media_.open(spec);
  if (!opened) {
    if (opened.error().code == ErrorCode::exhausted) {
      counts_.refused_limit.add();
      log::warn("anchor", "{}", opened.error().message);
      return Error{ErrorCode::exhausted, "Ran out of ports"};  // the words that proxies look for
    }
    return opened.error();
  }
  line.opened = *opened;
  line.rtp = opened->rtp;
  line.rtcp = opened->rtcp;
  if (interface != nullptr && !interface->advertised.empty()) {
    if (auto shown = Address::parse(interface->advertised, opened->rtp.port())) {
      line.rtp = line.rtcp = *shown;
      line.rtcp.set_port(opened->rtcp.port());
    }
  }
  party.family = family;
  owners_[opened->id] = {call.id, &party, i};
  return &line;
}

// Both sides of one section as this answer leaves them.
Result<void> Anchors::agree(Call& call, Exchange& exchange, std::size_t i,
                            const std::vector<Format>& answered, const std::vector<Format>& told,
                            media::LegConfig answerer, const Options& options,
                            std::vector<std::string>& warnings) {
  OfferedSection& section = exchange.sections[i];
  media::LegConfig offerer = section.offerer;
  clear_payloads(offerer);
  if (section.how == OfferedSection::How::opaque) {
    for (media::LegConfig* config : {&offerer, &answerer}) {
      config->opaque = true;
      config->payloads.push_back({datagrams_, 0, 0, "", ""});
    }
  } else {
    std::vector<Format> ours = told, theirs = answered;
    events_by_clock(ours);
    events_by_clock(theirs);
    for (const Format& format : ours)  // towards the offerer: what our answer says, under its numbers
      if (const Format* offered = find_same(section.offered, format)) add_payload(offerer, format, *offered);
    for (const Format& format : theirs)  // towards the answerer: what was offered to it
      if (const Format* sent = find_same(section.sent, format))
        add_payload(answerer, as_it_will_be_sent(*sent, format), format);
    if (answerer.payloads.empty()) {  // some answer with what was not offered: understood all the same
      warnings.emplace_back("the answer accepts no codec that was offered");
      for (const Format& format : theirs)
        if (format.transcodable()) add_payload(answerer, format, format);
    }
    if (answerer.payloads.empty() || offerer.payloads.empty())
      return Error{ErrorCode::unsupported, "the answer accepts no codec that was offered"};
    for (media::LegConfig* config : {&offerer, &answerer}) {
      set_encoders(*config, exchange.options.codecs);
      set_encoders(*config, options.codecs);
    }
    code_anew(offerer, answerer, exchange.options, options, section.ptime_ms, warnings);
  }
  Line& a = exchange.offerer->lines[i];
  Line& b = exchange.answerer->lines[i];
  a.agreed = std::move(offerer);
  b.agreed = std::move(answerer);
  convert_keys(a, b, exchange.options.codecs);
  const bool echoes = options.echo != Echo::none || exchange.options.echo != Echo::none;
  if (echoes) keep_back(a.agreed, b.agreed, exchange.options.echo, options.echo);
  if (auto set = apply(*exchange.offerer, a); !set) return set;
  if (auto set = apply(*exchange.answerer, b); !set) return set;
  auto joined = echoes ? echo(*exchange.offerer, *exchange.answerer, i, exchange.options, options)
                       : join(*exchange.offerer, i, *exchange.answerer, i);
  if (!call.flows.empty()) attach_flows(call);
  if (auto kept = keep_forwarding(call); !kept) warnings.push_back("not forwarded: " + kept.error().message);
  return joined;
}

Result<void> Anchors::join(Party& a, std::size_t i, Party& b, std::size_t k) {
  Line& mine = a.lines[i];
  Line& theirs = b.lines[k];
  if (mine.agreed.opaque != theirs.agreed.opaque)
    return Error{ErrorCode::unsupported,
                 fmt::format("{}: one side is passed as it is, the other is coded here", mine.kind)};
  for (Party* party : {&a, &b})
    if (party->partner != nullptr && party->partner->partner == party) party->partner->partner = nullptr;
  a.partner = &b;
  b.partner = &a;
  if (mine.joined == theirs.opened.id && theirs.joined == mine.opened.id) return {};
  for (const session::MediaId before : {mine.joined, theirs.joined}) {  // they hear nobody now
    const auto owner = owners_.find(before);
    if (owner == owners_.end() || owner->second.index >= owner->second.party->lines.size()) continue;
    owner->second.party->lines[owner->second.index].joined = 0;
  }
  auto joined = media_.join(mine.opened.id, theirs.opened.id);
  if (!joined) return joined;
  mine.joined = theirs.opened.id;
  theirs.joined = mine.opened.id;
  return {};
}

// Partners whose lines are not joined with each other, but with themselves or with nothing.
Result<void> Anchors::echo(Party& a, Party& b, std::size_t i, const Options& offer, const Options& answer) {
  const auto [first, second] = who_echoes(offer.echo, answer.echo);
  a.partner = &b;
  b.partner = &a;
  for (const auto& [line, echoes] : {std::pair(&a.lines[i], first), std::pair(&b.lines[i], second)}) {
    const session::MediaId wanted = echoes ? line->opened.id : 0;
    if (line->joined == wanted) continue;
    if (line->joined != 0) media_.split(line->opened.id);
    if (echoes)
      if (auto joined = media_.join(wanted, wanted); !joined) return joined;
    line->joined = wanted;
  }
  return {};
}

// Its lines leave their pairs.
void Anchors::part(Party& party) {
  for (Line& line : party.lines) {
    if (line.joined == 0) continue;
    if (const auto other = owners_.find(line.joined); other != owners_.end())
      other->second.party->lines[other->second.index].joined = 0;
    line.joined = 0;
    media_.split(line.opened.id);
  }
  if (party.partner != nullptr && party.partner->partner == &party) party.partner->partner = nullptr;
  party.partner = nullptr;
}

void Anchors::close_line(Party& party, std::size_t i) {
  if (i >= party.lines.size() || party.lines[i].opened.id == 0) return;
  Line line = std::exchange(party.lines[i], {});
  const auto owner = owners_.find(line.opened.id);
  Call* call = owner == owners_.end() ? nullptr : find(owner->second.call_id);
  if (call != nullptr)  // the media engine ends them with the leg
    for (Flow& flow : call->flows)
      if ((flow.from == &party && flow.from_line == i) || (flow.to == &party && flow.to_line == i))
        flow.feed = 0;
  if (line.recording != 0) media_.stop_recording(line.recording);
  if (line.stream != 0) media_.stop_stream(line.stream);
  if (const auto other = owners_.find(line.joined); other != owners_.end()) {
    Party& peer = *other->second.party;
    if (other->second.index < peer.lines.size()) peer.lines[other->second.index].joined = 0;
  }
  owners_.erase(line.opened.id);
  media_.close(line.opened.id);
}

void Anchors::close_party(Call& call, Party* party) {
  timers_.cancel(party->keys.timer);
  for (std::size_t i = 0; i < party->lines.size(); ++i) close_line(*party, i);
  std::erase_if(call.exchanges, [&](const Exchange& e) { return e.offerer == party || e.answerer == party; });
  end_flows(call, [party](const Flow& flow) { return flow.from == party || flow.to == party; });
  for (const auto& other : call.parties)
    if (other->partner == party) other->partner = nullptr;
  std::erase_if(call.parties, [&](const auto& one) { return one.get() == party; });
}

void Anchors::close_call(const std::string& call_id, const char* why) {
  const auto merged = merged_.find(call_id);
  const auto found = calls_.find(merged == merged_.end() ? call_id : merged->second);
  if (found == calls_.end()) return;
  const std::unique_ptr<Call> call = std::move(found->second);
  calls_.erase(found);
  for (const std::string& alias : call->aliases) merged_.erase(alias);
  for (const TimerId timer : {call->deletion, call->offer_timer, call->watch}) timers_.cancel(timer);
  for (const auto& party : call->parties) timers_.cancel(party->keys.timer);
  for (const auto& party : call->parties)
    for (std::size_t i = 0; i < party->lines.size(); ++i) close_line(*party, i);
  if (*why != 0) tell({"anchor.ended", call->id, "", why, 0});
}

}  // namespace tandem::anchor
