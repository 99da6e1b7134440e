// OpaqueCodecs: a codec table for every format that no plugin speaks, so that the media plane relays it: EVS,
// SILK, iLBC, comfort noise, whatever comes. Two legs that name the same format get the same table, which is
// all that a relay asks for. Decoding one gives loss, encoding one gives nothing to send.
//
// Thread: [control]. The tables live as long as this, which outlives the media engine.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>

#include "tandem/codec.h"

namespace tandem::anchor {

class OpaqueCodecs {
 public:
  static constexpr std::size_t kMax = 512;  // different formats since the start

  // Null when kMax others are known already. Names are compared without regard to case.
  const td_codec* get(std::string_view name, std::uint32_t clock_rate, std::uint32_t channels);
  static bool is_opaque(const td_codec* codec);

 private:
  struct Entry {
    std::string name;
    td_codec table;
  };
  std::map<std::tuple<std::string, std::uint32_t, std::uint32_t>, std::unique_ptr<Entry>> known_;
};

}  // namespace tandem::anchor
