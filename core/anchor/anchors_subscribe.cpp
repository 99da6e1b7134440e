// Subscribers and publishers: our offer to one who hears others, our answer to one who is heard, and the
// flows between lines.
#include <fmt/format.h>

#include <algorithm>

#include "core/anchor/anchors.hpp"
#include "core/anchor/payloads.hpp"
#include "core/anchor/profile.hpp"
#include "core/anchor/sdes.hpp"
#include "core/base/id.hpp"
#include "core/base/log.hpp"

namespace tandem::anchor {
namespace {

constexpr std::size_t kSectionsMax = 32;  // of one subscription
constexpr std::size_t kFlowsMax = 1024;   // of one call

const char* direction_of(const media::LegConfig& config) {  // as the party said it
  if (config.receive) return config.send ? "sendrecv" : "sendonly";
  return config.send ? "recvonly" : "inactive";
}

// Of the sources: which lines go into which section of the subscriber's.
struct Plan {
  struct Section {
    std::vector<std::pair<Party*, std::size_t>> lines;
  };
  std::vector<Section> sections;
};

Plan plan_sections(const std::vector<Party*>& sources, bool mix, std::vector<std::string>& warnings) {
  Plan plan;
  std::vector<std::size_t> mixed;  // nth audio line of everybody goes there
  for (Party* source : sources) {
    std::size_t nth = 0;
    for (std::size_t i = 0; i < source->lines.size(); ++i) {
      const Line& line = source->lines[i];
      if (line.opened.id == 0 || !line.configured) continue;
      if (line.agreed.opaque && (is_secure(line.proto) || line.format_text.empty())) {
        warnings.push_back(fmt::format("{} of {} is encrypted from end to end: it cannot be subscribed to",
                                       line.kind, source->tags.empty() ? "?" : source->tags.front()));
        continue;
      }
      if (mix && !line.agreed.opaque) {
        if (nth == mixed.size()) mixed.push_back(plan.sections.size()), plan.sections.emplace_back();
        plan.sections[mixed[nth++]].lines.emplace_back(source, i);
      } else {
        plan.sections.push_back({{{source, i}}});
      }
    }
  }
  return plan;
}

}  // namespace

Party& Anchors::made_party(Call& call, const std::string& tag, Role role) {
  call.parties.push_back(std::make_unique<Party>());
  Party& party = *call.parties.back();
  party.tags.push_back(tag);
  party.role = role;
  party.sdp_session = random_u64() >> 2;
  return party;
}

void Anchors::choose_interface(Party& party, const Options& options,
                               std::vector<std::string>& warnings) const {
  if (options.direction.empty()) return;
  party.interface_name = options.direction.back();
  if (!config_.interfaces.empty() && !interfaces_.known(party.interface_name))
    warnings.push_back(fmt::format("interface \"{}\" is not configured: the first one is used",
                                   sdp::printable(party.interface_name)));
}

Result<std::vector<Party*>> Anchors::choose_sources(Call& call, const Selector& who, const Sources& sources,
                                                    std::vector<std::string>& warnings) {
  std::vector<Party*> out;
  if (sources.all) {
    for (const auto& party : call.parties)
      if (party->role == Role::dialog) out.push_back(party.get());
  } else if (!who.label.empty() || (!who.from_tag.empty() && sources.tags.empty())) {
    auto party = select(call, who, true);
    if (!party) return party.error();
    out.push_back(*party);
  }
  for (const std::string& tag : sources.tags) {
    Party* party = call.by_tag(tag);
    if (party == nullptr) warnings.push_back(fmt::format("no party has the tag \"{}\"", sdp::printable(tag)));
    if (party != nullptr && std::find(out.begin(), out.end(), party) == out.end()) out.push_back(party);
  }
  if (out.empty())
    return Error{
        ErrorCode::not_found,
        "No medias found: expected from-tag, from-tags, a label or all to select a party of the call"};
  return out;
}

// ---- subscribe

Result<SubscribeOutcome> Anchors::subscribe(const Selector& who, const Sources& sources,
                                            const Options& options) {
  auto call = demand(who.call_id);
  if (!call) return call.error();
  SubscribeOutcome out;
  auto chosen = choose_sources(**call, who, sources, out.warnings);
  if (!chosen) return chosen.error();
  out.to_tag = who.to_tag.empty() ? make_id("sub") : who.to_tag;
  Party* party = (*call)->by_tag(out.to_tag);
  if (party != nullptr && party->role != Role::subscriber)
    return Error{ErrorCode::conflict, "that to-tag is a party of the call already, and no subscriber"};
  const Plan plan = plan_sections(*chosen, sources.mix, out.warnings);
  if (plan.sections.empty())
    return Error{ErrorCode::conflict, "nothing of the selected parties can be heard yet"};
  if (plan.sections.size() > kSectionsMax || (*call)->parties.size() >= kPartiesPerCallMax ||
      (*call)->flows.size() >= kFlowsMax) {
    counts_.refused_limit.add();
    return Error{ErrorCode::exhausted, fmt::format("a call has at most {} parties, a subscription {} streams",
                                                   kPartiesPerCallMax, kSectionsMax)};
  }
  const bool fresh = party == nullptr;
  if (fresh) party = &made_party(**call, out.to_tag, Role::subscriber);
  const auto refuse = [&](Error error) -> Result<SubscribeOutcome> {
    counts_.errors.add();
    if (fresh) close_party(**call, party);
    return error;
  };
  end_flows(**call, [party](const Flow& flow) { return flow.to == party || flow.from == party; });
  while (party->lines.size() > plan.sections.size()) {
    close_line(*party, party->lines.size() - 1);
    party->lines.pop_back();
  }
  choose_interface(*party, options, out.warnings);
  party->bidirectional = sources.bidirectional;
  if (!options.label.empty()) party->label = options.label;
  party->asked.assign(plan.sections.size(), {});
  std::vector<OwnSection> sections;
  for (std::size_t i = 0; i < plan.sections.size(); ++i) {
    const auto& lines = plan.sections[i].lines;
    const Line& source = lines.front().first->lines[lines.front().second];
    AskedSection asked;
    asked.kind = source.kind;
    asked.opaque = source.agreed.opaque;
    asked.ptime_ms = options.ptime_ms != 0 ? options.ptime_ms : source.agreed.send_ptime_ms;
    asked.may_relay = !options.force_transcoding && options.ptime_ms == 0;
    if (!asked.opaque) asked.sent = formats_of(source.agreed);
    const std::string text = source.format_text;
    const std::vector<std::string> format_lines = source.format_lines;
    auto section = ask_section(**call, *party, i, std::move(asked), profile_out(source.proto, options),
                               options, out.warnings);
    if (!section) return refuse(section.error());
    section->format_text = text;
    section->format_lines = format_lines;
    section->direction = sources.bidirectional ? "sendrecv" : "sendonly";
    if (sources.label_sections) section->label = std::to_string(i);
    for (const auto& [from, line] : lines) {
      (*call)->flows.push_back({from, line, party, i, 0});
      if (sources.bidirectional) (*call)->flows.push_back({party, i, from, line, 0});
      const Line& heard = from->lines[line];
      out.sources.push_back({from->tags.empty() ? "" : from->tags.front(), from->label, heard.kind,
                             direction_of(heard.agreed), section->label, line + 1});
    }
    sections.push_back(std::move(*section));
  }
  out.sdp = print_own_sdp(sections, party->sdp_session, ++party->sdp_version, options);
  counts_.subscriptions.add();
  (*call)->last_signal = timers_.now();
  return out;
}

Result<std::vector<std::string>> Anchors::subscribe_answer(const Selector& who, const std::string& text,
                                                           const Options& options) {
  auto call = demand(who.call_id);
  if (!call) return call.error();
  if (who.to_tag.empty()) return Error{ErrorCode::invalid, "No to-tag in message"};
  Party* party = (*call)->by_tag(who.to_tag);
  if (party == nullptr || party->role != Role::subscriber)
    return Error{ErrorCode::not_found, "To-tag not found: no subscribe request was made for it"};
  return take_answer(**call, *party, text, options);
}

Result<void> Anchors::unsubscribe(const Selector& who) {
  auto call = demand(who.call_id);
  if (!call) return call.error();
  if (who.to_tag.empty()) return Error{ErrorCode::invalid, "No to-tag in message"};
  Party* party = (*call)->by_tag(who.to_tag);
  if (party == nullptr) return Error{ErrorCode::not_found, "To-tag not found"};
  const Party* source = nullptr;
  if (!who.from_tag.empty()) {
    source = (*call)->by_tag(who.from_tag);
    if (source == nullptr) return Error{ErrorCode::not_found, "From-tag not found"};
  }
  bool hears = false;
  end_flows(**call, [&](const Flow& flow) {
    const bool over =
        (flow.to == party && (source == nullptr || flow.from == source)) ||
        (flow.from == party && party->role == Role::subscriber && (source == nullptr || flow.to == source));
    hears = hears || (flow.to == party && !over);
    return over;
  });
  if (party->role == Role::subscriber && !hears) close_party(**call, party);
  (*call)->last_signal = timers_.now();
  return {};
}

// ---- publish

Result<CreateOutcome> Anchors::publish(const Selector& who, const std::string& text, const Options& options,
                                       Ways ways) {
  auto parsed = sdp::parse(text);
  if (!parsed) return Error{parsed.error().code, "Failed to parse SDP: " + parsed.error().message};
  CreateOutcome out;
  auto in = enter(who, Role::publisher, options, out);
  if (!in) return in.error();
  Call& call = *in->call;
  Party& party = *in->party;
  party.bidirectional = ways == Ways::both;
  std::vector<OwnSection> sections;
  for (std::size_t i = 0; i < parsed->media.size(); ++i) {
    auto section = publish_section(call, party, i, *parsed, options, out.warnings);
    if (!section) return turn_back(*in, section.error());
    sections.push_back(std::move(*section));
  }
  out.sdp = print_own_sdp(sections, party.sdp_session, ++party.sdp_version, options);
  if (in->fresh) counts_.calls.add();
  counts_.publications.add();
  call.last_signal = timers_.now();
  watch(call);
  if (options.record || call.recording) {
    call.recording = true;
    start_recording_if_asked(call, out.warnings);
  }
  attach_flows(call);
  if (auto kept = keep_forwarding(call); !kept)
    out.warnings.push_back("not forwarded: " + kept.error().message);
  return out;
}

Result<OwnSection> Anchors::publish_section(Call& call, Party& party, std::size_t i,
                                            const sdp::Description& sdp, const Options& options,
                                            std::vector<std::string>& warnings) {
  using How = OfferedSection::How;
  const sdp::Media& media = sdp.media[i];
  OwnSection section;
  section.kind = media.kind_text;
  section.proto = media.proto;
  auto offered = read_offered(sdp, i, Options{});
  if (!offered) return offered.error();
  if (offered->how == How::rejected || offered->how == How::past ||
      (offered->how == How::opaque && is_secure(media.proto))) {
    if (offered->how != How::rejected)
      warnings.push_back(fmt::format("m= line {} ({}) cannot be taken in: it is answered with port 0", i + 1,
                                     sdp::printable(media.proto)));
    close_line(party, i);
    for (const std::string& format : media.formats)
      section.format_text += (section.format_text.empty() ? "" : " ") + format;
    return section;
  }
  const sdp::Connection* connection = sdp.connection_of(media);
  auto line =
      ensure_line(call, party, i, connection == nullptr ? config_.default_family : connection->family, 0);
  if (!line) return line.error();
  auto side = read_side(sdp, media, options, (*line)->opened.rtp.family());
  if (!side) return side.error();
  media::LegConfig& config = side->config;
  config.send = config.send && party.bidirectional;
  section.rtp = (*line)->rtp;
  section.rtcp = (*line)->rtcp;
  section.mux = config.rtcp_mux = media.rtcp_mux && !options.mux.reject;
  section.direction = party.bidirectional && config.send ? "sendrecv" : "recvonly";
  (*line)->kind = media.kind_text;
  (*line)->proto = media.proto;
  if (answer_ice(**line, options.ice_reject ? PeerIce{} : read_ice(sdp, media), options))
    section.ice = ice_text(**line, options.media_address, OnePort{section.mux});
  if (offered->how == How::opaque) {
    config.opaque = true;
    config.payloads.push_back({datagrams_, 0, 0, "", ""});
    keep_formats(**line, media);
    section.format_text = (*line)->format_text;
    section.format_lines = (*line)->format_lines;
  } else {
    section.formats = accept_formats(offered->offered, options.codecs);
    if (section.formats.empty())
      return Error{ErrorCode::unsupported, "none of the published codecs can be taken"};
    for (const Format& format : section.formats) add_payload(config, format, format);
    if (offered->crypto) {
      auto key = answer_key(*offered->crypto, **line, config.srtp, options);
      if (!key) return key.error();
      section.crypto.push_back(std::move(*key));
    }
  }
  (*line)->agreed = std::move(config);
  if (auto set = apply(party, **line); !set) return set.error();
  return section;
}

// ---- flows

Result<void> Anchors::add_flow(Call& call, const Flow& wanted) {
  if (call.flows.size() >= kFlowsMax) {
    counts_.refused_limit.add();
    return Error{ErrorCode::exhausted, fmt::format("a call has at most {} flows", kFlowsMax)};
  }
  for (const Flow& flow : call.flows)
    if (flow.from == wanted.from && flow.to == wanted.to && flow.from_line == wanted.from_line &&
        flow.to_line == wanted.to_line)
      return {};
  call.flows.push_back(wanted);
  return {};
}

// Those that stand between two lines with media begin; one that cannot is told in the log and tried again
// with the next answer.
void Anchors::attach_flows(Call& call) {
  for (Flow& flow : call.flows) {
    if (flow.feed != 0 || flow.from_line >= flow.from->lines.size() || flow.to_line >= flow.to->lines.size())
      continue;
    const Line& from = flow.from->lines[flow.from_line];
    const Line& to = flow.to->lines[flow.to_line];
    if (from.opened.id == 0 || to.opened.id == 0 || !from.configured || !to.configured) continue;
    auto feed = media_.listen(from.opened.id, to.opened.id);
    if (feed) {
      flow.feed = *feed;
    } else {
      log::warn("anchor", "call {}: not heard: {}", call.id, feed.error().message);
    }
  }
}

void Anchors::end_flows(Call& call, const std::function<bool(const Flow&)>& over) {
  std::erase_if(call.flows, [&](const Flow& flow) {
    if (!over(flow)) return false;
    if (flow.feed != 0) media_.unlisten(flow.feed);
    return true;
  });
}

}  // namespace tandem::anchor
