// The commands on what is heard: playing, digits, recordings. Thread: [control].
#include "core/api/call_commands.hpp"
#include "core/api/call_json.hpp"

namespace tandem::api {
namespace {

using call::Calls;

constexpr const char* kRecordingOnly =
    R"({"properties":{"recording":{"type":"string","maxLength":64}},"required":["recording"]})";

void play(Calls& calls, const Caller& caller, const Json& params, const Reply& reply) {
  call::PlayOrder order;
  if (const auto files = params.find("files"); files != params.end())
    order.files = files->get<std::vector<std::string>>();
  order.tone = text_at(params, "tone");
  order.country = text_at(params, "country", "us");
  order.loop = flag_at(params, "loop");
  order.offset = milliseconds(number_at(params, "offset_ms"));
  order.limit = milliseconds(number_at(params, "limit_ms"));
  order.bridge = flag_at(params, "bridge");
  order.gain_db = static_cast<int>(number_at(params, "gain_db"));
  calls.play(caller.tenant, text_at(params, "leg"), order, [reply](const Result<std::string>& started) {
    if (!started) return reply(started.error());
    reply(text_of(Json{{"playback", *started}}));
  });
}

void record(Calls& calls, const Caller& caller, const Json& params, const Reply& reply) {
  if (const auto tenant = tenant_of(caller, params); !tenant) return reply(tenant.error());
  call::RecordOrder order;
  order.name = text_at(params, "name");
  order.stereo = flag_at(params, "stereo");
  order.heard = flag_at(params, "heard", true);
  order.beep = flag_at(params, "beep");
  order.limit = milliseconds(number_at(params, "limit_ms"));
  order.silence_end = milliseconds(number_at(params, "silence_end_ms"));
  const auto begun = calls.record(caller.tenant, text_at(params, "leg"), order);
  if (!begun) return reply(begun.error());
  reply(text_of(Json{{"recording", begun->id}, {"path", begun->path}}));
}

void bind_recordings(CommandTable& table, Calls& calls) {
  table.add_own(
      "recording.start",
      "records a leg into a WAV file of its tenant; stereo: left what it says, right what it hears",
      R"({"properties":{"leg":{"type":"string","maxLength":64},"name":{"type":"string","maxLength":256},
                    "stereo":{"type":"boolean","default":false},"heard":{"type":"boolean","default":true},
                    "limit_ms":{"type":"integer","minimum":0,"maximum":86400000},
                    "silence_end_ms":{"type":"integer","minimum":0,"maximum":600000},
                    "beep":{"type":"boolean","default":false},"tenant":{"type":"string","maxLength":64}},"required":["leg"]})",
      R"({"properties":{"recording":{"type":"string"},"path":{"type":"string"}}})", Access::open,
      [&calls](const Caller& caller, const Json& params, const Reply& reply) {
        record(calls, caller, params, reply);
      });
  using Act = Result<void> (call::Recordings::*)(std::string_view, std::string_view);
  const auto add = [&](const char* name, const char* summary, Act act) {
    table.add_own(name, summary, kRecordingOnly, "{}", Access::open,
                  [&calls, act](const Caller& caller, const Json& params, const Reply& reply) {
                    answer_done((calls.recordings().*act)(caller.tenant, text_at(params, "recording")),
                                reply);
                  });
  };
  add("recording.stop", "ends it: recording.finished tells when the file is there", &call::Recordings::stop);
  add("recording.pause", "silence is written from now on, so that time goes on", &call::Recordings::pause);
  add("recording.resume", "goes on after a pause", &call::Recordings::resume);
}

}  // namespace

void bind_media_commands(CommandTable& table, Calls& calls) {
  table.add_own("leg.play",
                "lets the leg hear sound files one after the other, or a tone, in place of what it hears "
                "now; ends with "
                "play.finished. Prompts are named relative to the prompt folders",
                R"({"properties":{"leg":{"type":"string","maxLength":64},
                    "files":{"type":"array","maxItems":100,"items":{"type":"string","minLength":1,"maxLength":512}},
                    "tone":{"enum":["ringback","busy","congestion","dial","beep","silence"]},
                    "country":{"type":"string","maxLength":8,"default":"us"},"loop":{"type":"boolean","default":false},
                    "offset_ms":{"type":"integer","minimum":0,"maximum":86400000},"limit_ms":{"type":"integer","minimum":0,"maximum":86400000},
                    "bridge":{"type":"boolean","default":false,"description":"the peer hears it too"},
                    "gain_db":{"type":"integer","minimum":-40,"maximum":20}},"required":["leg"]})",
                R"({"properties":{"playback":{"type":"string"}}})", Access::open,
                [&calls](const Caller& caller, const Json& params, const Reply& reply) {
                  play(calls, caller, params, reply);
                });
  table.add_own("leg.stop_play", "stops what the leg is being played",
                R"({"properties":{"leg":{"type":"string","maxLength":64}},"required":["leg"]})", "{}",
                Access::open, [&calls](const Caller& caller, const Json& params, const Reply& reply) {
                  answer_done(calls.stop_play(caller.tenant, text_at(params, "leg")), reply);
                });
  table.add_own(
      "leg.send_digits", "sends keys 0-9 * # A-D, w for 500 ms of pause; ends with digits.sent",
      R"({"properties":{"leg":{"type":"string","maxLength":64},"digits":{"type":"string","minLength":1,"maxLength":128},
                    "duration_ms":{"type":"integer","minimum":40,"maximum":8000,"default":100},
                    "gap_ms":{"type":"integer","minimum":40,"maximum":8000,"default":70}},"required":["leg","digits"]})",
      "{}", Access::open, [&calls](const Caller& caller, const Json& params, const Reply& reply) {
        answer_done(calls.send_digits(caller.tenant, text_at(params, "leg"), text_at(params, "digits"),
                                      milliseconds(number_at(params, "duration_ms", 100)),
                                      milliseconds(number_at(params, "gap_ms", 70))),
                    reply);
      });
  bind_recordings(table, calls);
}

}  // namespace tandem::api
