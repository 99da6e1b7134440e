// Offers and answers: what leaves. Who is meant is found in anchors_parties.cpp, what their SDP says is read
// in anchors_read.cpp; socket pairs and agreement are in anchors_lines.cpp, the other verbs in
// anchors_acts.cpp.
#include "core/anchor/anchors.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/anchor/profile.hpp"
#include "core/anchor/sdes.hpp"
#include "core/base/id.hpp"
#include "core/base/log.hpp"
#include "core/sdp/negotiate.hpp"

namespace tandem::anchor {
namespace {

constexpr std::size_t kPartiesMax = 64;  // in one call: forks

Result<void> check_names(const Selector& who) {
  for (const std::string* name : {&who.call_id, &who.from_tag, &who.to_tag, &who.via_branch, &who.label})
    if (name->size() > 1024)
      return Error{ErrorCode::invalid, "call-id, tags, branch and label: expected at most 1024 bytes"};
  if (who.call_id.empty()) return Error{ErrorCode::invalid, "No call-id in message"};
  if (who.from_tag.empty()) return Error{ErrorCode::invalid, "No from-tag in message"};
  return {};
}

bool mux_to_answerer(bool offered, const MuxOptions& o) {
  if (o.offer || o.require) return true;
  if (o.demux || o.reject) return false;
  return offered;
}

bool changed(const std::vector<Format>& before, const std::vector<Format>& after) {
  if (before.size() != after.size()) return true;
  for (std::size_t i = 0; i < before.size(); ++i)
    if (after[i].added || before[i].source_type != after[i].source_type || after[i].type != before[i].type)
      return true;
  return false;
}

// By its c=, of the section or of the session; 0.0.0.0 is where nothing is sent, for whom has a family
// already.
Family family_of(const sdp::Connection* said, Family before, Family usual) {
  const bool nowhere = said != nullptr && said->address.valid() && said->address.is_unspecified();
  if (said == nullptr || (nowhere && before != Family::none)) return before != Family::none ? before : usual;
  return said->family;
}

// RFC 3264 5.1: 0.0.0.0 was how a hold was said. With another address in its place it is said as a direction.
void say_hold(SectionEdit& edit, bool zero_address, const Options& options) {
  if (!zero_address) return;
  edit.sends_only = options.replace_zero_address || !edit.host.empty();
  if (!edit.sends_only) edit.host = edit.rtp.family() == Family::v6 ? "::" : "0.0.0.0";
}

}  // namespace

Anchors::Anchors(Timers& timers, session::Media& media, Codecs codecs, AnchorsConfig config,
                 std::function<void(const AnchorEvent&)> on_event)
    : timers_(timers),
      media_(media),
      codecs_(codecs),
      config_(std::move(config)),
      interfaces_(config_.interfaces),
      on_event_(std::move(on_event)),
      loop_mark_("a=tandem-anchor:" + make_id()),
      datagrams_(codecs.opaque.get("datagrams", 8000, 1)) {}  // before strangers' names fill the table

Anchors::~Anchors() {
  alive_.reset();
  while (!calls_.empty()) close_call(calls_.begin()->first, "");
}

Call* Anchors::find(const std::string& call_id) {
  auto found = calls_.find(call_id);
  if (found != calls_.end()) return found->second.get();
  const auto merged = merged_.find(call_id);
  if (merged != merged_.end()) found = calls_.find(merged->second);
  return found == calls_.end() ? nullptr : found->second.get();
}

Result<Call*> Anchors::demand(const std::string& call_id) {
  if (Call* call = find(call_id)) return call;
  return Error{ErrorCode::not_found, "Unknown call-id"};
}

Result<Call*> Anchors::open_call(const std::string& call_id, bool& fresh) {
  Call* call = find(call_id);
  fresh = call == nullptr;
  if (!fresh) return call;
  if (calls_.size() >= config_.calls_max) {
    counts_.refused_limit.add();
    return Error{ErrorCode::exhausted, "Parallel session limit reached"};
  }
  auto made = std::make_unique<Call>();
  made->id = call_id;
  made->created = made->last_signal = timers_.now();
  made->created_at = timers_.wall_now();
  return calls_.emplace(call_id, std::move(made)).first->second.get();
}

// ---- offer

Result<SdpOutcome> Anchors::offer(const Selector& who, const std::string& text, const Options& options) {
  counts_.offers.add();
  if (auto good = check_names(who); !good) return counts_.errors.add(), good.error();
  bool fresh = false;
  auto call = open_call(who.call_id, fresh);
  if (!call) return call.error();
  auto done = offer_in(**call, who, text, options);
  if (done) {
    if (fresh) counts_.calls.add();
    return done;
  }
  counts_.errors.add();
  if (fresh) close_call(who.call_id, "");
  return done;
}

Result<SdpOutcome> Anchors::offer_in(Call& call, const Selector& who, const std::string& text,
                                     const Options& options) {
  auto parsed = sdp::parse(text);
  if (!parsed) return Error{parsed.error().code, "Failed to parse SDP: " + parsed.error().message};
  if (call.parties.size() + 2 > kPartiesMax)
    return Error{ErrorCode::exhausted, fmt::format("a call has at most {} parties", kPartiesMax)};
  if (options.loop_protect && text.find(loop_mark_) != std::string::npos)
    return SdpOutcome{text, {"the SDP has been here before: left as it is"}};
  std::vector<OfferedSection> sections;
  for (std::size_t i = 0; i < parsed->media.size(); ++i) {
    auto section = read_offered(*parsed, i, options);
    if (!section) return section.error();
    sections.push_back(std::move(*section));
  }
  Party& offerer = offerer_of(call, who);
  Party& answerer = answerer_of(call, offerer, who);
  Exchange& exchange = exchange_of(call, offerer, answerer);
  exchange.options = options;
  exchange.sections = std::move(sections);
  note_removed(SdpText::split(text), exchange.sections);
  SdpOutcome out;
  if (!options.label.empty()) offerer.label = options.label;
  answerer.asymmetric = answerer.asymmetric || options.asymmetric;
  if (options.block_dtmf || options.keys) set_keys(offerer, options.keys.value_or(KeyOrder{}));
  for (std::size_t i = 0; i < options.direction.size() && i < 2; ++i) {
    (i == 0 ? offerer : answerer).interface_name = options.direction[i];
    if (!config_.interfaces.empty() && !interfaces_.known(options.direction[i]))
      out.warnings.push_back(fmt::format("interface \"{}\" is not configured: the first one is used",
                                         sdp::printable(options.direction[i])));
  }
  if (options.record) call.recording = true;
  if (options.drop) call.dropped = *options.drop;
  if (!options.metadata.empty()) call.metadata = options.metadata;
  std::vector<SectionEdit> edits;
  for (std::size_t i = 0; i < parsed->media.size(); ++i) {
    auto edit = edit_offer(call, exchange, i, *parsed, options, out.warnings);
    if (!edit) return edit.error();
    OfferedSection& section = exchange.sections[i];
    if (edit->act == SectionEdit::Act::anchor) {
      auto side = read_side(*parsed, parsed->media[i], options, Family::none);
      if (!side) return side.error();
      say_hold(*edit, side->zero_address, options);
      if (options.ptime_reverse_ms != 0) side->config.send_ptime_ms = options.ptime_reverse_ms;
      side->config.symmetric = side->config.symmetric && !offerer.asymmetric;
      section.offerer = std::move(side->config);
      Line& line = exchange.answerer->lines[i];
      section.ice_sent = offer_ice(line, section.ice, options);
      if (section.ice_sent) edit->ice = ice_text(line, edit->host, OnePort{edit->mux && options.mux.require});
      if (options.ice_reject) section.ice = {};
    }
    edits.push_back(std::move(*edit));
  }
  SessionEdit session;
  if (options.loop_protect) session.loop_mark = loop_mark_;
  out.sdp = rewrite(SdpText::split(text), edits, session, options);
  if (options.drop)
    if (auto set = apply_all(call, nullptr); !set) return set.error();
  call.last_signal = timers_.now();
  timers_.cancel(call.deletion);
  call.deletion = 0;
  if (!call.any_answer && call.offer_timer == 0)
    call.offer_timer = timers_.after(config_.offer_timeout, [this, id = call.id] {
      if (Call* late = find(id); late != nullptr && !late->any_answer) close_call(id, "offer_timeout");
    });
  return out;
}

Result<SectionEdit> Anchors::edit_offer(Call& call, Exchange& exchange, std::size_t i,
                                        const sdp::Description& sdp, const Options& options,
                                        std::vector<std::string>& warnings) {
  const sdp::Media& media = sdp.media[i];
  OfferedSection& section = exchange.sections[i];
  SectionEdit edit;
  edit.act = section.how == OfferedSection::How::past       ? SectionEdit::Act::keep
             : section.how == OfferedSection::How::rejected ? SectionEdit::Act::reject
             : section.how == OfferedSection::How::removed  ? SectionEdit::Act::remove
                                                            : SectionEdit::Act::anchor;
  if (edit.act != SectionEdit::Act::anchor) return edit;
  Party& from = *exchange.offerer;
  Party& to = *exchange.answerer;
  const Family family = family_of(sdp.connection_of(media), from.family, config_.default_family);
  auto mine = ensure_line(call, from, i, family, 0);
  if (!mine) return mine.error();
  auto theirs = ensure_line(call, to, i,
                            options.address_family.value_or(to.family != Family::none ? to.family : family),
                            (*mine)->opened.id);
  if (!theirs) return theirs.error();
  edit.rtp = (*theirs)->rtp;
  edit.rtcp = (*theirs)->rtcp;
  edit.host = options.media_address;
  if (is_rtp(section.proto) && !same_name(options.transport, "accept")) edit.proto = options.transport;
  for (Line* line : {*mine, *theirs}) line->kind = section.kind, line->proto = section.proto;
  edit.opaque = section.how == OfferedSection::How::opaque;
  if (edit.opaque) {
    keep_formats(**mine, media);
    if (!options.codecs.empty() || options.always_transcode)
      if (section.kind == "audio")
        warnings.emplace_back("codecs of an encrypted stream are left as they are");
    edit.mux = media.rtcp_mux;
    return edit;
  }
  Chosen chosen = offer_formats(section.offered, options.codecs, codecs_);
  for (std::string& warning : chosen.warnings) warnings.push_back(std::move(warning));
  section.sent = chosen.formats;
  edit.formats_changed =
      changed(section.offered, chosen.formats) || section.offered.size() != media.formats.size();
  edit.formats = std::move(chosen.formats);
  section.mux_sent = edit.mux = mux_to_answerer(section.mux_offered, options.mux);
  edit.ptime_ms = options.ptime_ms;
  edit.replace_crypto = true;
  if (section.secure_sent) {
    auto crypto = offer_keys(**theirs, section.cryptos, options);
    if (!crypto) return crypto.error();
    edit.crypto = std::move(*crypto);
  }
  return edit;
}

// ---- answer

Result<SdpOutcome> Anchors::answer(const Selector& who, const std::string& text, const Options& options) {
  counts_.answers.add();
  const auto refuse = [this](Error error) -> Result<SdpOutcome> {
    counts_.errors.add();
    return error;
  };
  if (auto good = check_names(who); !good) return refuse(good.error());
  if (who.to_tag.empty()) return refuse({ErrorCode::invalid, "No to-tag in message"});
  auto call = demand(who.call_id);
  if (!call) return refuse(call.error());
  auto parsed = sdp::parse(text);
  if (!parsed) return refuse({parsed.error().code, "Failed to parse SDP: " + parsed.error().message});
  auto found = answered_exchange(**call, who);
  if (!found) return refuse(found.error());
  Exchange& exchange = **found;
  const SdpText whole = with_removed(SdpText::split(text), exchange.sections);
  if (whole.sections.size() != parsed->media.size()) parsed = sdp::parse(whole.print());
  if (!parsed) return refuse({parsed.error().code, "Failed to parse SDP: " + parsed.error().message});
  if (parsed->media.size() != exchange.sections.size())
    return refuse({ErrorCode::invalid, fmt::format("the offer has {} m= lines, this answer has {}",
                                                   exchange.sections.size(), parsed->media.size())});
  SdpOutcome out;
  exchange.offerer->asymmetric = exchange.offerer->asymmetric || options.asymmetric;
  if (!options.label.empty()) exchange.answerer->label = options.label;
  if (options.block_dtmf || options.keys) set_keys(*exchange.answerer, options.keys.value_or(KeyOrder{}));
  if (options.record) (*call)->recording = true;
  if (options.drop) (*call)->dropped = *options.drop;
  std::vector<SectionEdit> edits;
  for (std::size_t i = 0; i < parsed->media.size(); ++i) {
    auto edit = edit_answer(**call, exchange, i, *parsed, options, out.warnings);
    if (!edit) return refuse(edit.error());
    edits.push_back(std::move(*edit));
  }
  SessionEdit session;
  session.answer = true;
  if (options.loop_protect) session.loop_mark = loop_mark_;
  out.sdp = rewrite(whole, edits, session, options);
  exchange.answered = (*call)->any_answer = true;
  (*call)->last_signal = timers_.now();
  timers_.cancel((*call)->offer_timer);
  (*call)->offer_timer = 0;
  if ((*call)->recording) start_recording_if_asked(**call, out.warnings);
  return out;
}

Result<SectionEdit> Anchors::edit_answer(Call& call, Exchange& exchange, std::size_t i,
                                         const sdp::Description& sdp, const Options& options,
                                         std::vector<std::string>& warnings) {
  OfferedSection& section = exchange.sections[i];
  const sdp::Media& media = sdp.media[i];
  Party& offerer = *exchange.offerer;
  Party& answerer = *exchange.answerer;
  SectionEdit edit;
  if (section.how == OfferedSection::How::past) {
    edit.act = SectionEdit::Act::keep;
    return edit;
  }
  if (section.how == OfferedSection::How::rejected || section.how == OfferedSection::How::removed ||
      media.port == 0) {
    edit.act = SectionEdit::Act::reject;
    edit.proto = section.proto;
    close_line(answerer, i);
    if (offerer.partner == &answerer || offerer.partner == nullptr) close_line(offerer, i);
    return edit;
  }
  if (!same_name(media.kind_text, section.kind))
    return Error{ErrorCode::invalid, fmt::format("m= line {} was offered as {}, is answered as {}", i + 1,
                                                 section.kind, sdp::printable(media.kind_text))};
  const Family near = offerer.family != Family::none ? offerer.family : config_.default_family;
  auto line = ensure_line(call, offerer, i, near, 0);
  if (!line) return line.error();
  auto theirs = ensure_line(call, answerer, i, answerer.family, (*line)->opened.id);
  if (!theirs) return theirs.error();
  auto side = read_side(sdp, media, options, (*theirs)->opened.rtp.family());
  if (!side) return side.error();
  edit.rtp = (*line)->rtp;
  edit.rtcp = (*line)->rtcp;
  edit.host = options.media_address;
  say_hold(edit, side->zero_address, options);
  side->config.symmetric = side->config.symmetric && !answerer.asymmetric;
  section.offerer.symmetric = config_.symmetric && !offerer.asymmetric;
  if (exchange.options.tos && !options.tos) side->config.dscp = section.offerer.dscp;
  if (options.tos) section.offerer.dscp = side->config.dscp;
  edit.proto = is_rtp(section.proto) && !same_name(options.transport, "accept") ? section.proto : "";
  edit.opaque = section.how == OfferedSection::How::opaque;
  std::vector<Format> answered;
  if (edit.opaque) {
    keep_formats(**theirs, media);
    section.offerer.rtcp_mux = side->config.rtcp_mux = edit.mux = section.mux_offered && media.rtcp_mux;
  } else {
    answered = read_formats(media, codecs_);
    auto told = answer_formats({section.offered, section.sent, answered, exchange.options.codecs,
                                exchange.options.always_transcode, options.single_codec});
    if (!told) return told.error();
    edit.formats = std::move(*told);
    edit.formats_changed = changed(answered, edit.formats) || answered.size() != media.formats.size();
    const MuxOptions& mux = exchange.options.mux;
    side->config.rtcp_mux = section.mux_sent && (media.rtcp_mux || mux.require);
    section.offerer.rtcp_mux = edit.mux =
        section.mux_offered && !mux.reject && (media.rtcp_mux || mux.demux || mux.accept);
    if (exchange.options.ptime_ms != 0) side->config.send_ptime_ms = exchange.options.ptime_ms;
    edit.ptime_ms = exchange.options.ptime_reverse_ms;
    if (exchange.options.ptime_ms != 0 && edit.ptime_ms == 0) edit.ptime_ms = section.ptime_ms;
    edit.replace_crypto = true;
    if (auto keyed = agree_keys(section, **line, **theirs, media, edit.crypto, side->config, options); !keyed)
      return keyed.error();
  }
  agree_ice(**theirs, read_ice(sdp, media), section.ice_sent);
  if (answer_ice(**line, section.ice, options)) edit.ice = ice_text(**line, edit.host, OnePort{edit.mux});
  if (auto agreed =
          agree(call, exchange, i, answered, edit.formats, std::move(side->config), options, warnings);
      !agreed)
    return agreed.error();
  return edit;
}

}  // namespace tandem::anchor
