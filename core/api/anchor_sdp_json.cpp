// What of JSON edits the SDP that leaves, and who hears himself: properties of anchor.offer and
// anchor.answer.
#include <algorithm>

#include "core/api/anchor_json.hpp"

namespace tandem::api::anchor_json {
namespace {

using anchor::AttributeEdit;
using anchor::Echo;

constexpr std::pair<const char*, AttributeEdit::Act> kEdits[] = {
    {"add", AttributeEdit::Act::add},
    {"remove", AttributeEdit::Act::remove},
    {"substitute", AttributeEdit::Act::substitute},
};
constexpr std::pair<const char*, Echo> kEchoes[] = {
    {"none", Echo::none},     {"nobody", Echo::nobody}, {"receiver", Echo::receiver},
    {"sender", Echo::sender}, {"both", Echo::both},
};

template <typename Table>
std::string words_of(const Table& table) {
  std::string out;
  for (const auto& [name, value] : table) out += (out.empty() ? "\"" : ",\"") + std::string(name) + "\"";
  return out;
}

// One line of an SDP, and no more than that.
bool is_line(const std::string& text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c >= 0 && c < ' ' && c != '\t'; });
}

}  // namespace

const std::string& sdp_edit_properties() {
  static const std::string text =
      R"("attributes":{"type":"array","maxItems":64,"items":{"type":"object","properties":{"act":{"enum":[)" +
      words_of(kEdits) +
      R"(]},"kind":{"type":"string","maxLength":64},"what":{"type":"string","minLength":1,"maxLength":1024},
         "with":{"type":"string","maxLength":1024}},"required":["act","what"]}},"drop":{"type":"boolean"},"echo":{"enum":[)" +
      words_of(kEchoes) + "]}";
  return text;
}

Result<void> read_sdp_edits(const Json& params, anchor::Options& into) {
  if (params.contains("drop")) into.drop = flag_at(params, "drop");
  for (const auto& [name, echo] : kEchoes)
    if (text_at(params, "echo") == name) into.echo = echo;
  const auto edits = params.find("attributes");
  if (edits == params.end() || !edits->is_array()) return {};
  for (const Json& one : *edits) {
    AttributeEdit edit;
    for (const auto& [name, act] : kEdits)
      if (text_at(one, "act") == name) edit.act = act;
    edit.kind = text_at(one, "kind");
    edit.what = text_at(one, "what");
    edit.with = text_at(one, "with");
    if (!is_line(edit.what) || !is_line(edit.with))
      return Error{ErrorCode::invalid, "attributes: expected one line each, without control characters"};
    into.attributes.push_back(std::move(edit));
  }
  return {};
}

}  // namespace tandem::api::anchor_json
