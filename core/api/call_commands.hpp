// The commands on calls, legs and recordings, bound to call::Calls. Thread: [control].
#pragma once

#include <functional>

#include "core/api/command_table.hpp"
#include "core/call/calls.hpp"

namespace tandem::api {

// What `status` says besides: added to its answer by the composition root (version, loops, …). May be empty.
using MoreStatus = std::function<void(Json& status)>;

// Adds call.*, leg.*, recording.*, mwi.set and status. `calls` outlives the table's use.
void bind_call_commands(CommandTable& table, call::Calls& calls, Timers& timers, MoreStatus more = {});
// Parts of the above, one file each.
void bind_leg_commands(CommandTable& table, call::Calls& calls);
void bind_media_commands(CommandTable& table, call::Calls& calls);

// Answers {} or the error: for verbs that give nothing back.
inline void answer_done(const Result<void>& done, const Reply& reply) {
  if (done) {
    reply(std::string("{}"));
  } else {
    reply(done.error());
  }
}

// "cause": number or name. 16 when it is not there. Errors: invalid.
Result<int> cause_from(const Json& params);

}  // namespace tandem::api
