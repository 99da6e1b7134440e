// Report: what anchor.query and anchor.delete tell, under the names that proxies read. Thread: [any]; pure.
#pragma once

#include <string>
#include <vector>

#include "ng/value.hpp"

namespace tandem::ng {

// {"family","address","port"} of "192.0.2.1:4000" or "[2001:db8::1]:4000"; {} of what has no port.
Value endpoint(std::string text);

// Adds "created", "created_us", "last signal", "tags", "totals" and "SSRC" to `answer`.
void add_report(const Value& call, Value& answer);

// anchor.statistics under rtpengine's names.
void add_statistics(const Value& counted, Value& answer);

// What was passed over in the request and what the command warned of, as the one text `warning`.
void add_warnings(const std::vector<std::string>& warnings, const Value& result, Value& answer);

// A subscription: whose streams it has, in rtpengine's lists; with `siprec` those by section label as well.
void add_subscription(const Value& result, bool siprec, Value& answer);

}  // namespace tandem::ng
