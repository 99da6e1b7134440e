// SdpEdits: what a message wants changed of the lines of the SDP that leaves: sdp-attr, sdp-media-remove.
// Thread: [any].
#pragma once

#include <string>

#include "ng/request.hpp"
#include "ng/value.hpp"

namespace tandem::ng {

class SdpEdits {
 public:
  // Refusals and warnings go into `out`, which outlives this.
  explicit SdpEdits(Request& out) : out_(out) {}

  // Canonical spelling; false: not one of these.
  bool take(const std::string& key, const Value& value);
  // "sdp-attr-add-audio-ptime:20": `text` as it was written.
  bool take_prefixed_flag(const std::string& text, const std::string& flag);
  // After the last one: into options of an SDP.
  void finish(Value& options) const;

 private:
  void take_kind(const std::string& kind, const Value& acts);
  void take_substitutes(const std::string& kind, const Value& list);
  void add(const std::string& act, const std::string& kind, std::string what, std::string with);

  Request& out_;
  Value edits_ = Value::array(), kinds_ = Value::array();
};

}  // namespace tandem::ng
