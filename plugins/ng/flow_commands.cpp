// Verbs beside offer and answer: who subscribes to whom, publishes, is offered to, is connected with whom.
#include "ng/commands.hpp"
#include "ng/report.hpp"
#include "ng/words.hpp"

namespace tandem::ng {
namespace {

// What `media` of create says: a type and its codecs, in any spelling of the keys.
Value wanted_media(const Value& list) {
  Value out = Value::array();
  for (const Value& one : list) {
    if (!one.is_object() || out.size() == 8) continue;
    Value row{{"kind", "audio"}, {"codecs", Value::array()}};
    for (const auto& [key, value] : one.items()) {
      if (canonical(key) == "type" && value.is_string()) row["kind"] = value.get<std::string>().substr(0, 32);
      if (canonical(key) != "codecs" && canonical(key) != "codec") continue;
      for (const Value& codec : value.is_array() ? value : Value::array({value}))
        if (codec.is_string() && row["codecs"].size() < 32)
          row["codecs"].push_back(codec.get<std::string>().substr(0, 512));
    }
    out.push_back(std::move(row));
  }
  return out;
}

// SDP as JSON has it; true: it has bytes that are no UTF-8, and the answer's are bytes, too.
bool prepare_sdp(Value& params) {
  const auto sdp = params.find("sdp");
  return sdp != params.end() && sdp->is_string() && to_utf8(sdp->get_ref<std::string&>());
}

void give_sdp(const Value& result, bool bytes, Value& answer) {
  std::string sdp = text_at(result, "sdp");
  if (bytes) to_bytes(sdp);
  answer["sdp"] = std::move(sdp);
}

void name_sources(const Request& request, Value& params) {
  if (!request.from_tags.empty()) params["from_tags"] = request.from_tags;
  params["all"] = request.all;
  params["bidirectional"] = request.bidirectional;
}

}  // namespace

// False: none of them.
bool Commands::run_flow(Request& request, const Answer& answer) {
  const std::string& command = request.command;
  Value& params = request.params;
  if (command != "delete") params.erase("via_branch");  // which ends one branch of a fork
  if (command == "subscribe-request") {
    run_subscribe(request, answer);
  } else if (command == "subscribe-answer" || command == "create-answer") {
    prepare_sdp(params);
    ask_warned(command == "create-answer" ? "anchor.create_answer" : "anchor.subscribe_answer", params,
               request, answer);
  } else if (command == "unsubscribe") {
    if (!request.directional) params.erase("from_tag");
    ask("anchor.unsubscribe", params, answer);
  } else if (command == "publish") {
    if (!params.contains("sdp")) return answer(failed("No SDP body in message")), true;
    params["bidirectional"] = request.bidirectional;
    run_made("anchor.publish", request, answer);
  } else if (command == "create") {
    if (!request.media.empty()) params["media"] = wanted_media(request.media);
    params.erase("sdp");
    run_made("anchor.create", request, answer);
  } else if (command == "transform") {
    run_transform(request, answer);
  } else if (command == "start-forwarding" || command == "stop-forwarding") {
    run_forwarding(request, answer);
  } else if (command == "connect") {
    if (!request.to_call_id.empty()) params["to_call_id"] = request.to_call_id;
    if (request.directional) name_sources(request, params);
    ask_warned(request.directional ? "anchor.hear" : "anchor.connect", params, request, answer);
  } else if (command == "inject-start" || command == "inject-stop") {
    const bool start = command == "inject-start";
    if (request.source_tag.empty()) return answer(failed("No source-tag in message")), true;
    Value asked{{"to_tag", text_at(params, "to_tag")}, {"call_id", text_at(params, "call_id")}};
    if (start) {
      asked["to_call_id"] = asked["call_id"];
      if (!request.source_call_id.empty()) asked["call_id"] = request.source_call_id;
      asked["from_tag"] = request.source_tag;
    } else {
      asked["source_tag"] = request.source_tag;
      if (!request.source_call_id.empty()) asked["source_call_id"] = request.source_call_id;
    }
    ask_warned(start ? "anchor.hear" : "anchor.stop_hearing", asked, request, answer);
  } else if (command == "mesh") {
    if (request.calls.empty()) return answer(failed("Unknown call ID(s): expected a list of calls")), true;
    ask_warned("anchor.mesh",
               {{"calls", request.calls},
                {"rows", request.rows},
                {"reset", request.unsubscribe},
                {"bidirectional", request.bidirectional}},
               request, answer);
  } else {
    return false;
  }
  return true;
}

void Commands::run_subscribe(Request& request, const Answer& answer) {
  Value params = request.params;
  params.erase("sdp");  // as rtpengine has it: the offer is ours
  params.erase("to_label");
  if (!request.had_label) params.erase("label");
  name_sources(request, params);
  params["mix"] = request.mix;
  params["label_sections"] = request.siprec;
  ask("anchor.subscribe", params, answer,
      [siprec = request.siprec, warnings = request.warnings](const Value& result, Value& out) {
        give_sdp(result, false, out);
        add_subscription(result, siprec, out);
        add_warnings(warnings, result, out);
      });
}

// A party that stands by itself, and the SDP for it.
void Commands::run_made(const char* method, const Request& request, const Answer& answer) {
  Value params = request.params;
  for (const char* name : {"to_tag", "to_label"}) params.erase(name);
  const bool bytes = prepare_sdp(params);
  ask(method, params, answer, [bytes, warnings = request.warnings](const Value& result, Value& out) {
    give_sdp(result, bytes, out);
    out["call-id"] = text_at(result, "call_id");
    out["from-tag"] = text_at(result, "from_tag");
    add_warnings(warnings, result, out);
  });
}

void Commands::ask_warned(const char* method, Value params, const Request& request, const Answer& answer) {
  ask(method, params, answer, [warnings = request.warnings](const Value& result, Value& out) {
    add_warnings(warnings, result, out);
  });
}

}  // namespace tandem::ng
