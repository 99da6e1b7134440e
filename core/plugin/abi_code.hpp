// The ABI's result numbers and the core's error codes, each as the other. Thread: [any].
#pragma once

#include <string_view>

#include "core/base/result.hpp"
#include "tandem/abi.h"

namespace tandem::plugin {

constexpr int abi_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid: return TD_INVALID;
    case ErrorCode::not_found: return TD_NOT_FOUND;
    case ErrorCode::conflict: return TD_CONFLICT;
    case ErrorCode::denied: return TD_DENIED;
    case ErrorCode::exhausted: return TD_EXHAUSTED;
    case ErrorCode::unavailable: return TD_UNAVAILABLE;
    case ErrorCode::timeout: return TD_TIMEOUT;
    case ErrorCode::unsupported: return TD_UNSUPPORTED;
    case ErrorCode::internal: return TD_INTERNAL;
  }
  return TD_INTERNAL;
}

// Below 0 only; a number that a newer plugin may know is `internal`.
constexpr ErrorCode error_code(int code) {
  switch (code) {
    case TD_INVALID: return ErrorCode::invalid;
    case TD_NOT_FOUND: return ErrorCode::not_found;
    case TD_CONFLICT: return ErrorCode::conflict;
    case TD_DENIED: return ErrorCode::denied;
    case TD_EXHAUSTED: return ErrorCode::exhausted;
    case TD_UNAVAILABLE: return ErrorCode::unavailable;
    case TD_TIMEOUT: return ErrorCode::timeout;
    case TD_UNSUPPORTED: return ErrorCode::unsupported;
    default: return ErrorCode::internal;
  }
}

inline std::string_view text_of(td_str text) {
  return text.data == nullptr ? std::string_view{} : std::string_view{text.data, text.size};
}
inline td_str str_of(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace tandem::plugin
