// Memory: the allocator of the one lua_State, which knows for every block which call it belongs to.
//
//   Lua ──allocate(size)──► [owner | block]     the owner is the call that runs at this moment
//   limit reached ──► no block ──► Lua collects garbage once ──► still none: "not enough memory", in that
//   call
//
// A block stays on its first owner's account when it is resized or freed later, whoever runs then. What the
// host itself makes for a call is counted on the call's account but never refused (Enforced::no), since
// outside of a protected call a refusal would end the process. Thread: [control].
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_set>

namespace tandem::lua {

struct Account {
  std::size_t used = 0;  // bytes, with 16 a block for what stands around it
  std::size_t peak = 0;
  std::size_t limit = 0;
  std::uint32_t refusals = 0;  // each one made Lua collect all garbage
  bool open = true;
};

enum class Enforced : std::uint8_t { no, yes };

class Memory {
 public:
  // Above this many refusals an account gets no block at all: each refusal costs a full collection.
  static constexpr std::uint32_t kRefusalsMax = 32;

  Memory() = default;
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // Lives until close() was called and its last block was freed.
  Account* open(std::size_t limit_bytes);
  void close(Account* account);

  // A lua_Alloc; `user` is the Memory.
  static void* allocate(void* user, void* block, std::size_t old_size, std::size_t new_size);

  std::size_t total() const { return total_; }
  std::size_t accounts() const { return accounts_.size(); }

  // While it lives, new blocks go to `account` (null: the host's own).
  class Scope {
   public:
    Scope(Memory& memory, Account* account, Enforced enforced)
        : memory_(memory), account_(memory.current_), enforced_(memory.enforced_) {
      memory_.current_ = account;
      memory_.enforced_ = enforced;
    }
    ~Scope() {
      memory_.current_ = account_;
      memory_.enforced_ = enforced_;
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Memory& memory_;
    Account* account_;
    Enforced enforced_;
  };

 private:
  bool refuses(Account* owner, std::size_t more) const;
  void count(Account* owner, std::size_t more, std::size_t less);

  std::unordered_set<Account*> accounts_;
  Account* current_ = nullptr;
  Enforced enforced_ = Enforced::no;
  std::size_t total_ = 0;
};

}  // namespace tandem::lua
