// MediaLoop: in which order it does what it has to do.
#include "core/media/media_loop.hpp"

#include <gtest/gtest.h>

#include "core/loop/memory_io.hpp"
#include "core/media/command.hpp"

namespace tandem::media {
namespace {

class Told final : public Command {
 public:
  explicit Told(bool& ran) : ran_(ran) {}
  void run(MediaLoop&) noexcept override { ran_ = true; }

 private:
  bool& ran_;
};

// Phones speak as soon as they are told that a call is up: sooner than the next tick.
TEST(MediaLoop, WhatWasToldBeforeAPacketCameIsDoneBeforeIt) {
  loop::MemoryNetwork network;
  loop::MemoryIo io(network);
  MediaLoop loop(io, {.legs = 4, .commands = 8, .events = 8, .payload_blocks = 8});
  bool ran = false;
  std::unique_ptr<Command> command = std::make_unique<Told>(ran);
  ASSERT_TRUE(loop.post(command));
  loop.on_readable(TimePoint(seconds(1)));
  EXPECT_TRUE(ran);
  EXPECT_TRUE(loop.take_wake_control()) << "control takes the command back";
  loop.collect();
}

}  // namespace
}  // namespace tandem::media
