// Link: the TCP connection to Kamailio's evapi module: JSON-RPC 2.0 commands out, answers and events in, as
// netstrings.
//
//   call() ─► [queue] ─window 16 KB─► send ─► Kamailio        Kamailio ─► drained at once ─► on_event,
//   done(result)
//
// evapi writes blocking, so a peer that does not read stops all of Kamailio: every wake-up reads until
// nothing is left. Its parser wants whole frames: each goes in one send(), with less than 16 KB unanswered,
// none above 32 KB. A broken frame, an answer that does not come, or a lost connection: reset, and again
// after 100 ms to 1 s. Thread: [control], over tandem.loop/1.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "kamailio/netstring.hpp"
#include "tandem/sdk.hpp"

namespace tandem::kamailio {

struct LinkCounters {
  std::uint64_t connects = 0, lost = 0, frames_in = 0, frames_out = 0, bad_json = 0, broken = 0,
                oversized = 0;
  std::uint64_t too_large = 0, queue_full = 0, errors = 0;
};

class Link {
 public:
  struct Callbacks {
    std::function<void()> on_connected;
    std::function<void(const nlohmann::json&)> on_event;
    std::function<void()> on_lost;  // after on_connected only
  };
  // ok: `result` is the result; else the error object.
  using Done = std::function<void(bool ok, const nlohmann::json& result)>;

  static constexpr std::size_t kFrameOutMax = 32 * 1024 - 64;
  static constexpr std::size_t kFrameInMax = 1024 * 1024;
  static constexpr std::size_t kWindow = 16 * 1024;
  static constexpr std::size_t kQueueMax = 8192;

  // `host` is an address, not a name.
  Link(const sdk::Host& host, std::string address, std::uint16_t port, Callbacks callbacks);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void open();
  void close();
  bool connected() const { return state_ == State::connected; }
  // Queues one command. False, and nothing happens: not connected, larger than kFrameOutMax, or the queue is
  // full. `done` (may be empty) is called once, or never when the connection is lost first.
  [[nodiscard]] bool call(std::string_view method, const nlohmann::json& params, Done done);
  const LinkCounters& counters() const { return counters_; }

 private:
  enum class State { closed, waiting, connecting, connected };
  struct Out {
    std::uint64_t id;
    std::string frame;
    Done done;
  };
  struct Flying {
    std::uint64_t id;
    std::size_t size;
    Done done;
  };

  void connect();
  void on_ready(int events);
  void on_connect_finished();
  void drain();
  void take(std::string_view frame);
  void flush();
  void reset(std::string_view why);
  void try_later();

  // borrowed
  sdk::Host host_;
  // owned
  std::string address_;
  std::uint16_t port_;
  Callbacks callbacks_;
  std::unique_ptr<sdk::Watch> watch_;
  sdk::Timer retry_, answer_;
  Netstrings in_{kFrameInMax};
  // state
  State state_ = State::closed;
  int fd_ = -1;
  std::uint64_t generation_ = 0;  // of the connection: a callback may have ended it
  std::uint64_t last_id_ = 0;
  std::uint64_t backoff_ms_ = 100;
  std::string partial_;  // the rest of a frame that the socket did not take
  std::deque<Out> queue_;
  std::deque<Flying> flying_;
  std::size_t flying_bytes_ = 0;
  std::string last_error_;
  LinkCounters counters_;
};

}  // namespace tandem::kamailio
