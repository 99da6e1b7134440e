#include "ng/sdp_options.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "ng/request_words.hpp"
#include "ng/words.hpp"

namespace tandem::ng {

bool SdpOptions::take(const std::string& key, const Value& value) {
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
  else if (key == "ice-lite")
    take_ice_lite(value);
  else if (key == "sdes") {
    for (const std::string& word : to_words(value)) take_sdes(word);
  } else if (key == "media-echo")
    take_echo(value);
  else if (key == "drop-traffic")
    take_drop(value);
  else if (key == "transport-protocol")
    take_transport(value.is_string() ? value.get<std::string>() : "");
  else if (key == "tos")
    take_tos(value);
  else if (key == "bundle")
    take_bundle(value);
  else if (key == "extmap")
    take_extmap(value);
  else if (key == "osrtp") {
    for (const std::string& word : to_words(value)) take_osrtp(word);
  } else if (key == "media-address")
    options_["media_address"] = value.is_string() ? value.get<std::string>().substr(0, 64) : "";
  else if (key == "address-family")
    options_["address_family"] = value.is_string() ? value.get<std::string>() : "";
  else if (key == "received-from")
    take_received_from(value);
  else if (key == "to-interface")
    to_interface_ = to_words(value);
  else if (key == "interface" || key == "from-interface")
    from_interface_ = to_words(value);
  else if (key == "ptime" || key == "repacketize")
    take_ptime("ptime_ms", value);
  else if (key == "ptime-reverse" || key == "reverse-ptime")
    take_ptime("ptime_reverse_ms", value);
  else if (key == "record-call")
    take_record_call(value);
  else if (key == "metadata")
    options_["metadata"] = value.is_string() ? value.get<std::string>().substr(0, 4096) : "";
  else if (key == "t.38" || key == "t38")
    take_t38(value);
  else
    return false;
  return true;
}

bool SdpOptions::take_flag(const std::string& flag) {
  static constexpr std::array<std::pair<const char*, const char*>, 10> kDone = {{
      {"asymmetric", "asymmetric"},
      {"always-transcode", "always_transcode"},
      {"force-transcoding", "force_transcoding"},
      {"single-codec", "single_codec"},
      {"reject-ice", "ice_reject"},
      {"no-rtcp-attribute", "no_rtcp_attribute"},
      {"full-rtcp-attribute", "full_rtcp_attribute"},
      {"loop-protect", "loop_protect"},
      {"sip-source-address", "sip_source_address"},
      {"record-call", "record"},
  }};
  for (const auto& [name, option] : kDone) {
    if (flag != name) continue;
    options_[option] = true;
    return true;
  }
  return take_transport_flag(flag);
}

// "codec-strip-PCMA", "transcode-opus", "rtcp-mux-offer", "replace-origin", "SDES-off", "ICE-remove"
bool SdpOptions::take_prefixed_flag(const std::string& text, const std::string& flag) {
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
  if (flag.starts_with("ice-lite-")) return take_ice_lite(Value(flag.substr(9))), true;
  if (flag.starts_with("ice-")) return take_ice(Value(flag.substr(4))), true;
  if (flag == "pad-crypto") return take_sdes("pad"), true;
  if (flag.starts_with("sdes-")) return take_sdes(rest(5)), true;
  if (flag.starts_with("osrtp-")) return take_osrtp(rest(6)), true;
  if (flag.starts_with("bundle-")) return take_bundle(Value(rest(7))), true;
  if (flag == "strip-extmap") return strip_extension("all"), true;
  return false;
}

bool SdpOptions::take_codec_key(const std::string& key, const Value& value) {
  const std::string name = key.starts_with("codec-") ? key.substr(6) : key;
  if (!holds(kCodecLists, name) || (name != "transcode" && name == key)) return false;
  add_codecs(name, to_words(value));
  return true;
}

void SdpOptions::add_codecs(const std::string& list, const Words& words) {
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

void SdpOptions::take_codec(const Value& value) {
  if (!value.is_object()) return out_.add_unknown("form of", "codec");
  for (const auto& [key, list] : value.items()) {
    const std::string name = canonical(key);
    if (holds(kCodecLists, name))
      add_codecs(name, to_words(list));
    else
      out_.add_unknown("codec option", key);
  }
}

void SdpOptions::add_mux(const std::string& word) {
  if (word != "offer" && word != "require" && word != "demux" && word != "accept" && word != "reject")
    return out_.add_unknown("rtcp-mux option", word);
  add_word("rtcp_mux", word.c_str());
}

void SdpOptions::add_word(const char* key, const char* word) {
  Value& list = options_[key];
  if (!list.is_array()) list = Value::array();
  if (list.size() < 8) list.push_back(word);
}

void SdpOptions::add_replace(const std::string& word) {
  if (word == "origin" || word == "origin-full") return add_word("replace", "origin");
  if (word == "username") return add_word("replace", "username");
  if (word == "session-name") return add_word("replace", "session_name");
  if (word == "zero-address") return add_word("replace", "zero_address");
  if (word == "force-increment-sdp-ver") return add_word("replace", "force_increment_version");
  if (word == "session-connection" || word == "sdp-version") return;  // c= is always ours; versions pass
  out_.add_unknown("replace option", word);
}

void SdpOptions::add_interface(const std::string& name) {
  if (name.size() > 64) return out_.refuse("direction: expected names of interfaces");
  add_word("interfaces", name.c_str());
}

void SdpOptions::take_received_from(const Value& value) {
  const Words words = to_words(value);
  if (words.empty()) return;
  std::string address = words.back();
  if (words.size() == 1) {  // "IP4 192.0.2.1"
    if (const auto blank = address.rfind(' '); blank != std::string::npos) address.erase(0, blank + 1);
  }
  options_["received_from"] = address.substr(0, 64);
}

void SdpOptions::take_ptime(const char* name, const Value& value) {
  const std::int64_t ms = to_number(value, -1);
  if (ms < 0 || ms > 60 || ms % 10 != 0) return out_.refuse("ptime: expected 10, 20, 30, 40, 50 or 60");
  options_[name] = ms;
}

void SdpOptions::take_ice(const Value& value) {
  for (const std::string& word : to_words(value)) {
    const std::string ice = canonical(word);
    if (ice == "force" && read_options_.ice_force_removes) {
      out_.warnings.emplace_back("ICE=force is taken as ICE=remove");
      options_["ice"] = "remove";
    } else if (ice == "force" || ice == "remove" || ice == "default") {
      options_["ice"] = ice;
    } else if (ice == "optional") {  // their candidates beside ours: media could pass us by
      out_.warnings.emplace_back("ICE=optional is taken as ICE=force");
      options_["ice"] = "force";
    } else if (ice == "force-relay") {
      out_.refuse("ICE=force-relay: candidates of the parties are not passed on; use ICE=force");
    } else if (ice == "lite-off" || ice == "lite-no" || ice == "lite-none" || ice == "no-lite") {
      take_ice_lite(Value("off"));
    } else if (!ice.starts_with("lite") && ice != "trickle" && ice != "ice2") {
      out_.add_unknown("ICE option", word);
    }
  }
}

// Our end is a lite agent towards both sides, always.
void SdpOptions::take_ice_lite(const Value& value) {
  for (const std::string& word : to_words(value)) {
    const std::string lite = canonical(word);
    if (lite == "off" || lite == "none" || lite == "no")
      out_.warnings.emplace_back("ICE-lite=off: ICE is done as a lite agent here");
    else if (!holds(kLiteWords, lite))
      out_.add_unknown("ICE-lite option", word);
  }
}

void SdpOptions::take_t38(const Value& value) {
  for (const std::string& word : to_words(value))
    if (const std::string t38 = canonical(word); t38 == "decode" || t38 == "force" || t38 == "gateway")
      out_.refuse("T.38=" + t38 + ": T.38 is passed through and not converted");
}

void SdpOptions::take_record_call(const Value& value) {
  const std::string word = value.is_string()          ? canonical(value.get<std::string>())
                           : to_number(value, 0) != 0 ? "on"
                                                      : "off";
  if (word == "yes" || word == "on" || word == "1" || word == "true")
    options_["record"] = true;
  else if (word == "no" || word == "off" || word == "0" || word == "false")
    out_.record_off = true;
  else if (word == "discard")
    out_.refuse("record-call=discard: recordings that were begun are kept");
  else
    out_.add_unknown("record-call option", word);
}

// Streams have ports of their own here, which a bundled offer may always be answered with (RFC 9143 7.3).
void SdpOptions::take_bundle(const Value& value) {
  for (const std::string& word : to_words(value)) {
    const std::string bundle = canonical(word);
    if (bundle == "require" || bundle == "strict")
      out_.refuse("bundle=" + bundle + ": streams are not bundled here");
    else if (bundle == "offer")
      out_.warnings.emplace_back("bundle=offer: streams are not bundled here, each has a port of its own");
    else if (bundle != "accept" && bundle != "reject")
      out_.add_unknown("bundle option", word);
  }
}

// What leaves has them not; mask is the same here, as nobody is told that they are taken.
void SdpOptions::take_extmap(const Value& value) {
  if (!value.is_object()) return out_.add_unknown("form of", "extmap");
  for (const auto& [key, list] : value.items()) {
    const std::string name = canonical(key);
    if (name != "strip" && name != "mask") out_.add_unknown("extmap option", key);
    for (std::string& uri : to_words(list)) strip_extension(std::move(uri));
  }
}

void SdpOptions::strip_extension(std::string uri) {
  Value& strip = options_["extmap_strip"];
  if (!strip.is_array()) strip = Value::array();
  if (strip.size() < 128) strip.push_back(uri.substr(0, 512));
}

// Suites by name; DTLS-SRTP is not done here, so that SDES is always what is preferred.
void SdpOptions::take_sdes(const std::string& word) {
  static constexpr std::array<std::tuple<const char*, const char*, bool>, 10> kDone = {{
      {"nonew", "srtp_keep_offered", true},
      {"pad", "srtp_padded", true},
      {"lifetime", "srtp_lifetime", true},
      {"static", "srtp_fixed", true},
      {"unencrypted-srtp", "srtp_unencrypted", true},
      {"unencrypted-srtcp", "srtcp_unencrypted", true},
      {"unauthenticated-srtp", "srtp_unauthenticated", true},
      {"encrypted-srtp", "srtp_unencrypted", false},
      {"encrypted-srtcp", "srtcp_unencrypted", false},
      {"authenticated-srtp", "srtp_unauthenticated", false},
  }};
  const std::string option = canonical(word);
  for (const auto& [name, key, on] : kDone) {
    if (option != name) continue;
    if (on && options_.contains(key)) return;  // what is taken back stays so
    options_[key] = on;
    return;
  }
  const auto add = [&](const char* key, std::string_view names) {
    Value& list = options_[key];
    if (!list.is_array()) list = Value::array();
    while (!names.empty()) {
      const std::size_t end = std::min(names.find(';'), names.size());
      if (end != 0 && list.size() < 32) list.push_back(names.substr(0, std::min<std::size_t>(end, 64)));
      names.remove_prefix(std::min(names.size(), end + 1));
    }
  };
  if (option == "off" || option == "no" || option == "disable" || option == "disabled")
    sdes_off_ = true;
  else if (option.starts_with("only-"))
    add("srtp_only", std::string_view(word).substr(5));
  else if (option.starts_with("no-"))
    add("srtp_without", std::string_view(word).substr(3));
  else if (option.starts_with("order:"))
    add("srtp_order", std::string_view(word).substr(6));
  else if (option.starts_with("offerer-pref:"))
    add("srtp_prefer", std::string_view(word).substr(13));
  else if (option != "prefer" && option != "priority")
    out_.add_unknown("SDES option", word);
}

// Each word is taken from the offer on; forward is towards who gets the SDP.
void SdpOptions::take_echo(const Value& value) {
  static constexpr std::array<std::pair<const char*, const char*>, 12> kWords = {{{"blackhole", "nobody"},
                                                                                  {"sinkhole", "nobody"},
                                                                                  {"forward", "receiver"},
                                                                                  {"fwd", "receiver"},
                                                                                  {"fw", "receiver"},
                                                                                  {"backward", "sender"},
                                                                                  {"backwards", "sender"},
                                                                                  {"reverse", "sender"},
                                                                                  {"back", "sender"},
                                                                                  {"bkw", "sender"},
                                                                                  {"bk", "sender"},
                                                                                  {"both", "both"}}};
  const std::string word = canonical(value.is_string() ? value.get<std::string>() : "");
  for (const auto& [name, echo] : kWords)
    if (word == name) options_["echo"] = echo;
  if (!options_.contains("echo"))
    out_.refuse("media-echo=" + shown(word) + ": expected blackhole, forward, backwards or both");
}

void SdpOptions::take_drop(const Value& value) {
  const std::string word = canonical(value.is_string() ? value.get<std::string>() : "");
  if (word != "start" && word != "stop") return out_.refuse("drop-traffic: expected start or stop");
  if (word == "stop" || !options_.contains("drop")) options_["drop"] = word == "start";
}

void SdpOptions::take_osrtp(const std::string& word) {  // RFC 8643
  const std::string osrtp = canonical(word);
  if (osrtp.starts_with("offer"))
    out_.warnings.push_back("OSRTP=" + shown(osrtp) + ": SRTP is offered by transport-protocol only");
  else if (!osrtp.starts_with("accept"))  // it may always be answered with plain RTP (RFC 8643 3)
    out_.add_unknown("OSRTP option", word);
}

void SdpOptions::take_tos(const Value& value) {
  const std::int64_t tos = to_number(value, 256);
  if (tos >= 0 && tos <= 255) options_["tos"] = tos;  // else the default, as rtpengine has it
}

void SdpOptions::take_transport(const std::string& proto) {
  options_["transport"] = canonical(proto) == "transparent" ? "" : proto.substr(0, 32);  // as it came
}

bool SdpOptions::take_transport_flag(const std::string& flag) {
  if (flag == "rtp/avp" || flag == "rtp/avpf")
    options_["transport"] = flag == "rtp/avp" ? "RTP/AVP" : "RTP/AVPF";
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

Value SdpOptions::finish() {
  if (const std::string out = text_at(options_, "transport");
      sdes_off_ && out.find("SAVP") != std::string::npos && !out.starts_with("UDP/TLS"))
    out_.refuse("SDES=off: " + shown(out) + " needs SDES here, there is no other exchange of keys");
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
      out_.refuse("address-family: expected IP4 or IP6");
  }
  return options_;
}

}  // namespace tandem::ng
