// bench_codec_alone: see the header. The measuring is core/load's.
#include "core/app/bench_codec_alone.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/load/bare_codec.hpp"
#include "core/load/melody.hpp"
#include "core/load/phone.hpp"
#include "core/load/swap_found.hpp"

namespace tandem::app {

Result<std::string> bare_cost_line(const codec::CodecRegistry& codecs, const std::string& name,
                                   unsigned coders) {
  const auto codec = load::phone_codec(codecs, name, 20);
  if (!codec) return codec.error();
  coders = coders > 0 ? coders : 1;
  const load::Melody melody;
  const auto row = load::bare_cost(**codec, coders, 20, milliseconds(500), melody);
  if (!row) return row.error();
  const auto calls = load::bare_cost(**codec, coders, 20, seconds(2), melody, load::Pace::as_calls);
  if (!calls) return calls.error();
  return fmt::format(
      "{{\"codec\": \"{}\", \"coders\": {}, \"encode_us\": {:.3f}, \"decode_us\": {:.3f}, "
      "\"as_calls\": {{\"encode_us\": {:.3f}, \"decode_us\": {:.3f}}}}}",
      (*codec)->name, coders, row->encode_us, row->decode_us, calls->encode_us, calls->decode_us);
}

Result<std::string> swaps_found_line(const codec::CodecRegistry& codecs, const std::string& name,
                                     unsigned legs) {
  constexpr unsigned kPairs = 80;
  const auto codec = load::phone_codec(codecs, name, 20);
  if (!codec) return codec.error();
  const auto rows =
      load::swaps_found(**codec, load::Melody(), legs == 0 ? kPairs : std::clamp(legs / 2, 1U, 1000U));
  if (!rows) return rows.error();
  return load::swaps_line(**codec, *rows);
}

}  // namespace tandem::app
