#include "ng/sdp_edits.hpp"

#include "ng/words.hpp"

namespace tandem::ng {
namespace {

constexpr std::size_t kEditsMax = 64, kBytesMax = 1024;

// "--" stands for "=", ".." for a blank, as rtpengine has it where neither may stand.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool twice = i + 1 < text.size() && text[i + 1] == text[i];
    if (twice && (text[i] == '-' || text[i] == '.'))
      out += text[i++] == '-' ? '=' : ' ';
    else
      out += text[i];
  }
  return out;
}

}  // namespace

bool SdpEdits::take(const std::string& key, const Value& value) {
  if (key == "sdp-media-remove") {
    for (const std::string& kind : to_words(value))
      if (kinds_.size() < kEditsMax) kinds_.push_back(kind.substr(0, 64));
    return true;
  }
  if (key != "sdp-attr") return false;
  if (!value.is_object())
    out_.refuse("sdp-attr: expected a dictionary of media types");
  else
    for (const auto& [kind, acts] : value.items()) take_kind(canonical(kind), acts);
  return true;
}

void SdpEdits::take_kind(const std::string& kind, const Value& acts) {
  if (!acts.is_object())
    return out_.refuse("sdp-attr: expected add, remove and substitute of each media type");
  for (const auto& [name, list] : acts.items()) {
    const std::string act = canonical(name);
    if (act == "substitute")
      take_substitutes(kind, list);
    else if (act == "add" || act == "remove")
      for (std::string& line : to_words(list)) add(act, kind, std::move(line), "");
    else
      out_.add_unknown("sdp-attr command", name);
  }
}

// ["a", "b"], [["a", "b"], ["c", "d"]], or "a>b".
void SdpEdits::take_substitutes(const std::string& kind, const Value& list) {
  const Value all = list.is_array() && !list.empty() && list.front().is_array() ? list : Value::array({list});
  for (const Value& one : all) {
    Words pair = to_words(one);
    if (pair.size() == 1)
      if (const auto arrow = pair.front().find('>'); arrow != std::string::npos)
        pair = {pair.front().substr(0, arrow), pair.front().substr(arrow + 1)};
    if (pair.size() < 2) return out_.refuse("sdp-attr: substitute: expected two lines");
    add("substitute", kind, pair[0], pair[1]);
  }
}

void SdpEdits::add(const std::string& act, const std::string& kind, std::string what, std::string with) {
  what = unescaped(what), with = unescaped(with);
  for (std::string* one : {&what, &with})
    if (one->starts_with("a=")) one->erase(0, 2);
  for (const std::string& one : {what, with})
    for (const char c : one)
      if (c == '\r' || c == '\n' || c == '\0') return out_.refuse("sdp-attr: expected one line each");
  if (what.empty() || what.size() > kBytesMax || with.size() > kBytesMax || edits_.size() == kEditsMax)
    return out_.refuse("sdp-attr: expected at most 64 lines of at most 1024 bytes");
  to_utf8(what), to_utf8(with);
  Value edit{{"act", act}, {"what", what}};
  if (kind != "none" && kind != "global" && kind != "session") edit["kind"] = kind.substr(0, 64);
  if (!with.empty()) edit["with"] = with;
  edits_.push_back(std::move(edit));
}

bool SdpEdits::take_prefixed_flag(const std::string& text, const std::string& flag) {
  for (const char* act : {"add", "remove", "substitute"}) {
    const std::string prefix = std::string("sdp-attr-") + act + "-";
    if (!flag.starts_with(prefix)) continue;
    const std::string rest = text.substr(prefix.size());
    const std::size_t dash = rest.find('-');
    if (dash == std::string::npos) return out_.refuse("sdp-attr: expected a media type and a line"), true;
    take_kind(canonical(rest.substr(0, dash)), {{act, rest.substr(dash + 1)}});
    return true;
  }
  if (flag.starts_with("sdp-media-remove-")) return take("sdp-media-remove", Value(text.substr(17)));
  return false;
}

void SdpEdits::finish(Value& options) const {
  if (!edits_.empty()) options["attributes"] = edits_;
  if (!kinds_.empty()) options["media_remove"] = kinds_;
}

}  // namespace tandem::ng
