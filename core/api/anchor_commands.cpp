// anchor.*: JSON to anchor::Anchors and back. Thread: [control].
#include "core/api/anchor_commands.hpp"

#include <algorithm>

#include "core/api/call_commands.hpp"

namespace tandem::api {
namespace {

using anchor::Anchors;
using anchor::Selector;

constexpr const char* kWho =
    R"("call_id":{"type":"string","minLength":1,"maxLength":1024},"from_tag":{"type":"string","maxLength":1024},
       "to_tag":{"type":"string","maxLength":1024},"via_branch":{"type":"string","maxLength":1024},
       "label":{"type":"string","maxLength":1024},"to_label":{"type":"string","maxLength":1024})";

constexpr const char* kList = R"({"type":"array","maxItems":128,"items":{"type":"string","maxLength":512}})";

constexpr const char* kOptions =
    R"("interfaces":LIST,"address_family":{"enum":["IP4","IP6"]},"media_address":{"type":"string","maxLength":64},
       "received_from":{"type":"string","maxLength":64},"sip_source_address":{"type":"boolean"},
       "srtp_only":LIST,"srtp_without":LIST,"transport":{"type":"string","maxLength":32},"asymmetric":{"type":"boolean"},
       "codecs":{"type":"object","properties":{"strip":LIST,"offer":LIST,"except":LIST,"mask":LIST,"consume":LIST,
          "accept":LIST,"ignore":LIST,"transcode":LIST,"set":LIST}},
       "rtcp_mux":{"type":"array","maxItems":8,"items":{"enum":["offer","require","demux","accept","reject"]}},
       "ptime_ms":{"type":"integer","minimum":0,"maximum":60},"ptime_reverse_ms":{"type":"integer","minimum":0,"maximum":60},
       "always_transcode":{"type":"boolean"},"force_transcoding":{"type":"boolean"},"single_codec":{"type":"boolean"},
       "replace":{"type":"array","maxItems":8,"items":{"enum":["origin","username","session_name","zero_address","force_increment_version"]}},
       "no_rtcp_attribute":{"type":"boolean"},"full_rtcp_attribute":{"type":"boolean"},"loop_protect":{"type":"boolean"},
       "block_digits":{"type":"boolean"},"record":{"type":"boolean"},"metadata":{"type":"string","maxLength":4096})";

std::string with_lists(std::string text) {
  for (std::size_t at; (at = text.find("LIST")) != std::string::npos;) text.replace(at, 4, kList);
  return text;
}

std::string schema(const std::string& properties, const char* required) {
  return "{\"properties\":{" + properties + "},\"required\":" + required + "}";
}

Selector selector_of(const Json& params) {
  return {text_at(params, "call_id"),    text_at(params, "from_tag"), text_at(params, "to_tag"),
          text_at(params, "via_branch"), text_at(params, "label"),    text_at(params, "to_label")};
}

std::vector<std::string> texts(const Json& object, const char* key) {
  std::vector<std::string> out;
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) return out;
  for (const Json& one : *found)
    if (one.is_string()) out.push_back(one.get<std::string>());
  return out;
}

bool lists(const std::vector<std::string>& words, const char* word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

anchor::CodecOptions codecs(const Json& params) {
  const Json none = Json::object();
  const auto found = params.find("codecs");
  const Json& from = found == params.end() ? none : *found;
  anchor::CodecOptions out;
  out.strip = texts(from, "strip");
  out.offer = texts(from, "offer");
  out.except = texts(from, "except");
  out.mask = texts(from, "mask");
  out.consume = texts(from, "consume");
  out.accept = texts(from, "accept");
  out.ignore = texts(from, "ignore");
  out.transcode = texts(from, "transcode");
  out.set = texts(from, "set");
  return out;
}

Result<unsigned> ptime(const Json& params, const char* key) {
  const std::int64_t ms = number_at(params, key);
  if (ms % 10 != 0) return Error{ErrorCode::invalid, std::string(key) + ": expected 10, 20, … 60 ms"};
  return static_cast<unsigned>(ms);
}

Result<anchor::Options> options(const Json& params) {
  anchor::Options out;
  out.direction = texts(params, "interfaces");
  if (const std::string family = text_at(params, "address_family"); !family.empty())
    out.address_family = family == "IP6" ? Family::v6 : Family::v4;
  out.media_address = text_at(params, "media_address");
  if (!out.media_address.empty() && !Address::parse(out.media_address, 0))
    return Error{ErrorCode::invalid, "media_address: expected an IP address"};
  out.received_from = text_at(params, "received_from");
  out.sip_source_address = flag_at(params, "sip_source_address");
  out.srtp_only = texts(params, "srtp_only");
  out.srtp_without = texts(params, "srtp_without");
  out.transport = text_at(params, "transport");
  out.asymmetric = flag_at(params, "asymmetric");
  out.codecs = codecs(params);
  const auto mux = texts(params, "rtcp_mux");
  out.mux = {lists(mux, "offer"), lists(mux, "require"), lists(mux, "demux"), lists(mux, "accept"),
             lists(mux, "reject")};
  auto forward = ptime(params, "ptime_ms");
  auto reverse = ptime(params, "ptime_reverse_ms");
  if (!forward) return forward.error();
  if (!reverse) return reverse.error();
  out.ptime_ms = *forward;
  out.ptime_reverse_ms = *reverse;
  out.always_transcode = flag_at(params, "always_transcode");
  out.force_transcoding = flag_at(params, "force_transcoding");
  out.single_codec = flag_at(params, "single_codec");
  const auto replace = texts(params, "replace");
  out.replace_origin = lists(replace, "origin");
  out.replace_username = lists(replace, "username");
  out.replace_session_name = lists(replace, "session_name");
  out.replace_zero_address = lists(replace, "zero_address");
  out.force_increment_version = lists(replace, "force_increment_version");
  out.no_rtcp_attribute = flag_at(params, "no_rtcp_attribute");
  out.full_rtcp_attribute = flag_at(params, "full_rtcp_attribute");
  out.loop_protect = flag_at(params, "loop_protect");
  out.label = text_at(params, "label");
  out.block_dtmf = flag_at(params, "block_digits");
  out.record = flag_at(params, "record");
  out.metadata = text_at(params, "metadata");
  return out;
}

Json anchor_json(const session::StreamStats& s) {
  return {{"codec", s.codec}, {"packets", s.packets},           {"bytes", s.bytes},
          {"lost", s.lost},   {"loss_percent", s.loss_percent}, {"jitter_ms", s.jitter_ms}};
}

Json anchor_json(const anchor::CallReport& call) {
  Json out{{"call_id", call.call_id},
           {"created_us", call.created_us},
           {"last_signal_s", call.last_signal_s},
           {"recording", call.recording},
           {"parties", Json::array()}};
  for (const anchor::PartyReport& party : call.parties) {
    Json row{{"tag", party.tag},
             {"aliases", party.aliases},
             {"via_branch", party.via_branch},
             {"label", party.label},
             {"partner", party.partner},
             {"media_blocked", party.media_blocked},
             {"digits_blocked", party.digits_blocked},
             {"silenced", party.silenced},
             {"lines", Json::array()}};
    for (const anchor::LineReport& line : party.lines)
      row["lines"].push_back({{"index", line.index},
                              {"kind", line.kind},
                              {"protocol", line.proto},
                              {"local", line.local},
                              {"remote", line.remote},
                              {"mode", line.mode},
                              {"received", anchor_json(line.stats.received)},
                              {"sent", anchor_json(line.stats.sent)},
                              {"round_trip_ms", line.stats.round_trip_ms},
                              {"mos_received", line.stats.mos_received},
                              {"strangers", line.stats.from_strangers},
                              {"malformed", line.stats.malformed}});
    out["parties"].push_back(std::move(row));
  }
  return out;
}

using Act = std::function<void(const Json& params, const Reply& reply)>;

// No tenant owns an anchored call.
void add(CommandTable& table, const char* name, const char* summary, const std::string& params,
         const char* result, Act act) {
  table.add_own(name, summary, params.c_str(), result, Access::open,
                [act = std::move(act)](const Caller& caller, const Json& given, const Reply& reply) {
                  if (!caller.tenant.empty())
                    return reply(Error{ErrorCode::denied, "anchored calls are the operator's"});
                  act(given, reply);
                });
}

void bind_sdp(CommandTable& table, Anchors& anchors) {
  const std::string params =
      schema(std::string(kWho) + R"(,"sdp":{"type":"string","maxLength":65536},)" + with_lists(kOptions),
             R"(["call_id","from_tag","sdp"])");
  using Method =
      Result<anchor::SdpOutcome> (Anchors::*)(const Selector&, const std::string&, const anchor::Options&);
  const auto bind = [&](const char* name, const char* summary, Method method) {
    add(table, name, summary, params,
        R"({"properties":{"sdp":{"type":"string"},"warnings":{"type":"array"}}})",
        [&anchors, method](const Json& given, const Reply& reply) {
          const auto asked = options(given);
          if (!asked) return reply(asked.error());
          const auto done = (anchors.*method)(selector_of(given), text_at(given, "sdp"), *asked);
          if (!done) return reply(done.error());
          reply(text_of(Json{{"sdp", done->sdp}, {"warnings", done->warnings}}));
        });
  };
  bind("anchor.offer",
       "an SDP offer passes: media is taken in on both sides, and the answer is the SDP to send on in its "
       "place",
       &Anchors::offer);
  bind("anchor.answer",
       "the SDP answer to that offer passes: from here on media flows; also for 183 before 200",
       &Anchors::answer);
}

void bind_state(CommandTable& table, Anchors& anchors) {
  constexpr const char* kReport =
      R"({"properties":{"call_id":{"type":"string"},"created_us":{"type":"integer"},"last_signal_s":{"type":"integer"},"recording":{"type":"boolean"},"parties":{"type":"array"}}})";
  add(table, "anchor.delete",
      "ends an anchored call and gives its last figures; with a via_branch one branch while others stand",
      schema(std::string(kWho) + R"(,"delay_ms":{"type":"integer","minimum":0,"maximum":3600000})",
             R"(["call_id"])"),
      kReport, [&anchors](const Json& given, const Reply& reply) {
        anchors.remove(selector_of(given), milliseconds(number_at(given, "delay_ms")),
                       [reply](const Result<anchor::CallReport>& told) {
                         if (!told) return reply(told.error());
                         reply(text_of(anchor_json(*told)));
                       });
      });
  add(table, "anchor.query", "an anchored call's parties, their streams and what is measured",
      schema(kWho, R"(["call_id"])"), kReport, [&anchors](const Json& given, const Reply& reply) {
        anchors.query(selector_of(given), [reply](const Result<anchor::CallReport>& told) {
          if (!told) return reply(told.error());
          reply(text_of(anchor_json(*told)));
        });
      });
  add(table, "anchor.list", "the call-ids of anchored calls",
      R"({"properties":{"limit":{"type":"integer","minimum":0,"maximum":100000,"default":32}}})",
      R"({"properties":{"calls":{"type":"array"},"count":{"type":"integer"}}})",
      [&anchors](const Json& given, const Reply& reply) {
        const auto most = static_cast<std::size_t>(number_at(given, "limit", 32));
        reply(text_of(Json{{"calls", anchors.list(most)}, {"count", anchors.size()}}));
      });
  add(table, "anchor.statistics", "what was counted of anchored calls since the start", "{}",
      R"({"properties":{"calls":{"type":"integer"}}})", [&anchors](const Json&, const Reply& reply) {
        const anchor::AnchorCounters& c = anchors.counters();
        reply(text_of(Json{{"calls", anchors.size()},
                           {"calls_total", c.calls.get()},
                           {"offers", c.offers.get()},
                           {"answers", c.answers.get()},
                           {"deletes", c.deletes.get()},
                           {"queries", c.queries.get()},
                           {"errors", c.errors.get()},
                           {"media_timeouts", c.timeouts.get()},
                           {"refused_limit", c.refused_limit.get()}}));
      });
}

void bind_media(CommandTable& table, Anchors& anchors, call::Sounds& sounds) {
  add(table, "anchor.block",
      "keeps a party's media or keys from its partner, or gives silence instead; all parties when none is "
      "named",
      schema(std::string(kWho) +
                 R"(,"what":{"enum":["media","silence","digits"]},"on":{"type":"boolean","default":true})",
             R"(["call_id","what"])"),
      "{}", [&anchors](const Json& given, const Reply& reply) {
        const std::string what = text_at(given, "what");
        const auto block = what == "media"     ? Anchors::Block::media
                           : what == "silence" ? Anchors::Block::silence
                                               : Anchors::Block::digits;
        answer_done(anchors.block(selector_of(given), block, flag_at(given, "on", true)), reply);
      });
  add(table, "anchor.play", "lets one party hear sound files; ends with anchor.play_finished",
      schema(
          std::string(kWho) +
              R"(,"files":{"type":"array","maxItems":100,"items":{"type":"string","minLength":1,"maxLength":512}},
                 "repeat":{"type":"integer","minimum":1,"maximum":100,"default":1},"loop":{"type":"boolean"},
                 "offset_ms":{"type":"integer","minimum":0,"maximum":86400000},"limit_ms":{"type":"integer","minimum":0,"maximum":86400000})",
          R"(["call_id","files"])"),
      "{}", [&anchors, &sounds](const Json& given, const Reply& reply) {
        anchor::PlayOrder order;
        for (std::int64_t n = number_at(given, "repeat", 1); n > 0; --n) {
          for (const std::string& name : texts(given, "files")) {
            auto path = sounds.resolve("", name);
            if (!path) return reply(path.error());
            order.files.push_back(std::move(*path));
          }
        }
        order.loop = flag_at(given, "loop");
        order.offset = milliseconds(number_at(given, "offset_ms"));
        order.limit = milliseconds(number_at(given, "limit_ms"));
        anchors.play(selector_of(given), order,
                     [reply](const Result<void>& begun) { answer_done(begun, reply); });
      });
  add(table, "anchor.stop_play", "stops what a party, or everybody, is being played",
      schema(kWho, R"(["call_id"])"), "{}", [&anchors](const Json& given, const Reply& reply) {
        answer_done(anchors.stop_play(selector_of(given)), reply);
      });
  add(table, "anchor.play_digits", "sends keys 0-9 * # A-D as if the party had pressed them",
      schema(std::string(kWho) + R"(,"digits":{"type":"string","minLength":1,"maxLength":64},
                 "duration_ms":{"type":"integer","minimum":40,"maximum":8000,"default":250},
                 "gap_ms":{"type":"integer","minimum":40,"maximum":8000,"default":100})",
             R"(["call_id","digits"])"),
      "{}", [&anchors](const Json& given, const Reply& reply) {
        answer_done(anchors.play_digits(selector_of(given), text_at(given, "digits"),
                                        milliseconds(number_at(given, "duration_ms", 250)),
                                        milliseconds(number_at(given, "gap_ms", 100))),
                    reply);
      });
}

void bind_anchor_recordings(CommandTable& table, Anchors& anchors, call::Sounds& sounds) {
  add(table, "anchor.record",
      "records a call, or what one party says and hears, into stereo WAV files; ends with "
      "anchor.recording_finished",
      schema(std::string(kWho) + R"(,"name":{"type":"string","maxLength":256})", R"(["call_id"])"),
      R"({"properties":{"paths":{"type":"array"}}})",
      [&anchors, &sounds](const Json& given, const Reply& reply) {
        std::string stem;
        if (const std::string name = text_at(given, "name"); !name.empty()) {
          auto path = sounds.recording_path("", name);
          if (!path) return reply(path.error());
          stem = std::move(*path);
        }
        const auto begun = anchors.record(selector_of(given), stem);
        if (!begun) return reply(begun.error());
        reply(text_of(Json{{"paths", *begun}}));
      });
  add(table, "anchor.control_recording", "stops, pauses or resumes the recordings of an anchored call",
      schema(std::string(kWho) + R"(,"act":{"enum":["stop","pause","resume"]})", R"(["call_id","act"])"),
      "{}", [&anchors](const Json& given, const Reply& reply) {
        const std::string act = text_at(given, "act");
        const auto which = act == "stop"    ? Anchors::RecordAct::stop
                           : act == "pause" ? Anchors::RecordAct::pause
                                            : Anchors::RecordAct::resume;
        answer_done(anchors.control_recording(selector_of(given), which), reply);
      });
}

}  // namespace

void bind_anchor_commands(CommandTable& table, Anchors& anchors, call::Sounds& sounds) {
  bind_sdp(table, anchors);
  bind_state(table, anchors);
  bind_media(table, anchors, sounds);
  bind_anchor_recordings(table, anchors, sounds);
}

}  // namespace tandem::api
