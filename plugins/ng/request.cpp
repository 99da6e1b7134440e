// One message, key by key. The tables are in request_words.hpp; docs/ng.md shows them to operators.
#include "ng/request.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "ng/request_words.hpp"
#include "ng/rtpp_flags.hpp"
#include "ng/words.hpp"

namespace tandem::ng {
namespace {

using Words = std::vector<std::string>;

constexpr std::size_t kWarningsMax = 20;

template <typename Table>
bool holds(const Table& table, std::string_view word) {
  return std::any_of(table.begin(), table.end(), [&](const char* one) { return word == one; });
}

std::int64_t to_number(const Value& value, std::int64_t otherwise) {
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > 9'000'000'000'000'000'000U) return otherwise;
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_string()) return otherwise;
  const std::string& text = value.get_ref<const std::string&>();
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() ? number : otherwise;
}

// A list of texts, or one text with commas or alone.
Words to_words(const Value& value) {
  Words out;
  if (value.is_string()) {
    out.push_back(value.get<std::string>());
  } else if (value.is_number_integer()) {
    out.push_back(std::to_string(to_number(value, 0)));
  } else if (value.is_array()) {
    for (const Value& one : value)
      for (std::string& word : to_words(one)) out.push_back(std::move(word));
  }
  if (out.size() > 128) out.resize(128);
  return out;
}

std::string shown(std::string_view text) {
  std::string out(text.substr(0, 64));
  for (char& c : out)
    if (c < ' ' || c > '~') c = '?';
  return out;
}

class Reader {
 public:
  Reader(const ReadOptions& options, Request& out) : read_options_(options), out_(out) {}

  void read(const Value& message) {
    for (const auto& [key, value] : message.items()) take(canonical(key), value);
    finish();
  }

 private:
  Value& params() { return out_.params; }
  Value& options() { return options_; }

  void refuse(const std::string& what) {
    if (out_.refusal.empty()) out_.refusal = what;
  }
  void unknown(const char* kind, std::string_view word) {
    ++out_.unknown;
    if (out_.warnings.size() < kWarningsMax)
      out_.warnings.push_back(std::string("unknown ") + kind + " \"" + shown(word) + "\"");
  }
  void add_codecs(const std::string& list, const Words& words) {
    Value& codecs = options_["codecs"];
    if (!codecs.is_object()) codecs = Value::object();
    Value& into = codecs[list];
    if (!into.is_array()) into = Value::array();
    for (const std::string& word : words) {  // "transcode=PCMU,PCMA" too
      for (std::size_t begin = 0; begin <= word.size();) {
        const std::size_t end = std::min(word.find(',', begin), word.size());
        if (end > begin && into.size() < 128)
          into.push_back(word.substr(begin, std::min<std::size_t>(end - begin, 512)));
        begin = end + 1;
      }
    }
  }
  void add_mux(const std::string& word) {
    if (word != "offer" && word != "require" && word != "demux" && word != "accept" && word != "reject")
      return unknown("rtcp-mux option", word);
    add_word("rtcp_mux", word.c_str());
  }
  void add_word(const char* key, const char* word) {
    Value& list = options_[key];
    if (!list.is_array()) list = Value::array();
    if (list.size() < 8) list.push_back(word);
  }
  void add_replace(const std::string& word) {
    if (word == "origin" || word == "origin-full") return add_word("replace", "origin");
    if (word == "username") return add_word("replace", "username");
    if (word == "session-name") return add_word("replace", "session_name");
    if (word == "zero-address") return add_word("replace", "zero_address");
    if (word == "force-increment-sdp-ver") return add_word("replace", "force_increment_version");
    if (word == "session-connection" || word == "sdp-version") return;  // c= is always ours; versions pass
    unknown("replace option", word);
  }
  void add_interface(const std::string& name) {
    if (name.size() > 64) return refuse("direction: expected names of interfaces");
    add_word("interfaces", name.c_str());
  }
  void take_ice(const Value& value) {
    for (const std::string& word : to_words(value)) {
      const std::string ice = canonical(word);
      if (ice == "force" && read_options_.ice_force_removes) {
        out_.warnings.emplace_back("ICE=force is taken as ICE=remove");
      } else if (ice == "force" || ice == "force-relay") {
        refuse("ICE=" + ice + ": ICE is not done here; use ICE=remove");
      } else if (ice != "remove" && ice != "default" && ice != "optional" && !ice.starts_with("lite") &&
                 !ice.starts_with("no-lite") && ice != "trickle" && ice != "ice2") {
        unknown("ICE option", word);
      }
    }
  }
  void take_dtmf_security(const Value& value) {
    const std::string mode = canonical(value.is_string() ? value.get<std::string>() : "");
    if (mode == "drop")
      options_["block_digits"] = true;
    else if (mode != "off")
      refuse("DTMF-security=" + shown(mode) + ": only drop and off are done");
  }
  void take_t38(const Value& value) {
    for (const std::string& word : to_words(value))
      if (const std::string t38 = canonical(word); t38 == "decode" || t38 == "force" || t38 == "gateway")
        refuse("T.38=" + t38 + ": T.38 is passed through and not converted");
  }
  // Suites; everything else that SDES can be told tunes what is written, and not what is done.
  void take_sdes(const std::string& word) {
    const std::string option = canonical(word);
    if (option == "off" || option == "no" || option == "disable" || option == "disabled") sdes_off_ = true;
    const bool only = option.starts_with("only-");
    if (!only && !option.starts_with("no-")) return;
    Value& list = options_[only ? "srtp_only" : "srtp_without"];
    if (!list.is_array()) list = Value::array();
    if (list.size() < 32) list.push_back(word.substr(only ? 5 : 3, 64));
  }
  void take_record_call(const Value& value) {
    const std::string word = value.is_string()          ? canonical(value.get<std::string>())
                             : to_number(value, 0) != 0 ? "on"
                                                        : "off";
    if (word == "yes" || word == "on" || word == "1" || word == "true") options_["record"] = true;
  }
  // Streams have ports of their own here, which a bundled offer may always be answered with (RFC 9143 7.3).
  void take_bundle(const Value& value) {
    for (const std::string& word : to_words(value)) {
      const std::string bundle = canonical(word);
      if (bundle == "require" || bundle == "strict")
        refuse("bundle=" + bundle + ": streams are not bundled here");
      else if (bundle == "offer")
        out_.warnings.push_back("bundle=offer: streams are not bundled here, each has a port of its own");
      else if (bundle != "accept" && bundle != "reject")
        unknown("bundle option", word);
    }
  }
  // What leaves has them not; mask is the same here, as nobody is told that they are taken.
  void take_extmap(const Value& value) {
    if (!value.is_object()) return unknown("form of", "extmap");
    for (const auto& [key, list] : value.items()) {
      const std::string name = canonical(key);
      if (name != "strip" && name != "mask") unknown("extmap option", key);
      for (std::string& uri : to_words(list)) strip_extension(std::move(uri));
    }
  }
  void strip_extension(std::string uri) {
    Value& strip = options_["extmap_strip"];
    if (!strip.is_array()) strip = Value::array();
    if (strip.size() < 128) strip.push_back(uri.substr(0, 512));
  }
  void take_osrtp(const std::string& word) {  // RFC 8643
    const std::string osrtp = canonical(word);
    if (osrtp.starts_with("offer"))
      out_.warnings.push_back("OSRTP=" + shown(osrtp) + ": SRTP is offered by transport-protocol only");
  }
  void take_tos(const Value& value) {
    const std::int64_t tos = to_number(value, 256);
    if (tos >= 0 && tos <= 255) options_["tos"] = tos;  // else the default, as rtpengine has it
  }

  void take_received_from(const Value& value) {
    const Words words = to_words(value);
    if (words.empty()) return;
    std::string address = words.back();
    if (words.size() == 1) {  // "IP4 192.0.2.1"
      if (const auto blank = address.rfind(' '); blank != std::string::npos) address.erase(0, blank + 1);
    }
    options_["received_from"] = address.substr(0, 64);
  }
  void take_codec(const Value& value) {
    if (!value.is_object()) return unknown("form of", "codec");
    for (const auto& [key, list] : value.items()) {
      const std::string name = canonical(key);
      if (holds(kCodecLists, name))
        add_codecs(name, to_words(list));
      else
        unknown("codec option", key);
    }
  }
  void take_text(const char* name, const Value& value) {
    if (value.is_string())
      params()[name] = value;
    else if (value.is_number_integer())
      params()[name] = std::to_string(to_number(value, 0));
    else
      refuse(std::string(name) + ": expected a string");
  }
  void take_ptime(const char* name, const Value& value) {
    const std::int64_t ms = to_number(value, -1);
    if (ms < 0 || ms > 60 || ms % 10 != 0) return refuse("ptime: expected 10, 20, 30, 40, 50 or 60");
    options_[name] = ms;
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
  bool take_sdp_option(const std::string& key, const Value& value) {
    if (key == "replace") {
      for (const auto& word : to_words(value)) add_replace(canonical(word));
    } else if (key == "rtcp-mux") {
      for (const auto& word : to_words(value)) add_mux(canonical(word));
    } else if (key == "direction") {
      for (const auto& word : to_words(value)) add_interface(word);
    } else if (key == "codec" || key == "codecs")
      take_codec(value);
    else if (key == "ice")
      take_ice(value);
    else if (key == "transport-protocol")
      options_["transport"] = value.is_string() ? value.get<std::string>().substr(0, 32) : "";
    else if (key == "tos")
      take_tos(value);
    else if (key == "bundle")
      take_bundle(value);
    else if (key == "extmap")
      take_extmap(value);
    else if (key == "osrtp") {
      for (const std::string& word : to_words(value)) take_osrtp(word);
    } else if (key == "delay-buffer") {
      if (to_number(value, 1) != 0) refuse("delay-buffer: media is not delayed here");
    } else if (key == "media-address")
      options_["media_address"] = value.is_string() ? value.get<std::string>().substr(0, 64) : "";
    else if (key == "address-family")
      options_["address_family"] = value.is_string() ? value.get<std::string>() : "";
    else if (key == "received-from")
      take_received_from(value);
    else if (key == "from-interface")
      from_interface_ = to_words(value);
    else if (key == "to-interface")
      to_interface_ = to_words(value);
    else if (key == "interface")
      from_interface_ = to_words(value);
    else if (key == "ptime")
      take_ptime("ptime_ms", value);
    else if (key == "repacketize")
      take_ptime("ptime_ms", value);
    else if (key == "ptime-reverse" || key == "reverse-ptime")
      take_ptime("ptime_reverse_ms", value);
    else if (key == "record-call")
      take_record_call(value);
    else if (key == "metadata")
      options_["metadata"] = value.is_string() ? value.get<std::string>().substr(0, 4096) : "";
    else if (key == "dtmf-security")
      take_dtmf_security(value);
    else if (key == "t.38" || key == "t38")
      take_t38(value);
    else
      return false;
    return true;
  }
  bool take_act_option(const std::string& key, const Value& value) {
    if (key == "file")
      out_.file = value.is_string() ? value.get<std::string>() : "";
    else if (key == "code" || key == "digit")
      out_.digits = to_words(value).empty() ? "" : to_words(value).front();
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
    else if (key == "all")
      out_.all = !value.is_string() || canonical(value.get<std::string>()) != "none";
    else if (key == "output-destination" || key == "output-file" || key == "recording-file" ||
             key == "recording-destination")
      out_.file = value.is_string() ? value.get<std::string>() : "";
    else
      return false;
    return true;
  }

  void take(const std::string& key, const Value& value) {
    if (take_who(key, value) || take_sdp_option(key, value) || take_act_option(key, value) ||
        take_flow_option(key, value))
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
    } else if (key == "sdes") {
      for (const std::string& word : to_words(value)) take_sdes(word);
    } else if (holds(kQuietKeys, key)) {
      return;
    } else if (holds(kRefusedKeys, key) || key.starts_with("vsc-") || key.starts_with("recording-") ||
               key.starts_with("output-")) {
      refuse("\"" + shown(key) + "\" is not done");
    } else if (!prefixed_codec(key, value) && !take_flag_as_key(key)) {
      unknown("key", key);
    }
  }
  // In rtpp-flags a flag may look like a key ("codec-transcode=PCMU", "rtcp-mux=offer", "transport=…").
  void take_rtpp(const std::string& key, const Value& value) {
    if (key == "command" || key == "sdp" || key == "call-id" || key == "rtpp-flags") return;
    take(key, value);
  }
  bool prefixed_codec(const std::string& key, const Value& value) {
    const std::string name = key.starts_with("codec-") ? key.substr(6) : key;
    if (!holds(kCodecLists, name) || (name != "transcode" && name == key)) return false;
    add_codecs(name, to_words(value));
    return true;
  }
  bool take_flag_as_key(const std::string& key) { return take_known_flag(key); }

  void take_flag(const std::string& text) {
    const std::string flag = canonical(text);
    if (flag.empty() || take_known_flag(flag) || take_prefixed_flag(text, flag)) return;
    if (const auto equals = text.find('='); equals != std::string::npos && equals > 0)
      return take(canonical(text.substr(0, equals)), Value(text.substr(equals + 1)));
    unknown("flag", text);
  }
  bool take_known_flag(const std::string& flag) {
    static constexpr std::array<std::pair<const char*, const char*>, 10> kDone = {{
        {"asymmetric", "asymmetric"},
        {"always-transcode", "always_transcode"},
        {"force-transcoding", "force_transcoding"},
        {"single-codec", "single_codec"},
        {"no-rtcp-attribute", "no_rtcp_attribute"},
        {"full-rtcp-attribute", "full_rtcp_attribute"},
        {"loop-protect", "loop_protect"},
        {"sip-source-address", "sip_source_address"},
        {"record-call", "record"},
        {"block-dtmf", "block_digits"},
    }};
    for (const auto& [name, option] : kDone) {
      if (flag != name) continue;
      options_[option] = true;
      return true;
    }
    if (flag == "all")
      out_.all = true;
    else if (flag == "directional")
      out_.directional = true;
    else if (flag == "fatal")
      out_.fatal = true;
    else if (flag == "pause")
      out_.pause = true;
    else if (flag == "mix")
      out_.mix = true;
    else if (flag == "siprec")
      out_.siprec = true;
    else if (flag == "bidirectional")
      out_.bidirectional = true;
    else if (flag == "unsubscribe")
      out_.unsubscribe = true;
    else if (holds(kRefusedFlags, flag))
      refuse("the flag \"" + shown(flag) + "\" is not done");
    else
      return holds(kQuietFlags, flag) || take_transport_flag(flag);
    return true;
  }
  bool take_transport_flag(const std::string& flag) {
    if (flag == "rtp/avp")
      options_["transport"] = "RTP/AVP";
    else if (flag == "rtp/avpf")
      options_["transport"] = "RTP/AVPF";
    else if (flag == "rtp/savp")
      options_["transport"] = "RTP/SAVP";
    else if (flag == "rtp/savpf")
      options_["transport"] = "RTP/SAVPF";
    else if (flag == "udp/tls/rtp/savp")
      options_["transport"] = "UDP/TLS/RTP/SAVP";
    else if (flag == "udp/tls/rtp/savpf")
      options_["transport"] = "UDP/TLS/RTP/SAVPF";
    // Half a profile: the other half is that of a plain offer, as the proxies' own modules have it.
    else if (flag == "rtp" || flag == "avp")
      secure_ = flag == "rtp" ? 0 : secure_, feedback_ = flag == "avp" ? 0 : feedback_, halves_ = true;
    else if (flag == "srtp")
      secure_ = 1, halves_ = true;
    else if (flag == "avpf")
      feedback_ = 1, halves_ = true;
    else
      return false;
    return true;
  }
  // "codec-strip-PCMA", "transcode-opus", "rtcp-mux-offer", "replace-origin", "SDES-off", "ICE-remove"
  bool take_prefixed_flag(const std::string& text, const std::string& flag) {
    const auto rest = [&](std::size_t size) { return text.substr(size); };
    for (const char* list : kCodecLists) {
      const std::string prefix = std::string("codec-") + list + "-";
      if (flag.starts_with(prefix)) return add_codecs(list, {rest(prefix.size())}), true;
    }
    if (flag.starts_with("transcode-")) return add_codecs("transcode", {rest(10)}), true;
    if (flag.starts_with("rtcp-mux-")) return add_mux(flag.substr(9)), true;
    if (flag.starts_with("replace-")) return add_replace(flag.substr(8)), true;
    if (flag.starts_with("t38-") || flag.starts_with("t.38-"))
      return take_t38(Value(flag.substr(flag.find('-') + 1))), true;
    if (flag.starts_with("ice-")) return take_ice(Value(flag.substr(4))), true;
    if (flag.starts_with("sdes-")) return take_sdes(rest(5)), true;
    if (flag.starts_with("from-tags-")) {
      if (out_.from_tags.size() < 64) out_.from_tags.push_back(rest(10));
      return true;
    }
    if (flag.starts_with("osrtp-")) return take_osrtp(rest(6)), true;
    if (flag.starts_with("bundle-")) return take_bundle(Value(rest(7))), true;
    if (flag == "strip-extmap") return strip_extension("all"), true;
    return flag.starts_with("dtls-") || flag.starts_with("endpoint-learning-");
  }

  void finish() {
    if (const std::string out = text_at(options_, "transport");
        sdes_off_ && out.find("SAVP") != std::string::npos && !out.starts_with("UDP/TLS"))
      refuse("SDES=off: " + shown(out) + " needs SDES here, there is no other exchange of keys");
    if (halves_ && !options_.contains("transport")) {
      static constexpr std::array kProfiles = {"RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF"};
      options_["transport"] = kProfiles[std::size_t{2} * (secure_ > 0) + (feedback_ > 0)];
    }
    if (!from_interface_.empty() || !to_interface_.empty()) {
      Value list = Value::array();
      if (!from_interface_.empty()) list.push_back(from_interface_.front().substr(0, 64));
      if (from_interface_.empty()) list.push_back("");
      if (!to_interface_.empty()) list.push_back(to_interface_.front().substr(0, 64));
      options_["interfaces"] = std::move(list);
    }
    if (const auto family = options_.find("address_family"); family != options_.end()) {
      const std::string word = canonical(family->get<std::string>());
      if (word == "ip4" || word == "inet" || word == "ipv4")
        *family = "IP4";
      else if (word == "ip6" || word == "inet6" || word == "ipv6")
        *family = "IP6";
      else
        refuse("address-family: expected IP4 or IP6");
    }
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
      params().update(options_);
    } else {
      params().erase("sdp");
      out_.metadata = text_at(options_, "metadata");
    }
  }

  const ReadOptions& read_options_;
  Request& out_;
  Value options_ = Value::object();
  Value set_label_;
  Words from_interface_, to_interface_;
  int secure_ = -1, feedback_ = -1;
  bool halves_ = false, nested_ = false, sdes_off_ = false;
};

}  // namespace

Request read_request(const Value& message, const ReadOptions& options) {
  Request out;
  Reader(options, out).read(message);
  return out;
}

}  // namespace tandem::ng
