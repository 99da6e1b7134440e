// Boards: members, facts, watchers. See the header.
#include "lua/boards.hpp"

#include <algorithm>

#include "lua/json.hpp"

namespace tandem::lua {

namespace {

bool good_name(const std::string& name) { return !name.empty() && name.size() <= Boards::kNameMax; }

bool small(const nlohmann::json& value) { return dump(value).size() <= Boards::kValueBytesMax; }

auto of_script(Board& board, std::uint64_t script) {
  return std::find_if(board.members.begin(), board.members.end(),
                      [script](const BoardMember& one) { return one.script == script; });
}

}  // namespace

int Boards::refuse(int code) {
  ++refused;
  return code;
}

const Board* Boards::find(const std::string& tenant, const std::string& name) const {
  const auto at = boards_.find({tenant, name});
  return at == boards_.end() ? nullptr : &at->second;
}

const BoardMember* Boards::member(const std::string& tenant, const std::string& name,
                                  std::uint64_t script) const {
  const Board* board = find(tenant, name);
  if (board == nullptr) return nullptr;
  for (const BoardMember& one : board->members)
    if (one.script == script) return &one;
  return nullptr;
}

Board* Boards::open(const Key& key) {
  const auto at = boards_.find(key);
  if (at != boards_.end()) return &at->second;
  if (boards_.size() >= kBoardsMax) return nullptr;
  Board& made = boards_[key];
  made.version = ++last_version_;
  return &made;
}

void Boards::note(std::uint64_t script, const Key& key) {
  std::vector<Key>& keys = known_[script];
  if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
}

int Boards::join(const std::string& tenant, const std::string& name, BoardMember member) {
  if (!good_name(name) || !small(member.data)) return refuse(TD_INVALID);
  const Key key{tenant, name};
  Board* board = open(key);
  if (board == nullptr) return refuse(TD_EXHAUSTED);
  if (const auto at = of_script(*board, member.script); at != board->members.end()) {
    if (at->data == member.data) return TD_OK;
    at->data = std::move(member.data);
  } else {
    if (board->members.size() >= kMembersMax) return refuse(TD_EXHAUSTED);
    member.id = ++last_member_;
    note(member.script, key);
    board->members.push_back(std::move(member));
  }
  changed(key, *board);
  return TD_OK;
}

void Boards::leave(const std::string& tenant, const std::string& name, std::uint64_t script) {
  take_off({tenant, name}, script);
}

void Boards::take_off(const Key& key, std::uint64_t script) {
  const auto found = boards_.find(key);
  if (found == boards_.end()) return;
  const auto at = of_script(found->second, script);
  if (at == found->second.members.end()) return;
  found->second.members.erase(at);
  changed(key, found->second);
}

void Boards::forget(std::uint64_t script) {
  const auto node = known_.extract(script);
  if (node.empty()) return;
  for (const Key& key : node.mapped()) {
    unwatch(key.first, key.second, script);
    take_off(key, script);
  }
}

int Boards::set(const std::string& tenant, const std::string& name, const std::string& fact,
                nlohmann::json value) {
  if (!good_name(name) || !good_name(fact) || !small(value)) return refuse(TD_INVALID);
  const Key key{tenant, name};
  if (value.is_null() && !boards_.contains(key)) return TD_OK;
  Board* board = open(key);
  if (board == nullptr) return refuse(TD_EXHAUSTED);
  const auto at = board->facts.find(fact);
  if (value.is_null()) {
    if (at == board->facts.end()) return TD_OK;
    board->facts.erase(at);
  } else if (at != board->facts.end()) {
    if (at->second == value) return TD_OK;
    at->second = std::move(value);
  } else {
    if (board->facts.size() >= kFactsMax) return refuse(TD_EXHAUSTED);
    board->facts.emplace(fact, std::move(value));
  }
  changed(key, *board);
  return TD_OK;
}

bool Boards::watch(const std::string& tenant, const std::string& name, std::uint64_t script,
                   std::uint64_t version) {
  const Board* there = find(tenant, name);
  if ((there == nullptr ? 0 : there->version) != version) return false;
  const Key key{tenant, name};
  Board* board = good_name(name) ? open(key) : nullptr;
  if (board == nullptr) return true;  // nothing will change there
  note(script, key);
  if (std::find(board->watchers.begin(), board->watchers.end(), script) == board->watchers.end())
    board->watchers.push_back(script);
  return true;
}

void Boards::unwatch(const std::string& tenant, const std::string& name, std::uint64_t script) {
  const Key key{tenant, name};
  const auto at = boards_.find(key);
  if (at == boards_.end()) return;
  std::erase(at->second.watchers, script);
  drop_if_empty(key);
}

void Boards::drop_if_empty(const Key& key) {
  const auto at = boards_.find(key);
  if (at == boards_.end()) return;
  const Board& board = at->second;
  if (board.members.empty() && board.facts.empty() && board.watchers.empty()) boards_.erase(at);
}

void Boards::changed(const Key& key, Board& board) {
  board.version = ++last_version_;
  for (const std::uint64_t script : std::exchange(board.watchers, {})) wake_(script, key.second);
  drop_if_empty(key);
}

bool Boards::matches(const nlohmann::json& data, const nlohmann::json& filter) {
  for (const auto& [name, wanted] : filter.items()) {
    const auto at = data.find(name);
    if (at == data.end() || *at != wanted) return false;
  }
  return true;
}

}  // namespace tandem::lua
