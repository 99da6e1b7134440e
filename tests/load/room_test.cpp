// Rooms, mixed in memory on a counted clock: each member hears the others in their turns, not itself, nobody
// of another room; what is planted is found. And keys in the sound; and what HTTP servers answer.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>

#include "core/codec/g711.hpp"
#include "core/load/http_pipe.hpp"
#include "core/load/outcome.hpp"
#include "core/rtp/packet.hpp"
#include "tests/load/hall.hpp"

namespace tandem::load::test {
namespace {

constexpr unsigned kMembers = 4, kRooms = 2, kLegs = kMembers * kRooms;

// Mixes each room's members every 20 ms; what a member hears of another is for `gain` to say.
class Mixer final : public Wire {
 public:
  TimePoint clock{seconds(1000)};
  std::function<double(unsigned listener, unsigned singer)> gain = [](unsigned listener, unsigned singer) {
    return listener != singer && listener / kMembers == singer / kMembers ? 1 : 0;
  };
  std::array<Nanos, kLegs> behind{};  // of each singer's sound, besides the mixer's own 20 ms

  TimePoint now() override { return clock; }
  std::uint64_t overflowed() const override { return 0; }
  std::size_t send(std::span<const Outgoing> batch) override {
    for (const Outgoing& one : batch) {
      const unsigned leg = (one.to.port() - 10000U) / 2;
      std::array<std::int16_t, 160> pcm{};
      for (std::size_t i = 0; i < pcm.size(); ++i) pcm[i] = codec::kUlawToLinear[one.bytes[12 + i]];
      said_[leg].push_back({clock + behind[leg], pcm});
    }
    return 0;
  }
  std::size_t receive(WireSink& sink, std::size_t) override {
    if (clock < next_) return 0;
    next_ = clock + milliseconds(20);
    std::array<std::array<std::int16_t, 160>, kLegs> frames{};
    for (unsigned leg = 0; leg < kLegs; ++leg) {
      if (said_[leg].empty() || said_[leg].front().at > clock) continue;
      frames[leg] = said_[leg].front().pcm;
      said_[leg].pop_front();
    }
    for (unsigned listener = 0; listener < kLegs; ++listener) {
      std::array<std::uint8_t, 172> packet{};
      rtp::write_header(packet,
                        {false, 0, rtp::SeqNum(seq_), rtp::RtpTime(seq_ * 160U), rtp::Ssrc(listener)});
      std::array<std::int16_t, 160> mix{};
      for (std::size_t i = 0; i < mix.size(); ++i) {
        double sum = 0;
        for (unsigned singer = 0; singer < kLegs; ++singer) sum += gain(listener, singer) * frames[singer][i];
        mix[i] = static_cast<std::int16_t>(std::clamp(sum, -32768.0, 32767.0));
      }
      codec::encode_ulaw(mix, &packet[12]);
      sink.on_packet(0, HallWire::port_of(listener), packet, clock);
    }
    ++seq_;
    return kLegs;
  }

 private:
  struct Frame {
    TimePoint at;
    std::array<std::int16_t, 160> pcm;
  };
  std::array<std::deque<Frame>, kLegs> said_;
  TimePoint next_{};
  std::uint16_t seq_ = 1;
};

// Two rooms of four for `span`, after a round of turns; `plant` is called before what counts.
Outcome meet(Mixer& mixer, Nanos span, const std::function<void()>& plant = {}, unsigned talkers = 1) {
  const Melody melody;
  Crew crew(mixer, kLegs);
  for (unsigned room = 0; room < kRooms; ++room) {
    std::vector<PhoneSpec> specs(kMembers);
    for (unsigned i = 0; i < kMembers; ++i) {
      PhoneSpec& spec = specs[i];
      spec.leg = spec.hears = room * kMembers + i;
      spec.talk = {.members = kMembers,
                   .seat = static_cast<std::uint16_t>(i),
                   .talkers = static_cast<std::uint16_t>(talkers)};
      spec.sends_silence = true;
      spec.says = spec.expects = Marks::audio;
      spec.codec = codec::pcmu();
      spec.remote = HallWire::port_of(spec.leg);
    }
    auto phones = make_phones(specs, melody, mixer.clock);
    if (!phones) ADD_FAILURE() << phones.error().message;
    for (PhonePtr& phone : *phones) EXPECT_TRUE(crew.add(std::move(phone)));
  }
  Tally tally;
  const auto run = [&](Nanos time) {
    for (const TimePoint until = mixer.clock + time; mixer.clock < until; mixer.clock += Crew::kTurn) {
      crew.step(mixer.clock);
      while (auto part = crew.take_tally()) {
        tally.merge(*part);
        crew.give_tally(std::move(part));
      }
    }
  };
  run(talkers > 1 ? seconds(8) : seconds(4));  // a round
  EXPECT_TRUE(crew.measure());
  run(milliseconds(2));
  tally = Tally();
  if (plant) plant();
  run(span);
  const TimePoint end = mixer.clock;
  for (unsigned leg = 0; leg < kLegs; ++leg) EXPECT_TRUE(crew.hush(leg) && crew.drop(leg));
  run(milliseconds(50));
  Outcome out;
  Part part;
  part.kind = Kind::room;
  std::vector<PhonePtr> back;
  while (PhonePtr phone = crew.take_back()) back.push_back(std::move(phone));
  std::sort(back.begin(), back.end(), [](const auto& a, const auto& b) { return a->spec.leg < b->spec.leg; });
  for (const PhonePtr& phone : back) {
    LegRow row;
    row.leg = phone->spec.leg;
    row.codec = row.heard_codec = "PCMU";
    row.figures = phone->ear->figures(end);
    add_leg(out, std::move(row), part);
  }
  out.total.merge(tally);
  conclude(out, Profile{});
  EXPECT_EQ(out.rows.size(), kLegs);
  return out;
}

std::string found(const Outcome& outcome) {
  std::string out;
  for (const std::string& one : outcome.findings) out += one + "\n";
  return out;
}

TEST(Room, EachMemberHearsTheOthersAndNothingIsFound) {
  Mixer mixer;
  for (unsigned leg = 0; leg < kLegs; ++leg) mixer.behind[leg] = milliseconds(10 * leg);
  const Outcome outcome = meet(mixer, seconds(10));
  EXPECT_TRUE(outcome.findings.empty()) << found(outcome);
  EXPECT_TRUE(outcome.held());
  for (const LegRow& row : outcome.rows) {
    EXPECT_GE(row.figures.sound.turns, 11U) << row.leg;  // 16 turns in 10 s, a quarter of them one's own
    EXPECT_TRUE(row.figures.heard);
    EXPECT_GT(row.figures.sound.good, 80U);
  }
  EXPECT_NEAR(outcome.level_db, 0, 0.2);
  EXPECT_GT(outcome.total.delay.percentile_ms(0.5), 10);
  EXPECT_LT(outcome.total.delay.percentile_ms(0.99), 111);
}

TEST(Room, AMemberThatOneDoesNotHearIsMissedThereOnly) {
  Mixer mixer;
  const auto all = mixer.gain;
  const Outcome outcome = meet(mixer, seconds(10), [&] {
    mixer.gain = [all](unsigned listener, unsigned singer) {
      return listener == 1 && singer == 3 ? 0 : all(listener, singer);
    };
  });
  for (const LegRow& row : outcome.rows) {
    const SoundFigures& sound = row.figures.sound;
    EXPECT_EQ(sound.turns_missed >= 3, row.leg == 1) << row.leg << ": " << sound.turns_missed;
    EXPECT_EQ(sound.turns_missed > 0, row.leg == 1) << row.leg;
  }
  EXPECT_FALSE(outcome.held());
}

TEST(Room, WhoHearsItselfIsFound) {
  Mixer mixer;
  const auto all = mixer.gain;
  const Outcome outcome = meet(mixer, seconds(6), [&] {
    mixer.gain = [all](unsigned listener, unsigned singer) {
      return listener == 2 && singer == 2 ? 0.3 : all(listener, singer);
    };
  });
  for (const LegRow& row : outcome.rows)
    EXPECT_EQ(row.figures.sound.own_turns_ms > 100, row.leg == 2) << found(outcome);
}

TEST(Room, AnotherRoomsSoundIsFound) {
  Mixer mixer;
  const auto all = mixer.gain;
  const Outcome outcome = meet(mixer, seconds(6), [&] {
    mixer.gain = [all](unsigned listener, unsigned singer) {
      return listener == 5 ? all(1, singer) : all(listener, singer);
    };
  });
  for (const LegRow& row : outcome.rows) {
    const SoundFigures& sound = row.figures.sound;
    EXPECT_EQ(sound.wrong + sound.turns_missed > 3, row.leg == 5) << found(outcome);
  }
}

// ---- several at once

constexpr unsigned kAtOnce[]{2, 3, 4};

TEST(Room, OfSeveralAtOnceEachIsHeardByAllTheOthers) {
  for (const unsigned talkers : kAtOnce) {
    Mixer mixer;
    for (unsigned leg = 0; leg < kLegs; ++leg) mixer.behind[leg] = milliseconds(10 * leg);
    const Outcome outcome = meet(mixer, seconds(20), {}, talkers);
    EXPECT_TRUE(outcome.held()) << talkers << ": " << found(outcome);
    for (const LegRow& row : outcome.rows) {
      // 16 turns alone, three quarters of them others'; 16 together, of the others' seats as many.
      EXPECT_GE(row.figures.sound.turns, 11U + talkers * 11U) << row.leg;
      EXPECT_EQ(row.figures.sound.poor, 0U) << talkers;
    }
  }
}

// What is planted holds while several sing only: who is alone in its turn is heard as ever.
struct Planted {
  const char* what;
  std::function<double(unsigned listener, unsigned singer, double gain)> gain;
  unsigned hurt;  // the only leg that is
};

TEST(Room, WhatIsWrongWhileSeveralTalkIsFoundWhereItIs) {
  const Planted planted[]{
      {"one is missing", [](unsigned l, unsigned s, double g) { return l == 1 && s == 3 ? 0 : g; }, 1},
      {"one is too soft", [](unsigned l, unsigned s, double g) { return l == 0 && s == 2 ? 0.4 : g; }, 0},
      {"it hears itself", [](unsigned l, unsigned s, double g) { return l == 2 && s == 2 ? 0.6 : g; }, 2},
      {"one of another room", [](unsigned l, unsigned s, double g) { return l == 5 && s == 0 ? 1 : g; }, 5},
  };
  for (const unsigned talkers : {2U, 4U}) {
    for (const Planted& one : planted) {
      Mixer mixer;
      const auto all = mixer.gain;
      const auto together = [&mixer] {  // the turn that is heard now, 20 ms after it was sung
        const auto ms = std::chrono::duration_cast<milliseconds>(mixer.clock.time_since_epoch()).count() - 30;
        return ms / 600 % 2 == 1;
      };
      const Outcome outcome = meet(
          mixer, seconds(10),
          [&] {
            mixer.gain = [&](unsigned listener, unsigned singer) {
              const double gain = all(listener, singer);
              return together() ? one.gain(listener, singer, gain) : gain;
            };
          },
          talkers);
      EXPECT_FALSE(outcome.held()) << one.what;
      for (const LegRow& row : outcome.rows) {
        const SoundFigures& sound = row.figures.sound;
        const bool hurt = sound.turns_missed + sound.own_turns_ms + sound.wrong + sound.gaps > 0;
        EXPECT_EQ(hurt, row.leg == one.hurt)
            << one.what << ", " << talkers << " at once, leg " << row.leg << ": missed " << sound.turns_missed
            << ", own " << sound.own_turns_ms << " ms, wrong " << sound.wrong << ", gaps " << sound.gaps;
      }
    }
  }
}

TEST(Room, AHoleInOneOfSeveralIsAGap) {
  Mixer mixer;
  const auto all = mixer.gain;
  const Outcome outcome = meet(
      mixer, seconds(10),
      [&] {
        mixer.gain = [&](unsigned listener, unsigned singer) {
          const auto ms = std::chrono::duration_cast<milliseconds>(mixer.clock.time_since_epoch()).count();
          const bool hole = ms / 600 % 2 == 1 && ms % 600 >= 200 && ms % 600 < 320;
          return hole && listener == 1 && singer == 2 ? 0 : all(listener, singer);
        };
      },
      3);
  for (const LegRow& row : outcome.rows) EXPECT_EQ(row.figures.sound.gaps > 0, row.leg == 1) << row.leg;
}

// ---- keys in the sound

TEST(InbandKeys, EachIsRightUntilOneIsChangedAndOneIsCutOut) {
  Hall hall(3, Marks::audio, [](PhoneSpec& spec) {
    spec.talk.keys_every = spec.partner_talk.keys_every = 25;  // 1 s
  });
  hall.begin();
  hall.run(seconds(3));
  // Leg 1 hears leg 0's keys. Its key under way is changed, then the next one silenced, each for 100 ms.
  std::int64_t key = -1;
  unsigned at = 0;
  hall.wire.fault = [&](Passing& passing, TimePoint) {
    if (passing.to != 1) return;
    std::array<std::int16_t, 160> pcm{};
    for (std::size_t i = 0; i < pcm.size(); ++i) pcm[i] = codec::kAlawToLinear[passing.bytes[12 + i]];
    const char said = key_in(pcm);
    if (said != '\0' && at == 0) ++key;
    at = said != '\0' ? at + 1 : 0;
    if (said == '\0' || key > 1) return;
    const double low = said == '9' ? 697 : 852,
                 high = said == '9' ? 1209 : 1477;  // 1 in place of 9, 9 of others
    for (std::size_t i = 0; i < pcm.size(); ++i) {
      const double t = static_cast<double>(at * 160 + i) / 8000;
      const double other = 4000 * (std::sin(2 * 3.14159265 * low * t) + std::sin(2 * 3.14159265 * high * t));
      pcm[i] = static_cast<std::int16_t>(key == 0 ? 0.0 : other);
    }
    codec::encode_alaw(pcm, &passing.bytes[12]);
  };
  hall.run(seconds(5));
  const auto figures = hall.end();
  for (unsigned leg = 0; leg < figures.size(); ++leg) {
    const SoundFigures& sound = figures[leg].sound;
    EXPECT_EQ(sound.keys_wrong, leg == 1 ? 1U : 0U) << leg;
    EXPECT_EQ(sound.keys_missing, leg == 1 ? 1U : 0U) << leg;
    EXPECT_GE(sound.keys_right, leg == 1 ? 5U : 7U) << leg;
    EXPECT_EQ(figures[leg].digits_right, sound.keys_right);
    EXPECT_EQ(sound.wrong + sound.clicks + sound.gaps, 0U) << leg;
  }
}

TEST(InbandKeys, EveryKeyIsToldFromEveryOther) {
  const Melody melody;
  std::string seen;
  for (std::uint32_t singer = 0; singer < 40; ++singer) {
    const Talk talk{.keys_every = 10};
    for (std::int64_t n = 0; n < 8; ++n) {
      std::array<std::int16_t, 640> pcm{};
      melody.sing(singer, (n + 1) * 10 * kSymbolSamples, 8000, pcm, talk);
      EXPECT_EQ(key_in(pcm), key_of(singer, static_cast<std::uint64_t>(n)));
      seen += key_in(pcm);
    }
  }
  for (const char key : std::string("0123456789*#")) EXPECT_NE(seen.find(key), seen.npos) << key;
  std::array<std::int16_t, 640> tone{};
  melody.sing(1, 0, 8000, tone);
  EXPECT_EQ(key_in(tone), '\0');
  EXPECT_EQ(key_in(std::array<std::int16_t, 640>{}), '\0');
}

// ---- HTTP

TEST(HttpPipe, ReadsAnswersWholeAndNothingBefore) {
  const std::string plain =
      "HTTP/1.1 200 OK\r\nConnection: Keep-Alive\r\ncontent-length: 5\r\nContent-Type: x\r\n\r\nhello";
  const std::string chunked =
      "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
  HttpAnswer answer;
  for (const auto& [text, status] : {std::pair(plain, 200), std::pair(chunked, 404)}) {
    for (std::size_t n = 0; n < text.size(); ++n)
      EXPECT_EQ(read_http_answer(text.substr(0, n), answer), 0U) << n;
    EXPECT_EQ(read_http_answer(text + "HTTP", answer), text.size());
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.body, "hello");
  }
  for (const char* bad :
       {"SSH-2.0-x\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n"}) {
    EXPECT_GT(read_http_answer(bad, answer), 0U) << bad;
    EXPECT_EQ(answer.status, -1) << bad;
  }
  EXPECT_GT(read_http_answer(std::string(20'000, 'x'), answer), 0U);
  EXPECT_EQ(answer.status, -1);
}

TEST(HttpPipe, SaysThatNobodyIsThere) {
  HttpPipe pipe(*Address::parse("127.0.0.1", 1), seconds(1));
  pipe.ask(7, "/x", "{}");
  std::vector<HttpPipe::Answer> answers;
  for (int i = 0; i < 100 && answers.empty(); ++i) pipe.poll(TimePoint(seconds(1 + i)), answers);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].tag, 7U);
  EXPECT_EQ(answers[0].status, 0);
  EXPECT_FALSE(pipe.busy());
}

}  // namespace
}  // namespace tandem::load::test
