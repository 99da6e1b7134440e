// The events of docs/api.md as a table: name, what it says, the JSON Schema of its fields. Thread: [any].
// What plugins publish besides is theirs to describe.
#pragma once

#include <span>

#include "core/api/json.hpp"

namespace tandem::api {

struct EventRow {
  const char* name;
  const char* summary;
  const char* fields;  // JSON Schema "properties", besides seq, time, event, tenant, call, leg
};

std::span<const EventRow> event_rows();

// [{name, summary, schema}, …]
Json describe_events();

}  // namespace tandem::api
