// Anchors over a media engine in memory, for fuzzing: two codecs, no events, nothing in the log.
#pragma once

#include <cstdlib>

#include "core/anchor/anchors.hpp"
#include "core/base/log.hpp"
#include "core/codec/g711.hpp"
#include "tests/support/fake_media.hpp"
#include "tests/support/fake_timers.hpp"

namespace tandem::testing {

inline void require(bool held) {
  if (!held) std::abort();
}

struct AnchorBench {
  explicit AnchorBench(anchor::AnchorsConfig config = {})
      : anchors(timers, media, {registry, opaque}, std::move(config), {}) {
    log::set_level(log::Level::error);
    (void)registry.add(codec::pcmu());
    (void)registry.add(codec::pcma());
    media.set_listener(&anchors);
  }
  // Nothing is left open once every call is deleted.
  void end() {
    for (const std::string& id : anchors.list(1000))
      anchors.remove({id, "", "", "", "", ""}, {}, [](const Result<anchor::CallReport>&) {});
    require(anchors.size() == 0 && media.open_legs() == 0 && media.feeds.empty() && media.streams.empty());
  }

  FakeTimers timers;
  FakeMedia media{timers};
  codec::CodecRegistry registry;
  anchor::OpaqueCodecs opaque;
  anchor::Anchors anchors;
};

}  // namespace tandem::testing
