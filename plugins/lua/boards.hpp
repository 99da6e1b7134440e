// Boards: what the calls of one app know of each other. A board belongs to a tenant and has a name; on it
// stand members, in the order in which they joined, and facts, by key.
//
//   script A ─ join(data) ──► member ─┐                     ┌─► scripts that watch the board: board.changed
//   script B ─ set(key, value) ► fact ┴─► version + 1 ──────┘
//   script A ends, in whatever way ──► its member is gone
//
// A member is its script's own and leaves with it, so nobody waits behind a call that is gone; facts stay
// until they are taken away or the server ends. Scripts run one after the other and are not interrupted
// between two waits: what a script reads and then writes without waiting is one step to all others. Thread:
// [control]. Every table is bounded; what is refused is counted.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tandem/sdk.hpp"

namespace tandem::lua {

struct BoardMember {
  std::uint64_t id = 0;
  std::uint64_t script = 0;  // ScriptCall::serial()
  std::string call, leg;
  std::uint64_t joined_ns = 0;
  nlohmann::json data;
};

struct Board {
  std::vector<BoardMember> members;  // oldest first
  std::map<std::string, nlohmann::json, std::less<>> facts;
  std::uint64_t version = 1;
  std::vector<std::uint64_t> watchers;  // scripts
};

class Boards {
 public:
  static constexpr std::size_t kBoardsMax = 1000, kMembersMax = 10'000, kFactsMax = 4000;
  static constexpr std::size_t kNameMax = 64, kValueBytesMax = 4096;

  // `wake`: tells a script that a board it watches has changed.
  explicit Boards(std::function<void(std::uint64_t script, const std::string& board)> wake)
      : wake_(std::move(wake)) {}

  // Null when nothing is on it.
  const Board* find(const std::string& tenant, const std::string& name) const;
  const BoardMember* member(const std::string& tenant, const std::string& name, std::uint64_t script) const;

  // Puts a script on a board, or gives its member other data. Errors (TD_OK or below 0): invalid (too large),
  // exhausted (the tables' limits).
  int join(const std::string& tenant, const std::string& name, BoardMember member);
  // Takes it off; nothing when it is not on it.
  void leave(const std::string& tenant, const std::string& name, std::uint64_t script);
  // The script is over: it leaves all boards.
  void forget(std::uint64_t script);
  // A fact; null takes it away. Errors as of join.
  int set(const std::string& tenant, const std::string& name, const std::string& key, nlohmann::json value);
  // Wakes `script` once, at the next change. False: the board is not at `version` any more.
  bool watch(const std::string& tenant, const std::string& name, std::uint64_t script, std::uint64_t version);
  void unwatch(const std::string& tenant, const std::string& name, std::uint64_t script);

  // True when each field of `filter` is the same in `data`.
  static bool matches(const nlohmann::json& data, const nlohmann::json& filter);
  // By tenant and name.
  using Key = std::pair<std::string, std::string>;
  const std::map<Key, Board>& all() const { return boards_; }

  std::uint64_t refused = 0;  // by a limit

 private:
  Board* open(const Key& key);
  void note(std::uint64_t script, const Key& key);
  void take_off(const Key& key, std::uint64_t script);
  void drop_if_empty(const Key& key);
  void changed(const Key& key, Board& board);
  int refuse(int code);

  // borrowed
  const std::function<void(std::uint64_t, const std::string&)> wake_;
  // state
  std::map<Key, Board> boards_;
  std::unordered_map<std::uint64_t, std::vector<Key>> known_;  // by script: where it is a member or watches
  std::uint64_t last_member_ = 0;
  std::uint64_t last_version_ = 0;  // of all boards: a new one is never taken for the one that was
};

}  // namespace tandem::lua
