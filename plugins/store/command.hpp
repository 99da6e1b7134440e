// Command: one row of the store's command table. The same row is the description given to the API (JSON
// schema), the check of the parameters, and the body.
//
//   params ──check(command, caller, params)──► clean params ──body(Context)──► result
//   caller.tenant "demo": params.tenant becomes "demo", and another tenant's name is `denied`
//
// The body runs in one transaction when the command writes.
// Thread: tables and check() [any]; a body runs on [io], on the lane that the row names.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/database.hpp"
#include "store/options.hpp"
#include "store/refusal.hpp"
#include "tandem/sdk.hpp"

namespace tandem::store {

enum class Kind { text, integer, number, boolean, object };
enum class Need { optional, required };

// One parameter. For text, min and max count bytes; for integer they are the range.
struct Field {
  const char* name;
  Kind kind;
  Need need;
  std::int64_t min;
  std::int64_t max;
  const char* about;
};

enum class Access { open, internal };  // "public" and "internal" in the API's words
enum class Lane { live, report };      // short statements that calls wait for; lists

// How a command takes `tenant`.
enum class Tenancy {
  one,   // must be known: the caller's own, or named by the operator
  any,   // as above, but the operator may leave it out and means all
  none,  // not about a tenant: operator and internal callers only
};

// What is counted, for store.info and /metrics. Written on [control] and [io].
struct Stats {
  using Count = std::atomic<std::uint64_t>;
  Count commands{0}, refused{0}, queue_full{0};
  Count cdr_stored{0}, cdr_spilled{0}, cdr_replayed{0}, cdr_bad{0}, cdr_lost{0};
};
std::array<sdk::Figure<Stats::Count>, 8> figures_of(const Stats& stats);

// An event to publish after the transaction is committed.
using Events = std::vector<Json>;

// What a body works with. Borrowed for the call.
struct Context {
  Database& db;
  const Options& options;
  const Json& params;    // checked: types and sizes hold, unknown names were refused
  std::uint64_t now_us;  // the host's wall clock when the command came in
  Events& events;
  const Stats& stats;
  std::vector<std::string> discarded = {};  // files to remove once the transaction is committed

  std::string now() const;
  std::string text(const char* name, std::string_view fallback = "") const;
  std::int64_t integer(const char* name, std::int64_t fallback = 0) const;
  bool has(const char* name) const { return params.contains(name); }
  std::string tenant() const { return text("tenant"); }
};

struct Command {
  const char* name;
  const char* summary;
  const char* result;  // the result's shape, for people
  Access access;
  Lane lane;
  Tenancy tenancy;
  bool writes;  // the body runs in one transaction
  std::vector<Field> fields;
  Json (*body)(Context&);
  bool keeps_unknown = false;  // any field with any value is taken (a call record is never refused)
};

// The description for td_api.provide, JSON text.
std::string describe(const Command& command);

// The parameters, checked, with `tenant` settled. Throws Refusal: invalid or denied, naming command,
// parameter, what was expected and what was seen.
Json check(const Command& command, std::string_view caller_tenant, std::string_view params_text);

// Runs the body (in a transaction when it writes). Throws Refusal.
Json run_command(const Command& command, Context& context);

// Nothing of ours takes more text than this, whatever a field allows.
inline constexpr std::size_t kParamsBytesMax = 64 * 1024;

}  // namespace tandem::store
