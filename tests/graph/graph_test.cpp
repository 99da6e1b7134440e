// Stages, chains and the sum, with a plugin stage made by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/graph/chain.hpp"
#include "core/graph/stages.hpp"
#include "core/graph/sum.hpp"

// A plugin's stage: negates what passes, and notes each frame's first sample.
struct td_stage {
  int frames = 0;
};

namespace tandem::graph {
namespace {

int destroyed = 0;

td_stage_type negator() {
  td_stage_type type{};
  type.size = sizeof(type);
  type.name = "negator";
  type.create = [](std::uint32_t rate, td_str) noexcept { return rate == 8000 ? new td_stage : nullptr; };
  type.destroy = [](td_stage* stage) noexcept {
    ++destroyed;
    delete stage;
  };
  type.process = [](td_stage* stage, std::int16_t* pcm, std::uint32_t samples, td_stage_note* notes,
                    std::uint32_t capacity) noexcept -> std::uint32_t {
    for (std::uint32_t i = 0; i < samples; ++i) pcm[i] = static_cast<std::int16_t>(-pcm[i]);
    if (capacity > 0) notes[0] = {.kind = pcm[0], .value = ++stage->frames, .at_sample = 0, .length_ms = 0};
    return 99;  // a lie: more than the capacity
  };
  return type;
}

Frame frame_of(std::vector<std::int16_t> samples, std::uint32_t rate = 8000) {
  Frame frame;
  frame.clear(rate, samples.size());
  std::copy(samples.begin(), samples.end(), frame.storage.begin());
  return frame;
}

struct Keeper final : TapTarget {
  std::vector<std::int16_t> kept;
  void on_frame_tapped(std::span<const std::int16_t> pcm, std::uint32_t) override {
    kept.insert(kept.end(), pcm.begin(), pcm.end());
  }
};

TEST(Frame, ClipsItsLengthToWhatItHolds) {
  Frame frame;
  frame.clear(48000, 100000);
  EXPECT_EQ(frame.pcm().size(), Frame::kMaxSamples);
}

TEST(Chain, RunsItsStagesInOrder) {
  const td_stage_type type = negator();
  destroyed = 0;
  Keeper before, after;
  {
    Chain chain;
    std::unique_ptr<Stage> first = std::make_unique<TapStage>(8000, &before);
    auto second = PluginStage::create(&type, 8000, "{}");
    ASSERT_TRUE(second);
    std::unique_ptr<Stage> third = std::make_unique<TapStage>(8000, &after);
    EXPECT_TRUE(chain.add(first) && chain.add(*second) && chain.add(third));
    Frame frame = frame_of({1, 2, 3});
    Notes notes;
    chain.process(frame, notes);
    EXPECT_THAT(before.kept, ::testing::ElementsAre(1, 2, 3));
    EXPECT_THAT(after.kept, ::testing::ElementsAre(-1, -2, -3));
    ASSERT_EQ(notes.count, 8u) << "as many as there is room for, whatever the plugin says";
    EXPECT_STREQ(notes.all()[0].stage, "negator");
    EXPECT_EQ(notes.all()[0].note.kind, -1);
    EXPECT_NE(chain.find("negator"), nullptr);
    EXPECT_NE(chain.remove("negator"), nullptr);
    EXPECT_EQ(destroyed, 1);
    EXPECT_EQ(chain.remove("negator"), nullptr);
    EXPECT_EQ(chain.size(), 2u);
  }
}

TEST(Chain, RefusesMoreStagesThanItHolds) {
  Chain chain;
  std::unique_ptr<Stage> none;
  EXPECT_FALSE(chain.add(none));
  for (std::size_t i = 0; i <= Chain::kMaxStages; ++i) {
    std::unique_ptr<Stage> stage = std::make_unique<TapStage>(8000, nullptr);
    EXPECT_EQ(chain.add(stage), i < Chain::kMaxStages);
    EXPECT_EQ(stage != nullptr, i == Chain::kMaxStages) << "what was refused is still the caller's";
  }
}

TEST(Stage, LetsAFrameOfAnotherRatePass) {
  Keeper keeper;
  TapStage tap(16000, &keeper);
  Frame frame = frame_of({1, 2});
  Notes notes;
  tap.process(frame, notes);
  EXPECT_TRUE(keeper.kept.empty());
}

TEST(PluginStage, RefusesABrokenTableAndWhatThePluginRefuses) {
  td_stage_type type = negator();
  EXPECT_FALSE(PluginStage::create(nullptr, 8000, ""));
  const auto refused = PluginStage::create(&type, 44100, "x");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("44100"));
  type.process = nullptr;
  EXPECT_FALSE(PluginStage::create(&type, 8000, ""));
}

TEST(Notes, CountsWhatIsTooMuch) {
  Notes notes;
  for (int i = 0; i < 40; ++i) notes.add("x", {});
  EXPECT_EQ(notes.count, Notes::kMax);
  EXPECT_EQ(notes.dropped, 8u);
}

TEST(GainStage, GlidesToANewGainWithinOneFrame) {
  GainStage gain(8000, audio::gain_of_db(0));
  Frame frame = frame_of(std::vector<std::int16_t>(160, 1000));
  Notes notes;
  gain.set(audio::gain_of_db(-100));
  gain.process(frame, notes);
  for (std::size_t i = 1; i < 160; ++i) EXPECT_LE(std::abs(frame.pcm()[i] - frame.pcm()[i - 1]), 8);
  EXPECT_EQ(frame.pcm()[159], 0);
}

TEST(Sum, EachHearsTheOthers) {
  Sum sum;
  const Frame a = frame_of({100, 20000, -20000}), b = frame_of({1, 20000, -20000}),
              c = frame_of({10, 10, 10});
  sum.begin(8000, 3);
  EXPECT_TRUE(sum.add(a) && sum.add(b) && sum.add(c));
  Frame out;
  sum.without(a, out);
  EXPECT_THAT(out.pcm(), ::testing::ElementsAre(11, 20010, -19990));
  sum.without(c, out);
  EXPECT_THAT(out.pcm(), ::testing::ElementsAre(101, 32767, -32768)) << "saturates only at the end";
  sum.all(out);
  EXPECT_THAT(out.pcm(), ::testing::ElementsAre(111, 32767, -32768));
  EXPECT_EQ(sum.speakers(), 3u);
}

TEST(Sum, RefusesAFrameOfAnotherShape) {
  Sum sum;
  sum.begin(8000, 3);
  EXPECT_FALSE(sum.add(frame_of({1, 2, 3}, 16000)));
  EXPECT_FALSE(sum.add(frame_of({1, 2})));
  EXPECT_EQ(sum.refused(), 2u);
  Frame out;
  sum.all(out);
  EXPECT_THAT(out.pcm(), ::testing::ElementsAre(0, 0, 0));
}

}  // namespace
}  // namespace tandem::graph
