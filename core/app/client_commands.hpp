// The commands of the shell that ask a running server: tandem calls, tandem call …
//
//   CLI11 options ──► JSON-RPC params ──► rpc() ──► a few lines for people, or the answer's JSON with --json
//
// Thread: the program's own, without a server in it.
#pragma once

#include <CLI/App.hpp>

namespace tandem::app {

// Adds the commands to `root`; each leaves its exit status in `status` when it ran: 0 done, 1 the server
// refused, 4 no server there.
void add_client_commands(CLI::App& root, int& status);

}  // namespace tandem::app
