// One key is one key, when tones leak into the audio beside the telephone-events.
#include "core/media/digit_filter.hpp"

#include <gtest/gtest.h>

namespace tandem::media {
namespace {

TimePoint at(int ms) { return TimePoint{} + milliseconds(ms); }
constexpr DigitFilter::Tone kFive{'5', milliseconds(100)};

TEST(DigitFilter, ReportsAToneAtOnceWhereNoEventsWereAgreed) {
  DigitFilter filter;
  const auto told = filter.on_tone(kFive, false, at(0));
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->digit, '5');
}

TEST(DigitFilter, DropsAToneWhenItsEventComesWhileItIsHeldBack) {
  DigitFilter filter;
  EXPECT_FALSE(filter.on_tone(kFive, true, at(0)).has_value());
  filter.on_event();
  EXPECT_FALSE(filter.on_time(at(1000)).has_value());
}

TEST(DigitFilter, BelievesNoToneAfterTheFirstEvent) {
  DigitFilter filter;
  filter.on_event();
  EXPECT_FALSE(filter.on_tone(kFive, true, at(10)).has_value());
  EXPECT_FALSE(filter.on_tone(kFive, false, at(5000)).has_value());
  EXPECT_FALSE(filter.on_time(at(9000)).has_value());
}

TEST(DigitFilter, ReportsAHeldToneWhenNoEventCameAfterAll) {
  DigitFilter filter;
  EXPECT_FALSE(filter.on_tone(kFive, true, at(0)).has_value());
  EXPECT_FALSE(filter.on_time(at(149)).has_value());
  const auto told = filter.on_time(at(150));
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->digit, '5');
  EXPECT_FALSE(filter.on_time(at(400)).has_value()) << "once";
}

TEST(DigitFilter, ReportsTheFirstOfTwoTonesThatComeClose) {
  DigitFilter filter;
  EXPECT_FALSE(filter.on_tone(kFive, true, at(0)).has_value());
  const auto first = filter.on_tone({'6', milliseconds(80)}, true, at(100));
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->digit, '5');
  const auto second = filter.on_time(at(250));
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->digit, '6');
}

}  // namespace
}  // namespace tandem::media
