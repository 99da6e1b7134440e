// Result<T>: a value or an Error, for everything on the control side that can fail.
//
//   Result<Port> open(...);
//   auto port = open(...);
//   if (!port) return port.error();      // passes the Error up
//
// Thread: [any]. Not for the media path, which uses [[nodiscard]] enum verdicts.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace tandem {

// What went wrong, in the words of the API: `code` is stable and for programs, `message` says to a person
// what was expected, what was seen and, where it can, what to do.
enum class ErrorCode {
  invalid,      // the caller's input is malformed or out of range
  not_found,    // no such call, leg, file, method
  conflict,     // the thing exists already, or is in a state that forbids this
  denied,       // not allowed: credentials, tenant, path
  exhausted,    // a stated limit was reached: ports, queue, memory, disk
  unavailable,  // the other side is not there (Kamailio, store)
  timeout,      // it took longer than it may
  unsupported,  // understood, but not built
  internal,     // our own fault
};

// The code as the API spells it: "invalid", "not_found", …
constexpr const char* to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid: return "invalid";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::conflict: return "conflict";
    case ErrorCode::denied: return "denied";
    case ErrorCode::exhausted: return "exhausted";
    case ErrorCode::unavailable: return "unavailable";
    case ErrorCode::timeout: return "timeout";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::internal: return "internal";
  }
  return "internal";
}

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : held_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return held_.index() == 0; }
  bool ok() const { return held_.index() == 0; }
  T& value() { return std::get<0>(held_); }
  const T& value() const { return std::get<0>(held_); }
  T& operator*() { return std::get<0>(held_); }
  const T& operator*() const { return std::get<0>(held_); }
  T* operator->() { return &std::get<0>(held_); }
  const T* operator->() const { return &std::get<0>(held_); }
  const Error& error() const { return std::get<1>(held_); }

 private:
  std::variant<T, Error> held_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  explicit operator bool() const { return !error_; }
  bool ok() const { return !error_; }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace tandem
