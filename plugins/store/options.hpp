// Options: the section [plugin.store] as a value. Thread: [any].
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tandem/sdk_options.hpp"

namespace tandem::store {

struct Options {
  std::string path = "tandem.db";  // the SQLite file
  std::string accounts_file;       // where the demo's passwords are kept (0600); empty: beside `path`
  std::string spill_file;          // records of calls that the database would not take; empty: beside `path`
  std::string realm = "tandem";    // the digest realm of new devices
  std::string media_root;  // when set, stored paths must lie inside, and a deleted message's file is removed
  std::string default_tenant = "demo";  // who owns a call record whose tenant is empty or unknown
  bool durable = false;                 // wait for the disk at every commit
  int busy_ms = 2000;
  int statement_ms = 5000;
  int pin_iterations = 120'000;
};

// From JSON text. Throws Refusal (invalid) that names the key, what was expected and what was found.
Options parse_options(std::string_view json);

// Everything that is wrong with the section, and what it says where it is right.
sdk::WrongOptions read_options(std::string_view json, Options& options);

}  // namespace tandem::store
