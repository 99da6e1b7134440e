// Telephone-events: one key is one key, whatever the network and the sender make of it.
#include "core/rtp/telephone_event.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/rtp/telephone_event_sender.hpp"

namespace tandem::rtp {
namespace {

struct Sent {
  int ms;  // arrival
  char digit;
  std::uint32_t time;  // timestamp
  std::uint16_t duration;
  bool end = false;
  bool marker = false;
  std::uint32_t ssrc = 7;
};

// What came out, as "5<" (began) and "5>120" (ended after 120 ms), ticks every 20 ms in between.
std::string heard(const std::vector<Sent>& packets, std::uint32_t rate = 8000) {
  TelephoneEventReceiver receiver(rate);
  std::string out;
  const auto note = [&out](const Digits& digits) {
    for (const Digit& d : digits) {
      if (!out.empty()) out += ' ';
      out += d.digit;
      out += d.phase == DigitPhase::began ? "<" : ">" + std::to_string(d.duration.count());
    }
  };
  const TimePoint start{seconds(10)};
  int clock = 0;
  int seq = 0;
  for (const Sent& sent : packets) {
    for (; clock <= sent.ms; clock += 20) note(receiver.tick(start + milliseconds(clock)));
    const Header header{sent.marker, 101, SeqNum(static_cast<std::uint16_t>(seq++)), RtpTime(sent.time),
                        Ssrc(sent.ssrc)};
    const auto payload = write_event({*event_of_digit(sent.digit), sent.end, 10, sent.duration});
    note(receiver.push(header, payload, start + milliseconds(sent.ms)));
  }
  for (const int until = clock + 1000; clock <= until; clock += 20)
    note(receiver.tick(start + milliseconds(clock)));
  return out;
}

struct Row {
  const char* what;
  std::vector<Sent> packets;
  const char* out;
};

TEST(TelephoneEventReceiver, OneKeyIsOneKey) {
  const std::vector<Row> rows{
      {"by the book",
       {{0, '5', 8000, 160, false, true},
        {20, '5', 8000, 320},
        {40, '5', 8000, 480, true},
        {60, '5', 8000, 480, true},
        {80, '5', 8000, 480, true}},
       "5< 5>60"},
      {"ends retransmitted for long",
       {{0, '1', 0, 160, false, true},
        {20, '1', 0, 320, true},
        {200, '1', 0, 320, true},
        {900, '1', 0, 320, true},
        {1500, '1', 0, 320, true}},
       "1< 1>40"},
      {"only one end came", {{0, '2', 50, 160, false, true}, {40, '2', 50, 480, true}}, "2< 2>60"},
      {"start lost", {{20, '3', 50, 320}, {40, '3', 50, 480, true}}, "3< 3>60"},
      {"all but one end lost", {{40, '4', 50, 480, true}}, "4< 4>60"},
      {"ends lost: time-out", {{0, '6', 50, 160, false, true}, {20, '6', 50, 320}}, "6< 6>40"},
      {"an end after the time-out is no second key",
       {{0, '6', 50, 160, false, true}, {20, '6', 50, 320}, {400, '6', 50, 3200, true}},
       "6< 6>40"},
      {"ends lost, another key follows",
       {{0, '7', 50, 160, false, true}, {100, '8', 850, 160, false, true}, {120, '8', 850, 320, true}},
       "7< 7>20 8< 8>40"},
      {"same key twice, quickly",
       {{0, '9', 0, 160, false, true},
        {40, '9', 0, 480, true},
        {60, '9', 640, 160, false, true},
        {80, '9', 640, 320, true}},
       "9< 9>60 9< 9>40"},
      {"same key twice, ends of the first lost",
       {{0, '9', 0, 160, false, true},
        {20, '9', 0, 320},
        {100, '9', 800, 160, false, true},
        {120, '9', 800, 320, true}},
       "9< 9>40 9< 9>40"},
      {"same key twice, ends of the first and start of the second lost",
       {{0, '9', 0, 160, false, true}, {20, '9', 0, 320}, {140, '9', 800, 480}, {160, '9', 800, 640, true}},
       "9< 9>40 9< 9>80"},
      {"end of the first comes late, within the second",
       {{0, '1', 0, 160, false, true},
        {20, '1', 0, 320, true},
        {60, '2', 480, 160, false, true},
        {70, '1', 0, 320, true},
        {80, '2', 480, 320, true}},
       "1< 1>40 2< 2>40"},
      {"an update comes after the end",
       {{0, '1', 0, 160, false, true}, {30, '1', 0, 480, true}, {31, '1', 0, 320}},
       "1< 1>60"},
      {"timestamp wraps between two keys",
       {{0, '1', 0xffffff00, 160, false, true},
        {20, '1', 0xffffff00, 320, true},
        {100, '1', 544, 160, false, true},
        {120, '1', 544, 320, true},
        {140, '1', 544, 320, true}},
       "1< 1>40 1< 1>40"},
      {"timestamp wraps within a key",
       {{0, '1', 0xfffffff0, 160, false, true}, {20, '1', 0xfffffff0, 320}, {40, '1', 0xfffffff0, 480, true}},
       "1< 1>60"},
      {"the sender moves the timestamp with each packet",
       {{0, '4', 800, 160, false, true},
        {20, '4', 960, 320},
        {40, '4', 1120, 480},
        {60, '4', 1280, 640, true},
        {80, '4', 1440, 640, true},
        {100, '4', 1600, 640, true}},
       "4< 4>80"},
      {"the sender never moves the timestamp",
       {{0, '1', 5, 160, false, true},
        {20, '1', 5, 320, true},
        {100, '2', 5, 160, false, true},
        {120, '2', 5, 320, true}},
       "1< 1>40 2< 2>40"},
      {"another SSRC with the same timestamps",
       {{0, '1', 5, 160, false, true},
        {20, '1', 5, 320, true},
        {100, '1', 5, 160, false, true, 8},
        {120, '1', 5, 320, true, false, 8}},
       "1< 1>40 1< 1>40"},
      {"the timeline was restarted far back",
       {{0, '1', 0x80000000, 160, false, true},
        {20, '1', 0x80000000, 320, true},
        {300, '1', 0x70000000, 160, false, true},
        {320, '1', 0x70000000, 320, true}},
       "1< 1>40 1< 1>40"},
      {"durations of 0",
       {{0, '0', 5, 0, false, true}, {20, '0', 5, 0, true}, {40, '0', 5, 0, true}},
       "0< 0>0"},
      {"all sixteen",
       {{0, '*', 0, 400, true},
        {100, '#', 800, 400, true},
        {200, 'A', 1600, 400, true},
        {300, 'D', 2400, 400, true}},
       "*< *>50 #< #>50 A< A>50 D< D>50"},
  };
  for (const Row& row : rows) EXPECT_EQ(heard(row.packets), row.out) << row.what;
}

TEST(TelephoneEventReceiver, LongEventsComeInSegments) {
  // RFC 4733 2.5.1.3: 20 s of one key at 8 kHz is two full segments and a rest.
  std::vector<Sent> packets;
  std::uint32_t segment = 0xffff0000;  // and the timestamps wrap on the way
  std::uint32_t within = 0;
  for (int i = 0; i < 1000; ++i) {
    within += 160;
    if (within > 0xffff) {
      packets.push_back({i * 20, '5', segment, 0xffff});
      segment += 0xffff;
      within -= 0xffff;
    }
    packets.push_back({i * 20, '5', segment, static_cast<std::uint16_t>(within), i == 999, i == 0});
  }
  EXPECT_EQ(heard(packets), "5< 5>20000");
  std::erase_if(packets, [](const Sent& p) { return p.duration == 0xffff; });  // what ends a segment got lost
  EXPECT_EQ(heard(packets), "5< 5>20000");
}

TEST(TelephoneEventReceiver, IgnoresWhatIsNoDigit) {
  TelephoneEventReceiver receiver;
  const Header header;
  const std::vector<std::uint8_t> cut{5, 0x80, 1}, flash{16, 0x80, 0, 160}, fax{36, 0, 0, 160};
  EXPECT_TRUE(receiver.push(header, cut, TimePoint{}).empty());
  EXPECT_TRUE(receiver.push(header, flash, TimePoint{}).empty());
  EXPECT_TRUE(receiver.push(header, fax, TimePoint{}).empty());
  EXPECT_TRUE(receiver.push(header, {}, TimePoint{}).empty());
  EXPECT_EQ(receiver.ignored(), 4u);
}

TEST(TelephoneEvent, PayloadIsReadBack) {
  for (const EventPayload& event :
       {EventPayload{0, false, 0, 0}, EventPayload{15, true, 63, 65535}, EventPayload{9, true, 10, 800}}) {
    EXPECT_EQ(*parse_event(write_event(event)), event);
  }
  EXPECT_EQ(*event_of_digit('d'), 15);
  EXPECT_FALSE(event_of_digit('e'));
  EXPECT_FALSE(event_of_digit('w'));
  EXPECT_FALSE(event_of_digit('\0'));
  for (int i = 0; i < 16; ++i) EXPECT_EQ(*event_of_digit(*digit_of_event(static_cast<std::uint8_t>(i))), i);
}

// Runs the sender until it is idle; every tick as a letter: S start, u update, E end, . nothing.
std::string sent(TelephoneEventSender& sender, std::uint32_t samples, std::vector<EventTick>* all = nullptr) {
  std::string out;
  RtpTime time(0xfffffe00);
  for (int i = 0; i < 5000 && sender.busy(); ++i) {
    const EventTick tick = sender.tick(time, samples);
    const bool end = tick.send && parse_event(tick.payload)->end;
    out += !tick.send ? '.' : end ? 'E' : tick.marker ? 'S' : 'u';
    if (all != nullptr) all->push_back(tick);
    time = time.plus(samples);
  }
  return out;
}

TEST(TelephoneEventSender, SendsStartUpdatesThreeEndsAndAGap) {
  TelephoneEventSender sender;
  ASSERT_TRUE(sender.queue('5', milliseconds(100), milliseconds(100)));
  std::vector<EventTick> all;
  EXPECT_EQ(sent(sender, 160, &all), "SuuuEEE...");
  for (int i = 0; i < 7; ++i) {
    const EventPayload event = *parse_event(all[static_cast<std::size_t>(i)].payload);
    EXPECT_EQ(event.event, 5);
    EXPECT_EQ(event.duration, std::min(i + 1, 5) * 160) << i;
    EXPECT_EQ(all[static_cast<std::size_t>(i)].time, RtpTime(0xfffffe00)) << i;
    EXPECT_EQ(all[static_cast<std::size_t>(i)].drained, i == 6) << i;
  }
}

TEST(TelephoneEventSender, FollowsThePacketTime) {
  for (const auto& [samples, wanted] : std::vector<std::pair<std::uint32_t, std::string>>{
           {80, "SuuuuuuuuEEE........"}, {160, "SuuuEEE..."}, {240, "SuuEEE.."}, {480, "SEEE"}}) {
    TelephoneEventSender sender;
    ASSERT_TRUE(sender.queue('1', milliseconds(100), milliseconds(100)));
    EXPECT_EQ(sent(sender, samples), wanted) << samples;
  }
}

TEST(TelephoneEventSender, PausesAndRefusesWhatIsNoDigit) {
  TelephoneEventSender sender;
  EXPECT_FALSE(sender.queue('x'));
  EXPECT_FALSE(sender.queue(' '));
  ASSERT_TRUE(sender.queue('w'));
  ASSERT_TRUE(sender.queue('1', milliseconds(40), milliseconds(0)));
  EXPECT_EQ(sent(sender, 160), std::string(25, '.').append("SEEE"));
}

TEST(TelephoneEventSender, WhatWasBegunLastsUntilItsEnd) {
  TelephoneEventSender sender;
  ASSERT_TRUE(sender.begin('5', milliseconds(0)));
  std::vector<EventTick> all;
  for (unsigned i = 0; i < 4; ++i) all.push_back(sender.tick(RtpTime(i * 160), 160));
  sender.end(milliseconds(80));
  EXPECT_EQ(sent(sender, 160, &all), "EEE");
  EXPECT_EQ(parse_event(all.back().payload)->duration, 5 * 160);
  ASSERT_TRUE(sender.begin('6', milliseconds(0)));
  (void)sender.tick(RtpTime(0), 160);
  sender.end(milliseconds(5));
  EXPECT_EQ(sent(sender, 160), "EEE") << "40 ms at least";
  sender.end(milliseconds(80));
  ASSERT_TRUE(sender.queue('7', milliseconds(40), milliseconds(0)));
  ASSERT_TRUE(sender.begin('8', milliseconds(0)));
  sender.end(milliseconds(60));
  EXPECT_EQ(sent(sender, 160), "SEEESuEEE") << "over before its turn: as long as it was";
  ASSERT_TRUE(sender.begin('9', milliseconds(0)));
  EXPECT_EQ(sent(sender, 160).size(), 10'000U / 20 + 2) << "nobody ends it";
}

TEST(TelephoneEventSender, TakesSixtyFourDigits) {
  TelephoneEventSender sender;
  for (std::size_t i = 0; i < TelephoneEventSender::kQueueMax; ++i) EXPECT_TRUE(sender.queue('1'));
  EXPECT_FALSE(sender.queue('1'));
  EXPECT_EQ(sender.waiting(), 64u);
}

TEST(TelephoneEventSender, ClearEndsTheEventUnderWayProperly) {
  TelephoneEventSender sender;
  ASSERT_TRUE(sender.queue('1', milliseconds(5000), milliseconds(0)));
  ASSERT_TRUE(sender.queue('2'));
  (void)sender.tick(RtpTime(0), 160);
  (void)sender.tick(RtpTime(160), 160);
  sender.clear();
  EXPECT_EQ(sent(sender, 160), "EEE");
}

struct LoopRow {
  const char* digits;
  int duration_ms, gap_ms;
  std::uint32_t rate;
  int ptime_ms;
  int lose_one_in;  // 0: none
};

TEST(TelephoneEventSender, TheReceiverHearsWhatWasSent) {
  for (const LoopRow& row :
       {LoopRow{"1234567890*#ABCD", 100, 100, 8000, 20, 0}, LoopRow{"1122334455", 60, 40, 8000, 20, 0},
        LoopRow{"55555", 100, 60, 8000, 60, 0}, LoopRow{"99", 10000, 100, 8000, 20, 0},
        LoopRow{"12", 5000, 100, 48000, 20, 0}, LoopRow{"0000", 40, 40, 16000, 10, 0},
        LoopRow{"1122334455", 100, 100, 8000, 20, 3}, LoopRow{"1122334455", 100, 60, 48000, 20, 4}}) {
    TelephoneEventSender sender(row.rate);
    TelephoneEventReceiver receiver(row.rate);
    for (const char* d = row.digits; *d != 0; ++d) {
      ASSERT_TRUE(sender.queue(*d, milliseconds(row.duration_ms), milliseconds(row.gap_ms)));
    }
    std::string begun, ended;
    const std::uint32_t samples = row.rate / 1000 * static_cast<std::uint32_t>(row.ptime_ms);
    RtpTime time(0xffff8000);
    TimePoint now{seconds(1)};
    int packets = 0;
    const auto note = [&](const Digits& digits) {
      for (const Digit& d : digits) (d.phase == DigitPhase::began ? begun : ended) += d.digit;
    };
    for (int i = 0; i < 20'000 && (sender.busy() || receiver.active()); ++i) {
      const EventTick tick = sender.tick(time, samples);
      if (tick.send && (row.lose_one_in == 0 || ++packets % row.lose_one_in != 0)) {
        note(receiver.push({tick.marker, 101, SeqNum(0), tick.time, Ssrc(1)}, tick.payload, now));
      }
      note(receiver.tick(now));
      time = time.plus(samples);
      now += milliseconds(row.ptime_ms);
    }
    EXPECT_EQ(begun, row.digits) << row.duration_ms << " " << row.rate;
    EXPECT_EQ(ended, row.digits) << row.duration_ms << " " << row.rate;
  }
}

}  // namespace
}  // namespace tandem::rtp
