// Report: what anchor.query and anchor.delete tell, under the names that proxies read. Thread: [any]; pure.
#pragma once

#include "ng/value.hpp"

namespace tandem::ng {

// Adds "created", "created_us", "last signal", "tags", "totals" and "SSRC" to `answer`.
void add_report(const Value& call, Value& answer);

// anchor.statistics under rtpengine's names.
void add_statistics(const Value& counted, Value& answer);

}  // namespace tandem::ng
