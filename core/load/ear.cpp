// Ear: see the header. What the sound says is in tune.cpp.
#include "core/load/ear.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/codec/registry.hpp"
#include "core/load/huge_pool.hpp"

namespace tandem::load {
namespace {

constexpr Nanos kWindow = milliseconds(200), kBaseLife = seconds(5), kStep = milliseconds(10);
constexpr std::uint8_t kComfortNoise = 13;
constexpr std::size_t kClickBytes = 24;  // so many changed bytes are a click, more are another sound

double ms_of(Nanos span) { return static_cast<double>(span.count()) / 1e6; }

HugePool<Ear>& ears() {
  static HugePool<Ear> pool;
  return pool;
}

}  // namespace

std::size_t to_8k(std::span<std::int16_t> pcm, unsigned rate) {
  const std::size_t by = rate / 8000;
  if (by <= 1) return pcm.size();
  const std::size_t n = pcm.size() / by;
  for (std::size_t i = 0; i < n; ++i) {
    int sum = 0;
    for (std::size_t k = 0; k < by; ++k) sum += pcm[i * by + k];
    pcm[i] = static_cast<std::int16_t>(sum / static_cast<int>(by));
  }
  return n;
}

void* Ear::operator new(std::size_t) { return ears().take(); }
void Ear::operator delete(void* place) noexcept { ears().give(place); }

void Ear::Line::add(double at, double value) {
  n += 1;
  x += at;
  y += value;
  xx += at * at;
  xy += at * value;
  yy += value * value;
}

double Ear::Line::slope() const {
  const double spread = n * xx - x * x;
  return n < 3 || spread <= 0 ? 0 : (n * xy - x * y) / spread;
}

double Ear::Line::error() const {
  const double spread = xx - x * x / n;
  if (n < 40 || spread <= 0) return 1;  // 8 s
  const double s = slope();
  const double rest = std::max(yy - y * y / n - s * s * spread, 0.0);
  return std::sqrt(rest / (n - 2) / spread);
}

Ear::Ear(const PhoneSpec& spec, const Melody& melody, const Voice* partner,
         std::unique_ptr<codec::Decoder> decoder, TimePoint born, std::vector<const Voice*> choir)
    : melody_(melody),
      partner_(partner),
      hears_(spec.hears),
      clock_rate_(spec.codec->clock_rate),
      late_after_(spec.late_after),
      expects_(spec.expects),
      payload_type_(spec.payload_type),
      event_type_(spec.event_type),
      rx_(spec.codec->clock_rate),
      spec_(spec),
      decoder_(std::move(decoder)),
      tune_(melody, spec.hears, spec.partner_talk, spec.tolerance),
      born_(born),
      measured_from_(born),
      events_(spec.codec->clock_rate) {
  if (expects_ == Marks::audio || expects_ == Marks::any) pcm_.resize(codec::kMaxFrameSamples * 2);
  if (!choir.empty()) choir_ = std::make_unique<Choir>(melody, spec_, std::move(choir));
}

void Ear::prefetch() const {
  const auto* to = reinterpret_cast<const std::uint8_t*>(&figures_.sent);
  for (const auto* at = reinterpret_cast<const std::uint8_t*>(this); at < to; at += 64)
    __builtin_prefetch(at, 1);
}

void Ear::take(std::span<const std::uint8_t> bytes, TimePoint at, int& searches, Tally& tally) {
  if (rtp::is_rtcp(bytes)) return;
  rtp::Packet packet;
  if (rtp::parse(bytes, packet) != rtp::ParseVerdict::ok) {
    ++figures_.malformed;
    return;
  }
  if (last_at_ != TimePoint{}) figures_.silent_max = std::max(figures_.silent_max, at - last_at_);
  last_at_ = at;
  const std::uint8_t type = packet.header.payload_type;
  const bool event = type == event_type_;
  const std::uint64_t missing_before = rx_.stats().lost;
  const auto received =
      rx_.push(packet.header, packet.payload.size(), at, event ? rtp::Timing::held : rtp::Timing::sampled);
  ++figures_.packets;
  ++tally.received;
  if (!ending_) tally.missing += static_cast<std::int64_t>(rx_.stats().lost - missing_before);
  if (event) return take_event(packet, at);  // its last packets may share a number
  if (received.verdict == rtp::RxVerdict::duplicate) ++doubled_;
  if (type == kComfortNoise) return;
  if (type != payload_type_) {
    ++figures_.malformed;
    return;
  }
  if (expects_ == Marks::payload && hears_ != kNobody) take_stamped(packet.payload, at, tally);
  if (!rtp::usable(received.verdict)) return;
  if (ending_ && expects_ != Marks::payload) return;
  if (!ending_) track_grid(packet.header, at, received.verdict == rtp::RxVerdict::restarted, tally);
  if (expects_ == Marks::any) return take_any(packet, at, tally);
  if (hears_ == kNobody) return right(at, tally);
  if (expects_ == Marks::audio) take_sound(packet, at, searches, tally);
}

void Ear::right(TimePoint at, Tally& tally) {
  figures_.heard = true;
  if (figures_.first_audio.count() >= 0) return;
  figures_.first_audio = at - born_;
  tally.first_audio.add(figures_.first_audio);
}

void Ear::take_event(const rtp::Packet& packet, TimePoint at) {
  for (const rtp::Digit& digit : events_.push(packet.header, packet.payload, at))
    if (digit.phase == rtp::DigitPhase::began) take_key(digit.digit);
}

// Keys come in the order in which they are pressed; one may be missing.
void Ear::take_key(char key) {
  if (partner_ == nullptr) return;
  const std::uint32_t leg = partner_->spec().leg;
  for (std::uint64_t skip = 0; skip < 3; ++skip) {
    if (keys_heard_ + skip >= partner_->keys() || key_of(leg, keys_heard_ + skip) != key) continue;
    if (skip > 0 && keys_heard_ + skip + 1 < partner_->keys()) continue;
    figures_.digits_missing += skip;
    keys_heard_ += skip + 1;
    ++figures_.digits_right;
    return;
  }
  ++figures_.digits_wrong;
  ++keys_heard_;
}

void Ear::take_stamped(std::span<const std::uint8_t> payload, TimePoint at, Tally& tally) {
  const auto stamp = read_stamp(payload);
  if (!stamp || stamp->singer != hears_) {
    // Before the right one was heard, a server may say what it likes: silence, or a greeting.
    if (stamp || (figures_.heard && !ending_)) {
      ++figures_.wrong;
      ++tally.wrong;
    }
    return;
  }
  right(at, tally);
  if (partner_ != nullptr && static_cast<std::int32_t>(stamp->counter - partner_->measured_from()) < 0)
    return;
  const auto ahead = static_cast<std::int32_t>(stamp->counter - newest_);
  if (!any_stamp_ || ahead > 0) {
    const std::uint32_t from = any_stamp_ && ahead < 1024 ? newest_ + 1 : stamp->counter - 1023;
    for (std::uint32_t c = from; c != stamp->counter + 1; ++c) seen_[c / 64 % 16] &= ~(1ULL << c % 64);
    newest_ = stamp->counter;
    any_stamp_ = true;
  }
  std::uint64_t& word = seen_[stamp->counter / 64 % 16];
  const std::uint64_t bit = 1ULL << stamp->counter % 64;
  if ((word & bit) != 0) {
    ++figures_.duplicates;
    return;
  }
  word |= bit;
  ++unique_;
  track_delay(at - stamp->sent, at, tally);
  if (body_differs(stamp->counter, payload)) ++tally.wrong;
}

// Compares what stands behind the stamp with what was said there.
bool Ear::body_differs(std::uint32_t counter, std::span<const std::uint8_t> payload) {
  const std::size_t size = partner_ != nullptr ? partner_->payload_bytes() : payload.size();
  std::array<std::uint8_t, rtp::kPacketBytesMax> room;
  if (payload.size() != size || size > room.size()) {
    ++figures_.wrong;
    return true;
  }
  const std::span<std::uint8_t> expected = std::span(room).first(size);
  melody_.sing(hears_, static_cast<std::int64_t>(counter) * static_cast<std::int64_t>(size), Melody::Law::mu,
               expected);
  if (std::memcmp(&payload[kStampBytes], &expected[kStampBytes], size - kStampBytes) == 0) return false;
  std::size_t changed = 0;
  for (std::size_t i = kStampBytes; i < size; ++i) changed += payload[i] != expected[i] ? 1 : 0;
  ++(changed <= kClickBytes ? figures_.sound.clicks : figures_.wrong);
  return true;
}

// Sound is what is louder than -62 dB of full scale.
void Ear::take_any(const rtp::Packet& packet, TimePoint at, Tally& tally) {
  constexpr double kQuiet = 24;
  if (!decoder_ || pcm_.empty()) return;
  const int samples = decoder_->decode(packet.payload, pcm_);
  if (samples <= 0) {
    ++figures_.malformed;
    return;
  }
  double energy = 0;
  for (int i = 0; i < samples; ++i)
    energy += double{1} * pcm_[static_cast<std::size_t>(i)] * pcm_[static_cast<std::size_t>(i)];
  if (sounded_at_ == TimePoint{}) sounded_at_ = born_;
  if (energy < kQuiet * kQuiet * samples) {
    figures_.quiet_max = std::max(figures_.quiet_max, at - sounded_at_);
    return;
  }
  right(at, tally);
  figures_.quiet_max = std::max(figures_.quiet_max, at - sounded_at_);
  figures_.sounded += Nanos(std::int64_t{1'000'000'000} * samples / spec_.codec->sample_rate);
  sounded_at_ = at;
}

void Ear::take_sound(const rtp::Packet& packet, TimePoint at, int& searches, Tally& tally) {
  if (!decoder_ || pcm_.empty()) return;
  const int samples = decoder_->decode(packet.payload, pcm_);
  if (samples <= 0) {
    ++figures_.malformed;
    return;
  }
  const std::size_t n =
      to_8k(std::span(pcm_).first(static_cast<std::size_t>(samples)), spec_.codec->sample_rate);
  const std::int64_t first = grid_ticks_ * 8000 / clock_rate_;
  if (choir_) {
    const SoundFigures before = figures_.sound;
    choir_->take(first, std::span(pcm_).first(n), partner_->position(), searches, figures_.sound);
    tally.add_sound(before, figures_.sound);
    const auto sent = choir_->sent_at(first);
    if (!sent) return;
    right(at, tally);
    return track_delay(at - *sent, at, tally);
  }
  const SoundFigures before = figures_.sound;
  tune_.take(first, std::span(pcm_).first(n), partner_ != nullptr ? partner_->position() : 0, searches,
             figures_.sound);
  tally.add_sound(before, figures_.sound);
  const auto position = tune_.position(first);
  if (!position) return;
  right(at, tally);
  if (partner_ == nullptr) return;
  if (const auto sent = partner_->sent_at(*position)) track_delay(at - *sent, at, tally);
}

// Where the packet lies against its stream's own clock. The base is the quickest of the last 5 to 10 s, so
// that a drift, which is told by itself, does not look like lateness.
void Ear::track_grid(const rtp::Header& header, TimePoint at, bool restarted, Tally& tally) {
  const std::int64_t rate = clock_rate_;
  if (!grid_ || restarted) {
    if (grid_ && choir_) choir_->restart();
    if (grid_) tune_.restart(0, partner_ != nullptr ? partner_->position() : 0);
    if (grid_) ++figures_.restarts;
    grid_ = true;
    grid_begin_ = at;
    grid_ticks_ = 0;
    base_ = base_next_ = Nanos::max();
    base_until_ = at + kBaseLife;
    window_until_ = at + kWindow;
    window_offset_ = window_delay_ = Nanos::max();
    drift_ = Line();
  } else {
    grid_ticks_ += header.time - grid_time_;
  }
  grid_time_ = header.time;
  const Nanos offset = at - grid_begin_ - Nanos(grid_ticks_ * 1'000'000'000 / rate);
  if (at >= base_until_) {
    base_ = base_next_;
    base_next_ = Nanos::max();
    base_until_ = at + kBaseLife;
  }
  base_next_ = std::min(base_next_, offset);
  base_ = std::min(base_, base_next_);
  const Nanos late = offset - base_;
  tally.lateness.add(late);
  if (late > kPlayout) ++figures_.too_late;
  if (late > late_after_) {
    ++figures_.late;
    ++tally.late;
  }
  if (at >= window_until_) close_window(at);
  window_offset_ = std::min(window_offset_, offset);
}

void Ear::track_delay(Nanos delay, TimePoint, Tally& tally) {
  tally.delay.add(delay);
  delay_sum_ms_ += ms_of(delay);
  ++delays_;
  window_delay_ = std::min(window_delay_, delay);
}

void Ear::close_window(TimePoint at) {
  if (window_offset_ != Nanos::max())
    drift_.add(std::chrono::duration<double>(window_until_ - grid_begin_).count(),
               std::chrono::duration<double>(window_offset_).count());
  if (window_delay_ != Nanos::max()) {
    if (delay_last_ != Nanos::min() && std::chrono::abs(window_delay_ - delay_last_) > kStep)
      ++figures_.delay_steps;
    delay_last_ = window_delay_;
    delay_low_ = std::min(delay_low_, window_delay_);
    delay_high_ = std::max(delay_high_, window_delay_);
  }
  window_offset_ = window_delay_ = Nanos::max();
  window_until_ = at + kWindow;
}

void Ear::begin_measure(TimePoint now) {
  const bool heard = figures_.heard;
  const Nanos first = figures_.first_audio;
  figures_ = LegFigures();
  figures_.heard = heard;
  figures_.first_audio = first;
  rx_before_ = rx_.stats();
  unique_ = 0;
  doubled_ = 0;
  any_stamp_ = false;
  measured_from_ = now;
  last_at_ = now;
  drift_ = Line();
  delay_low_ = Nanos::max();
  delay_high_ = delay_last_ = Nanos::min();
  delay_sum_ms_ = 0;
  delays_ = 0;
}

LegFigures Ear::figures(TimePoint now) const {
  LegFigures out = figures_;
  const rtp::RxStats& rx = rx_.stats();
  const std::uint64_t dropped = partner_ != nullptr ? partner_->dropped() : 0;
  const std::uint64_t numbered = rx.lost > rx_before_.lost ? rx.lost - rx_before_.lost : 0;
  // What was dropped on purpose just before measuring began is seen missing just after.
  const std::uint64_t slack = dropped == 0 ? 0 : dropped + 3;
  out.lost = numbered > slack ? numbered - slack : 0;
  out.reordered = rx.reordered - rx_before_.reordered;
  out.duplicates = std::max(out.duplicates, doubled_);
  if (partner_ != nullptr && expects_ == Marks::payload && hears_ != kNobody) {
    const std::uint64_t expected = partner_->counter() - partner_->measured_from();
    const std::uint64_t come = unique_ + dropped;
    out.lost = expected > come ? expected - come : 0;
  }
  out.digits_right += out.sound.keys_right;
  out.digits_wrong += out.sound.keys_wrong;
  out.digits_missing += out.sound.keys_missing;
  // Keys whose sound did not come at all; the last ones may be under way.
  constexpr std::uint64_t kKeysUnderWay = 2;
  const std::uint64_t judged = out.sound.keys_right + out.sound.keys_wrong + out.sound.keys_missing;
  if (partner_ != nullptr && spec_.partner_talk.keys_every > 0 &&
      partner_->keys() - partner_->keys_before() > judged + kKeysUnderWay)
    out.digits_missing += partner_->keys() - partner_->keys_before() - judged - kKeysUnderWay;
  if (partner_ != nullptr && spec_.partner_talk.keys_every == 0 && partner_->keys() > keys_heard_)
    out.digits_missing += partner_->keys() - keys_heard_;
  if (last_at_ != TimePoint{} && now > last_at_) out.silent_max = std::max(out.silent_max, now - last_at_);
  if (last_at_ == TimePoint{}) out.silent_max = now - measured_from_;
  out.snr_db_wanted = spec_.tolerance.snr_db_min;
  out.jitter_ms = rx_.jitter_ms();
  out.delay_ms_mean = delays_ == 0 ? 0 : delay_sum_ms_ / static_cast<double>(delays_);
  out.delay_shift_ms =
      delay_high_ > delay_low_ && delay_low_ != Nanos::max() ? ms_of(delay_high_ - delay_low_) : 0;
  out.drift_ppm = drift_.slope() * 1e6 - spec_.partner_drift_ppm;
  out.drift_error_ppm = drift_.error() * 1e6;
  out.lived = now - measured_from_;
  return out;
}

}  // namespace tandem::load
