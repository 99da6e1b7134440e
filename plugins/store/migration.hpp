// Migrations: how a database file comes to the newest schema. Forward only: a file made by a newer Tandem is
// refused, never changed.
//
//   migrations/0001_*.sql, 0002_*.sql … ──CMake──► migrations() ──migrate(db)──► table schema_migrations
//
// Each runs in a transaction of its own. A migration that was shipped is never edited: a change is a new
// number. Thread: [io].
#pragma once

#include <span>

namespace tandem::store {

class Database;

struct Migration {
  int number;
  const char* name;
  const char* sql;  // statements, each ended by ';' at a line's end
};

// [any] The table compiled in, ascending and without gaps from 1.
std::span<const Migration> migrations();

// [io] Brings `db` to the last of `steps` and returns its number. Throws Refusal: unsupported when the
// database is newer than `steps`; what SQL failed otherwise, and then the step that failed has left nothing
// behind.
int migrate(Database& db, std::span<const Migration> steps);

}  // namespace tandem::store
