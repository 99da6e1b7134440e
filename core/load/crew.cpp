// Crew: see the header.
#include "core/load/crew.hpp"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <algorithm>
#include <cstring>

#include "core/load/stamp.hpp"
#include "core/rtp/packet.hpp"

namespace tandem::load {
namespace {

constexpr std::size_t kPacketMax = 1500;
constexpr std::size_t kHeldMax = 512;  // bytes of a packet held back
constexpr int kPriority = 30;          // above the server's media threads is not needed: the core is ours
constexpr std::uint32_t kLegsMax = 1U << 22;
constexpr unsigned kSlots = 20;             // of 1 ms in 20 ms
constexpr unsigned kCoarse = 2;             // few phones take each second slot: fewer times to wake up
constexpr unsigned kEach = 4;               // phones that share a slot before the others are taken
constexpr std::size_t kAheadOfSending = 3;  // phones whose memory is fetched meanwhile,
constexpr std::size_t kLinesAhead = 8;      // and whose lines

}  // namespace

Crew::Crew(Wire& wire, std::size_t phones_max)
    : wire_(wire),
      phones_max_(phones_max),
      commands_(phones_max * 2 + 64),
      back_(phones_max + 64),
      tallies_(4),
      spare_(4),
      by_port_(65536, -1),
      buffers_(kBatch * kPacketMax),
      tally_(std::make_unique<Tally>()) {
  due_.reserve(phones_max);
  due_now_.resize(phones_max);
  lines_.reserve(phones_max);
  names_.reserve(phones_max);
  phones_.reserve(phones_max);
  batch_.reserve(2 * kBatch);  // with copies
  pending_.reserve(kBatch);
}

Crew::~Crew() = default;

bool Crew::post(Command command) { return commands_.try_push(std::move(command)); }
bool Crew::add(PhonePtr phone) {
  const std::uint32_t leg = phone->spec.leg;
  return leg < kLegsMax && post({Act::add, leg, std::move(phone)});
}
bool Crew::hush(std::uint32_t leg) { return post({Act::hush, leg, nullptr}); }
bool Crew::drop(std::uint32_t leg) { return post({Act::drop, leg, nullptr}); }
bool Crew::measure() { return post({Act::measure, 0, nullptr}); }

PhonePtr Crew::take_back() {
  PhonePtr phone;
  return back_.try_pop(phone) ? std::move(phone) : nullptr;
}

std::unique_ptr<Tally> Crew::take_tally() {
  std::unique_ptr<Tally> tally;
  return tallies_.try_pop(tally) ? std::move(tally) : nullptr;
}

void Crew::give_tally(std::unique_ptr<Tally> tally) {
  *tally = Tally();
  if (!spare_.try_push(std::move(tally))) tally.reset();
}

void Crew::run(int core) {
  if (core >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(core), &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
  }
  sched_param priority{};
  priority.sched_priority = kPriority;
  realtime_.store(pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority) == 0);
  TimePoint next = wire_.now() + kTurn;
  while (!stopping_.load(std::memory_order_relaxed)) {
    const std::int64_t ns = next.time_since_epoch().count();
    const timespec until{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
    const TimePoint now = wire_.now();
    step(now);
    next = std::clamp(std::min(next_due_, receive_at_), next + kTurn, next + kReceiveEvery);
    if (now - next > milliseconds(5)) next = now + kTurn - now.time_since_epoch() % kTurn;
  }
}

void Crew::step(TimePoint now) {
  if (second_until_ == TimePoint{}) second_until_ = now + seconds(1);
  searches_ = 3;
  obey(now);
  send_due(now);
  if (now >= receive_at_ && wire_.receive(*this, kReceiveMax) < kReceiveMax)
    receive_at_ = now - now.time_since_epoch() % kTurn + kReceiveEvery;
  if (now >= second_until_) end_second(now);
}

void Crew::end_second(TimePoint now) {
  tally_->overflowed = wire_.overflowed() - overflowed_before_;
  overflowed_before_ = wire_.overflowed();
  second_until_ = std::max(second_until_ + seconds(1), now);
  if (!tallies_.try_push(std::move(tally_))) return;  // control is slow: the next second is added to this one
  if (!spare_.try_pop(tally_)) tally_ = std::make_unique<Tally>();
}

void Crew::obey(TimePoint now) {
  Command command;
  for (int i = 0; i < 64 && commands_.try_pop(command); ++i) obey(command, now);
}

void Crew::obey(Command& command, TimePoint now) {
  if (command.act == Act::measure) {
    *tally_ = Tally();
    second_until_ = now + seconds(1);
    for (const PhonePtr& phone : phones_) phone->voice->begin_measure();
    for (const PhonePtr& phone : phones_) phone->ear->begin_measure(now);
    return;
  }
  if (command.act == Act::add) {
    if (phones_.size() >= phones_max_) {
      if (!back_.try_push(std::move(command.phone))) command.phone.reset();
      return;
    }
    const auto place = static_cast<std::int32_t>(phones_.size());
    const PhoneSpec& spec = command.phone->spec;
    if (by_leg_.size() <= spec.leg) by_leg_.resize(spec.leg + 1024, -1);
    if (by_socket_.size() <= spec.socket) by_socket_.resize(spec.socket + 64U, -1);
    by_leg_[spec.leg] = place;
    by_port_[spec.remote.port()] = place;
    by_socket_[spec.socket] = by_socket_[spec.socket] == -1 ? place : -2;
    // The next moment of its slot on the grid that all phones share.
    const Nanos packet = milliseconds(spec.ptime_ms);
    const Nanos slot = kTurn * static_cast<std::int64_t>(next_slot());
    const Nanos since = (now.time_since_epoch() - slot) % packet;
    due_.push_back(now - since + packet);
    const Phone& phone = *command.phone;
    if (spec.talk.members > 0) phone.voice->begin_at(due_.back().time_since_epoch() / packet);
    lines_.push_back({phone.voice.get(), phone.ear.get(), phone.ear->partner(),
                      phone.sealer || phone.opener ? &phone : nullptr, spec.remote, spec.socket});
    names_.push_back({spec.leg, ++serials_});
    phones_.push_back(std::move(command.phone));
    return;
  }
  if (command.leg >= by_leg_.size() || by_leg_[command.leg] < 0) return;
  const auto place = static_cast<std::size_t>(by_leg_[command.leg]);
  due_[place] = TimePoint::max();
  if (command.act == Act::hush) return phones_[place]->ear->end();
  const PhoneSpec& spec = phones_[place]->spec;
  by_leg_[command.leg] = -1;
  if (by_port_[spec.remote.port()] == static_cast<std::int32_t>(place)) by_port_[spec.remote.port()] = -1;
  if (by_socket_[spec.socket] == static_cast<std::int32_t>(place)) by_socket_[spec.socket] = -1;
  PhonePtr gone = std::move(phones_[place]);
  if (place + 1 < phones_.size()) {  // the last one takes its place
    const auto last = static_cast<std::int32_t>(phones_.size() - 1);
    const PhoneSpec& moved = phones_.back()->spec;
    by_leg_[moved.leg] = static_cast<std::int32_t>(place);
    if (by_port_[moved.remote.port()] == last)
      by_port_[moved.remote.port()] = static_cast<std::int32_t>(place);
    if (by_socket_[moved.socket] == last) by_socket_[moved.socket] = static_cast<std::int32_t>(place);
    phones_[place] = std::move(phones_.back());
    lines_[place] = lines_.back();
    names_[place] = names_.back();
    due_[place] = due_.back();
  }
  phones_.pop_back();
  lines_.pop_back();
  names_.pop_back();
  due_.pop_back();
  if (!back_.try_push(std::move(gone))) gone.reset();
}

// The coarse slots first, then the ones between, then all in turn.
unsigned Crew::next_slot() {
  constexpr unsigned kFirst = kSlots / kCoarse;
  const unsigned n = slots_given_++;
  if (n < kFirst * kEach) return n % kFirst * kCoarse;
  if (n >= kSlots * kEach) return n % kSlots;
  const unsigned between = (n - kFirst * kEach) % (kSlots - kFirst);
  return between / (kCoarse - 1) * kCoarse + 1 + between % (kCoarse - 1);
}

void Crew::send_due(TimePoint now) {
  if (!held_.empty()) send_held(now);
  next_due_ = held_.empty() ? TimePoint::max() : held_.top().due;
  std::size_t count = 0;  // without a branch: one in twenty is due, and which ones looks like chance
  for (std::size_t i = 0; i < due_.size(); ++i) {
    const bool is_due = due_[i] <= now;
    due_now_[count] = static_cast<std::uint32_t>(i);
    count += is_due ? 1 : 0;
    next_due_ = std::min(next_due_, is_due ? TimePoint::max() : due_[i]);
  }
  for (std::size_t k = 0; k < count; ++k) {
    if (k + kLinesAhead < count) __builtin_prefetch(&lines_[due_now_[k + kLinesAhead]]);
    if (k + kAheadOfSending < count) lines_[due_now_[k + kAheadOfSending]].voice->prefetch();
    send_phone(due_now_[k], now);
    next_due_ = std::min(next_due_, due_[due_now_[k]]);
  }
  flush();
}

void Crew::send_phone(std::size_t at, TimePoint now) {
  const Line& line = lines_[at];
  const TimePoint due = due_[at];
  due_[at] = due + line.voice->interval(due);
  const std::span<std::uint8_t> out = std::span(buffers_).subspan(batch_.size() * kPacketMax, kPacketMax);
  const Voice::Made made = line.voice->next(out);
  if (made.fate.lost) ++tally_->held_back;
  if (made.bytes == 0 || made.fate.lost) return line.voice->sent(made.tick, now);
  if (made.fate.delay.count() > 0) {
    line.voice->sent(made.tick, now);
    return hold(names_[at], out.first(made.bytes), made, due + made.fate.delay);
  }
  queue(line, made.bytes,
        {due, made.stamped ? nullptr : line.voice, made.tick, made.stamped,
         static_cast<std::uint8_t>(made.fate.copies), line.sealer()});
}

void Crew::queue(const Line& line, std::size_t bytes, const Pending& pending) {
  batch_.push_back(
      {line.socket, line.remote, std::span(buffers_).subspan(batch_.size() * kPacketMax, bytes)});
  pending_.push_back(pending);
  if (batch_.size() == kBatch) flush();
}

void Crew::hold(const Name& name, std::span<const std::uint8_t> bytes, const Voice::Made& made,
                TimePoint due) {
  if (held_bytes_.empty()) {  // the first one: not made for those who need none
    held_bytes_.resize(kDelayedMax * kHeldMax);
    for (std::uint32_t slot = kDelayedMax; slot > 0; --slot) held_free_.push_back(slot - 1);
  }
  if (held_free_.empty() || bytes.size() > kHeldMax) {
    ++tally_->send_failed;
    return;
  }
  const std::uint32_t slot = held_free_.back();
  held_free_.pop_back();
  std::copy(bytes.begin(), bytes.end(), &held_bytes_[slot * kHeldMax]);
  held_.push({due, slot, static_cast<std::uint32_t>(bytes.size()), name, made.stamped,
              static_cast<std::uint8_t>(made.fate.copies)});
}

// What is still under way when its phone is gone has nowhere to go.
void Crew::send_held(TimePoint now) {
  while (!held_.empty() && held_.top().due <= now) {
    const Held one = held_.top();
    held_.pop();
    held_free_.push_back(one.slot);
    const std::int32_t place = by_leg_[one.name.leg];
    if (place < 0 || names_[static_cast<std::size_t>(place)].serial != one.name.serial) continue;
    const Line& line = lines_[static_cast<std::size_t>(place)];
    std::copy_n(&held_bytes_[one.slot * kHeldMax], one.bytes, &buffers_[batch_.size() * kPacketMax]);
    queue(line, one.bytes, {one.due, nullptr, 0, one.stamped, one.copies, line.sealer()});
  }
}

// The time is written into the stamps as late as can be; lateness is taken when all are out.
void Crew::flush() {
  if (batch_.empty()) return;
  const TimePoint before = wire_.now();
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    const Pending& one = pending_[i];
    if (one.stamped) write_stamp_time(batch_[i].bytes.subspan(rtp::kHeaderBytes), before);
    if (one.voice != nullptr) one.voice->sent(one.tick, before);
    if (one.sealer != nullptr) {
      const std::span<std::uint8_t> room(batch_[i].bytes.data(), kPacketMax);
      batch_[i].bytes = room.first(one.sealer->protect(room, batch_[i].bytes.size()));
    }
    if (one.copies > 1) batch_.push_back(batch_[i]);
  }
  tally_->send_failed += std::erase_if(batch_, [](const Outgoing& one) { return one.bytes.empty(); });
  tally_->send_failed += wire_.send(batch_);
  const TimePoint after = wire_.now();
  for (const Pending& one : pending_) tally_->own_lateness.add(after - one.due);
  tally_->sent += batch_.size();
  batch_.clear();
  pending_.clear();
}

// By the server's port; by the socket when a phone has one of its own; by the stamp, when the server sent it
// from where it should not have.
const Crew::Line* Crew::find(std::uint16_t socket, const Address& from,
                             std::span<const std::uint8_t> bytes) const {
  const std::int32_t place = by_port_[from.port()];
  if (place >= 0) {
    const Line& line = lines_[static_cast<std::size_t>(place)];
    if (line.socket == socket && line.remote.same_host(from)) return &line;
  }
  std::int32_t meant = socket < by_socket_.size() ? by_socket_[socket] : -1;
  rtp::Packet packet;
  if (meant < 0 && !rtp::is_rtcp(bytes) && rtp::parse(bytes, packet) == rtp::ParseVerdict::ok) {
    const auto stamp = read_stamp(packet.payload);
    if (stamp)
      for (const std::uint32_t leg : {stamp->singer ^ 1U, stamp->singer})  // partners are 2n and 2n + 1
        if (leg < by_leg_.size() && by_leg_[leg] >= 0 &&
            phones_[static_cast<std::size_t>(by_leg_[leg])]->spec.hears == stamp->singer)
          meant = by_leg_[leg];
  }
  if (meant < 0) return nullptr;
  const Line& line = lines_[static_cast<std::size_t>(meant)];
  if (!rtp::is_rtcp(bytes)) line.ear->came_from_other_port();
  return &line;
}

void Crew::announce(const Address& from) {
  const std::int32_t place = by_port_[from.port()];
  if (place >= 0) __builtin_prefetch(&lines_[static_cast<std::size_t>(place)]);
}

void Crew::expect(std::uint16_t, const Address& from) {
  const std::int32_t place = by_port_[from.port()];
  if (place < 0) return;
  const Line& line = lines_[static_cast<std::size_t>(place)];
  line.ear->prefetch();
  if (line.heard != nullptr) line.heard->prefetch_heard();
}

void Crew::on_packet(std::uint16_t socket, const Address& from, std::span<std::uint8_t> bytes, TimePoint at) {
  const Line* line = find(socket, from, bytes);
  if (line == nullptr) {
    if (!rtp::is_rtcp(bytes)) ++tally_->unknown;
    return;
  }
  if (srtp::Receiver* opener = line->opener(); opener != nullptr) {
    if (rtp::is_rtcp(bytes)) return;
    const srtp::Verdict verdict = opener->unprotect(bytes);
    if (verdict != srtp::Verdict::ok) return line->ear->came_sealed(verdict == srtp::Verdict::replayed);
  }
  line->ear->take(bytes, at, searches_, *tally_);
}

}  // namespace tandem::load
