#include "ng/commands.hpp"

#include <array>

#include "ng/bencode.hpp"
#include "ng/report.hpp"

namespace tandem::ng {
namespace {

constexpr std::size_t kCookieMax = 256, kMessageMax = 256U << 10U;

// Known, and not built: said so, and never taken in silence.
constexpr std::array kRefusedCommands = {"cli", "subscribe"};

std::string dump(const Value& value) { return value.dump(-1, ' ', false, Value::error_handler_t::replace); }

// Directional verbs: a from-tag that proxies put into everything selects nobody unless asked to.
void without_tags(Request& request) {
  if (request.directional || request.had_label) return;
  request.params.erase("from_tag");
  request.params.erase("to_tag");
}

bool only_keys(std::string_view digits) {
  return !digits.empty() && digits.find_first_not_of("0123456789*#ABCDw") == std::string_view::npos;
}

}  // namespace

bool Commands::take(std::string_view peer, std::string_view text, Cookie with, Reply reply) {
  ++counts_.requests;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == '\0'))
    text.remove_suffix(1);
  std::string cookie;
  if (with == Cookie::yes) {
    const std::size_t blank = text.find(' ');
    if (blank == std::string_view::npos || blank == 0 || blank > kCookieMax) {
      ++counts_.malformed;
      return false;
    }
    cookie = text.substr(0, blank);
    text.remove_prefix(blank + 1);
  }
  bool json = !text.empty() && text.front() == '{';
  const auto finish = [this, json, cookie, from = std::string(peer), reply,
                       alive = std::weak_ptr(alive_)](const Value& answer) {
    if (!alive.lock()) return;
    std::string said = json ? dump(answer) : encode_bencode(answer);
    if (text_at(answer, "result") == "error") ++counts_.errors;
    if (!cookie.empty()) {
      said.insert(0, cookie + " ");
      cache_.finish(from, cookie, said);
    }
    reply(said);
  };
  if (with == Cookie::yes) {
    std::string before;
    const CookieCache::State state = cache_.begin(peer, cookie, host_.now_ns(), before);
    if (state != CookieCache::State::fresh) {
      ++counts_.repeated;
      if (state == CookieCache::State::pending) return cache_.wait(peer, cookie, std::move(reply));
      return reply(before), true;
    }
  }
  run(text, finish, json);
  return true;
}

void Commands::run(std::string_view body, const Answer& answer, bool json) {
  Value message;
  std::string error;
  const bool read = body.size() <= kMessageMax &&
                    (json ? decode_json(body, message, error) : decode_bencode(body, message, error));
  if (!read || !message.is_object()) {
    ++counts_.malformed;
    if (body.size() > kMessageMax) error = "expected at most 256 KB";
    if (error.empty()) error = "expected a dictionary";
    return answer(failed("Could not decode the message: " + error));
  }
  run(read_request(message, options_), answer);
}

Value Commands::failed(std::string reason) {
  to_utf8(reason);
  return {{"result", "error"}, {"error-reason", std::move(reason)}};
}

void Commands::run(Request request, const Answer& answer) {
  counts_.unknown_words += request.unknown;
  if (counts_.by_command.size() < 100 || counts_.by_command.contains(request.command))
    ++counts_.by_command[request.command];
  for (const std::string& warning : request.warnings) host_.warn(request.command + ": " + warning);
  if (request.command == "ping") return answer({{"result", "pong"}});
  if (request.command.empty()) return answer(failed("Dictionary contains no key \"command\""));
  for (const char* refused : kRefusedCommands) {
    if (request.command != refused) continue;
    ++counts_.refused;
    return answer(failed("the command \"" + request.command + "\" is not done here"));
  }
  if (!request.refusal.empty()) {
    ++counts_.refused;
    host_.warn(request.command + ": refused: " + request.refusal);
    return answer(failed(request.refusal));
  }
  for (const char* name : {"call_id", "from_tag", "to_tag", "via_branch", "label"})  // one form in each verb
    if (request.params.contains(name)) to_utf8(request.params[name].get_ref<std::string&>());
  if (request.command == "offer") return run_sdp("anchor.offer", request, answer);
  if (request.command == "answer") return run_sdp("anchor.answer", request, answer);
  if (run_act(request, answer) || run_flow(request, answer)) return;
  run_state(request, answer);
}

void Commands::ask(const char* method, const Value& params, const Answer& answer,
                   std::function<void(const Value& result, Value& into)> fill) {
  host_.invoke(
      "", method, dump(params),
      [this, answer, fill = std::move(fill), alive = std::weak_ptr(alive_)](int code, std::string_view json) {
        if (!alive.lock()) return;
        const Value result = Value::parse(json, nullptr, false);
        if (code != TD_OK || !result.is_object())
          return answer(failed(result.is_object() ? text_at(result, "message") : "internal error"));
        Value out = Value::object();
        if (fill) fill(result, out);
        out["result"] = "ok";
        answer(out);
      });
}

void Commands::run_sdp(const char* method, const Request& request, const Answer& answer) {
  Value params = request.params;
  if (!params.contains("call_id")) return answer(failed("No call-id in message"));
  if (!params.contains("from_tag")) return answer(failed("No from-tag in message"));
  if (!params.contains("sdp")) return answer(failed("No SDP body in message"));
  const bool bytes = to_utf8(params["sdp"].get_ref<std::string&>());
  const auto lead_keys = [this, to = request.key_log, call_id = text_at(params, "call_id")] {
    return !to || key_log_.lead(call_id, *to);
  };
  if (request.record_off)
    ask("anchor.control_recording", {{"call_id", params["call_id"]}, {"act", "stop"}}, [](const Value&) {});
  ask(method, params, answer,
      [bytes, lead_keys, warnings = request.warnings](const Value& result, Value& out) {
        auto all = warnings;
        if (!lead_keys()) all.emplace_back("dtmf-log-dest: too many calls have one of their own");
        std::string sdp = text_at(result, "sdp");
        if (bytes) to_bytes(sdp);
        out["sdp"] = std::move(sdp);
        add_warnings(all, result, out);
      });
}

void Commands::run_state(const Request& request, const Answer& answer) {
  if (request.command == "delete") {
    Value params = request.params;
    if (request.delete_delay_s >= 0) params["delay_ms"] = request.delete_delay_s * 1000;
    const auto with_result = [answer, fatal = request.fatal](const Value& told) {
      if (text_at(told, "result") == "ok" || fatal) return answer(told);
      // A call that is gone already is what was wanted.
      answer({{"result", "ok"}, {"warning", text_at(told, "error-reason")}});
    };
    if (request.fast) return ask("anchor.delete", params, with_result);
    return ask("anchor.delete", params, with_result, add_report);
  }
  if (request.command == "query") return ask("anchor.query", request.params, answer, add_report);
  if (request.command == "list")
    return ask("anchor.list", {{"limit", request.limit}}, answer,
               [](const Value& result, Value& out) { out["calls"] = result.value("calls", Value::array()); });
  if (request.command == "statistics")
    return ask("anchor.statistics", Value::object(), answer, add_statistics);
  answer(failed("Unrecognized command"));
}

// Verbs on the media of a call that stands. False: none of them.
bool Commands::run_act(Request& request, const Answer& answer) {
  static constexpr std::array<std::array<const char*, 3>, 6> kBlocks = {{{"block-media", "media", "1"},
                                                                         {"unblock-media", "media", ""},
                                                                         {"block-dtmf", "digits", "1"},
                                                                         {"unblock-dtmf", "digits", ""},
                                                                         {"silence-media", "silence", "1"},
                                                                         {"unsilence-media", "silence", ""}}};
  for (const auto& [name, what, on] : kBlocks) {
    if (request.command != name) continue;
    without_tags(request);
    request.params.erase("via_branch");
    request.params["what"] = what;
    request.params["on"] = *on != 0;
    if (request.all) request.params["all"] = true;
    return ask("anchor.block", request.params, answer), true;
  }
  const bool stop = request.command == "stop-recording";
  if (request.command == "start-recording") {
    Value resume{{"call_id", request.params.value("call_id", Value(""))}, {"act", "resume"}};
    Value params = request.params;
    for (const char* one : {"from_tag", "to_tag", "via_branch", "label", "to_label"}) params.erase(one);
    if (!request.file.empty()) params["name"] = request.file.substr(0, 256);
    ask("anchor.control_recording", resume, [](const Value&) {});  // after a pause it goes on
    return ask("anchor.record", params, answer), true;
  }
  if (stop || request.command == "pause-recording") {
    Value params{{"call_id", request.params.value("call_id", Value(""))}};
    params["act"] = stop && !request.pause ? "stop" : "pause";
    return ask("anchor.control_recording", params, answer), true;
  }
  if (request.command == "play-media") {
    if (request.file.empty()) return answer(failed("No media file specified: expected \"file\"")), true;
    request.params["files"] = Value::array({request.file.substr(0, 512)});
    request.params["repeat"] = request.repeat;
    if (request.all) request.params["all"] = true;
    request.params["offset_ms"] = request.start_ms;
    if (request.repeat_duration_ms != 0) {
      request.params["limit_ms"] = request.repeat_duration_ms;
      request.params["loop"] = true;
    }
    return ask("anchor.play", request.params, answer,
               [](const Value& result, Value& out) { out["duration"] = result.value("duration_ms", 0); }),
           true;
  }
  if (request.command == "stop-media") {
    if (request.all)
      for (const char* one : {"from_tag", "to_tag", "label"}) request.params.erase(one);
    return ask("anchor.stop_play", request.params, answer,
               [](const Value& result, Value& out) {
                 if (result.contains("position_ms")) out["last-frame-pos"] = result["position_ms"];
               }),
           true;
  }
  if (request.command == "play-dtmf") {
    if (!only_keys(request.digits)) return answer(failed("Invalid DTMF code: expected 0-9 * # A-D")), true;
    request.params["digits"] = request.digits.substr(0, 64);
    if (request.duration_ms != 0) request.params["duration_ms"] = request.duration_ms;
    if (request.all) request.params["all"] = true;
    if (request.gap_ms != 0) request.params["gap_ms"] = request.gap_ms;
    return ask("anchor.play_digits", request.params, answer), true;
  }
  return false;
}

}  // namespace tandem::ng
