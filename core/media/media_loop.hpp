// MediaLoop: one media loop: its legs, its sockets, its tick. Shared nothing with the other loops.
//
//   commands (ring) ─┐                      ┌─ every 5 ms: drain sockets → legs; run the sessions of this
//   slot packets (io) ────┼─► MediaLoop ─────────┤ tick (argument) ─┘                      └─ flush what was
//   queued; events (ring) ─► control
//
// A frame is 20 ms, so there are four slots of 5 ms and each session has one (two when its frame is 10 ms):
// the load is flat. The loop has no thread and reads no clock: session::MediaThread drives it in the server,
// and tests drive it on a counted clock.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/affinity.hpp"
#include "core/base/counter.hpp"
#include "core/base/spsc_ring.hpp"
#include "core/base/time.hpp"
#include "core/graph/frame.hpp"
#include "core/graph/stage.hpp"
#include "core/jitter/payload_pool.hpp"
#include "core/loop/media_io.hpp"
#include "core/media/command.hpp"
#include "core/media/event.hpp"

namespace tandem::media {

class Feed;
class Leg;
class Session;

inline constexpr milliseconds kTick{5};
inline constexpr unsigned kSlots = 4;

// What a media loop counts. One writer (the loop), read by anyone.
struct LoopCounters {
  Counter ticks, missed_ticks;
  Counter packets_received, packets_sent, bytes_received, bytes_sent;
  Counter relayed, decoded, concealed, encoded;
  Counter fed;          // copies sent to legs that listen beside the pair
  Counter translated;   // transcoded byte by byte (G.711)
  Counter undecodable;  // payloads that their codec refused: taken as lost
  Counter malformed, strangers, unknown_payload, late, duplicate, lost;
  Counter srtp_forged, srtp_replayed;  // dropped: a wrong tag, another key, cut; seen before
  Counter srtp_sources_over_limit;     // of those forged: an SSRC more than a leg's SRTP remembers
  Counter srtp_not_sent;               // could not be sealed, and so did not leave
  Counter stun_answered, stun_unauthorized, stun_refused, stun_ignored, stun_over_limit;  // ICE checks
  Counter ice_selected;    // a peer nominated an address
  Counter pool_exhausted;  // a packet was dropped because no payload block was free
  Histogram<8> lateness_us{{50, 100, 250, 500, 1000, 2500, 5000, 10000}};
  Histogram<8> jitter_ms{{1, 2, 5, 10, 20, 40, 80, 160}};
  Histogram<8> delay_ms{{5, 10, 20, 40, 60, 100, 200, 400}};
  std::atomic<std::uint32_t> legs{0};
};

class MediaLoop final : private loop::DatagramSink {
 public:
  struct Limits {
    std::size_t legs = 8192;
    std::size_t commands = 16384;  // in the inbox, or on their way back
    std::size_t events = 65536;
    std::size_t payload_blocks = 16384;  // packets waiting in all jitter buffers of the loop
    std::size_t crossings = 4096;        // feeds from other loops
  };

  // [control] `io` outlives the loop.
  MediaLoop(loop::MediaIo& io, const Limits& limits);
  ~MediaLoop();
  MediaLoop(const MediaLoop&) = delete;
  MediaLoop& operator=(const MediaLoop&) = delete;

  // ---- [control]
  // Hands a command over and leaves `command` empty; false, with it untouched, when `commands` are under way.
  [[nodiscard]] bool post(std::unique_ptr<Command>& command);
  // Runs done() of the commands that came back, and destroys them.
  void collect();
  bool pop_event(Event& out) { return events_.pop(out); }

  // ---- [media]
  // Everything that is due at `now`: commands, packets, the sessions of this tick's slots, sending. `late` is
  // how long after its due time the tick runs. `passed` counts the ticks since the last call (1 unless some
  // were missed).
  void on_tick(TimePoint now, Nanos late, unsigned passed);
  // Between ticks, when sockets are readable and the load is low: relays forward at once.
  void on_readable(TimePoint now);
  // True once after something was left for control (events, commands that came back).
  bool take_wake_control();

  // [media] for commands
  // Adopts the ports and runs the leg's own session. False: the tables are full; nothing was taken.
  [[nodiscard]] bool add(Leg& leg, loop::BoundPort rtp, loop::BoundPort rtcp);
  // Takes the leg out of its session, says BYE and closes its ports.
  void remove(Leg& leg);
  // Each leg of `session` leaves the session it is in for this one / goes back to its own.
  void join(Session& session);
  void split(Session& session);
  // Feeds of this loop's legs from another loop's: asked at each tick. There is room (Media::listen sees to
  // it).
  void add_crossing(Feed& feed);
  void remove_crossing(Feed& feed);
  EventSink& events() { return events_; }
  loop::MediaIo& io() { return io_; }
  jitter::PayloadPool& pool() { return pool_; }
  LoopCounters& counters() { return counters_; }
  const LoopCounters& counters() const { return counters_; }
  TimePoint now() const { return now_; }
  // [media] Working space, one of each for the whole loop.
  graph::Frame& frame() { return frame_; }
  graph::Notes& notes() { return notes_; }

  // [any]
  std::size_t commands_waiting() const { return inbox_.size(); }
  std::uint64_t commands_refused() const { return refused_.get(); }
  std::uint64_t events_lost() const { return events_.lost(); }

 private:
  struct Port {
    Leg* leg = nullptr;
    bool rtcp = false;
  };
  void on_datagram(const loop::Datagram& datagram) override;
  void on_datagram_near(loop::PortId port) override;
  void run_commands();
  void run_slot(unsigned slot, TimePoint now);
  void place(Session& session);
  void unplace(Session& session);
  void note_port(loop::PortId port, Leg* leg, bool rtcp);

  // borrowed
  loop::MediaIo& io_;
  // owned
  jitter::PayloadPool pool_;
  EventSink events_;
  SpscRing<std::unique_ptr<Command>> inbox_;
  SpscRing<std::unique_ptr<Command>> returned_;
  // state
  LoopCounters counters_;
  Counter refused_;
  const std::size_t commands_max_;
  std::size_t under_way_ = 0;  // [control]
  bool wake_control_ = false;
  TimePoint now_{};
  unsigned slot_ = 0;
  std::array<std::vector<Session*>, kSlots> slots_;
  std::vector<Port> ports_;  // by PortId
  std::array<loop::PortId, 4> near_{loop::kNoPort, loop::kNoPort, loop::kNoPort,
                                    loop::kNoPort};  // that were told last
  std::size_t nearest_ = 0;                          // the oldest of them
  std::vector<Feed*> crossings_;
  graph::Frame frame_;
  graph::Notes notes_;
  Affinity affinity_;
};

}  // namespace tandem::media
