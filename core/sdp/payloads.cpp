// Payloads (payloads.hpp). Sources: RFC 3264 6.1 and 8.3.2, RFC 3551, RFC 4733 2.4, RFC 5761 4.
#include "core/sdp/payloads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bitset>

#include "core/base/text.hpp"

namespace tandem::sdp {
namespace {

constexpr int kNoiseType = 13;  // RFC 3389 5: of the clock of 8000

bool is_event(const Payload& p) { return same_name(p.map.name, kEventName); }

bool same_format(const Rtpmap& map, std::string_view name, std::uint32_t clock_rate, std::uint32_t channels) {
  if (!same_name(map.name, name) || map.channels != channels) return false;
  // G.722 samples at 16000 and some say so, against RFC 3551 4.5.2; its RTP clock is 8000 all the same.
  return map.clock_rate == clock_rate || (same_name(name, "G722") && map.clock_rate == 16'000);
}

bool compatible(const CodecOffer& ours, std::string_view fmtp, const Payload& theirs) {
  if (!same_format(theirs.map, ours.name, ours.clock_rate, ours.channels)) return false;
  if (!ours.fmtp_compatible) return true;
  return ours.fmtp_compatible({fmtp.data(), fmtp.size()}, {theirs.fmtp.data(), theirs.fmtp.size()}) != 0;
}

// Our a=fmtp for this codec: what we would offer, fitted to their offer where the codec has rules for that.
std::string our_fmtp(const CodecOffer& ours, const Payload& theirs, Theirs are) {
  if (are == Theirs::answer || !ours.answer_fmtp ||
      !same_format(theirs.map, ours.name, ours.clock_rate, ours.channels))
    return ours.fmtp;
  std::array<char, 512> said;
  const std::int32_t bytes =
      ours.answer_fmtp({ours.fmtp.data(), ours.fmtp.size()}, {theirs.fmtp.data(), theirs.fmtp.size()},
                       said.data(), static_cast<std::uint32_t>(said.size()));
  return bytes < 0 ? ours.fmtp : std::string(said.data(), static_cast<std::size_t>(bytes));
}

// Gives out numbers. A number is taken when the session has used it for anything, or when it is reserved.
class Numbers {
 public:
  Numbers(const Local& local, const std::vector<Binding>& bindings) : bindings_(bindings) {
    for (const Binding& b : bindings) taken_.set(b.type);
    for (const CodecOffer& c : local.codecs)
      if (is_type(c.static_type)) reserved_.set(static_cast<std::size_t>(c.static_type));
    if (local.event.enabled && is_type(local.event.type))
      reserved_.set(static_cast<std::size_t>(local.event.type));
  }

  // `wanted` is used when the session has no number for this yet and nothing else has taken it.
  std::optional<std::uint8_t> give(const Rtpmap& map, std::string_view fmtp, int wanted) {
    for (auto b = bindings_.rbegin(); b != bindings_.rend(); ++b)
      if (same_format(map, b->name, b->clock_rate, b->channels) && b->fmtp == fmtp && !given_.test(b->type))
        return mark(b->type);
    if (is_type(wanted) && !taken_.test(static_cast<std::size_t>(wanted)))
      return mark(static_cast<std::size_t>(wanted));
    for (std::size_t type = 96; type <= 127; ++type)
      if (!taken_.test(type) && !reserved_.test(type)) return mark(type);
    for (std::size_t type = 35; type <= 63; ++type)
      if (!taken_.test(type) && !reserved_.test(type)) return mark(type);
    return std::nullopt;
  }

 private:
  static bool is_type(int type) { return type >= 0 && type <= 127; }
  std::uint8_t mark(std::size_t type) {
    taken_.set(type);
    given_.set(type);
    return static_cast<std::uint8_t>(type);
  }

  const std::vector<Binding>& bindings_;
  std::bitset<128> taken_, reserved_, given_;
};

}  // namespace

std::string codec_text(std::string_view name, std::uint32_t clock_rate, std::uint32_t channels) {
  if (channels == 1) return fmt::format("{}/{}", printable(name), clock_rate);
  return fmt::format("{}/{}/{}", printable(name), clock_rate, channels);
}

std::vector<Payload> read_payloads(const Media& media, const Media* fallback) {
  std::vector<Payload> read;
  std::bitset<128> seen;
  for (const std::string& format : media.formats) {
    const int type = Media::payload_type(format);
    if (type < 0 || seen.test(static_cast<std::size_t>(type))) continue;
    auto map = media.rtpmap_of(type);
    if (!map && fallback) map = fallback->rtpmap_of(type);
    if (!map) continue;
    seen.set(static_cast<std::size_t>(type));
    read.push_back({std::move(*map), std::string(media.fmtp_of(type))});
  }
  return read;
}

std::vector<AgreedPayload> match_codecs(const std::vector<CodecOffer>& ours,
                                        const std::vector<Payload>& theirs, Theirs are) {
  std::vector<AgreedPayload> agreed;
  std::vector<bool> used(ours.size());
  for (const Payload& p : theirs) {
    for (std::size_t i = 0; i < ours.size(); ++i) {
      if (used[i]) continue;
      std::string fmtp = our_fmtp(ours[i], p, are);
      if (!compatible(ours[i], fmtp, p)) continue;
      used[i] = true;
      agreed.push_back({i, p.map.type, p.map.type, std::move(fmtp), p.fmtp});
      break;
    }
  }
  return agreed;
}

const Payload* pick_event(const std::vector<Payload>& theirs, std::uint32_t clock_rate) {
  const Payload* other = nullptr;
  for (const Payload& p : theirs) {
    if (!is_event(p)) continue;
    if (p.map.clock_rate == clock_rate) return &p;
    if (!other) other = &p;
  }
  return other;
}

std::vector<const Payload*> pick_beside(std::string_view name, const std::vector<Payload>& theirs,
                                        const std::vector<CodecOffer>& ours,
                                        const std::vector<AgreedPayload>& agreed) {
  std::vector<const Payload*> picked;
  for (const Payload& p : theirs) {
    if (!same_name(p.map.name, name)) continue;
    const auto same_clock = [&](std::uint32_t rate) { return rate == p.map.clock_rate; };
    const bool spoken = std::any_of(agreed.begin(), agreed.end(), [&](const AgreedPayload& a) {
      return same_clock(ours[a.codec].clock_rate);
    });
    const bool there = std::any_of(picked.begin(), picked.end(),
                                   [&](const Payload* other) { return same_clock(other->map.clock_rate); });
    if (spoken && !there) picked.push_back(&p);
  }
  return picked;
}

std::vector<Payload> number_payloads(const Local& local, const std::vector<Binding>& bindings) {
  std::vector<Payload> numbered;
  Numbers numbers(local, bindings);
  std::vector<std::uint32_t> clock_rates;  // of the codecs; events come at each of them (RFC 4733 2.1)
  for (const CodecOffer& c : local.codecs) {
    Rtpmap map{0, c.name, c.clock_rate, c.channels};
    const auto type = numbers.give(map, c.fmtp, c.static_type);
    if (!type) continue;
    map.type = *type;
    numbered.push_back({std::move(map), c.fmtp});
    if (std::find(clock_rates.begin(), clock_rates.end(), c.clock_rate) == clock_rates.end())
      clock_rates.push_back(c.clock_rate);
  }
  if (local.noise == NoisePolicy::offer || local.noise == NoisePolicy::send) {
    std::vector<std::uint32_t> offered;
    for (const CodecOffer& c : local.codecs) {
      if (c.own_silence || std::find(offered.begin(), offered.end(), c.clock_rate) != offered.end()) continue;
      offered.push_back(c.clock_rate);
      Rtpmap map{0, kNoiseName, c.clock_rate, 1};
      const auto type = numbers.give(map, "", c.clock_rate == 8'000 ? kNoiseType : -1);
      if (!type) continue;
      map.type = *type;
      numbered.push_back({std::move(map), ""});
    }
  }
  if (!local.event.enabled) return numbered;
  // The number that phones expect goes to the clock that phones have.
  std::stable_partition(clock_rates.begin(), clock_rates.end(),
                        [](std::uint32_t rate) { return rate == 8'000; });
  for (std::uint32_t rate : clock_rates) {
    Rtpmap map{0, kEventName, rate, 1};
    const auto type =
        numbers.give(map, local.event.events, rate == clock_rates.front() ? local.event.type : -1);
    if (!type) continue;
    map.type = *type;
    numbered.push_back({std::move(map), local.event.events});
  }
  return numbered;
}

const Payload* payload_of(const std::vector<Payload>& payloads, const CodecOffer& codec) {
  for (const Payload& p : payloads)
    if (same_format(p.map, codec.name, codec.clock_rate, codec.channels) && p.fmtp == codec.fmtp) return &p;
  return nullptr;
}

}  // namespace tandem::sdp
