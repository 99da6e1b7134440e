// Call records are not lost: a locked database, a full queue, a crash in the middle of a replay.
#include <sqlite3.h>

#include "store/cdr.hpp"
#include "tests/plugins/store/support.hpp"

namespace tandem::store::testing {
namespace {

using namespace std::chrono_literals;

class CdrTest : public StoreTest {
 protected:
  // Another process that will not let go of the database.
  void lock() {
    ASSERT_EQ(sqlite3_open(folder_.file("t.db").c_str(), &other_), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(other_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  }
  void unlock() {
    sqlite3_close(other_);
    other_ = nullptr;
  }
  std::string spill() const { return folder_.file("t.db.cdr-spill.jsonl"); }
  std::size_t stored() { return ok("cdr.list", {{"limit", 1000}})["cdrs"].size(); }

  sqlite3* other_ = nullptr;
};

TEST_F(CdrTest, KeepsEveryFieldUnderTheFieldsNames) {
  ASSERT_EQ(start(), 0);
  const Json given = {{"tenant", "demo"},
                      {"clid", "\"Ann\" <1001>"},
                      {"src", "1001"},
                      {"dst", "5000"},
                      {"start", "2026-01-01T00:00:00.000Z"},
                      {"answer", "2026-01-01T00:00:01.000Z"},
                      {"end", "2026-01-01T00:00:11.500Z"},
                      {"duration", 11},
                      {"billsec", 10},
                      {"disposition", "ANSWERED"},
                      {"hangup_cause", "NORMAL_CLEARING"},
                      {"q850", 16},
                      {"uniqueid", "leg-1"},
                      {"linkedid", "call-1"},
                      {"accountcode", "a"},
                      {"lastapp", "ivr"},
                      {"direction", "inbound"},
                      {"read_codec", "PCMU"},
                      {"write_codec", "PCMA"},
                      {"loss", 0.5},
                      {"jitter_ms", 2.25},
                      {"mos", 4.3}};
  const auto id = ok("cdr.add", given)["id"];
  Json row = ok("cdr.list")["cdrs"][0];
  EXPECT_EQ(row["id"], id);
  row.erase("id");
  EXPECT_EQ(row, given);
}

TEST_F(CdrTest, TakesWhatIsOddAndKeepsWhatIsUnknownInExtra) {
  ASSERT_EQ(start(), 0);
  ok("cdr.add", {{"tenant", "nobody"},
                 {"src", 1001},
                 {"duration", "long"},
                 {"q850", 1e300},
                 {"mos", "good"},
                 {"clid", std::string(300, 'x')},
                 {"colour", "blue"}});
  const Json row = ok("cdr.list")["cdrs"][0];
  EXPECT_EQ(row["tenant"], "demo") << "an unknown tenant's record goes to the default tenant";
  EXPECT_EQ(row["extra"]["unknown_tenant"], "nobody");
  EXPECT_EQ(row["extra"]["colour"], "blue");
  EXPECT_EQ(row["src"], "1001");
  EXPECT_EQ(row["duration"], 0);
  EXPECT_EQ(row["q850"], 0);
  EXPECT_EQ(row["clid"].get<std::string>().size(), 256u);
  EXPECT_EQ(fails("cdr.add", Json::array())["code"], "invalid");
}

// The API checks parameters against the schema before the store sees them, so the schema must let everything
// through.
TEST_F(CdrTest, ItsSchemaRefusesNoRecord) {
  ASSERT_EQ(start(), 0);
  const Json params = Json::parse(host_->description("cdr.add"))["params"];
  EXPECT_EQ(params["additionalProperties"], true);
  EXPECT_FALSE(params.contains("required"));
  for (const auto& [name, schema] : params["properties"].items()) {
    EXPECT_EQ(schema.size(), 1u) << name << ": " << schema;
    EXPECT_TRUE(schema.contains("description")) << name;
  }
}

TEST_F(CdrTest, FiltersByCallTimeAndDisposition) {
  ASSERT_EQ(start(), 0);
  for (int hour = 10; hour < 14; ++hour) {
    ok("cdr.add", {{"tenant", "demo"},
                   {"start", "2026-01-01T" + std::to_string(hour) + ":00:00.000Z"},
                   {"linkedid", "call-" + std::to_string(hour)},
                   {"disposition", hour % 2 == 0 ? "ANSWERED" : "BUSY"}});
  }
  EXPECT_EQ(ok("cdr.list", {{"linkedid", "call-11"}})["cdrs"].size(), 1u);
  EXPECT_EQ(ok("cdr.list", {{"disposition", "BUSY"}})["cdrs"].size(), 2u);
  const Json between =
      ok("cdr.list", {{"from", "2026-01-01T11:00:00.000Z"}, {"to", "2026-01-01T13:00:00.000Z"}})["cdrs"];
  ASSERT_EQ(between.size(), 2u);
  EXPECT_EQ(between[0]["linkedid"], "call-12");
}

TEST_F(CdrTest, SpillsWhileTheDatabaseIsLockedAndReplaysOnceItIsNot) {
  ASSERT_EQ(start(), 0);
  lock();
  EXPECT_FALSE(ok("cdr.add", {{"tenant", "demo"}, {"src", "1"}})["id"].get<std::string>().empty());
  ok("cdr.add", {{"tenant", "demo"}, {"src", "2"}});
  EXPECT_TRUE(std::filesystem::exists(spill()));
  host_->advance(31s);
  EXPECT_EQ(stored(), 0u) << "still locked: kept";
  unlock();
  host_->advance(31s);
  EXPECT_EQ(stored(), 2u);
  EXPECT_FALSE(std::filesystem::exists(spill()));
  EXPECT_FALSE(std::filesystem::exists(spill() + ".replay"));
  host_->advance(120s);
  EXPECT_EQ(stored(), 2u);
  EXPECT_EQ(ok("store.info")["counters"]["cdr_replayed"], 2);
}

TEST_F(CdrTest, ReplaysAtStartWhatACrashLeftAndDoublesNothing) {
  ASSERT_EQ(start(), 0);
  const Json record = make_record("demo", R"({"src":"77"})"), other = make_record("demo", R"({"src":"78"})");
  stop();
  std::ofstream(spill() + ".replay") << record.dump() << "\nnot json\n{\"no\":\"id\"}\n";
  std::ofstream(spill()) << record.dump() << '\n' << other.dump() << "\n{\"id\":\"torn";
  ASSERT_EQ(start(), 0);
  host_->run_posted();
  EXPECT_EQ(stored(), 2u);
  EXPECT_FALSE(std::filesystem::exists(spill()));
  EXPECT_EQ(read_file(spill() + ".bad"), "not json\n{\"no\":\"id\"}\n{\"id\":\"torn\n");
}

TEST_F(CdrTest, HoldsRecordsWhileTheQueueIsFullAndWritesThemAfterwards) {
  ASSERT_EQ(start(), 0);
  host_->fill_work_queue(true);
  for (int i = 0; i < 3; ++i) ok("cdr.add", {{"tenant", "demo"}});
  host_->advance(1s);
  host_->fill_work_queue(false);
  host_->advance(1s);
  EXPECT_EQ(stored(), 3u);
}

TEST_F(CdrTest, StoppingWithRecordsInHandSpillsThem) {
  ASSERT_EQ(start(), 0);
  host_->fill_work_queue(true);
  ok("cdr.add", {{"tenant", "demo"}, {"src", "9"}});
  ASSERT_EQ(start(), 0);
  host_->run_posted();
  ASSERT_EQ(stored(), 1u);
}

TEST_F(CdrTest, ALostSpillFileIsSaidAndTheRecordIsHeldForLater) {
  ASSERT_EQ(start({{"spill_file", folder_.file("no/such/folder")}}), 0);
  lock();
  ok("cdr.add", {{"tenant", "demo"}, {"src", "1"}});
  EXPECT_TRUE(host_->logged("did not take a call record"));
  unlock();
  host_->advance(1s);
  EXPECT_EQ(stored(), 1u);
}

}  // namespace
}  // namespace tandem::store::testing
