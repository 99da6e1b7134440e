// EngineServer: Tandem's media engine alone, in a process of its own, driven over a socket pair: what relays
// and plays without any signaling. The other end is EngineDriver.
//
//   driver ──Ask {open, close}──► seqpacket ──► MediaEngine (its threads and sockets)
//          ◄─Told {ports | error}─┘
//
// Thread: the program's own main thread; it serves nothing else.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "core/codec/registry.hpp"

namespace tandem::load {

struct EngineAsk {
  enum class Act : std::uint32_t { open = 1, close = 2 };
  Act act = Act::open;
  std::uint32_t call = 0;
  std::uint32_t legs = 2;  // 1: the prompt is played, or an echo
  std::uint32_t echo = 0, record = 0;
  struct Leg {
    std::array<char, 24> codec{};  // "opus/48000/2", as in a=rtpmap
    std::uint32_t payload_type = 0, event_type = 101, port = 0;
    std::array<char, 48> host{};
    std::array<char, 32> suite{};  // "": plain RTP
    std::array<char, 72> key{};    // of the phone, in base64
  };
  std::array<Leg, 2> leg;
};

struct EngineTold {
  std::uint32_t call = 0;
  std::array<std::uint32_t, 2> port{};
  std::array<std::array<char, 72>, 2> key{};  // of the server, in base64; "": plain RTP
  std::array<char, 200> error{};              // "": good
};

struct EngineOptions {
  unsigned loops = 1;
  unsigned legs_max = 8192;
  std::uint16_t port_min = 10000, port_max = 41999;
  std::string folder;       // for the prompt and what is recorded; the driver's, which removes it
  std::string io = "auto";  // packet I/O: auto, sockets, shared
  bool forward_on_tick = false, forward_at_once = false;
};

// Serves `fd` until it is closed. Returns the process's exit status. Throws what MediaEngine throws.
int serve_engine(int fd, const EngineOptions& options, const codec::CodecRegistry& codecs);

}  // namespace tandem::load
