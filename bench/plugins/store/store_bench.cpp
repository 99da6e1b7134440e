// What a call asks of the store: its record, and who to ring; beside SQLite alone doing the same insert.
#include <benchmark/benchmark.h>
#include <sqlite3.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/fake_host.hpp"
#include "tests/support/scratch_folder.hpp"

extern "C" const td_plugin* tandem_plugin_store(void);

namespace {

using Json = nlohmann::json;
using tandem::testing::FakeHost;
using tandem::testing::ScratchFolder;

const std::string kRecord =
    R"({"tenant":"demo","clid":"\"Ann\" <1001>","src":"1001","dst":"5000","start":"2026-01-01T00:00:00.000Z",)"
    R"("answer":"2026-01-01T00:00:01.000Z","end":"2026-01-01T00:00:11.000Z","duration":11,"billsec":10,)"
    R"("disposition":"ANSWERED","hangup_cause":"NORMAL_CLEARING","q850":16,"uniqueid":"leg-1","linkedid":"call-1",)"
    R"("lastapp":"ivr","direction":"inbound","read_codec":"PCMU","write_codec":"PCMU","loss":0.1,"jitter_ms":2.5,"mos":4.3})";

void CdrAdd(benchmark::State& state) {
  const ScratchFolder folder("bench-store");
  FakeHost host(Json({{"path", (folder.path() / "b.db").string()}}).dump());
  if (host.activate(tandem_plugin_store()) < 0) return state.SkipWithError(host.error().c_str());
  for (auto _ : state) {
    if (host.call("cdr.add", kRecord).code != TD_OK) return state.SkipWithError("refused");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(CdrAdd)->UseRealTime();

// The floor: the same 25 columns, a prepared statement, one transaction each, the same pragmas.
void SqliteAlone(benchmark::State& state) {
  const ScratchFolder folder("bench-store");
  sqlite3* db = nullptr;
  sqlite3_open((folder.path() / "b.db").c_str(), &db);
  std::string columns = "c0", values = "?";
  for (int i = 1; i < 24; ++i) {
    columns += ", c" + std::to_string(i);
    values += ", ?";
  }
  const std::string make =
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE t (seq INTEGER PRIMARY KEY "
      "AUTOINCREMENT, " +
      columns +
      "); CREATE INDEX a ON t (c0, seq); CREATE INDEX b ON t (c1); CREATE INDEX c ON t (c2); CREATE UNIQUE "
      "INDEX d ON t (c3)";
  sqlite3_exec(db, make.c_str(), nullptr, nullptr, nullptr);
  sqlite3_stmt* insert = nullptr;
  sqlite3_prepare_v2(db, ("INSERT INTO t (" + columns + ") VALUES (" + values + ")").c_str(), -1, &insert,
                     nullptr);
  std::int64_t n = 0;
  for (auto _ : state) {
    for (int i = 1; i <= 24; ++i) {
      if (i == 4)
        sqlite3_bind_int64(insert, i, ++n);
      else
        sqlite3_bind_text(insert, i, "2026-01-01T00:00", -1, SQLITE_STATIC);
    }
    if (sqlite3_step(insert) != SQLITE_DONE) return state.SkipWithError(sqlite3_errmsg(db));
    sqlite3_reset(insert);
  }
  state.SetItemsProcessed(state.iterations());
  sqlite3_finalize(insert);
  sqlite3_close(db);
}
BENCHMARK(SqliteAlone)->UseRealTime();

void ExtensionResolve(benchmark::State& state) {
  const ScratchFolder folder("bench-store");
  FakeHost host(Json({{"path", (folder.path() / "b.db").string()}, {"pin_iterations", 1000}}).dump());
  if (host.activate(tandem_plugin_store()) < 0) return state.SkipWithError(host.error().c_str());
  host.call("store.seed_demo");
  for (auto _ : state) {
    if (host.call("extension.resolve", R"({"tenant":"demo","number":"1001"})").code != TD_OK)
      return state.SkipWithError("refused");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ExtensionResolve)->UseRealTime();

}  // namespace
