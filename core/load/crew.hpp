// Crew: thousands of phones on one thread: sends each packet when it is due, takes in what came, and says how
// late it was itself.
//
//   control: add(party) … hush(leg) … take_back()          stop
//                 │ bounded rings                ▲
//   crew:  due packets ─► Wire ─► server ─► Wire ─► Ear, every 2 ms            own lateness ─► Tally
//
// Due times lie on the 1 ms grid, phones spread over the packet time; it sleeps until the next one. What
// came has the kernel's time and may wait. step() is one turn, on any clock; run() is the thread's loop.
// Thread: add, hush, measure, drop and collect [control]; step and run the crew's own.
#pragma once

#include <atomic>
#include <memory>
#include <queue>
#include <vector>

#include "core/base/spsc_ring.hpp"
#include "core/load/figures.hpp"
#include "core/load/phone.hpp"
#include "core/load/wire.hpp"

namespace tandem::load {

class Crew final : public WireSink {
 public:
  static constexpr Nanos kTurn = milliseconds(1);
  static constexpr Nanos kReceiveEvery = milliseconds(2);
  static constexpr std::size_t kBatch = 256;
  static constexpr std::size_t kReceiveMax = 4096;   // a turn: a flood must not keep phones from speaking
  static constexpr std::size_t kDelayedMax = 65536;  // packets held back by impairment

  // `wire` outlives this. At most `phones_max` at once.
  Crew(Wire& wire, std::size_t phones_max);
  ~Crew() override;
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // [control] The phone begins to speak within a packet time. Takes it over; false when there are too many.
  [[nodiscard]] bool add(PhonePtr phone);
  // [control] That leg says nothing more, but still listens; or comes back.
  [[nodiscard]] bool hush(std::uint32_t leg);
  [[nodiscard]] bool drop(std::uint32_t leg);
  // [control] All begin to count anew, and the tally too.
  [[nodiscard]] bool measure();
  // [control] What came back since the last time.
  PhonePtr take_back();
  // [control] The tally of the last second; null when none is there. Give it back soon.
  std::unique_ptr<Tally> take_tally();
  void give_tally(std::unique_ptr<Tally> tally);

  // The crew's thread: until stop(); pinned to `core` unless below 0, SCHED_FIFO where that is allowed.
  void run(int core);
  void stop() { stopping_.store(true, std::memory_order_relaxed); }
  // [any] Whether run() got real-time priority.
  bool realtime() const { return realtime_.load(std::memory_order_relaxed); }

  // One turn at `now`: commands, due packets, what came.
  void step(TimePoint now);

  void announce(const Address& from) override;
  void expect(std::uint16_t socket, const Address& from) override;
  void on_packet(std::uint16_t socket, const Address& from, std::span<std::uint8_t> bytes,
                 TimePoint at) override;

 private:
  enum class Act : std::uint8_t { add, hush, drop, measure };
  struct Command {
    Act act = Act::add;
    std::uint32_t leg = 0;
    PhonePtr phone;
  };
  // What a packet needs of its phone, in one line of the cache: a Phone lies all over the memory.
  struct alignas(64) Line {
    Voice* voice = nullptr;
    Ear* ear = nullptr;
    const Voice* heard = nullptr;   // its partner's; null: nobody's here
    const Phone* sealed = nullptr;  // itself, where it speaks SRTP
    Address remote;
    std::uint16_t socket = 0;
    srtp::Sender* sealer() const { return sealed == nullptr ? nullptr : sealed->sealer.get(); }
    srtp::Receiver* opener() const { return sealed == nullptr ? nullptr : sealed->opener.get(); }
  };
  static_assert(sizeof(Line) == 64);
  struct Name {  // of a packet that is held back; a leg's number comes again
    std::uint32_t leg = 0, serial = 0;
  };
  struct Held {  // by impairment
    TimePoint due;
    std::uint32_t slot = 0;  // of the buffers
    std::uint32_t bytes = 0;
    Name name;  // whose it is
    bool stamped = false;
    std::uint8_t copies = 1;
    bool operator>(const Held& other) const { return due > other.due; }
  };
  struct Pending {  // in the batch
    TimePoint due;
    Voice* voice = nullptr;  // null: it need not remember when
    std::int64_t tick = 0;
    bool stamped = false;
    std::uint8_t copies = 1;
    srtp::Sender* sealer = nullptr;
  };
  void obey(TimePoint now);
  void obey(Command& command, TimePoint now);
  void send_due(TimePoint now);
  unsigned next_slot();
  void send_phone(std::size_t at, TimePoint now);
  void hold(const Name& name, std::span<const std::uint8_t> bytes, const Voice::Made& made, TimePoint due);
  void send_held(TimePoint now);
  void queue(const Line& line, std::size_t bytes, const Pending& pending);
  void flush();
  void end_second(TimePoint now);
  const Line* find(std::uint16_t socket, const Address& from, std::span<const std::uint8_t> bytes) const;
  bool post(Command command);

  Wire& wire_;
  const std::size_t phones_max_;
  SpscRing<Command> commands_;
  SpscRing<PhonePtr> back_;
  SpscRing<std::unique_ptr<Tally>> tallies_, spare_;
  std::atomic<bool> stopping_{false}, realtime_{false};
  // the crew's own
  std::vector<TimePoint> due_;          // of each phone; max(): hushed
  std::vector<std::uint32_t> due_now_;  // places, in a turn
  std::vector<Line> lines_;             // as phones_
  std::vector<Name> names_;             // as phones_
  std::vector<PhonePtr> phones_;
  std::vector<std::int32_t> by_leg_;     // leg → place
  std::vector<std::int32_t> by_port_;    // the server's port → place
  std::vector<std::int32_t> by_socket_;  // place of the only phone of a socket; -1 none, -2 several
  std::vector<std::uint8_t> buffers_;
  std::vector<Outgoing> batch_;
  std::vector<Pending> pending_;
  std::vector<std::uint8_t> held_bytes_;
  std::vector<std::uint32_t> held_free_;
  std::priority_queue<Held, std::vector<Held>, std::greater<>> held_;
  std::unique_ptr<Tally> tally_;
  TimePoint second_until_{};
  std::uint64_t overflowed_before_ = 0;
  int searches_ = 0;
  unsigned slots_given_ = 0;
  std::uint32_t serials_ = 0;
  TimePoint receive_at_{}, next_due_{};
};

}  // namespace tandem::load
