// Streams without SDP that are coded anew, and sound that is forwarded: with media that really flows.
#include "tests/anchor/relay_world.hpp"
#include "tests/anchor/world.hpp"

namespace tandem::anchor {
namespace {

class TransformTest : public RelayTest {
 protected:
  static TransformCodec codec(const char* name, unsigned type) { return {name, "", type, 8000, 1, 0}; }
  static Selector nobody() { return {"", "", "", "", "", ""}; }
  Result<TransformOutcome> transform(const std::vector<TransformCodec>& inputs, const TransformCodec& output,
                                     const Address& to, const Selector& who = nobody()) {
    std::vector<TransformPair> pairs;
    for (const TransformCodec& input : inputs) pairs.push_back({input, output});
    return anchors_->transform(who, {{"m", pairs, to}}, {});
  }
  static double like(const testing::MediaPhone& phone, std::uint32_t seed) {
    return session::find_in(phone.heard(), beginning(seed)).first;
  }
};

TEST_F(TransformTest, WhatComesInOneCodecLeavesInTheOtherForTheDestinationAndNowhereElse) {
  auto &sender = phone(codec::pcma()), &receiver = phone(codec::pcmu());
  const auto made = transform({codec("PCMA", 8)}, codec("PCMU", 0), receiver.local());
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->media.at(0).id, "m");
  EXPECT_FALSE(made->call_id.empty());
  sender.set_remote(made->media[0].address);
  sender.say(session::noise(1000, 1));
  sender.start();
  advance(milliseconds(800));
  EXPECT_GT(like(receiver, 1), 0.98);
  EXPECT_EQ(receiver.got().front().header.payload_type, 0);
  EXPECT_TRUE(sender.got().empty()) << "the source is not the destination";
  anchors_->remove({made->call_id, "", "", "", "", ""}, {}, [](const Result<CallReport>&) {});
  advance(milliseconds(50));
  EXPECT_EQ(engine_->counters().legs, 0U);
  EXPECT_EQ(engine_->counters().feeds, 0U);
}

TEST_F(TransformTest, OneThatSendsAndReceivesHearsItselfAndTheSameCodecPassesAsItIs) {
  auto& one = phone(codec::pcmu());
  const auto made = transform({codec("PCMU", 0), codec("PCMA", 8)}, codec("PCMU", 0), one.local(),
                              {"t", "x", "", "", "", ""});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->call_id, "t");
  EXPECT_EQ(made->from_tag, "x");
  one.set_remote(made->media[0].address);
  one.say(session::noise(1000, 1));
  one.start();
  advance(milliseconds(800));
  EXPECT_GT(like(one, 1), 0.999);
  EXPECT_EQ(engine_->media_loop(0).counters().decoded.get(), 0U);
  const auto again = transform({codec("PCMU", 0)}, codec("PCMA", 8), one.local(), {"t", "x", "", "", "", ""});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->media[0].address, made->media[0].address) << "its ports stay";
  advance(milliseconds(100));
  one.forget();
  advance(milliseconds(200));
  EXPECT_EQ(one.got().back().header.payload_type, 8);
}

TEST_F(TransformTest, WhatNobodyDecodesPassesAsItIsAndWhatCannotBeIsRefusedWithAReason) {
  auto& one = phone(codec::pcmu());
  const auto to = one.local();
  EXPECT_TRUE(transform({codec("EVS", 97)}, codec("EVS", 97), to));
  const std::vector<std::pair<Result<TransformOutcome>, ErrorCode>> refused = {
      {transform({codec("EVS", 97)}, codec("PCMU", 0), to), ErrorCode::unsupported},
      {transform({codec("PCMU", 0), codec("PCMA", 0)}, codec("PCMU", 0), to), ErrorCode::invalid},
      {transform({codec("PCMU", 128)}, codec("PCMU", 0), to), ErrorCode::invalid},
      {transform({}, codec("PCMU", 0), to), ErrorCode::invalid},
      {transform({codec("PCMU", 0)}, codec("PCMU", 0), {}), ErrorCode::invalid},
      {anchors_->transform(nobody(), {}, {}), ErrorCode::invalid},
  };
  for (const auto& [outcome, code] : refused) {
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, code) << outcome.error().message;
  }
  const auto made = transform({codec("PCMU", 0)}, codec("PCMA", 8), to, {"t", "x", "", "", "", ""});
  ASSERT_TRUE(made);
  EXPECT_FALSE(transform({codec("PCMA", 8)}, codec("PCMU", 0), made->media[0].address))
      << "a loop of packets";
  EXPECT_FALSE(
      transform({codec("PCMA", 8)}, codec("PCMU", 0), made->media[0].address, {"t", "x", "", "", "", ""}));
  EXPECT_EQ(anchors_->size(), 2U);
}

TEST_F(TransformTest, OfSeveralOutputsEachInputLeavesAsItsOwnAndAllAreOneStream) {
  auto &sender = phone(codec::pcmu()), &receiver = phone(codec::pcmu());
  const std::vector<TransformPair> pairs = {{codec("PCMU", 0), codec("PCMA", 8)},
                                            {codec("PCMA", 8), codec("PCMU", 0)},
                                            {codec("PCMU", 100), codec("PCMA", 8)}};
  const auto made = anchors_->transform({"t", "x", "", "", "", ""}, {{"m", pairs, receiver.local()}}, {});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(engine_->counters().feeds, 2U);
  sender.set_remote(made->media[0].address);
  sender.say(session::noise(1000, 1));
  sender.start();
  advance(milliseconds(400));
  sender.stop();
  ASSERT_GT(receiver.got().size(), 15U);
  std::vector<std::uint8_t> raw = sender.last_sent();
  for (const auto& [came, leaves] : std::vector<std::pair<std::uint8_t, int>>{{8, 0}, {100, 8}, {8, 0}}) {
    for (int i = 0; i < 10; ++i) {
      raw[1] = came;
      raw[3] = static_cast<std::uint8_t>(raw[3] + 1);
      if (raw[3] == 0) ++raw[2];
      std::uint32_t time = 0;
      for (std::size_t k = 4; k < 8; ++k) time = time << 8U | raw[k];
      for (std::size_t k = 8, next = time + 160; k-- > 4; next >>= 8U)
        raw[k] = static_cast<std::uint8_t>(next);
      sender.send_raw(timers_.now(), raw);
      advance(milliseconds(20));
    }
    EXPECT_EQ(receiver.got().back().header.payload_type, leaves);
  }
  const auto& first = receiver.got().front().header;
  int here = 0;
  for (const auto& packet : receiver.got()) {
    EXPECT_EQ(packet.header.seq - first.seq, here++);
    EXPECT_EQ(packet.header.ssrc, first.ssrc);
    EXPECT_NEAR(packet.header.time - first.time, 160 * (packet.header.seq - first.seq), 160);
  }
  EXPECT_GT(here, 44);
  anchors_->remove({"t", "", "", "", "", ""}, {}, [](const Result<CallReport>&) {});
  advance(milliseconds(50));
  EXPECT_EQ(engine_->counters().feeds, 0U);
}

// ---- forwarding, over a media engine that only remembers

class ForwardTest : public AnchorWorld {
 protected:
  ForwardTest() {
    config.forward_to = *Address::parse("192.0.2.9", 9000);
    config.forward_rate = 16000;
    make();
  }
  std::vector<session::StreamSpec> streams() const {
    std::vector<session::StreamSpec> out;
    for (const auto& [id, spec] : media.streams) out.push_back(spec);
    return out;
  }
  static Selector of(const std::string& tag) { return {"call", tag, "", "", "", ""}; }
};

TEST_F(ForwardTest, EachPartyIsAStreamOfItsOwnAfterTheOffersMetadata) {
  Options options;
  options.metadata = "caller=1|x";
  ASSERT_TRUE(offer(audio_sdp("192.0.2.1", 4000), options));
  ASSERT_TRUE(anchors->forward(of(""), true, ""));
  EXPECT_TRUE(media.streams.empty()) << "nobody has media yet";
  ASSERT_TRUE(answer(audio_sdp("192.0.2.2", 5000)));
  ASSERT_EQ(streams().size(), 2U);
  EXPECT_EQ(streams()[0].preamble, std::string("caller=1|x\0", 11));
  EXPECT_EQ(streams()[0].to, config.forward_to);
  EXPECT_EQ(streams()[0].rate, 16000U);
  EXPECT_NE(streams()[0].leg, streams()[1].leg);
  ASSERT_TRUE(anchors->forward(of(""), true, ""));
  EXPECT_EQ(media.streams.size(), 2U) << "what runs goes on";
  ASSERT_TRUE(anchors->forward(of(""), false, ""));
  EXPECT_TRUE(media.streams.empty());
}

TEST_F(ForwardTest, OnePartyAloneIsToldByItsNameWhereNobodyGaveMetadataAndEndsWithTheCall) {
  ASSERT_TRUE(offer(audio_sdp("192.0.2.1", 4000)));
  ASSERT_TRUE(answer(audio_sdp("192.0.2.2", 5000)));
  ASSERT_TRUE(anchors->forward(of("B"), true, ""));
  ASSERT_EQ(streams().size(), 1U);
  EXPECT_EQ(streams()[0].preamble, std::string("{\"call_id\":\"call\",\"tag\":\"B\",\"label\":\"\"}") + '\0');
  EXPECT_EQ(anchors->forward(of("nobody"), true, "").error().code, ErrorCode::not_found);
  remove();
  EXPECT_TRUE(media.streams.empty());
  EXPECT_EQ(anchors->forward(of(""), true, "").error().code, ErrorCode::not_found);
}

TEST_F(ForwardTest, WithoutAConsumerItIsRefusedWithTheKeysName) {
  config.forward_to = Address();
  make();
  ASSERT_TRUE(offer(audio_sdp("192.0.2.1", 4000)));
  const auto refused = anchors->forward(of(""), true, "");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("anchor.forward_to"), std::string::npos);
}

}  // namespace
}  // namespace tandem::anchor
