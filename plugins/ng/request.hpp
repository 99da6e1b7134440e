// Request: one ng message, normalised: what is asked in the words of the JSON command table, with a list of
// what was passed over and why.
//
//   dictionary (bencode, JSON, rtpp-flags) ──read_request()──► command + params of anchor.*  |  a refusal
//
// Keys and flags in every spelling. Each is done, without meaning here (harmless: taken in silence), refused
// (it would change what the call does, and is not built), or unknown (counted, logged, told as a warning).
// Thread: [any].
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ng/options.hpp"
#include "ng/value.hpp"

namespace tandem::ng {

struct ReadOptions {
  bool ice_force_removes = false;  // ICE=force is taken as ICE=remove
};

struct Request {
  std::string command;             // canonical: "offer", "block-dtmf", …
  Value params = Value::object();  // of the anchor.* command: who and, for offer and answer, options
  std::string refusal;             // not empty: answered with result error and this reason
  std::vector<std::string> warnings;
  std::size_t unknown = 0;  // keys and flags that nobody knows
  // what the params of anchor.* have not
  bool all = false, directional = false, fatal = false, fast = false, pause = false, had_label = false;
  bool mix = false, siprec = false, bidirectional = false, unsubscribe = false;
  std::string to_call_id, source_call_id, source_tag;
  Value from_tags = Value::array(), calls = Value::array(), rows = Value::array(), media = Value::array();
  std::string file, digits, transport;
  bool record_off = false;  // record-call=off of an offer or answer
  std::string metadata;     // where it is no option of an offer: start forwarding
  std::int64_t repeat = 1, duration_ms = 0, gap_ms = 0, start_ms = 0, repeat_duration_ms = 0, limit = 32;
  std::int64_t delete_delay_s = -1;
  std::optional<Listen> key_log;  // dtmf-log-dest

  void refuse(const std::string& what);  // the first reason stands
  void add_unknown(const char* kind, std::string_view word);
};

// `message` is a dictionary.
Request read_request(const Value& message, const ReadOptions& options);

}  // namespace tandem::ng
