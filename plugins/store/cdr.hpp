// Call detail records. A record is taken leniently, since the call is over and nobody can be asked again: a
// known column gets what can be made of its value, the rest goes into `extra` as JSON.
//
//   params ──make_record (control)──► record with its id ──insert_record (io)──► table cdr
//                                                  └─ the database fails ──► Spill, replayed later
//
// Thread: make_record [any], insert_record [io].
#pragma once

#include <cstdint>
#include <string_view>

#include "store/command.hpp"

namespace tandem::store {

// The record as it will be stored: every column of the table but seq. `params_text` must be a JSON object,
// else a Refusal (invalid). Text longer than 256 bytes is cut, `extra` over 4 KB is left out.
Json make_record(std::string_view caller_tenant, std::string_view params_text);

// The same, of one line of the spill file: its `id` is kept. Throws Refusal (invalid).
Json reread_record(std::string_view line);

// Stores it once: an id that is there already is left alone. A tenant that does not exist becomes
// `default_tenant`, with the name in `extra`. Throws Refusal.
void insert_record(Database& db, const Options& options, Json record);

}  // namespace tandem::store
