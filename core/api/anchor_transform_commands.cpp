// anchor.transform and anchor.forward: streams without SDP, and sound that leaves as a stream of PCM. Thread:
// [control].
#include "core/api/anchor_commands.hpp"
#include "core/api/anchor_json.hpp"
#include "core/api/call_commands.hpp"

namespace tandem::api {
namespace {

using anchor::Anchors;
using namespace anchor_json;

constexpr const char* kCodec =
    R"({"type":"object","required":["codec","type"],"properties":{
        "codec":{"type":"string","minLength":1,"maxLength":64},"type":{"type":"integer","minimum":0,"maximum":127},
        "clock_rate":{"type":"integer","minimum":1,"maximum":1000000,"default":8000},
        "channels":{"type":"integer","minimum":1,"maximum":255,"default":1},
        "fmtp":{"type":"string","maxLength":512},"bitrate":{"type":"integer","minimum":0,"maximum":10000000}}})";

anchor::TransformCodec codec_of(const Json& given) {
  anchor::TransformCodec out;
  out.name = text_at(given, "codec");
  out.fmtp = text_at(given, "fmtp");
  out.type = static_cast<unsigned>(number_at(given, "type"));
  out.clock_rate = static_cast<unsigned>(number_at(given, "clock_rate", 8000));
  out.channels = static_cast<unsigned>(number_at(given, "channels", 1));
  out.bitrate = static_cast<unsigned>(number_at(given, "bitrate"));
  return out;
}

// The schema has been asked: what is required is there.
std::vector<anchor::TransformMedia> media_of(const Json& given) {
  std::vector<anchor::TransformMedia> out;
  for (const Json& one : given.at("media")) {
    anchor::TransformMedia media;
    media.id = text_at(one, "id");
    for (const Json& pair : one.at("codecs"))
      media.codecs.push_back({codec_of(pair.at("input")), codec_of(pair.at("output"))});
    if (const auto to =
            Address::parse(text_at(one, "host"), static_cast<std::uint16_t>(number_at(one, "port"))))
      media.destination = *to;
    out.push_back(std::move(media));
  }
  return out;
}

void bind_transform(CommandTable& table, Anchors& anchors) {
  const std::string media =
      R"(,"media":{"type":"array","maxItems":32,"items":{"type":"object","required":["codecs","host","port"],"properties":{
          "id":{"type":"string","maxLength":256},"codecs":{"type":"array","maxItems":32,"items":{"type":"object","required":["input","output"],"properties":{"input":)" +
      std::string(kCodec) + R"(,"output":)" + kCodec +
      R"(}}},"host":{"type":"string","maxLength":64},"port":{"type":"integer","minimum":1,"maximum":65535}}}},)";
  add(table, "anchor.transform",
      "codes streams anew that nobody wrote SDP for: what comes in the `input` of one of `codecs` leaves as "
      "its `output` for host and port",
      schema(who_properties() + media + option_properties(), R"(["media"])"),
      R"({"properties":{"call_id":{"type":"string"},"from_tag":{"type":"string"},"media":{"type":"array"},"warnings":{"type":"array"}}})",
      [&anchors](const Json& given, const Reply& reply) {
        const auto asked = options(given);
        if (!asked) return reply(asked.error());
        const auto done = anchors.transform(selector_of(given), media_of(given), *asked);
        if (!done) return reply(done.error());
        Json list = Json::array();
        for (const anchor::TransformedMedia& one : done->media)
          list.push_back({{"id", one.id},
                          {"family", one.address.family() == Family::v6 ? "IP6" : "IP4"},
                          {"host", one.address.host()},
                          {"port", one.address.port()}});
        reply(text_of(Json{{"call_id", done->call_id},
                           {"from_tag", done->from_tag},
                           {"media", std::move(list)},
                           {"warnings", done->warnings}}));
      });
}

void bind_forward(CommandTable& table, Anchors& anchors) {
  add(table, "anchor.forward",
      "sends what one party says, or each, as PCM over TCP to anchor.forward_to, metadata first; on=false "
      "ends "
      "it",
      schema(who_properties() +
                 R"(,"on":{"type":"boolean","default":true},"metadata":{"type":"string","maxLength":4096})",
             R"(["call_id"])"),
      "{}", [&anchors](const Json& given, const Reply& reply) {
        answer_done(
            anchors.forward(selector_of(given), flag_at(given, "on", true), text_at(given, "metadata")),
            reply);
      });
}

}  // namespace

void bind_anchor_transforms(CommandTable& table, Anchors& anchors) {
  bind_transform(table, anchors);
  bind_forward(table, anchors);
}

}  // namespace tandem::api
