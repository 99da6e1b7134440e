// Every codec that is here talks to every other: two phones on a counted clock, through the media engine.
#include <gtest/gtest.h>

#include "core/codec/g711.hpp"
#include "core/codec/l16.hpp"
#include "core/loop/memory_io.hpp"
#include "core/plugin/builtin.hpp"
#include "core/session/engine.hpp"
#include "tests/support/codec_check.hpp"
#include "tests/support/fake_timers.hpp"
#include "tests/support/media_phone.hpp"

namespace tandem::testing {
namespace {

using namespace std::chrono_literals;

std::vector<const td_codec*> all_codecs() {
  std::vector<const td_codec*> all = {codec::pcmu(), codec::pcma()};
  for (const td_codec* one : codec::l16_all())
    if (one->sample_rate == 16000) all.push_back(one);  // mono and stereo
  for (const plugin::Builtin& builtin : plugin::builtin_plugins())
    for (const std::string_view name : {"opus", "g722", "g726", "gsm", "amr"}) {
      if (name != builtin.name) continue;
      const auto codecs = codecs_of(builtin.entry());
      all.insert(all.end(), codecs.begin(), codecs.end());
    }
  return all;
}

// The same voice at every rate, so that what one says can be looked for in what the other hears.
class Pair {
 public:
  enum class Asks : bool { no, yes };
  Pair(const td_codec* from, const td_codec* to, unsigned to_ptime_ms, Asks asks = Asks::no,
       unsigned from_ptime_ms = 20)
      : engine_(
            session::EngineConfig{}, timers_,
            [](std::function<void()> work, std::function<void()> done) {
              work();
              done();
              return true;
            },
            [] {}, network_, [this] { return std::make_unique<loop::MemoryIo>(network_); }, nullptr),
        a_(add(from, from_ptime_ms, 0, 40000, Asks::no)),
        b_(add(to, to_ptime_ms, a_, 40002, asks)),
        from_(from),
        to_(to) {
    EXPECT_TRUE(engine_.join(a_, b_).ok());
  }

  // How like the voice of `from` is what `to` heard.
  double likeness_heard() {
    advance(100ms);
    phones_[0]->say(voice(from_->sample_rate, 800, from_->channels));
    phones_[1]->forget();
    advance(1000ms);
    // One channel at 8 kHz of either is enough: the voice has nothing above 3.4 kHz.
    const std::size_t step = std::size_t{to_->sample_rate} / 8000 * to_->channels;
    std::vector<std::int16_t> heard;
    for (std::size_t i = 0; i < phones_[1]->heard().size(); i += step)
      heard.push_back(phones_[1]->heard()[i]);
    return likeness(voice(8000, 800), heard, 8 * 120);
  }
  std::size_t packets_heard() const { return phones_[1]->got().size(); }
  std::uint64_t encoded() const { return engine_.media_loop(0).counters().encoded.get(); }

 private:
  session::MediaId add(const td_codec* codec, unsigned ptime_ms, session::MediaId near, std::uint16_t port,
                       Asks asks) {
    const auto opened = engine_.open({.family = Family::v4, .near = near, .local_host = ""});
    EXPECT_TRUE(opened.ok());
    phones_.push_back(std::make_unique<MediaPhone>(network_, *Address::parse("127.0.0.1", port), codec,
                                                   codec::packet_ms(*codec, near == 0 ? ptime_ms : 20)));
    phones_.back()->set_remote(opened->rtp);
    media::LegConfig config;
    config.remote_rtp = phones_.back()->local();
    config.rtcp_mux = true;
    const std::uint8_t type = MediaPhone::type_of(codec);
    config.payloads.push_back({codec, type, type, codec->default_fmtp, codec->default_fmtp});
    config.send_ptime_ms = ptime_ms;
    config.ptime_asked = asks == Asks::yes;
    EXPECT_TRUE(engine_.configure(opened->id, config).ok()) << codec->name;
    phones_.back()->start();
    return opened->id;
  }
  void advance(milliseconds by) {
    for (milliseconds t{0}; t < by; t += media::kTick) {
      timers_.advance(media::kTick);
      for (const auto& phone : phones_) phone->step(timers_.now());
      engine_.tick(timers_.now());
      for (const auto& phone : phones_) phone->step(timers_.now());
    }
  }

  FakeTimers timers_;
  loop::MemoryNetwork network_;
  session::MediaEngine engine_;
  std::vector<std::unique_ptr<MediaPhone>> phones_;
  session::MediaId a_, b_;
  const td_codec *from_, *to_;
};

TEST(CodecPairs, EachHearsTheVoiceOfEachOther) {
  const auto all = all_codecs();
  EXPECT_GE(all.size(), 7u);
  for (const td_codec* from : all)
    for (const td_codec* to : all) {
      // Of the eight kinds of G.726 one is enough here: they differ in their payloads only.
      const auto more_of_one_kind = [](const td_codec* c) {
        return std::string_view(c->name).find("G726") != std::string_view::npos &&
               std::string_view(c->name) != "G726-32";
      };
      if (more_of_one_kind(from) || more_of_one_kind(to)) continue;
      Pair pair(from, to, 20);
      EXPECT_GT(pair.likeness_heard(), 0.8)
          << from->name << "/" << from->sample_rate << "/" << from->channels << " to " << to->name << "/"
          << to->sample_rate << "/" << to->channels;
      EXPECT_NEAR(double(pair.packets_heard()), 1000 / 20, 2) << from->name << " to " << to->name;
    }
}

TEST(CodecPairs, PacketLengthsAreWhatTheOtherSideAsksFor) {
  for (const td_codec* to : all_codecs()) {
    if (to == codec::pcmu()) continue;  // a relay: the packets are the sender's
    for (const unsigned ptime_ms : {10u, 30u, 60u}) {
      const unsigned ms = codec::packet_ms(*to, ptime_ms);
      Pair pair(codec::pcmu(), to, ptime_ms);
      const double heard = pair.likeness_heard();
      EXPECT_GT(heard, 0.75) << to->name << " at " << ms;
      EXPECT_NEAR(double(pair.packets_heard()), 1000.0 / ms, 3) << to->name << " at " << ms;
    }
  }
}

// The same codec on both sides: packets are cut and joined as they are, where the codec's payloads allow it.
TEST(CodecPairs, OneCodecsPacketsAreBroughtToTheLengthThatTheOtherSideAsksFor) {
  for (const td_codec* codec : all_codecs())
    for (const auto& [from_ms, to_ms] : {std::pair{20u, 60u}, {40u, 20u}}) {
      const unsigned from = codec::packet_ms(*codec, from_ms), to = codec::packet_ms(*codec, to_ms);
      Pair pair(codec, codec, to, Pair::Asks::yes, from);
      const std::string what =
          std::string(codec->name) + " " + std::to_string(from) + " to " + std::to_string(to);
      const std::uint64_t before = pair.encoded();
      EXPECT_GT(pair.likeness_heard(), 0.8) << what;
      EXPECT_NEAR(double(pair.packets_heard()), 1000.0 / to, 3) << what;
      // A frame of 60 or 40 ms is one piece in Opus's speech modes: there it is coded anew.
      const bool opus_cut = std::string_view(codec->name) == "opus" && to < from;
      if (!opus_cut) {
        EXPECT_EQ(pair.encoded(), before) << what;
      }
    }
}

}  // namespace
}  // namespace tandem::testing
