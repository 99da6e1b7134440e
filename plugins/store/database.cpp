// SQLite through SOCI: connection, pragmas, deadlines, and SOCI's exceptions turned into Refusals.
#include "store/database.hpp"

// Debian's SOCI is built with Boost but its package does not bring it. Boost only adds template overloads
// (fusion, tuple) that nobody here calls, so the headers are taken without.
#include <soci/soci-config.h>
#undef SOCI_HAVE_BOOST
#undef SOCI_HAVE_BOOST_DATE_TIME
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <deque>

#include "store/refusal.hpp"

namespace tandem::store {

namespace {

using namespace sqlite_api;  // SOCI wraps <sqlite3.h> in it
using Clock = std::chrono::steady_clock;

// SQLite's result code as the API's.
int code_of(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_CONSTRAINT: return TD_CONFLICT;
    case SQLITE_INTERRUPT: return TD_TIMEOUT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return TD_UNAVAILABLE;
    default: return TD_INTERNAL;
  }
}

Json value_of(const soci::row& row, std::size_t i) {
  if (row.get_indicator(i) == soci::i_null) return nullptr;
  switch (row.get_properties(i).get_data_type()) {
    case soci::dt_integer: return row.get<int>(i);
    case soci::dt_long_long: return row.get<long long>(i);
    case soci::dt_unsigned_long_long: return row.get<unsigned long long>(i);
    case soci::dt_double: return row.get<double>(i);
    default: return row.get<std::string>(i);
  }
}

}  // namespace

struct Database::Connection {
  soci::session session;
  sqlite3* handle = nullptr;
  Clock::time_point deadline = Clock::time_point::max();

  // The bound values at addresses that stay, as SOCI wants them until execute() returns.
  struct Bound {
    std::deque<long long> integers;
    std::deque<double> doubles;
    std::deque<std::string> texts;
    soci::indicator null = soci::i_null;
  };

  void bind(soci::statement& statement, const Binds& binds, Bound& bound) {
    for (const auto& [name, value] : binds) {
      if (const auto* number = std::get_if<std::int64_t>(&value)) {
        statement.exchange(soci::use(bound.integers.emplace_back(*number), name));
      } else if (const auto* real = std::get_if<double>(&value)) {
        statement.exchange(soci::use(bound.doubles.emplace_back(*real), name));
      } else if (const auto* text = std::get_if<std::string>(&value)) {
        statement.exchange(soci::use(bound.texts.emplace_back(*text), name));
      } else {
        statement.exchange(soci::use(bound.texts.emplace_back(), bound.null, name));
      }
    }
  }

  [[noreturn]] void refuse(const soci::soci_error& error) const {
    const int code = handle != nullptr ? sqlite3_errcode(handle) : SQLITE_ERROR;
    const int named = code_of(code);
    std::string text = "database: ";
    text += named == TD_TIMEOUT ? "the statement took too long and was stopped" : error.what();
    throw Refusal(named, text);
  }
};

Database::Database(const std::string& path, const Limits& limits)
    : path_(path), limits_(limits), connection_(std::make_unique<Connection>()) {
  if (path.empty() || path.find_first_of("\"\n") != std::string::npos) {
    throw Refusal(TD_INVALID, "path: expected a file name without quotes, got '" + path + "'");
  }
  try {
    connection_->session.open(*soci::factory_sqlite3(), "dbname=\"" + path + "\"");
    auto* backend = static_cast<soci::sqlite3_session_backend*>(connection_->session.get_backend());
    connection_->handle = backend->conn_;
    sqlite3_busy_timeout(connection_->handle, static_cast<int>(limits.busy.count()));
    sqlite3_progress_handler(
        connection_->handle, 4000,
        [](void* user) { return Clock::now() > static_cast<Connection*>(user)->deadline ? 1 : 0; },
        connection_.get());
    begin_deadline();
    soci::session& sql = connection_->session;
    std::string mode;
    sql << "PRAGMA journal_mode = WAL", soci::into(mode);
    if (mode != "wal" && path != ":memory:") {
      throw Refusal(TD_UNAVAILABLE, "database '" + path + "': expected journal mode wal, got " + mode);
    }
    sql << (limits.durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    sql << "PRAGMA foreign_keys = ON";
  } catch (const soci::soci_error& error) {
    throw Refusal(TD_UNAVAILABLE, "cannot open the database '" + path + "': " + error.what());
  }
}

Database::~Database() = default;

void Database::begin_deadline() { connection_->deadline = Clock::now() + limits_.statement; }

std::int64_t Database::run(std::string_view sql, const Binds& binds) {
  try {
    begin_deadline();
    Connection::Bound bound;
    soci::statement statement(connection_->session);
    connection_->bind(statement, binds, bound);
    statement.alloc();
    statement.prepare(std::string(sql));
    statement.define_and_bind();
    statement.execute(true);
    return statement.get_affected_rows();
  } catch (const soci::soci_error& error) {
    connection_->refuse(error);
  }
}

Json Database::rows(std::string_view sql, const Binds& binds) {
  try {
    begin_deadline();
    Connection::Bound bound;
    soci::row row;
    soci::statement statement(connection_->session);
    connection_->bind(statement, binds, bound);
    statement.exchange(soci::into(row));
    statement.alloc();
    statement.prepare(std::string(sql));
    statement.define_and_bind();
    Json found = Json::array();
    bool more = statement.execute(true);
    while (more) {
      if (found.size() >= kRowsMax)
        throw Refusal(TD_EXHAUSTED, "more rows than the limit of " + std::to_string(kRowsMax));
      Json object = Json::object();
      for (std::size_t i = 0; i < row.size(); ++i)
        object[row.get_properties(i).get_name()] = value_of(row, i);
      found.push_back(std::move(object));
      more = statement.fetch();
    }
    return found;
  } catch (const soci::soci_error& error) {
    connection_->refuse(error);
  }
}

Json Database::row(std::string_view sql, const Binds& binds) {
  Json found = rows(sql, binds);
  return found.empty() ? Json() : std::move(found[0]);
}

std::int64_t Database::number(std::string_view sql, const Binds& binds) {
  try {
    begin_deadline();
    Connection::Bound bound;
    long long found = 0;
    soci::indicator seen = soci::i_ok;
    soci::statement statement(connection_->session);
    connection_->bind(statement, binds, bound);
    statement.exchange(soci::into(found, seen));
    statement.alloc();
    statement.prepare(std::string(sql));
    statement.define_and_bind();
    return statement.execute(true) && seen == soci::i_ok ? found : 0;
  } catch (const soci::soci_error& error) {
    connection_->refuse(error);
  }
}

void Database::transaction(const std::function<void()>& body) {
  run("BEGIN IMMEDIATE");
  try {
    body();
    run("COMMIT");
  } catch (...) {
    // SQLite may have rolled back by itself (disk full); a second ROLLBACK then says so, which is no news.
    try {
      if (sqlite3_get_autocommit(connection_->handle) == 0) run("ROLLBACK");
    } catch (const Refusal&) {
    }
    throw;
  }
}

}  // namespace tandem::store
