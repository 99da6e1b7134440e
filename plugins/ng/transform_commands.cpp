// transform: streams without SDP; start and stop forwarding: sound for a program outside.
#include <algorithm>
#include <array>

#include "ng/commands.hpp"
#include "ng/report.hpp"
#include "ng/words.hpp"

namespace tandem::ng {
namespace {

constexpr std::size_t kMediaMax = 32, kCodecsMax = 32;

std::string short_text(const Value& value) {
  return value.is_string() ? value.get<std::string>().substr(0, 256) : std::string();
}

std::int64_t whole_number(const Value& value) {
  if (value.is_number_integer()) return value.get<std::int64_t>();
  const std::string text = short_text(value);
  if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string::npos) return -1;
  return std::stol(text);
}

// {"codec": "PCMA", "payload type": 8, "clock rate": 8000, "channels": 1, "format": "…", "options":
// "bitrate=…"}
Value transform_codec(const Value& given) {
  Value out = Value::object();
  for (const auto& [key, value] : given.items()) {
    const std::string name = canonical(key);
    if (name == "codec") out["codec"] = short_text(value).substr(0, 64);
    if (name == "payload-type") out["type"] = whole_number(value);
    if (name == "clock-rate") out["clock_rate"] = whole_number(value);
    if (name == "channels") out["channels"] = whole_number(value);
    if (name == "format") out["fmtp"] = short_text(value);
    if (name != "options") continue;
    const std::string text = short_text(value);
    if (const auto at = text.find("bitrate="); at != std::string::npos)
      out["bitrate"] = std::clamp<std::int64_t>(
          whole_number(Value(text.substr(at + 8, text.find_first_not_of("0123456789", at + 8) - at - 8))), 0,
          10'000'000);
  }
  return out;
}

void take_destination(const Value& given, Value& row) {
  for (const auto& [key, value] : given.items()) {
    if (canonical(key) == "address") row["host"] = short_text(value).substr(0, 64);
    if (canonical(key) == "port") row["port"] = whole_number(value);
  }
}

// One `media` of transform as a row of anchor.transform; a text says what is wrong with it.
std::string transform_media(const Value& given, Value& row) {
  row = {{"codecs", Value::array()}, {"host", ""}, {"port", 0}};
  for (const auto& [key, value] : given.items()) {
    const std::string name = canonical(key);
    if (name == "id") row["id"] = short_text(value);
    if (name == "type" && canonical(short_text(value)) != "audio")
      return "transform: expected media of type audio";
    if (name == "destination" && value.is_object()) take_destination(value, row);
    if ((name != "codec" && name != "codecs") || !value.is_array()) continue;
    for (const Value& pair : value) {
      if (!pair.is_object() || row["codecs"].size() == kCodecsMax)
        return "transform: expected at most 32 codecs, each with input and output";
      Value input, output;
      for (const auto& [side, codec] : pair.items()) {
        if (canonical(side) == "input" && codec.is_object()) input = transform_codec(codec);
        if (canonical(side) == "output" && codec.is_object()) output = transform_codec(codec);
      }
      if (input.is_null() || output.is_null()) return "transform: expected input and output of every codec";
      row["codecs"].push_back({{"input", std::move(input)}, {"output", std::move(output)}});
    }
  }
  return row["codecs"].empty() ? "transform: expected codecs" : "";
}

// What leaves is bytes and numbers: an address of ours in rtpengine's words.
void give_media(const Value& result, Value& answer) {
  answer["call-id"] = text_at(result, "call_id");
  answer["from-tag"] = text_at(result, "from_tag");
  answer["media"] = Value::array();
  const auto list = result.find("media");
  if (list == result.end()) return;
  for (const Value& one : *list)
    answer["media"].push_back({{"id", text_at(one, "id")},
                               {"family", text_at(one, "family")},
                               {"address", text_at(one, "host")},
                               {"port", one.value("port", 0)}});
}

}  // namespace

void Commands::run_transform(Request& request, const Answer& answer) {
  Value params = request.params;
  for (const char* name : {"to_tag", "to_label", "sdp"}) params.erase(name);
  params["media"] = Value::array();
  for (const Value& one : request.media) {
    if (!one.is_object() || params["media"].size() == kMediaMax)
      return answer(failed("transform: expected at most 32 media, each a dictionary"));
    Value row;
    if (std::string wrong = transform_media(one, row); !wrong.empty())
      return answer(failed(std::move(wrong)));
    if (row["port"] < 1 || row["port"] > 65'535)
      return answer(failed("Destination address without a port specified"));
    params["media"].push_back(std::move(row));
  }
  ask("anchor.transform", params, answer, [warnings = request.warnings](const Value& result, Value& out) {
    give_media(result, out);
    add_warnings(warnings, result, out);
  });
}

// Selected as for the blocks: a from-tag alone means nobody, with `directional` its party.
void Commands::run_forwarding(Request& request, const Answer& answer) {
  Value& params = request.params;
  if (!request.directional && !request.had_label) params.erase("from_tag");
  for (const char* name : {"to_tag", "to_label", "via_branch"}) params.erase(name);
  params["on"] = request.command == "start-forwarding";
  if (!request.metadata.empty()) params["metadata"] = request.metadata;
  ask_warned("anchor.forward", params, request, answer);
}

}  // namespace tandem::ng
