// SdpOptions: what an offer, an answer, or a verb with SDP of its own may ask, gathered key by key and flag
// by flag in every spelling, as options of the anchor.* commands. Thread: [any].
#pragma once

#include <string>
#include <vector>

#include "ng/request.hpp"
#include "ng/value.hpp"

namespace tandem::ng {

class SdpOptions {
 public:
  // Refusals and warnings go into `out`. Both outlive this.
  SdpOptions(const ReadOptions& options, Request& out) : read_options_(options), out_(out) {}

  // Canonical spelling; false: not one of these.
  bool take(const std::string& key, const Value& value);
  bool take_flag(const std::string& flag);
  // "codec-transcode": PCMU, "transcode": …
  bool take_codec_key(const std::string& key, const Value& value);
  // "codec-strip-PCMA", "rtcp-mux-offer": `text` as it was written.
  bool take_prefixed_flag(const std::string& text, const std::string& flag);
  // After the last one.
  Value finish();

 private:
  void add_codecs(const std::string& list, const Words& words);
  void take_codec(const Value& value);
  void add_mux(const std::string& word);
  void add_word(const char* key, const char* word);
  void add_replace(const std::string& word);
  void add_interface(const std::string& name);
  void take_received_from(const Value& value);
  void take_ptime(const char* name, const Value& value);
  void take_ice(const Value& value);
  void take_ice_lite(const Value& value);
  void take_echo(const Value& value);
  void take_drop(const Value& value);
  void take_t38(const Value& value);
  void take_record_call(const Value& value);
  void take_bundle(const Value& value);
  void take_extmap(const Value& value);
  void strip_extension(std::string uri);
  void take_sdes(const std::string& word);
  void take_osrtp(const std::string& word);
  void take_tos(const Value& value);
  void take_transport(const std::string& proto);
  bool take_transport_flag(const std::string& flag);

  const ReadOptions& read_options_;
  Request& out_;
  Value options_ = Value::object();
  Words from_interface_, to_interface_;
  int secure_ = -1, feedback_ = -1;
  bool halves_ = false, sdes_off_ = false;
};

}  // namespace tandem::ng
