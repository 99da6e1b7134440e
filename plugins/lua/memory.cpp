// The allocator behind every Lua block. See the header for the picture.
#include "lua/memory.hpp"

#include <algorithm>
#include <cstdlib>

namespace tandem::lua {

namespace {

// Stands before each block. Eight bytes keep the alignment that Lua asks for (its LUAI_MAXALIGN is 8 here).
struct Header {
  Account* owner;
};
static_assert(sizeof(Header) == 8);

constexpr std::size_t cost(std::size_t size) { return size + 16; }

}  // namespace

Memory::~Memory() {
  for (Account* account : accounts_) delete account;
}

Account* Memory::open(std::size_t limit_bytes) {
  auto* account = new Account;
  account->limit = limit_bytes;
  accounts_.insert(account);
  return account;
}

void Memory::close(Account* account) {
  account->open = false;
  if (account->used == 0) {
    accounts_.erase(account);
    delete account;
  }
}

bool Memory::refuses(Account* owner, std::size_t more) const {
  if (owner == nullptr || owner != current_ || enforced_ == Enforced::no) return false;
  return owner->refusals > kRefusalsMax || owner->used + more > owner->limit;
}

void Memory::count(Account* owner, std::size_t more, std::size_t less) {
  total_ += more;
  total_ -= less;
  if (owner == nullptr) return;
  owner->used += more;
  owner->used -= less;
  owner->peak = std::max(owner->peak, owner->used);
  if (owner->used == 0 && !owner->open) {
    accounts_.erase(owner);
    delete owner;
  }
}

void* Memory::allocate(void* user, void* block, std::size_t old_size, std::size_t new_size) {
  auto& self = *static_cast<Memory*>(user);
  auto* header = block == nullptr ? nullptr : static_cast<Header*>(block) - 1;
  if (new_size == 0) {
    if (header == nullptr) return nullptr;
    self.count(header->owner, 0, cost(old_size));
    std::free(header);
    return nullptr;
  }
  // For a new block old_size is its type, not a size.
  Account* owner = header == nullptr ? self.current_ : header->owner;
  const std::size_t less = header == nullptr ? 0 : cost(old_size);
  if (cost(new_size) > less && self.refuses(owner, cost(new_size) - less)) {
    ++owner->refusals;
    return nullptr;
  }
  auto* made = static_cast<Header*>(std::realloc(header, sizeof(Header) + new_size));
  if (made == nullptr) return nullptr;
  made->owner = owner;
  self.count(owner, cost(new_size), less);
  return made + 1;
}

}  // namespace tandem::lua
