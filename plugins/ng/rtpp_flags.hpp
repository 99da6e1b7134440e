// rtpp-flags: all options of a request as one text, for the daemon to read.
//
//   "replace-origin via-branch=auto codec=[transcode=[PCMA PCMU] strip=[EVS]] direction=[pub priv]
//   ICE=remove"
//
// becomes dictionary entries: key=value as they are, words without '=' into the list "flags". Lists are [a
// b], with key= inside they are dictionaries. Thread: [any]; pure; nesting is bounded.
#pragma once

#include <string_view>

#include "ng/value.hpp"

namespace tandem::ng {

// Adds to `into` (an object); what is there already stays, lists grow. Never fails: what cannot be read is a
// flag of its own, and so ends among the unknown ones.
void read_rtpp_flags(std::string_view text, Value& into);

}  // namespace tandem::ng
