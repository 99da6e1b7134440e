// anchor.*, beside offer and answer: subscribers, publishers, parties that we offer to, who hears whom.
// Thread: [control].
#include "core/api/anchor_commands.hpp"
#include "core/api/anchor_json.hpp"
#include "core/api/call_commands.hpp"

namespace tandem::api {
namespace {

using anchor::Anchors;
using namespace anchor_json;

constexpr const char* kTags = R"({"type":"array","maxItems":64,"items":{"type":"string","maxLength":1024}})";
constexpr const char* kSdp = R"("sdp":{"type":"string","maxLength":65536})";
constexpr const char* kWarned = R"({"properties":{"warnings":{"type":"array"}}})";
constexpr const char* kMade =
    R"({"properties":{"call_id":{"type":"string"},"from_tag":{"type":"string"},"sdp":{"type":"string"},"warnings":{"type":"array"}}})";

std::string sources_properties() {
  return R"("from_tags":)" + std::string(kTags) +
         R"(,"all":{"type":"boolean"},"mix":{"type":"boolean"},"label_sections":{"type":"boolean"},"bidirectional":{"type":"boolean"})";
}

anchor::Sources sources_of(const Json& given) {
  return {texts(given, "from_tags"), flag_at(given, "all"), flag_at(given, "mix"),
          flag_at(given, "label_sections"), flag_at(given, "bidirectional")};
}

anchor::Ways ways_of(const Json& given) {
  return flag_at(given, "bidirectional") ? anchor::Ways::both : anchor::Ways::one;
}

void reply_warnings(const Result<std::vector<std::string>>& done, const Reply& reply) {
  if (!done) return reply(done.error());
  reply(text_of(Json{{"warnings", *done}}));
}

void reply_made(const Result<anchor::CreateOutcome>& done, const Reply& reply) {
  if (!done) return reply(done.error());
  reply(text_of(Json{{"call_id", done->call_id},
                     {"from_tag", done->from_tag},
                     {"sdp", done->sdp},
                     {"warnings", done->warnings}}));
}

// An answer to an offer of ours.
void bind_answer(CommandTable& table, Anchors& anchors, const char* name, const char* summary,
                 const char* required,
                 Result<std::vector<std::string>> (Anchors::*method)(const anchor::Selector&,
                                                                     const std::string&,
                                                                     const anchor::Options&)) {
  add(table, name, summary, schema(who_properties() + "," + kSdp + "," + option_properties(), required),
      kWarned, [&anchors, method](const Json& given, const Reply& reply) {
        const auto asked = options(given);
        if (!asked) return reply(asked.error());
        reply_warnings((anchors.*method)(selector_of(given), text_at(given, "sdp"), *asked), reply);
      });
}

void bind_subscribers(CommandTable& table, Anchors& anchors) {
  add(table, "anchor.subscribe",
      "an SDP offer for one who is to hear a copy of what parties of a call say: a recorder, a supervisor",
      schema(who_properties() + R"(,"set_label":{"type":"string","maxLength":1024},)" + sources_properties() +
                 "," + option_properties(),
             R"(["call_id"])"),
      R"({"properties":{"sdp":{"type":"string"},"to_tag":{"type":"string"},"sources":{"type":"array"},"warnings":{"type":"array"}}})",
      [&anchors](const Json& given, const Reply& reply) {
        auto asked = options(given);
        if (!asked) return reply(asked.error());
        asked->label = text_at(given, "set_label");  // `label` chooses whom it hears
        const auto done = anchors.subscribe(selector_of(given), sources_of(given), *asked);
        if (!done) return reply(done.error());
        Json sources = Json::array();
        for (const anchor::SourceReport& source : done->sources)
          sources.push_back({{"tag", source.tag},
                             {"label", source.label},
                             {"kind", source.kind},
                             {"mode", source.mode},
                             {"section_label", source.section_label},
                             {"index", source.index}});
        reply(text_of(Json{{"sdp", done->sdp},
                           {"to_tag", done->to_tag},
                           {"sources", sources},
                           {"warnings", done->warnings}}));
      });
  bind_answer(table, anchors, "anchor.subscribe_answer",
              "the subscriber's SDP answer: from here on it hears them", R"(["call_id","to_tag","sdp"])",
              &Anchors::subscribe_answer);
  add(table, "anchor.unsubscribe",
      "ends a subscription, or with a from_tag what is heard of one party; a subscriber that hears nobody is "
      "gone",
      schema(who_properties(), R"(["call_id","to_tag"])"), "{}",
      [&anchors](const Json& given, const Reply& reply) {
        answer_done(anchors.unsubscribe(selector_of(given)), reply);
      });
}

void bind_made(CommandTable& table, Anchors& anchors) {
  add(table, "anchor.publish",
      "takes media in that an SDP offer describes, for subscribers to hear; answered with SDP of ours",
      schema(who_properties() + "," + kSdp + R"(,"bidirectional":{"type":"boolean"},)" + option_properties(),
             R"(["sdp"])"),
      kMade, [&anchors](const Json& given, const Reply& reply) {
        const auto asked = options(given);
        if (!asked) return reply(asked.error());
        reply_made(anchors.publish(selector_of(given), text_at(given, "sdp"), *asked, ways_of(given)), reply);
      });
  add(table, "anchor.create", "an SDP offer of our own, of a party that is made by it or of one that stands",
      schema(who_properties() +
                 R"(,"media":{"type":"array","maxItems":8,"items":{"type":"object","properties":{
                 "kind":{"type":"string","maxLength":32},
                 "codecs":{"type":"array","maxItems":32,"items":{"type":"string","maxLength":512}}}}},)" +
                 option_properties(),
             "[]"),
      kMade, [&anchors](const Json& given, const Reply& reply) {
        const auto asked = options(given);
        if (!asked) return reply(asked.error());
        std::vector<anchor::WantedMedia> wanted;
        if (const auto list = given.find("media"); list != given.end() && list->is_array())
          for (const Json& one : *list) {
            const std::string kind = text_at(one, "kind");
            wanted.push_back({kind.empty() ? "audio" : kind, texts(one, "codecs")});
          }
        reply_made(anchors.create(selector_of(given), wanted, *asked), reply);
      });
  bind_answer(table, anchors, "anchor.create_answer", "the SDP answer to an offer of anchor.create",
              R"(["call_id","from_tag","sdp"])", &Anchors::create_answer);
}

void bind_hearing(CommandTable& table, Anchors& anchors) {
  const std::string to_call = R"(,"to_call_id":{"type":"string","maxLength":1024})";
  add(table, "anchor.connect",
      "joins two parties, as an offer and its answer would; the second may be of another call, which is then "
      "merged into this one",
      schema(who_properties() + to_call, R"(["call_id","to_tag"])"), kWarned,
      [&anchors](const Json& given, const Reply& reply) {
        reply_warnings(anchors.connect(selector_of(given), text_at(given, "to_call_id")), reply);
      });
  add(table, "anchor.hear",
      "lets the party of to_tag hear others beside whom it hears already; bidirectional: they hear it, too",
      schema(who_properties() + to_call + "," + sources_properties(), R"(["call_id","to_tag"])"), kWarned,
      [&anchors](const Json& given, const Reply& reply) {
        reply_warnings(
            anchors.hear(selector_of(given), text_at(given, "to_call_id"), sources_of(given), ways_of(given)),
            reply);
      });
  add(table, "anchor.stop_hearing",
      "the party of to_tag no longer hears the one of source_tag beside its partner",
      schema(
          who_properties() +
              R"(,"source_call_id":{"type":"string","maxLength":1024},"source_tag":{"type":"string","minLength":1,"maxLength":1024})",
          R"(["call_id","to_tag","source_tag"])"),
      "{}", [&anchors](const Json& given, const Reply& reply) {
        answer_done(anchors.stop_hearing(selector_of(given), text_at(given, "source_call_id"),
                                         text_at(given, "source_tag")),
                    reply);
      });
  add(table, "anchor.mesh", "merges calls into the first, and lets parties hear others, row by row",
      schema(
          R"("calls":{"type":"array","maxItems":64,"items":{"type":"string","minLength":1,"maxLength":1024}},
             "rows":{"type":"array","maxItems":64,"items":{"type":"object","properties":{
                "from":{"type":"string","maxLength":1024},"to":)" +
              std::string(kTags) + R"(}}},"reset":{"type":"boolean"},"bidirectional":{"type":"boolean"})",
          R"(["calls"])"),
      kWarned, [&anchors](const Json& given, const Reply& reply) {
        std::vector<anchor::MeshRow> rows;
        if (const auto list = given.find("rows"); list != given.end() && list->is_array())
          for (const Json& one : *list) rows.push_back({text_at(one, "from"), texts(one, "to")});
        reply_warnings(anchors.mesh(texts(given, "calls"), rows, flag_at(given, "reset"), ways_of(given)),
                       reply);
      });
}

}  // namespace

void bind_anchor_flows(CommandTable& table, Anchors& anchors) {
  bind_subscribers(table, anchors);
  bind_made(table, anchors);
  bind_hearing(table, anchors);
}

}  // namespace tandem::api
