// One message, key by key: who is meant, what the verb wants. What an SDP asks is in sdp_options.cpp, the
// tables in request_words.hpp; docs/ng.md shows them to operators.
#include "ng/request.hpp"

#include <algorithm>
#include <array>

#include "ng/key_options.hpp"
#include "ng/request_words.hpp"
#include "ng/rtpp_flags.hpp"
#include "ng/sdp_edits.hpp"
#include "ng/sdp_options.hpp"
#include "ng/words.hpp"

namespace tandem::ng {
namespace {

constexpr std::size_t kWarningsMax = 20;

class Reader {
 public:
  Reader(const ReadOptions& options, Request& out) : out_(out), sdp_(options, out), keys_(out), edits_(out) {}

  void read(const Value& message) {
    for (const auto& [key, value] : message.items()) take(canonical(key), value);
    finish();
  }

 private:
  Value& params() { return out_.params; }
  void refuse(const std::string& what) { out_.refuse(what); }

  void take_text(const char* name, const Value& value) {
    if (value.is_string())
      params()[name] = value;
    else if (value.is_number_integer())
      params()[name] = std::to_string(to_number(value, 0));
    else
      refuse(std::string(name) + ": expected a string");
  }
  bool take_who(const std::string& key, const Value& value) {
    if (key == "command")
      out_.command = canonical(value.is_string() ? value.get<std::string>() : "");
    else if (key == "call-id")
      take_text("call_id", value);
    else if (key == "from-tag")
      take_text("from_tag", value);
    else if (key == "to-tag")
      take_text("to_tag", value);
    else if (key == "via-branch")
      take_text("via_branch", value);
    else if (key == "sdp")
      take_text("sdp", value);
    else if (key == "label" || key == "from-label")
      out_.had_label = true, take_text("label", value);
    else if (key == "address")
      out_.had_label = true, take_text("address", value);
    else if (key == "to-label")
      take_text("to_label", value);
    else if (key == "set-label")
      set_label_ = value;
    else
      return false;
    return true;
  }
  static Value to_list(const Value& value, std::size_t most) {
    Value out = Value::array();
    for (std::string& word : to_words(value))
      if (out.size() < most) out.push_back(std::move(word));
    return out;
  }
  // What verbs beside offer and answer name.
  bool take_flow_option(const std::string& key, const Value& value) {
    const auto text = [&] { return value.is_string() ? value.get<std::string>().substr(0, 1024) : ""; };
    if (key == "from-tags")
      out_.from_tags = to_list(value, 64);
    else if (key == "to-call-id")
      out_.to_call_id = text();
    else if (key == "source-call-id")
      out_.source_call_id = text();
    else if (key == "source-tag")
      out_.source_tag = text();
    else if (key == "calls")
      out_.calls = to_list(value, 64);
    else if (key == "tags" && value.is_array())
      take_rows(value);
    else if ((key == "medias" || key == "media") && value.is_array())
      out_.media = value;
    else
      return false;
    return true;
  }
  void take_rows(const Value& list) {
    for (const Value& one : list) {
      if (!one.is_object() || out_.rows.size() == 64)
        return refuse("tags: expected at most 64 dictionaries of from and to");
      Value row{{"from", ""}, {"to", Value::array()}};
      for (const auto& [key, value] : one.items()) {
        if (canonical(key) == "from" && value.is_string()) row["from"] = value;
        if (canonical(key) == "to") row["to"] = to_list(value, 64);
      }
      out_.rows.push_back(std::move(row));
    }
  }
  void take_key_log(const Value& value) {
    Listen to;
    if (value.is_string() && parse_listen(value.get<std::string>(), to) && to.port != 0)
      out_.key_log = to;
    else
      out_.warnings.push_back("dtmf-log-dest: expected ADDRESS:PORT");
  }
  // A text is keys, a number an event of RFC 4733 (10 is *, 11 is #, 12 to 15 are A to D).
  void take_code(const Value& value) {
    const std::int64_t event = value.is_number_integer() ? to_number(value, -1) : -1;
    if (event >= 0 && event < static_cast<std::int64_t>(kKeys.size()))
      out_.digits = kKeys[static_cast<std::size_t>(event)];
    else
      out_.digits = to_words(value).empty() ? "" : to_words(value).front();
    if (event >= static_cast<std::int64_t>(kKeys.size()))
      refuse("code: expected 0 to 15 or one of 0-9 * # A-D");
  }
  void take_alias_key(const Value& value) {
    const std::string word = canonical(value.is_string() ? value.get<std::string>() : "");
    if (word != "off" && word != "none" && word != "no" && !word.empty())
      out_.warnings.push_back("alias-key=" + shown(word) + ": a new from-tag is a party of its own");
  }
  bool take_act_option(const std::string& key, const Value& value) {
    if (key == "file")
      out_.file = value.is_string() ? value.get<std::string>() : "";
    else if (key == "code" || key == "digit")
      take_code(value);
    else if (key == "repeat-times")
      out_.repeat = std::clamp<std::int64_t>(to_number(value, 1), 1, 100);
    else if (key == "repeat-duration")
      out_.repeat_duration_ms = std::clamp<std::int64_t>(to_number(value, 0), 0, 86'400'000);
    else if (key == "start-pos")
      out_.start_ms = std::clamp<std::int64_t>(to_number(value, 0), 0, 86'400'000);
    else if (key == "duration")
      out_.duration_ms = std::clamp<std::int64_t>(to_number(value, 250), 100, 5000);
    else if (key == "pause" && value.is_string())
      out_.pause =
          canonical(value.get<std::string>()) == "yes" || canonical(value.get<std::string>()) == "on";
    else if (key == "pause")
      out_.gap_ms = std::clamp<std::int64_t>(to_number(value, 100), 100, 5000);
    else if (key == "limit")
      out_.limit = std::clamp<std::int64_t>(to_number(value, 32), 1, 100'000);
    else if (key == "delete-delay")
      out_.delete_delay_s = std::clamp<std::int64_t>(to_number(value, 0), 0, 3600);
    else if (key == "alias-key")
      take_alias_key(value);
    else if (key == "dtmf-log-dest" || key == "dtmf-log-destination")
      take_key_log(value);
    else if (key == "all")
      take_all(value);
    else if (key == "output-destination" || key == "output-file" || key == "recording-file" ||
             key == "recording-destination" || key == "output-dest" || key == "recording-dest")
      out_.file = value.is_string() ? value.get<std::string>() : "";
    else
      return false;
    return true;
  }

  void take(const std::string& key, const Value& value) {
    if (take_who(key, value) || sdp_.take(key, value) || keys_.take(key, value) || edits_.take(key, value) ||
        take_act_option(key, value) || take_flow_option(key, value))
      return;
    if (key == "flags") {
      for (const std::string& flag : to_words(value)) take_flag(flag);
    } else if (key == "rtpp-flags") {
      if (!value.is_string() || nested_) return;
      Value more = Value::object();
      read_rtpp_flags(value.get_ref<const std::string&>(), more);
      nested_ = true;
      for (const auto& [inner, one] : more.items()) take_rtpp(canonical(inner), one);
      nested_ = false;
    } else if (holds(kQuietKeys, key)) {
      return;
    } else if (holds(kRefusedKeys, key) || key.starts_with("vsc-") || key.starts_with("recording-") ||
               key.starts_with("output-")) {
      refuse("\"" + shown(key) + "\" is not done");
    } else if (!sdp_.take_codec_key(key, value) && !take_known_flag(key)) {
      out_.add_unknown("key", key);
    }
  }
  // In rtpp-flags a flag may look like a key ("codec-transcode=PCMU", "rtcp-mux=offer", "transport=…").
  void take_rtpp(const std::string& key, const Value& value) {
    if (key == "command" || key == "sdp" || key == "call-id" || key == "rtpp-flags") return;
    take(key, value);
  }

  void take_flag(const std::string& text) {
    const std::string flag = canonical(text);
    if (flag.empty() || take_known_flag(flag) || take_prefixed_flag(text, flag)) return;
    if (const auto equals = text.find('='); equals != std::string::npos && equals > 0)
      return take(canonical(text.substr(0, equals)), Value(text.substr(equals + 1)));
    out_.add_unknown("flag", text);
  }
  bool take_known_flag(const std::string& flag) {
    if (sdp_.take_flag(flag) || keys_.take_flag(flag)) return true;
    if (flag == "all")
      out_.all = true;
    else if (flag == "directional")
      out_.directional = true;
    else if (flag == "fatal")
      out_.fatal = true;
    else if (flag == "pause")
      out_.pause = true;
    else if (flag == "fast")
      out_.fast = true;
    else if (flag == "mix" || flag == "mixed")
      out_.mix = true;
    else if (flag == "siprec")
      out_.siprec = true;
    else if (flag == "bidirectional")
      out_.bidirectional = true;
    else if (flag == "unsubscribe")
      out_.unsubscribe = true;
    else if (warned(flag))
      return true;
    else if (holds(kRefusedFlags, flag))
      refuse("the flag \"" + shown(flag) + "\" is not done");
    else
      return holds(kQuietFlags, flag);
    return true;
  }
  bool warned(const std::string& word) {
    for (const auto& [name, why] : kWarned) {
      if (word != name) continue;
      out_.warnings.push_back(word + ": " + why);
      return true;
    }
    return false;
  }
  // Which flows a block is meant for: here it is always a party's, or the call's.
  void take_all(const Value& value) {
    const std::string word = value.is_string() ? canonical(value.get<std::string>()) : "all";
    out_.all = word != "none";
    if (word != "all" && word != "none" && !word.empty()) flows_ = word;
  }
  bool take_prefixed_flag(const std::string& text, const std::string& flag) {
    if (sdp_.take_prefixed_flag(text, flag) || edits_.take_prefixed_flag(text, flag)) return true;
    if (flag.starts_with("from-tags-")) {
      if (out_.from_tags.size() < 64) out_.from_tags.push_back(text.substr(10));
      return true;
    }
    return flag.starts_with("dtls-") || flag.starts_with("endpoint-learning-");
  }
  void finish() {
    Value options = sdp_.finish();
    edits_.finish(options);
    static constexpr std::array kWithOptions = {
        "offer",  "answer",        "publish",          "subscribe-request",
        "create", "create-answer", "subscribe-answer", "transform"};
    if (holds(kWithOptions, out_.command)) {
      // A subscription's own label is set-label or to-label; its label chooses whom it hears.
      if (out_.command == "subscribe-request") {
        if (set_label_.is_null() && params().contains("to_label")) set_label_ = params()["to_label"];
        if (set_label_.is_string()) params()["set_label"] = set_label_;
      } else if (set_label_.is_string()) {
        params()["label"] = set_label_;
      }
      params().update(options);
    } else {
      params().erase("sdp");
      out_.metadata = text_at(options, "metadata");
    }
    keys_.finish(out_.command, params());
    const bool blocks = out_.command.find("block-") != std::string::npos ||
                        out_.command.find("silence-") != std::string::npos;
    if (blocks && !flows_.empty())
      refuse("all=" + shown(flows_) + ": a party is blocked towards all who hear it, not single flows");
    if (blocks && out_.directional && (params().contains("to_tag") || params().contains("to_label")))
      out_.warnings.emplace_back("to-tag: the party is blocked towards all who hear it");
  }

  Request& out_;
  SdpOptions sdp_;
  KeyOptions keys_;
  SdpEdits edits_;
  Value set_label_;
  std::string flows_;
  bool nested_ = false;
};

}  // namespace

void Request::refuse(const std::string& what) {
  if (refusal.empty()) refusal = what;
}

void Request::add_unknown(const char* kind, std::string_view word) {
  ++unknown;
  if (warnings.size() < kWarningsMax)
    warnings.push_back(std::string("unknown ") + kind + " \"" + shown(word) + "\"");
}

Request read_request(const Value& message, const ReadOptions& options) {
  Request out;
  Reader(options, out).read(message);
  return out;
}

}  // namespace tandem::ng
