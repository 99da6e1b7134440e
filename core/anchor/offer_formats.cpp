// What the answerer is offered.
#include <algorithm>

#include "core/anchor/codec_lists.hpp"
#include "core/anchor/formats.hpp"
#include "core/anchor/payloads.hpp"

namespace tandem::anchor {
namespace {

// Whether the answerer does not get to see it. What `offer` names stays, whatever else is said.
bool removed(const Format& format, const CodecOptions& o) {
  if (is_named(o.offer, format)) return false;
  const bool kept = any_matches(o.except, format) || any_matches(o.offer, format);
  for (const auto* list : {&o.strip, &o.mask, &o.consume}) {
    if (is_named(*list, format)) return true;
    if ((has_word(*list, "all") || has_word(*list, "full")) && !kept) {
      // strip=all gives back what transcode names; strip=full does not.
      if (has_word(*list, "full") || !any_matches(o.transcode, format)) return true;
    }
  }
  return false;
}

bool names_codec(const std::vector<std::string>& specs) {
  return std::any_of(specs.begin(), specs.end(), [](const std::string& spec) {
    return !same_name(read_codec_spec(spec).name, "telephone-event") &&
           !same_name(read_codec_spec(spec).name, "CN");
  });
}

bool strips_all(const CodecOptions& o) {
  return has_word(o.strip, "all") || has_word(o.mask, "all") || has_word(o.strip, "full") ||
         has_word(o.mask, "full");
}

// By that list; keys' events stay behind the codecs.
void reorder(std::vector<Format>& formats, const std::vector<std::string>& order) {
  std::vector<Format> sorted;
  for (const std::string& spec : order)
    for (Format& format : formats)
      if (!format.name.empty() && matches(spec, format)) sorted.push_back(std::exchange(format, {}));
  for (Format& format : formats)
    if (!format.name.empty()) sorted.push_back(std::move(format));
  std::stable_partition(sorted.begin(), sorted.end(), [](const Format& f) { return !f.event; });
  formats = std::move(sorted);
}

bool at_clock(const std::vector<Format>& formats, const char* name, std::uint32_t clock_rate) {
  return std::any_of(formats.begin(), formats.end(),
                     [&](const Format& f) { return f.clock_rate == clock_rate && same_name(f.name, name); });
}

// Adds formats to what was chosen: codecs, then noise, then the keys' events, so that a codec stays the
// first.
class Additions {
 public:
  Additions(Chosen& chosen, const CodecOptions& options, Codecs codecs)
      : chosen_(chosen), options_(options), codecs_(codecs), taken_(chosen.formats) {}

  void add(const std::vector<Format>& offered) {
    // A number that was offered for a dynamic type means that to the offerer, who may send it all the same.
    for (const Format& format : offered)
      if (format.type >= 96) taken_.push_back(format);
    const bool decodes =
        std::any_of(offered.begin(), offered.end(), [](const Format& f) { return f.transcodable(); });
    if (decodes) add_codecs();
    if (!decodes && has_audio(offered))
      chosen_.warnings.emplace_back("no codec that was offered can be decoded here: none is added to them");
    add_noise();
    add_events();
  }

 private:
  void add_codecs() {
    std::vector<Format> added;
    for (const std::string& text : options_.transcode) {
      const CodecSpec spec = read_codec_spec(text);
      if (same_name(spec.name, "telephone-event") || same_name(spec.name, "CN")) continue;
      const auto here = [&](const Format& f) { return matches(text, f); };
      if (std::any_of(chosen_.formats.begin(), chosen_.formats.end(), here)) continue;
      auto format = make_format(text, taken_, codecs_);
      if (!format) {
        chosen_.warnings.push_back(format.error().message);
        continue;
      }
      taken_.push_back(*format);
      added.push_back(std::move(*format));
    }
    insert_before_events(added);
    // With everything else masked the list is the one that transcode names, in its order.
    if (strips_all(options_) && !names_codec(options_.offer) && !names_codec(options_.except))
      reorder(chosen_.formats, options_.transcode);
    add_events_beside(added);
  }

  // Keys are told at the clock of the audio beside them (RFC 4733 2.5.1.1): where they are offered at all, at
  // that of each codec added, too.
  void add_events_beside(const std::vector<Format>& added) {
    const auto event =
        std::find_if(chosen_.formats.begin(), chosen_.formats.end(), [](const Format& f) { return f.event; });
    if (event == chosen_.formats.end()) return;
    const std::string fmtp = event->fmtp;
    for (const Format& codec : added) add_event(codec.clock_rate, fmtp);
  }

  // transcode=telephone-event: at the clock of each codec, for an offerer that has them not.
  void add_events() {
    for (const std::string& text : options_.transcode) {
      const CodecSpec spec = read_codec_spec(text);
      if (!same_name(spec.name, "telephone-event")) continue;
      const std::string fmtp = spec.fmtp.empty() ? "0-15" : spec.fmtp;
      if (spec.clock_rate != 0) {
        add_event(spec.clock_rate, fmtp);
        continue;
      }
      const std::vector<Format> codecs = chosen_.formats;
      for (const Format& codec : codecs)
        if (!codec.event && !codec.is_noise()) add_event(codec.clock_rate, fmtp);
    }
  }

  void add_event(std::uint32_t clock_rate, const std::string& fmtp) {
    if (at_clock(chosen_.formats, "telephone-event", clock_rate)) return;
    Format event = added("telephone-event", clock_rate, -1);
    event.event = true;
    event.fmtp = fmtp;
    chosen_.formats.push_back(std::move(event));
  }

  // transcode=CN (RFC 3389), at 8000 Hz if no clock is said; for a codec of that clock.
  void add_noise() {
    for (const std::string& text : options_.transcode) {
      const CodecSpec spec = read_codec_spec(text);
      const std::uint32_t clock = spec.clock_rate == 0 ? 8000 : spec.clock_rate;
      if (!same_name(spec.name, "CN") || at_clock(chosen_.formats, "CN", clock)) continue;
      const auto goes_along = [&](const Format& f) { return f.transcodable() && f.clock_rate == clock; };
      if (std::none_of(chosen_.formats.begin(), chosen_.formats.end(), goes_along)) continue;
      Format noise = added("CN", clock, clock == 8000 ? 13 : -1);
      noise.codec = codecs_.opaque.get("CN", clock, 1);
      if (noise.codec != nullptr) insert_before_events({noise});
    }
  }

  Format added(const char* name, std::uint32_t clock_rate, std::int32_t static_type) {
    Format format;
    format.name = name;
    format.clock_rate = clock_rate;
    format.type = format.source_type = free_type(static_type, taken_);
    format.added = true;
    taken_.push_back(format);
    return format;
  }

  void insert_before_events(const std::vector<Format>& formats) {
    const auto at =
        std::find_if(chosen_.formats.begin(), chosen_.formats.end(), [](const Format& f) { return f.event; });
    chosen_.formats.insert(at, formats.begin(), formats.end());
  }

  Chosen& chosen_;
  const CodecOptions& options_;
  const Codecs codecs_;
  std::vector<Format> taken_;  // whose numbers are
};

}  // namespace

Chosen offer_formats(const std::vector<Format>& offered, const CodecOptions& o, Codecs codecs) {
  Chosen chosen;
  if (o.empty()) {
    chosen.formats = offered;
    return chosen;
  }
  const bool decodes =
      std::any_of(offered.begin(), offered.end(), [](const Format& f) { return f.transcodable(); });
  for (const Format& format : offered) {
    if (removed(format, o)) continue;
    // What cannot be decoded cannot be transcoded: it must not be chosen beside an added codec.
    if (names_codec(o.transcode) && decodes && !format.event && !format.transcodable() && !format.is_noise())
      continue;
    chosen.formats.push_back(format);
  }
  if (!o.offer.empty()) reorder(chosen.formats, o.offer);
  if (!o.transcode.empty()) Additions(chosen, o, codecs).add(offered);
  if (!has_audio(chosen.formats) && has_audio(offered)) {
    chosen.formats = offered;
    chosen.warnings.emplace_back("no codec would be left to offer: the list stays as it came");
  }
  return chosen;
}

}  // namespace tandem::anchor
