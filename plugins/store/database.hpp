// Database: one SQL connection, for one lane. Everything that knows which database it is stands here and in
// database.cpp; commands write portable SQL with named parameters.
//
//   command ──rows("SELECT … WHERE tenant = :tenant", {{"tenant", "demo"}})──► [{"number":"1001",…},…]
//
// SQLite: WAL, foreign keys on, a busy timeout, and a time limit on every statement. PostgreSQL can come as a
// second SOCI backend behind the same class. Thread: [io], one at a time (its lane). Not here: the schema
// (migration.hpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tandem::store {

using Json = nlohmann::json;

class Database {
 public:
  using Value = std::variant<std::nullptr_t, std::int64_t, double, std::string>;
  using Binds = std::vector<std::pair<std::string, Value>>;

  struct Limits {
    std::chrono::milliseconds busy{2000};       // how long to wait for another connection's lock
    std::chrono::milliseconds statement{5000};  // then the statement is interrupted: TD_TIMEOUT
    bool durable = false;                       // wait for the disk at every commit, not only at checkpoints
  };

  // Opens or creates the file. Throws Refusal (unavailable) that names the path and the reason.
  Database(const std::string& path, const Limits& limits);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // One statement without a result; how many rows it changed. Each name in `binds` stands in the SQL as
  // :name. Throws Refusal: conflict (a constraint), timeout, unavailable (locked, disk full, I/O).
  std::int64_t run(std::string_view sql, const Binds& binds = {});

  // The rows as an array of objects by column name, each value by its column's declared type (an expression
  // has none and comes as text: count with number()). NULL is null. More than kRowsMax rows is a Refusal
  // (exhausted), so queries carry a LIMIT.
  Json rows(std::string_view sql, const Binds& binds = {});

  // The first row, or null.
  Json row(std::string_view sql, const Binds& binds = {});

  // The first column of the first row as a number; 0 when there is none.
  std::int64_t number(std::string_view sql, const Binds& binds = {});

  // Runs `body` in one write transaction: commits, or rolls back when it throws.
  void transaction(const std::function<void()>& body);

  const std::string& path() const { return path_; }
  static constexpr std::size_t kRowsMax = 10'000;

 private:
  struct Connection;
  void begin_deadline();

  std::string path_;
  Limits limits_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace tandem::store
