// anchor.*: JSON to anchor::Anchors and back. Thread: [control].
#include "core/api/anchor_commands.hpp"

#include <algorithm>

#include "core/api/anchor_json.hpp"
#include "core/api/call_commands.hpp"

namespace tandem::api {
namespace {

using anchor::Anchors;
using anchor::Selector;
using namespace anchor_json;

Json shown(const session::StreamStats& s) {
  return {{"codec", s.codec}, {"packets", s.packets},           {"bytes", s.bytes},
          {"lost", s.lost},   {"loss_percent", s.loss_percent}, {"jitter_ms", s.jitter_ms}};
}

Json shown(const session::SourceStats::Quality& q, std::int64_t asked_at_s) {
  return {{"mos", q.mos},
          {"loss_percent", q.loss_percent},
          {"jitter_ms", q.jitter_ms},
          {"round_trip_ms", q.round_trip_ms},
          {"at_s", asked_at_s - std::chrono::duration_cast<seconds>(q.ago).count()}};
}

Json shown(const std::vector<session::SourceStats>& sources, std::int64_t asked_at_s) {
  Json out = Json::array();
  for (const session::SourceStats& source : sources)
    out.push_back({{"ssrc", source.ssrc},
                   {"packets", source.packets},
                   {"bytes", source.bytes},
                   {"lost", source.lost},
                   {"samples", source.samples},
                   {"average", shown(source.average, asked_at_s)},
                   {"lowest", shown(source.lowest, asked_at_s)},
                   {"highest", shown(source.highest, asked_at_s)}});
  return out;
}

const char* ice_state(const session::LegStats& stats) {
  return !stats.ice ? "" : stats.ice_selected ? "nominated" : "waiting";
}

Json shown(const anchor::CallReport& call) {
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
             {"role", party.role},
             {"hears", party.hears},
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
                              {"received", shown(line.stats.received)},
                              {"sent", shown(line.stats.sent)},
                              {"rtcp",
                               {{"packets", line.stats.rtcp_packets},
                                {"bytes", line.stats.rtcp_bytes},
                                {"malformed", line.stats.rtcp_malformed}}},
                              {"round_trip_ms", line.stats.round_trip_ms},
                              {"mos_received", line.stats.mos_received},
                              {"crypto", line.crypto},
                              {"ice", ice_state(line.stats)},
                              {"stun_refused", line.stats.stun_refused},
                              {"sources", shown(line.stats.sources, line.asked_at_s)},
                              {"ssrc_sent", line.stats.ssrc_sent},
                              {"strangers", line.stats.from_strangers},
                              {"malformed", line.stats.malformed},
                              {"srtp_forged", line.stats.srtp_forged},
                              {"srtp_replayed", line.stats.srtp_replayed}});
    out["parties"].push_back(std::move(row));
  }
  return out;
}

void bind_sdp(CommandTable& table, Anchors& anchors) {
  const std::string params =
      schema(who_properties() + R"(,"sdp":{"type":"string","maxLength":65536},)" + option_properties(),
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
      schema(who_properties() + R"(,"delay_ms":{"type":"integer","minimum":0,"maximum":3600000})",
             R"(["call_id"])"),
      kReport, [&anchors](const Json& given, const Reply& reply) {
        anchors.remove(selector_of(given), milliseconds(number_at(given, "delay_ms")),
                       [reply](const Result<anchor::CallReport>& told) {
                         if (!told) return reply(told.error());
                         reply(text_of(shown(*told)));
                       });
      });
  add(table, "anchor.query", "an anchored call's parties, their streams and what is measured",
      schema(who_properties(), R"(["call_id"])"), kReport, [&anchors](const Json& given, const Reply& reply) {
        anchors.query(selector_of(given), [reply](const Result<anchor::CallReport>& told) {
          if (!told) return reply(told.error());
          reply(text_of(shown(*told)));
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

void bind_blocks(CommandTable& table, Anchors& anchors) {
  add(table, "anchor.block",
      "keeps a party's media or keys from its partner, or gives silence (of keys: what `keys` says) instead; "
      "all parties when none is named, with all=true and on=false those that were blocked by themselves, too",
      schema(who_properties() +
                 R"(,"what":{"enum":["media","silence","digits"]},"on":{"type":"boolean","default":true},
                 "all":{"type":"boolean"},)" +
                 key_properties(),
             R"(["call_id","what"])"),
      "{}", [&anchors](const Json& given, const Reply& reply) {
        const std::string what = text_at(given, "what");
        const auto block = what == "media"     ? Anchors::Block::media
                           : what == "silence" ? Anchors::Block::silence
                                               : Anchors::Block::digits;
        const bool on = flag_at(given, "on", true);
        const auto everybody = flag_at(given, "all") ? Anchors::Everybody::yes : Anchors::Everybody::no;
        if (block != Anchors::Block::digits)
          return answer_done(anchors.block(selector_of(given), block, on, everybody), reply);
        const auto order = key_order(given.value("keys", Json::object()));
        if (!order) return reply(order.error());
        answer_done(anchors.block_keys(selector_of(given), on, *order, everybody), reply);
      });
}

void bind_sounds(CommandTable& table, Anchors& anchors, call::Sounds& sounds) {
  add(table, "anchor.play",
      "lets one party, or with `all` each of the call, hear sound files; ends with anchor.play_finished",
      schema(
          who_properties() +
              R"(,"files":{"type":"array","maxItems":100,"items":{"type":"string","minLength":1,"maxLength":512}},
                 "repeat":{"type":"integer","minimum":1,"maximum":100,"default":1},"loop":{"type":"boolean"},"all":{"type":"boolean"},
                 "offset_ms":{"type":"integer","minimum":0,"maximum":86400000},"limit_ms":{"type":"integer","minimum":0,"maximum":86400000})",
          R"(["call_id","files"])"),
      R"({"properties":{"duration_ms":{"type":"integer","description":"of the files once through"}}})",
      [&anchors, &sounds](const Json& given, const Reply& reply) {
        anchor::PlayOrder order;
        order.times = static_cast<unsigned>(number_at(given, "repeat", 1));
        for (const std::string& name : texts(given, "files")) {
          auto path = sounds.resolve("", name);
          if (!path) return reply(path.error());
          order.files.push_back(std::move(*path));
        }
        order.loop = flag_at(given, "loop");
        order.everybody = flag_at(given, "all");
        order.offset = milliseconds(number_at(given, "offset_ms"));
        order.limit = milliseconds(number_at(given, "limit_ms"));
        anchors.play(selector_of(given), order, [reply](const Result<milliseconds>& length) {
          if (!length) return reply(length.error());
          reply(text_of(Json{{"duration_ms", length->count()}}));
        });
      });
  add(table, "anchor.stop_play", "stops what a party, or everybody, is being played",
      schema(who_properties(), R"(["call_id"])"),
      R"({"properties":{"position_ms":{"type":"integer","description":"in the files, where something was played"}}})",
      [&anchors](const Json& given, const Reply& reply) {
        anchors.stop_play(selector_of(given), [reply](const Result<std::optional<milliseconds>>& position) {
          if (!position) return reply(position.error());
          reply(text_of(*position ? Json{{"position_ms", (*position)->count()}} : Json::object()));
        });
      });
  add(table, "anchor.play_digits",
      "sends keys 0-9 * # A-D as if the party, or with `all` each, had pressed them",
      schema(who_properties() +
                 R"(,"all":{"type":"boolean"},"digits":{"type":"string","minLength":1,"maxLength":64},
                 "duration_ms":{"type":"integer","minimum":40,"maximum":8000,"default":250},
                 "gap_ms":{"type":"integer","minimum":40,"maximum":8000,"default":100})",
             R"(["call_id","digits"])"),
      "{}", [&anchors](const Json& given, const Reply& reply) {
        answer_done(
            anchors.play_digits(selector_of(given), text_at(given, "digits"),
                                flag_at(given, "all") ? Anchors::Everybody::yes : Anchors::Everybody::no,
                                milliseconds(number_at(given, "duration_ms", 250)),
                                milliseconds(number_at(given, "gap_ms", 100))),
            reply);
      });
}

void bind_anchor_recordings(CommandTable& table, Anchors& anchors, call::Sounds& sounds) {
  add(table, "anchor.record",
      "records a call, or what one party says and hears, into stereo WAV files; ends with "
      "anchor.recording_finished",
      schema(who_properties() + R"(,"name":{"type":"string","maxLength":256})", R"(["call_id"])"),
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
      schema(who_properties() + R"(,"act":{"enum":["stop","pause","resume"]})", R"(["call_id","act"])"), "{}",
      [&anchors](const Json& given, const Reply& reply) {
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
  bind_blocks(table, anchors);
  bind_sounds(table, anchors, sounds);
  bind_anchor_recordings(table, anchors, sounds);
  bind_anchor_flows(table, anchors);
  bind_anchor_transforms(table, anchors);
}

}  // namespace tandem::api
