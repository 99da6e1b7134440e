// The walk from the file's schema number to ours.
#include "store/migration.hpp"

#include <string>

#include "store/clock.hpp"
#include "store/database.hpp"
#include "store/refusal.hpp"

namespace tandem::store {

namespace {

// A statement ends with ';' at a line's end: enough for our own files, which hold no triggers.
void run_script(Database& db, std::string_view script) {
  while (!script.empty()) {
    const std::size_t end = script.find(";\n");
    const std::string_view statement = script.substr(0, end);
    if (statement.find_first_not_of(" \n\t") != std::string_view::npos) db.run(statement);
    if (end == std::string_view::npos) return;
    script.remove_prefix(end + 2);
  }
}

}  // namespace

int migrate(Database& db, std::span<const Migration> steps) {
  db.run(
      "CREATE TABLE IF NOT EXISTS schema_migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied "
      "TEXT NOT NULL)");
  const auto have = db.number("SELECT max(number) AS number FROM schema_migrations");
  const int newest = steps.empty() ? 0 : steps.back().number;
  if (have > newest) {
    throw Refusal(TD_UNSUPPORTED, "the database '" + db.path() + "' has schema " + std::to_string(have) +
                                      ", made by a newer Tandem; this one knows up to " +
                                      std::to_string(newest) +
                                      ": start the newer Tandem, or restore a copy from before the update");
  }
  for (const Migration& step : steps) {
    if (step.number <= have) continue;
    db.transaction([&] {
      run_script(db, step.sql);
      db.run(
          "INSERT INTO schema_migrations (number, name, applied) VALUES (:number, :name, :applied)",
          {{"number", std::int64_t{step.number}}, {"name", std::string(step.name)}, {"applied", iso_now()}});
    });
  }
  return newest;
}

}  // namespace tandem::store
