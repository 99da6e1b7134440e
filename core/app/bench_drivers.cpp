// The servers that tandem bench knows: see the header.
#include "core/app/bench_drivers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/app/ask.hpp"
#include "core/app/listen_address.hpp"
#include "core/load/engine_driver.hpp"
#include "core/load/janus_driver.hpp"
#include "core/load/ng_driver.hpp"
#include "core/load/sip_driver.hpp"

namespace tandem::app {
namespace {

// {"accounts": [{"user", "password"}]} of a server's accounts.json; none without a file. Errors: not_found,
// invalid.
Result<std::vector<load::SipAccount>> read_accounts(const std::string& path) {
  std::vector<load::SipAccount> out;
  if (path.empty()) return out;
  std::ifstream file(path);
  if (!file) return Error{ErrorCode::not_found, fmt::format("--agents: {} cannot be read", path)};
  const auto all = nlohmann::json::parse(file, nullptr, false);
  for (const auto& one : list_field(all, "accounts"))
    out.push_back({text_field(one, "user"), text_field(one, "password")});
  const bool whole =
      std::none_of(out.begin(), out.end(), [](const load::SipAccount& one) { return one.user.empty(); });
  if (out.empty() || !whole)
    return Error{ErrorCode::invalid,
                 fmt::format("--agents: {}: expected {{\"accounts\": [{{\"user\", \"password\"}}]}}", path)};
  return out;
}

Result<std::unique_ptr<load::Driver>> make_phones_of_sip(const BenchOptions& o, const Address& server,
                                                         const load::Profile& profile) {
  auto agents = read_accounts(o.agents);
  if (!agents) return agents.error();
  // Who calls, who is called from phone to phone, and whom other parts dial, serve no queue.
  std::erase_if(*agents, [&](const load::SipAccount& one) {
    return one.user == o.user || one.user == o.peer ||
           std::any_of(profile.parts.begin(), profile.parts.end(),
                       [&](const load::Part& part) { return part.number == one.user; });
  });
  const bool queue = std::any_of(profile.parts.begin(), profile.parts.end(),
                                 [](const load::Part& part) { return part.kind == load::Kind::queue; });
  const bool bridge = std::any_of(profile.parts.begin(), profile.parts.end(),
                                  [](const load::Part& part) { return part.kind == load::Kind::bridge; });
  load::SipAccount peer{o.peer, o.peer_password};
  if (!queue) agents->clear();
  // Without a file the one who is called serves the queue, when nobody calls it from phone to phone.
  if (queue && !bridge && o.agents.empty() && !peer.user.empty()) agents->push_back(peer);
  if (!bridge) peer = {"", ""};
  return load::make_sip_driver(server, {o.user, o.password}, peer, *agents);
}

}  // namespace

Result<std::unique_ptr<load::Driver>> make_bench_driver(const BenchOptions& o, const std::string& server,
                                                        const load::Profile& profile, int core) {
  if (server == "engine") {
    load::EngineOptions engine;
    engine.loops = o.loops;
    engine.legs_max = profile.legs * 2 + 16;
    engine.io = o.io;
    engine.forward_on_tick = o.forward_on_tick;
    engine.forward_at_once = o.forward_at_once;
    return load::make_engine_driver(engine, core);
  }
  if (server.starts_with("ng:")) {
    if (const auto at = parse_listen(server.substr(3))) return load::make_ng_driver(*at);
  }
  if (server.starts_with("sip:")) {
    if (const auto at = parse_listen(server.substr(4))) return make_phones_of_sip(o, *at, profile);
  }
  if (server.starts_with("janus:")) {
    if (const auto at = parse_listen(server.substr(6))) return load::make_janus_driver(*at);
  }
  return Error{ErrorCode::invalid,
               fmt::format("--server and --against: expected engine, ng:ADDRESS:PORT, janus:ADDRESS:PORT or "
                           "sip:ADDRESS:PORT (ADDRESS: numbers), found \"{}\"",
                           server)};
}

}  // namespace tandem::app
