#include "tests/load/hall.hpp"

#include <gtest/gtest.h>

#include "core/codec/g711.hpp"

namespace tandem::load::test {

std::size_t HallWire::send(std::span<const Outgoing> batch) {
  for (const Outgoing& one : batch) {
    Passing passing;
    const unsigned from = (one.to.port() - 10000U) / 2;
    passing.to = from ^ 1U;
    passing.from_port = port_of(passing.to).port();
    passing.bytes.assign(one.bytes.begin(), one.bytes.end());
    const std::uint8_t type = passing.bytes[1] & 0x7f;
    if (transcodes && (type == 0 || type == 8)) {
      for (std::size_t i = 12; i < passing.bytes.size(); ++i)
        passing.bytes[i] = (type == 0 ? codec::kUlawToAlaw : codec::kAlawToUlaw)[passing.bytes[i]];
      passing.bytes[1] = static_cast<std::uint8_t>((passing.bytes[1] & 0x80) | (8 - type));
    }
    if (fault) fault(passing, clock);
    if (passing.lost) continue;
    for (unsigned copy = 0; copy < passing.copies; ++copy) under_way_.emplace(clock + passing.delay, passing);
  }
  return 0;
}

std::size_t HallWire::receive(WireSink& sink, std::size_t most) {
  std::size_t n = 0;
  for (; n < most && !under_way_.empty() && under_way_.begin()->first <= clock; ++n) {
    auto node = under_way_.extract(under_way_.begin());
    Passing& passing = node.mapped();
    sink.on_packet(0, *Address::parse("127.0.0.1", passing.from_port), passing.bytes, node.key());
  }
  return n;
}

Hall::Hall(unsigned calls, Marks marks, const std::function<void(PhoneSpec&)>& change)
    : crew_(wire, calls * 2), legs_(calls * 2) {
  wire.transcodes = marks == Marks::audio;
  for (unsigned call = 0; call < calls; ++call) {
    PhoneSpec specs[2];
    for (unsigned i = 0; i < 2; ++i) {
      specs[i].leg = call * 2 + i;
      specs[i].hears = specs[i].leg ^ 1U;
      specs[i].says = specs[i].expects = marks;
      specs[i].codec = i == 1 && wire.transcodes ? codec::pcma() : codec::pcmu();
      specs[i].payload_type = static_cast<std::uint8_t>(specs[i].codec->static_type);
      specs[i].event_type = 101;
      specs[i].remote = HallWire::port_of(specs[i].leg);
      if (change) change(specs[i]);
    }
    auto phones = make_phones(specs, melody_, wire.clock);
    if (!phones) ADD_FAILURE() << phones.error().message;
    for (PhonePtr& phone : *phones) EXPECT_TRUE(crew_.add(std::move(phone)));
  }
}

void Hall::run(Nanos span) {
  for (const TimePoint until = wire.clock + span; wire.clock < until; wire.clock += Crew::kTurn) {
    crew_.step(wire.clock);
    while (auto part = crew_.take_tally()) {
      tally.merge(*part);
      crew_.give_tally(std::move(part));
    }
  }
}

void Hall::begin() {
  run(seconds(2));
  EXPECT_TRUE(crew_.measure());
  run(milliseconds(1));
  tally = Tally();
}

std::vector<LegFigures> Hall::end() {
  const TimePoint now = wire.clock;
  for (unsigned leg = 0; leg < legs_; ++leg) EXPECT_TRUE(crew_.hush(leg));
  run(milliseconds(400));
  for (unsigned leg = 0; leg < legs_; ++leg) EXPECT_TRUE(crew_.drop(leg));
  std::vector<PhonePtr> back(legs_);
  for (int i = 0; i < 1000; ++i) {
    run(milliseconds(1));
    while (PhonePtr phone = crew_.take_back()) back[phone->spec.leg] = std::move(phone);
  }
  std::vector<LegFigures> out;
  for (const PhonePtr& phone : back) {
    out.push_back(phone ? phone->ear->figures(now) : LegFigures());
    EXPECT_TRUE(phone != nullptr);
  }
  return out;
}

Outcome Hall::outcome() {
  Outcome out;
  unsigned leg = 0;
  const bool audio = wire.transcodes;
  for (const LegFigures& figures : end()) {
    LegRow row;
    row.leg = leg++;
    row.part = "calls";
    row.codec = "PCMU";
    row.heard_codec = audio ? "PCMA" : "PCMU";
    row.figures = figures;
    add_leg(out, std::move(row), Part{});
  }
  out.total.merge(tally);
  conclude(out, Profile{});
  return out;
}

}  // namespace tandem::load::test
