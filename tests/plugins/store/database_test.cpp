// Migrations and the database itself: what opens, what is refused, what a crash leaves.
#include "store/database.hpp"

#include "store/migration.hpp"
#include "store/refusal.hpp"
#include "tests/plugins/store/support.hpp"

namespace tandem::store::testing {
namespace {

class DatabaseTest : public ::testing::Test {
 protected:
  TempFolder folder_;
};

int refused_with(const std::function<void()>& body, std::string* message = nullptr) {
  try {
    body();
  } catch (const Refusal& refusal) {
    if (message != nullptr) *message = refusal.what();
    return refusal.code();
  }
  return TD_OK;
}

TEST_F(DatabaseTest, MigratesAnEmptyFileToTheLastNumberAndASecondTimeDoesNothing) {
  Database db(folder_.file("a.db"), {});
  EXPECT_EQ(migrate(db, migrations()), migrations().back().number);
  EXPECT_EQ(db.number("SELECT count(*) FROM schema_migrations"),
            static_cast<std::int64_t>(migrations().size()));
  EXPECT_EQ(migrate(db, migrations()), migrations().back().number);
}

TEST_F(DatabaseTest, MigrationsAreNumberedFromOneWithoutGaps) {
  int expected = 1;
  for (const Migration& step : migrations()) EXPECT_EQ(step.number, expected++) << step.name;
}

TEST_F(DatabaseTest, RefusesADatabaseOfANewerTandemNamingBothNumbers) {
  Database db(folder_.file("a.db"), {});
  migrate(db, migrations());
  db.run("INSERT INTO schema_migrations VALUES (99, 'future', '')");
  std::string message;
  EXPECT_EQ(refused_with([&] { migrate(db, migrations()); }, &message), TD_UNSUPPORTED);
  EXPECT_NE(message.find("schema 99"), std::string::npos) << message;
  EXPECT_NE(message.find("up to " + std::to_string(migrations().back().number)), std::string::npos)
      << message;
}

TEST_F(DatabaseTest, AMigrationThatFailsLeavesNothingBehind) {
  Database db(folder_.file("a.db"), {});
  const Migration steps[] = {{1, "good", "CREATE TABLE a (x TEXT);\n"},
                             {2, "bad", "CREATE TABLE b (x TEXT);\nCREATE TABLE a (x TEXT);\n"}};
  EXPECT_NE(refused_with([&] { migrate(db, steps); }), TD_OK);
  EXPECT_EQ(db.number("SELECT max(number) FROM schema_migrations"), 1);
  EXPECT_EQ(db.number("SELECT count(*) FROM sqlite_master WHERE name = 'b'"), 0);
}

TEST_F(DatabaseTest, EveryTableWithRowsOfATenantRefersToIt) {
  Database db(folder_.file("a.db"), {});
  migrate(db, migrations());
  for (const Json& row :
       db.rows("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")) {
    if (row["name"] == "tenant" || row["name"] == "schema_migrations") continue;
    EXPECT_NE(row["sql"].get<std::string>().find("NOT NULL REFERENCES tenant"), std::string::npos)
        << row["name"];
  }
}

TEST_F(DatabaseTest, RunsInWalWithForeignKeys) {
  Database db(folder_.file("a.db"), {});
  EXPECT_EQ(db.row("PRAGMA journal_mode").begin()->get<std::string>(), "wal");
  EXPECT_EQ(db.number("PRAGMA foreign_keys"), 1);
}

TEST_F(DatabaseTest, RefusesAFileThatIsNoDatabaseAndAFolderThatIsNotThere) {
  std::ofstream(folder_.file("text.db")) << std::string(8192, 'x');
  EXPECT_EQ(refused_with([&] { Database db(folder_.file("text.db"), {}); }), TD_UNAVAILABLE);
  std::string message;
  EXPECT_EQ(refused_with([&] { Database db(folder_.file("none/a.db"), {}); }, &message), TD_UNAVAILABLE);
  EXPECT_NE(message.find("none/a.db"), std::string::npos) << message;
}

TEST_F(DatabaseTest, StopsAStatementThatRunsTooLong) {
  Database db(folder_.file("a.db"), {std::chrono::milliseconds(50), std::chrono::milliseconds(30), false});
  EXPECT_EQ(
      refused_with([&] {
        db.number("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n");
      }),
      TD_TIMEOUT);
}

TEST_F(DatabaseTest, BoundTextIsNeverSql) {
  Database db(folder_.file("a.db"), {});
  db.run("CREATE TABLE t (x TEXT)");
  const std::string hostile = "'); DROP TABLE t; --";
  db.run("INSERT INTO t (x) VALUES (:x)", {{"x", hostile}});
  EXPECT_EQ(db.row("SELECT x FROM t")["x"], hostile);
}

TEST_F(DatabaseTest, KeepsNumbersOf64BitsNullsAndDoubles) {
  Database db(folder_.file("a.db"), {});
  db.run("CREATE TABLE t (i BIGINT, d DOUBLE, n TEXT)");
  db.run("INSERT INTO t VALUES (:i, :d, :n)", {{"i", INT64_MAX}, {"d", 4.125}, {"n", nullptr}});
  const Json row = db.row("SELECT i, d, n FROM t");
  EXPECT_EQ(row["i"].get<std::int64_t>(), INT64_MAX);
  EXPECT_EQ(row["d"].get<double>(), 4.125);
  EXPECT_TRUE(row["n"].is_null());
}

TEST_F(DatabaseTest, RefusesMoreRowsThanItsLimit) {
  Database db(folder_.file("a.db"), {});
  EXPECT_EQ(
      refused_with([&] {
        db.rows(
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 10001) SELECT x FROM n");
      }),
      TD_EXHAUSTED);
}

TEST_F(DatabaseTest, RollsBackATransactionThatThrowsAndTakesTheNext) {
  Database db(folder_.file("a.db"), {});
  db.run("CREATE TABLE t (x TEXT)");
  EXPECT_EQ(refused_with([&] {
              db.transaction([&] {
                db.run("INSERT INTO t VALUES ('a')");
                throw Refusal(TD_CONFLICT, "no");
              });
            }),
            TD_CONFLICT);
  db.transaction([&] { db.run("INSERT INTO t VALUES ('b')"); });
  EXPECT_EQ(db.number("SELECT count(*) FROM t"), 1);
}

}  // namespace
}  // namespace tandem::store::testing
