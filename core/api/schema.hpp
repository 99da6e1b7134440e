// Schema: the part of JSON Schema that our commands' parameters need, checked by us.
//
// Understood: type (one or a list), properties, required, enum, minimum, maximum, minLength, maxLength,
// items, maxItems, additionalProperties (false where it is not said: an unknown parameter is a mistake),
// description. Thread: [any]. It is not JSON Schema in full: no $ref, anyOf, pattern.
#pragma once

#include <string>

#include "core/api/json.hpp"

namespace tandem::api {

// Whether a schema uses only what is understood here. Errors: invalid (names the place).
Result<void> check_schema(const Json& schema);

// Whether a value fits. Errors: invalid; the message names the parameter, what was expected and what was
// seen.
Result<void> fits(const Json& value, const Json& schema, const std::string& place = {});

}  // namespace tandem::api
