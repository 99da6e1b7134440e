#include "core/anchor/payloads.hpp"

#include <algorithm>

#include "core/base/text.hpp"

namespace tandem::anchor {

const Format* find_same(const std::vector<Format>& formats, const Format& wanted) {
  const Format* found = nullptr;
  int likeness = 0;  // the number tells more than the parameters, either more than the order
  for (const Format& format : formats) {
    if (!format.same(wanted)) continue;
    const int alike = 1 + (format.agrees(wanted) ? 1 : 0) + (format.type == wanted.type ? 2 : 0);
    if (alike > likeness) found = &format, likeness = alike;
  }
  return found;
}

void add_payload(media::LegConfig& config, const Format& said_by_us, const Format& said_by_them) {
  const media::ClockedType beside{said_by_us.type, said_by_them.type, said_by_us.clock_rate};
  if (said_by_us.event) {
    if (config.event_receive_type >= 0) return config.other_events.push_back(beside);
    config.event_receive_type = said_by_us.type;  // the first: that of the audio's clock is put there
    config.event_send_type = said_by_them.type;
    config.event_clock_rate = said_by_us.clock_rate;
    return;
  }
  if (same_name(said_by_us.name, "CN")) return config.noise.push_back(beside);
  media::PayloadMap payload;
  payload.codec = said_by_us.codec;
  payload.receive_type = said_by_us.type;
  payload.send_type = said_by_them.type;
  payload.our_fmtp = said_by_us.fmtp;
  payload.peer_fmtp = said_by_them.fmtp;
  config.payloads.push_back(std::move(payload));
}

void events_by_clock(std::vector<Format>& formats) {
  const auto audio = std::find_if(formats.begin(), formats.end(), [](const Format& f) { return !f.event; });
  if (audio == formats.end()) return;
  const std::uint32_t clock = audio->clock_rate;
  std::stable_partition(formats.begin(), formats.end(),
                        [&](const Format& f) { return !f.event || f.clock_rate == clock; });
}

bool has_events(const media::LegConfig& config) {
  return config.event_receive_type >= 0 || !config.other_events.empty();
}

void clear_payloads(media::LegConfig& config) {
  config.payloads.clear();
  config.event_receive_type = config.event_send_type = -1;
  config.event_clock_rate = 0;
  config.other_events.clear();
  config.noise.clear();
}

namespace {

// "a=1;b=2" with the parameters of `more` in the place of those of the same name.
std::string with_parameters(std::string_view fmtp, std::string_view more) {
  const auto each = [](std::string_view text, auto take) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find(';'), text.size());
      std::string_view item = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
      if (!item.empty()) take(item, item.substr(0, item.find('=')));
    }
  };
  std::string out;
  const auto add = [&out](std::string_view item) { out.append(out.empty() ? "" : ";").append(item); };
  each(fmtp, [&](std::string_view item, std::string_view name) {
    bool replaced = false;
    each(more,
         [&](std::string_view, std::string_view other) { replaced = replaced || same_name(name, other); });
    if (!replaced) add(item);
  });
  each(more, [&](std::string_view item, std::string_view) { add(item); });
  return out;
}

}  // namespace

void set_encoders(media::LegConfig& config, const CodecOptions& options) {
  for (const auto* list : {&options.transcode, &options.set}) {
    for (const std::string& text : *list) {
      const CodecSpec spec = read_codec_spec(text);
      for (media::PayloadMap& payload : config.payloads) {
        if (!spec_matches(text, *payload.codec)) continue;
        std::string more = spec.fmtp;
        if (spec.bitrate != 0 && same_name(spec.name, "opus"))
          more = with_parameters(more, "maxaveragebitrate=" + std::to_string(spec.bitrate));
        if (!more.empty()) payload.peer_fmtp = with_parameters(payload.peer_fmtp, more);
        if (&payload == &config.payloads.front() && spec.ptime_ms >= 10 && spec.ptime_ms <= 60 &&
            spec.ptime_ms % 10 == 0)
          config.send_ptime_ms = spec.ptime_ms;
      }
    }
  }
}

std::vector<Format> formats_of(const media::LegConfig& config) {
  std::vector<Format> out;
  for (const media::PayloadMap& payload : config.payloads) {
    if (payload.receive_type == media::kNotReceived) continue;
    Format format;
    format.type = format.source_type = payload.receive_type;
    format.name = payload.codec->name;
    format.clock_rate = payload.codec->clock_rate;
    format.channels = payload.codec->rtpmap_channels;
    format.fmtp = payload.our_fmtp;
    format.codec = payload.codec;
    out.push_back(std::move(format));
  }
  if (config.event_receive_type >= 0 && !out.empty()) {
    Format event;
    event.type = event.source_type = static_cast<std::uint8_t>(config.event_receive_type);
    event.name = "telephone-event";
    event.clock_rate = out.front().clock_rate;
    event.fmtp = "0-15";
    event.event = true;
    out.push_back(std::move(event));
  }
  return out;
}

}  // namespace tandem::anchor
