// Profile: what is to be loaded and what must hold, as a value. The files are under bench/profiles and are
// read by core/app/bench_profile; every key stands in docs/bench.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/load/impairment.hpp"
#include "core/srtp/suite.hpp"

namespace tandem::load {

enum class Kind : std::uint8_t {
  bridge,  // two phones joined by the server: relayed, or transcoded when their codecs differ
  play,    // the server plays its prompt to each phone
  echo,    // a phone hears itself
  number,  // a phone calls a number; what it hears is not known, only its packets are judged
  queue,   // a phone calls a queue, hears its music, and then one of our agents
  room,    // a conference: its members speak in turn, each must hear all others and nobody else
};

// Whose media is SRTP (SDES): nobody's, the called phone's, both's.
enum class Secured : std::uint8_t { none, one, both };

// One sort of call; a profile mixes several by their shares.
struct Part {
  std::string name = "calls";
  Kind kind = Kind::bridge;
  double share = 1;
  std::string codec = "PCMU", peer_codec;  // peer_codec "": the same
  unsigned ptime_ms = 20;
  unsigned members = 4;  // of a room
  unsigned talkers = 1;  // of those, at once in every other turn
  bool record = false;
  bool forward_on_tick = false;  // engine only: the relay waits for its tick
  std::string number;            // sip only: what is dialed
  double patience_s = 0;         // queue: mean time after which a caller gives up; 0: never
  double hold_s = 0;             // mean length of a call; 0: as long as the run
  std::int64_t digit_every_ms = 0;
  bool digits_inband = false;  // keys as tones in the sound
  double talk_percent = 100;
  Secured srtp = Secured::none;
  srtp::Suite srtp_suite = srtp::Suite::aes_cm_128_hmac_sha1_80;
  bool speech = false;       // with the melody; marks are in the sound then
  bool audio_marks = false;  // marks in the sound even where payloads are forwarded
  ImpairmentSpec impairment;
};

inline unsigned legs_of(const Part& part) {
  return part.kind == Kind::room                                 ? part.members
         : part.kind == Kind::bridge || part.kind == Kind::queue ? 2
                                                                 : 1;
}

// What must hold; below 0: not asked for.
struct Objective {
  double failed_calls_percent = 0.1;
  double lost_percent = -1;
  double late_percent = -1;
  double p99_delay_ms = -1;
  double p99_setup_ms = -1;
  double p99_wait_s = -1;  // in queues
  double cpu_percent = -1;
  double mos_min = -1;
  bool sound = true;  // no cross-talk, no gap, no click, no wrong key, nobody deaf
};

struct GeneratorSpec {
  std::string host = "127.0.0.1";
  std::uint16_t port = 42000;
  unsigned sockets = 4;  // that all phones share; 0: one a phone
  unsigned threads = 1;
  std::string speech = "/usr/share/asterisk/sounds/en_US_f_Allison";  // a sound file, or a folder of them
  double late_p99_ms = 2;  // above it the figures are not to be trusted
};

struct SearchSpec {
  unsigned from = 100, to = 4000;  // legs
  unsigned step = 0;               // ramps by so many; 0: doubles, then halves the interval
  double within_percent = 5;
};

struct Profile {
  std::string name = "relay", description;
  unsigned legs = 100;
  double rate = 200;  // calls begun a second, at most
  double warm_s = 2, seconds = 10;
  double late_ms = 5;  // a packet is late when so far behind its stream's own clock
  std::vector<Part> parts{Part{}};
  Objective objective;
  GeneratorSpec generator;
  SearchSpec search;
};

}  // namespace tandem::load
