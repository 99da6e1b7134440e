// Where: the conditions of a query, built from the parameters that are there, so that SQLite can use its
// indexes.
//
//   Where where;
//   where.equal("tenant", context.text("tenant"));      // left out when empty
//   db.rows("SELECT … FROM cdr" + where.sql() + " LIMIT …", where.binds());
//
// Thread: [any].
#pragma once

#include <string>
#include <utility>

#include "store/database.hpp"

namespace tandem::store {

class Where {
 public:
  // `column` is ours, never a caller's text. An empty value adds nothing.
  void equal(const std::string& column, std::string value) {
    if (!value.empty()) add(column + " = :" + column, column, std::move(value));
  }
  // `condition` holds ":name".
  void add(const std::string& condition, std::string name, Database::Value value) {
    sql_ += (sql_.empty() ? " WHERE " : " AND ") + condition;
    binds_.emplace_back(std::move(name), std::move(value));
  }
  const std::string& sql() const { return sql_; }
  const Database::Binds& binds() const { return binds_; }

 private:
  std::string sql_;
  Database::Binds binds_;
};

}  // namespace tandem::store
