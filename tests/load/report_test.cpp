// The load generator's reports: JSON, CSV and the page, of one run and of several; baselines; agreement.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "core/load/agreement.hpp"
#include "core/load/report.hpp"

namespace tandem::load {
namespace {

Outcome sample() {
  Outcome o;
  o.profile = "relay";
  o.server = "a <server>";
  o.us_per_leg_second = 400;
  o.cpu_percent = 40;
  o.kb_per_leg = 15;
  for (int i = 0; i < 3; ++i) o.moments.push_back({.at_s = i + 1.0, .legs = 10, .cpu_percent = 40});
  LegRow row;
  row.codec = row.heard_codec = "PCMU";
  row.figures.heard = true;
  row.figures.packets = 1000;
  add_leg(o, row, Part{});
  o.total.delay.add(milliseconds(1));
  conclude(o, Profile{});
  return o;
}

TEST(Report, JsonHasEveryFigureAndIsItsOwnBaseline) {
  const Outcome o = sample();
  const std::string text = report_json(o, 10);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["format"], "tandem.bench/1");
  EXPECT_EQ(json["packets"]["lost"], 0);
  EXPECT_EQ(json["each_second"].size(), 3U);
  EXPECT_TRUE(json["held"].get<bool>());
  const auto regressions = [&](const Outcome& now, const std::string& baseline) {
    const std::vector<Step> runs{{"relay", now, {}}};
    return against_baseline(runs, baseline, 10);
  };
  const auto same = regressions(o, text);
  ASSERT_TRUE(same);
  EXPECT_TRUE(same->worse.empty() && same->notes.empty());
  Outcome worse = o;
  worse.us_per_leg_second = 450;
  worse.hurt_legs = 1;
  EXPECT_EQ(regressions(worse, text)->worse.size(), 2U);
  worse.us_per_leg_second = 430;
  EXPECT_EQ(regressions(worse, text)->worse.size(), 1U);
  EXPECT_FALSE(regressions(o, "{}"));
  worse.profile = "other";
  EXPECT_FALSE(regressions(worse, text));
}

TEST(Outcome, WhatNothingWasMeasuredOfDoesNotHold) {
  Profile profile;
  Objective& want = profile.objective;
  want.lost_percent = want.late_percent = want.p99_delay_ms = want.p99_setup_ms = want.cpu_percent = 5;
  Outcome nothing;
  conclude(nothing, profile);
  EXPECT_GE(nothing.verdicts.size(), 7U);
  for (const Verdict& one : nothing.verdicts)
    EXPECT_EQ(one.held, one.what == "failed calls") << one.what << ": " << one.measured;
}

TEST(Outcome, PacketsTwiceOrFromOtherPortsFailTheRunUnlessTheNetworkWasToldSo) {
  using Change = std::function<void(LegFigures&)>;
  const auto held = [](const Change& change, const Part& part) {
    LegRow row;
    row.codec = row.heard_codec = "PCMU";
    row.figures.heard = true;
    row.figures.packets = 1000;
    change(row.figures);
    Outcome o;
    add_leg(o, std::move(row), part);
    conclude(o, Profile{});
    return o.held();
  };
  Part doubling;
  doubling.impairment.duplicate_percent = 1;
  const auto twice = [](LegFigures& f) { f.duplicates = 3; };
  EXPECT_TRUE(held([](LegFigures&) {}, Part{}));
  EXPECT_FALSE(held(twice, Part{}));
  EXPECT_TRUE(held(twice, doubling));
  EXPECT_FALSE(held([](LegFigures& f) { f.other_port = 1; }, Part{}));
  EXPECT_FALSE(held([](LegFigures& f) { f.malformed = 1; }, Part{}));
}

TEST(Outcome, AServerThatEndedFailsTheRunAndEachLegIsOneLine) {
  Outcome o;
  o.server_gone = true;
  LegRow row;
  row.leg = 3;
  row.part = "calls";
  row.codec = row.heard_codec = "PCMU";
  row.figures.heard = true;
  row.figures.packets = 1000;
  row.figures.lost = 7;
  row.figures.digits_missing = 1;
  add_leg(o, std::move(row), Part{});
  conclude(o, Profile{});
  EXPECT_FALSE(o.held());
  ASSERT_EQ(o.findings.size(), 1U);
  EXPECT_EQ(o.findings[0], "leg 3 (calls): 7 packets lost; 1 missing keys");
}

TEST(Report, OfSeveralRunsJsonAndCsvHoldEachByItsName) {
  const auto costs = [](double us) {
    Outcome o = sample();
    o.us_per_leg_second = us;
    return o;
  };
  Outcome cut = costs(1000);
  cut.interrupted = true;
  const Series series{SeriesKind::against,
                      {{"A 1", costs(10), "A", "engine", 1, 20},
                       {"B 1", costs(40), "B", "ng:127.0.0.1:2223", 1, 20},
                       {"B 2", costs(-1), "B", "ng:127.0.0.1:2223", 2, 20},
                       {"A 2", costs(20), "A", "engine", 2, 20},
                       {"A 3", costs(60), "A", "engine", 3, 20},
                       {"B 3", costs(80), "B", "ng:127.0.0.1:2223", 3, 20},
                       {"A 4", cut, "A", "engine", 4, 20}},
                      0,
                      10,
                      {}};
  const std::string text = report_json(series, 5000);
  const auto json = nlohmann::json::parse(text);
  ASSERT_EQ(json["runs"].size(), 7U);
  EXPECT_EQ(json["format"], "tandem.bench.runs/1");
  EXPECT_EQ(json["runs"][2]["run"]["name"], "B 2");
  EXPECT_EQ(json["runs"][2]["run"]["side"], "B");
  EXPECT_EQ(json["runs"][2]["run"]["server"], "ng:127.0.0.1:2223");
  EXPECT_EQ(json["runs"][2]["run"]["round"], 2);
  EXPECT_EQ(json["runs"][2]["run"]["load"], 20);
  EXPECT_EQ(json["runs"][2]["each_second"].size(), 3U);
  const auto& cpu = json["ratios"][0];
  EXPECT_EQ(cpu["figure"], "us_per_leg_second");
  ASSERT_EQ(cpu["pairs"].size(), 3U) << "an interrupted run is no pair";
  EXPECT_TRUE(cpu["pairs"][1]["ratio"].is_null()) << "B 2 is not known";
  EXPECT_DOUBLE_EQ(cpu["median"].get<double>(), (0.25 + 0.75) / 2);
  EXPECT_TRUE(json["interrupted"].get<bool>());
  const std::string seconds = seconds_csv(series.steps), legs = legs_csv(series.steps);
  EXPECT_TRUE(seconds.starts_with("run,server,round,load,second,")) << seconds;
  EXPECT_TRUE(legs.starts_with("run,server,round,load,leg,")) << legs;
  const auto columns = [](const std::string& line) { return std::count(line.begin(), line.end(), ','); };
  for (const std::string& csv : {seconds, legs}) {
    EXPECT_NE(csv.find("\nB 2,ng:127.0.0.1:2223,2,20,"), csv.npos) << csv;
    std::istringstream lines(csv);
    std::string head, line;
    std::getline(lines, head);
    while (std::getline(lines, line)) EXPECT_EQ(columns(line), columns(head)) << line;
  }
  // As a baseline: A's median, of what was not interrupted.
  const auto judged = [&](double us) {
    const std::vector<Step> now{{"relay", costs(us), {}, "engine", 1, 20}};
    return against_baseline(now, text, 10)->worse.size();
  };
  EXPECT_EQ(judged(21), 0U);
  EXPECT_EQ(judged(23), 1U);
}

TEST(Report, ASearchIsABaselineOfTheLoadThatIsAskedFor) {
  const Series series{
      SeriesKind::search,
      {{"100 legs", sample(), {}, "engine", 1, 100}, {"200 legs", sample(), {}, "engine", 2, 200}},
      200,
      10,
      {}};
  const std::string text = report_json(series, 5000);
  EXPECT_EQ(nlohmann::json::parse(text)["largest_legs"], 200);
  EXPECT_TRUE(nlohmann::json::parse(text)["held"].get<bool>());
  const auto judged = [&](unsigned load) {
    const std::vector<Step> now{{"relay", sample(), {}, "engine", 1, load}};
    return against_baseline(now, text, 10);
  };
  EXPECT_TRUE(judged(200));
  const auto none = judged(150);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("150 legs, the search tried 100, 200"), std::string::npos)
      << none.error().message;
  // Hostile ones are refused, not believed.
  for (const char* bad : {"", "[]", "7", "{\"format\":\"tandem.bench.runs/1\"}",
                          "{\"format\":\"tandem.bench.runs/1\",\"runs\":[3]}",
                          "{\"format\":\"tandem.bench.runs/1\",\"runs\":[]}"}) {
    const std::vector<Step> now{{"relay", sample(), {}, "engine", 1, 100}};
    EXPECT_FALSE(against_baseline(now, bad, 10)) << bad;
  }
}

TEST(Report, WhatIsNotKnownIsLeftEmpty) {
  Outcome o = sample();
  o.moments[1].cpu_percent = o.moments[1].resident_mb = -1;
  o.rows[0].part = "a, \"b\"";
  const std::vector<Step> steps{{"relay", o, {}, "engine", 1, 10}};
  EXPECT_NE(seconds_csv(steps).find("\nrelay,engine,1,10,2.00,10,,,0,"), std::string::npos)
      << seconds_csv(steps);
  EXPECT_NE(legs_csv(steps).find(",\"a, \"\"b\"\"\",PCMU,"), std::string::npos) << legs_csv(steps);
  const auto leg = nlohmann::json::parse(report_json(o, 10))["each_leg"][0];
  EXPECT_TRUE(leg["first_audio_ms"].is_null()) << "it was never heard";
}

TEST(Report, GapsLevelAndFirstAudioAreDrawnWhereTheyAreKnown) {
  const auto has = [](const Outcome& o, const char* title) {
    return report_html({{"relay", o, {}}}, "").find(title) != std::string::npos;
  };
  Outcome o = sample();
  for (const char* title : {"first audio of", "gaps and clicks", "level of what"})
    EXPECT_FALSE(has(o, title));
  o.moments[1].first_heard = 2;
  EXPECT_TRUE(has(o, "first audio of"));
  o.moments[1].symbols = 20;
  o.moments[1].gaps = 1;
  EXPECT_TRUE(has(o, "gaps and clicks"));
  o.moments[1].scored = 20;
  o.moments[1].level_db = -12;
  EXPECT_TRUE(has(o, "level of what"));
  const std::string page = report_html({{"relay", o, {}}}, "");
  EXPECT_NE(page.find(">-20</text>"), page.npos) << "what is below 0 has room";
}

TEST(Report, ADaysPlotsAreNoLargerThanThePage) {
  Outcome o = sample();
  o.moments.assign(86'400, {.at_s = 0, .legs = 10, .cpu_percent = 40});
  for (std::size_t i = 0; i < o.moments.size(); ++i) o.moments[i].at_s = static_cast<double>(i);
  o.moments[50'000].delay_p99_ms = 777;  // is not averaged away
  const std::string page = report_html({{"soak", o, {}}}, "");
  EXPECT_LT(page.size(), 300'000U);
  EXPECT_NE(page.find(">800</text>"), page.npos);
  const std::size_t at = page.find("delay through the server");
  EXPECT_NE(page.substr(at, page.find("</svg>", at) - at).find(",29.9 "), std::string::npos);
}

TEST(Report, RunsThatDifferByMoreThanTheNoiseDoNotAgree) {
  const auto with = [](auto change) {
    Outcome o = sample();
    change(o);
    return o;
  };
  const auto judged = [](const Outcome& a, const Outcome& b, double percent) {
    std::string text;
    const std::vector<Step> runs{{"run 1", a, "run"}, {"run 2", b, "run"}};
    return all_agree(agreement(runs, percent), percent, text);
  };
  const Outcome o = sample();
  EXPECT_TRUE(judged(o, o, 0));
  const Outcome dearer = with([](Outcome& x) { x.us_per_leg_second *= 1.09; });
  EXPECT_TRUE(judged(o, dearer, 10));
  EXPECT_TRUE(judged(dearer, o, 10));
  EXPECT_FALSE(judged(o, dearer, 8));
  EXPECT_FALSE(judged(dearer, o, 8));
  EXPECT_TRUE(judged(o, with([](Outcome& x) { x.kb_per_leg += 0.9; }), 0));  // less than a KB
  EXPECT_FALSE(judged(o, with([](Outcome& x) { x.lost += 1; }), 10));        // none before
  EXPECT_FALSE(judged(o, with([](Outcome& x) { x.hurt_legs += 1; }), 10));
  EXPECT_FALSE(judged(o, with([](Outcome& x) { x.mos_min -= 0.5; }), 10));
  // What is not known of one run is not judged.
  EXPECT_TRUE(judged(o, with([](Outcome& x) { x.us_per_leg_second = -1; }), 10));
  std::string text;
  const std::vector<Step> runs{{"run 1", o, "run"}, {"run 2", dearer, "run"}};
  all_agree(agreement(runs, 5), 5, text);
  EXPECT_NE(text.find("DIFFERS    server's CPU a leg"), text.npos) << text;
}

TEST(Report, ThePageStandsAloneAndIsEscaped) {
  const std::string page = report_html({{"one", sample(), {}}, {"two", sample(), {}}}, "a <title>");
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("src="), std::string::npos);
  EXPECT_EQ(page.find("a <title>"), std::string::npos);
  EXPECT_NE(page.find("a &lt;server&gt;"), std::string::npos);
  EXPECT_NE(page.find("<svg"), std::string::npos);
}

TEST(Report, RoundsAreDrawnALineForEachServer) {
  const auto costs = [](double us) {
    Outcome o = sample();
    o.us_per_leg_second = us;
    return o;
  };
  const std::string page = report_html(
      {{"A 1", costs(10), "A"}, {"B 1", costs(40), "B"}, {"B 2", costs(-1), "B"}, {"A 2", costs(20), "A"}},
      "");
  const std::size_t at = page.find("us a leg-second</text>");
  const std::string plot = page.substr(at, page.find("</svg>", at) - at);
  const auto count = [&](const std::string& what) {
    std::size_t n = 0;
    for (std::size_t i = plot.find(what); i != plot.npos; i = plot.find(what, i + 1)) ++n;
    return n;
  };
  EXPECT_EQ(count("<polyline"), 2u) << plot;
  EXPECT_EQ(count("<circle"), 3u) << "what is not known is not drawn as nothing";
  EXPECT_NE(plot.find("round"), plot.npos);
}

TEST(Outcome, LateGeneratorsAreNotTrusted) {
  Outcome o = sample();
  EXPECT_TRUE(o.doubts.empty());
  for (int i = 0; i < 100; ++i) o.total.own_lateness.add(milliseconds(3));
  conclude(o, Profile{});
  EXPECT_EQ(o.doubts.size(), 1U);
}

}  // namespace
}  // namespace tandem::load
