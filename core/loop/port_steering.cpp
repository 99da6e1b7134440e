// PortSteering (port_steering.hpp): the program and its maps. Source: Documentation/bpf/prog_sk_lookup.rst,
// bpf(2).
#include "core/loop/port_steering.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace tandem::loop {
namespace {

// The table: key and value as the program reads them.
struct Key {
  std::uint32_t host;  // network order
  std::uint32_t port;  // host order: so the kernel gives it
};
struct Value {
  std::uint32_t loop;
  std::uint32_t peer_host;  // network order; 0: anyone
  std::uint32_t peer_port;  // network order
};

// What is found by port alone: of one host at most, the others are in the table only. Ports that are used
// together lie together, where the table's entries are all over the memory. A number that none of ours ever
// had is 0: its datagrams, which may be all that others on this machine receive, are passed on without asking
// the table. It never becomes 0 again, as another host of ours may still have it.
constexpr std::size_t kPorts = 65536;
constexpr std::uint64_t kAskTable = PortSteering::kNobody;  // no host is 255.255.255.255
constexpr std::uint64_t kBeingTaken = std::uint64_t{1} << 32 | kAskTable;
constexpr std::uint64_t owner_of(std::uint32_t host, std::uint32_t loop) {
  return std::uint64_t{loop} << 32 | host;
}

Key key_of(const Address& local) {
  sockaddr_in raw{};
  std::memcpy(&raw, local.raw(), sizeof raw);
  return {raw.sin_addr.s_addr, local.port()};
}

int bpf(int command, bpf_attr& attributes) {
  return static_cast<int>(syscall(SYS_bpf, command, &attributes, sizeof attributes));
}
template <typename T>
std::uint64_t pointer(const T* to) {
  return reinterpret_cast<std::uint64_t>(to);
}

int make_map(std::uint32_t type, std::uint32_t key_bytes, std::uint32_t value_bytes, std::size_t entries,
             std::uint32_t flags = 0) {
  bpf_attr a{};
  a.map_flags = flags;
  a.map_type = type;
  a.key_size = key_bytes;
  a.value_size = value_bytes;
  a.max_entries = static_cast<std::uint32_t>(entries);
  return bpf(BPF_MAP_CREATE, a);
}

int update(int map, const void* key, const void* value, std::uint64_t flags) {
  bpf_attr a{};
  a.map_fd = static_cast<std::uint32_t>(map);
  a.key = reinterpret_cast<std::uint64_t>(key);
  a.value = reinterpret_cast<std::uint64_t>(value);
  a.flags = flags;
  return bpf(BPF_MAP_UPDATE_ELEM, a);
}

Error failed(const char* step, int error) {
  const ErrorCode code = error == EPERM || error == EACCES    ? ErrorCode::denied
                         : error == ENOMEM || error == EMFILE ? ErrorCode::exhausted
                                                              : ErrorCode::unsupported;
  return {code, fmt::format("{}: {}", step, std::strerror(error))};
}

// ---- the program, instruction by instruction (include/uapi/linux/bpf.h)

using Insn = bpf_insn;
using Reg = std::uint8_t;

constexpr Insn insn(int code, Reg to, Reg from, int offset, int value) {
  Insn i{};
  i.code = static_cast<std::uint8_t>(code);
  i.dst_reg = to & 15U;
  i.src_reg = from & 15U;
  i.off = static_cast<std::int16_t>(offset);
  i.imm = value;
  return i;
}
constexpr Insn copy(Reg to, Reg from) { return insn(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0); }
constexpr Insn set(Reg to, int value) { return insn(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value); }
// NOLINTNEXTLINE(misc-redundant-expression): two of the words are 0
constexpr Insn add(Reg to, int value) { return insn(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value); }
constexpr Insn load32(Reg to, Reg from, std::size_t at) {
  return insn(BPF_LDX | BPF_MEM | BPF_W, to, from, static_cast<int>(at), 0);
}
constexpr Insn load16(Reg to, Reg from, std::size_t at) {
  return insn(BPF_LDX | BPF_MEM | BPF_H, to, from, static_cast<int>(at), 0);
}
constexpr Insn store32(Reg to, int at, Reg from) { return insn(BPF_STX | BPF_MEM | BPF_W, to, from, at, 0); }
constexpr Insn call(int function) { return insn(BPF_JMP | BPF_CALL, 0, 0, 0, function); }
constexpr Insn leave() { return insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }
// `skip` counts from the next instruction.
constexpr Insn unless_is(Reg a, int value, int skip) {
  return insn(BPF_JMP | BPF_JNE | BPF_K, a, 0, skip, value);
}
constexpr Insn if_is(Reg a, int value, int skip) {
  return insn(BPF_JMP | BPF_JEQ | BPF_K, a, 0, skip, value);
}
constexpr Insn unless_same(Reg a, Reg b, int skip) { return insn(BPF_JMP | BPF_JNE | BPF_X, a, b, skip, 0); }
constexpr Insn map_first(Reg to, int map) {
  // NOLINTNEXTLINE(misc-redundant-expression): two of the words are 0
  return insn(BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_FD, 0, map);
}
constexpr Insn map_second() { return insn(0, 0, 0, 0, 0); }

constexpr Insn low_half(Reg to, Reg from) { return insn(BPF_ALU | BPF_MOV | BPF_X, to, from, 0, 0); }
constexpr Insn shift_right(Reg to, int by) { return insn(BPF_ALU64 | BPF_RSH | BPF_K, to, 0, 0, by); }
constexpr Insn load64(Reg to, Reg from, std::size_t at) {
  return insn(BPF_LDX | BPF_MEM | BPF_DW, to, from, static_cast<int>(at), 0);
}
constexpr Insn go(int skip) { return insn(BPF_JMP | BPF_JA, 0, 0, skip, 0); }

constexpr Reg r0 = 0, r1 = 1, r2 = 2, r3 = 3, r4 = 4, r6 = 6, r7 = 7, r8 = 8, stack = 10;
constexpr int kKeyAt = -8, kLoopAt = -12;

auto make_program(int by_port, int table, int sockets) {
  using Context = bpf_sk_lookup;
  return std::array{
      /*  0 */ copy(r6, r1),
      /*  1 */ load32(r2, r6, offsetof(Context, family)),
      /*  2 */ unless_is(r2, AF_INET, 47),  // → 50
      /*  3 */ load32(r2, r6, offsetof(Context, protocol)),
      /*  4 */ unless_is(r2, IPPROTO_UDP, 45),  // → 50
      /*  5 */ load32(r8, r6, offsetof(Context, local_ip4)),
      /*  6 */ store32(stack, kKeyAt, r8),
      /*  7 */ load32(r2, r6, offsetof(Context, local_port)),
      /*  8 */ store32(stack, kKeyAt + 4, r2),
      // r0 = by_port[port]; is it this host's?
      /*  9 */ map_first(r1, by_port),
      /* 10 */ map_second(),
      /* 11 */ copy(r2, stack),
      /* 12 */ add(r2, kKeyAt + 4),
      /* 13 */ call(BPF_FUNC_map_lookup_elem),
      /* 14 */ if_is(r0, 0, 35),  // → 50
      /* 15 */ load64(r7, r0, offsetof(PortSteering::Owned, owner)),
      /* 16 */ if_is(r7, 0, 33),  // → 50: that number was never anybody's
      /* 17 */ low_half(r2, r7),
      /* 18 */ unless_same(r2, r8, 4),  // → 23
      /* 19 */ shift_right(r7, 32),
      /* 20 */ load32(r2, r0, offsetof(PortSteering::Owned, peer_host)),
      /* 21 */ load32(r3, r0, offsetof(PortSteering::Owned, peer_port)),
      /* 22 */ go(9),  // → 32
                       // r0 = table[host, port]
      /* 23 */ map_first(r1, table),
      /* 24 */ map_second(),
      /* 25 */ copy(r2, stack),
      /* 26 */ add(r2, kKeyAt),
      /* 27 */ call(BPF_FUNC_map_lookup_elem),
      /* 28 */ if_is(r0, 0, 21),  // → 50
      /* 29 */ load32(r7, r0, offsetof(Value, loop)),
      /* 30 */ load32(r2, r0, offsetof(Value, peer_host)),
      /* 31 */ load32(r3, r0, offsetof(Value, peer_port)),
      // focused: others are dropped
      /* 32 */ if_is(r2, 0, 4),  // → 37
      /* 33 */ load32(r4, r6, offsetof(Context, remote_ip4)),
      /* 34 */ unless_same(r2, r4, 17),  // → 52
      /* 35 */ load16(r4, r6, offsetof(Context, remote_port)),
      /* 36 */ unless_same(r3, r4, 15),  // → 52
                                         // r8 = sockets[loop]; take it
      /* 37 */ store32(stack, kLoopAt, r7),
      /* 38 */ map_first(r1, sockets),
      /* 39 */ map_second(),
      /* 40 */ copy(r2, stack),
      /* 41 */ add(r2, kLoopAt),
      /* 42 */ call(BPF_FUNC_map_lookup_elem),
      /* 43 */ if_is(r0, 0, 6),  // → 50
      /* 44 */ copy(r8, r0),
      /* 45 */ copy(r1, r6),
      /* 46 */ copy(r2, r8),
      /* 47 */ set(r3, 0),
      /* 48 */ call(BPF_FUNC_sk_assign),
      /* 49 */ go(4),  // → 54
      /* 50 */ set(r0, SK_PASS),
      /* 51 */ leave(),
      /* 52 */ set(r0, SK_DROP),
      /* 53 */ leave(),
      /* 54 */ copy(r1, r8),
      /* 55 */ call(BPF_FUNC_sk_release),
      /* 56 */ set(r0, SK_PASS),
      /* 57 */ leave(),
  };
}

int load_program(int by_port, int table, int sockets) {
  const auto program = make_program(by_port, table, sockets);
  bpf_attr a{};
  a.prog_type = BPF_PROG_TYPE_SK_LOOKUP;
  a.expected_attach_type = BPF_SK_LOOKUP;
  a.insns = pointer(program.data());
  a.insn_cnt = static_cast<std::uint32_t>(program.size());
  a.license = pointer("Apache-2.0");  // it calls nothing that wants another one
  std::strncpy(a.prog_name, "tandem_ports", sizeof a.prog_name - 1);
  return bpf(BPF_PROG_LOAD, a);
}

}  // namespace

Result<std::unique_ptr<PortSteering>> PortSteering::create(std::size_t ports, std::size_t loops) {
  std::unique_ptr<PortSteering> made(new PortSteering());
  made->table_ = make_map(BPF_MAP_TYPE_HASH, sizeof(Key), sizeof(Value), ports);
  if (made->table_ < 0) return failed("making a BPF map", errno);
  made->by_port_ = make_map(BPF_MAP_TYPE_ARRAY, sizeof(std::uint32_t), sizeof(Owned), kPorts, BPF_F_MMAPABLE);
  if (made->by_port_ < 0) return failed("making a BPF array", errno);
  void* mapped = mmap(nullptr, kPorts * sizeof(Owned), PROT_READ | PROT_WRITE, MAP_SHARED, made->by_port_, 0);
  if (mapped == MAP_FAILED) return failed("mapping a BPF array", errno);
  made->owned_ = static_cast<Owned*>(mapped);
  made->sockets_ = make_map(BPF_MAP_TYPE_SOCKMAP, sizeof(std::uint32_t), sizeof(std::uint64_t), loops);
  if (made->sockets_ < 0) return failed("making a BPF socket map", errno);
  if (auto attached = made->attach(); !attached) return attached.error();
  return made;
}

Result<void> PortSteering::attach() {
  program_ = load_program(by_port_, table_, sockets_);
  if (program_ < 0) return failed("loading a BPF sk_lookup program", errno);
  const int net = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (net < 0) return failed("opening /proc/self/ns/net", errno);
  bpf_attr a{};
  a.link_create.prog_fd = static_cast<std::uint32_t>(program_);
  a.link_create.target_fd = static_cast<std::uint32_t>(net);
  a.link_create.attach_type = BPF_SK_LOOKUP;
  link_ = bpf(BPF_LINK_CREATE, a);
  const int error = errno;
  ::close(net);
  if (link_ < 0) return failed("attaching the BPF sk_lookup program", error);
  return {};
}

PortSteering::~PortSteering() {
  for (const int fd : {link_, program_, sockets_, by_port_, table_})
    if (fd >= 0) ::close(fd);
  if (owned_ != nullptr) munmap(owned_, kPorts * sizeof(Owned));
}

Result<void> PortSteering::set_socket(std::uint32_t loop, int fd) {
  const auto value = static_cast<std::uint64_t>(fd);
  if (update(sockets_, &loop, &value, BPF_ANY) != 0) return failed("putting a socket into a BPF map", errno);
  return {};
}

bool PortSteering::reserve(const Address& local) {
  const Key key = key_of(local);
  const Value value{kNobody, 0, 0};
  return update(table_, &key, &value, BPF_NOEXIST) == 0;
}

// The table is what counts, and what the program asks when the port's place is not this host's: so a place is
// given up before the table changes, and taken when it has.
bool PortSteering::lead(const Address& local, std::uint32_t loop, const Address& peer) {
  const Key key = key_of(local);
  Value value{loop, 0, 0};
  if (peer.valid() && peer.family() == Family::v4) value = {loop, key_of(peer).host, htons(peer.port())};
  give_up(local);
  if (update(table_, &key, &value, BPF_EXIST) != 0) return false;
  if (loop == kNobody) return true;
  Owned& place = owned_[local.port()];
  const std::atomic_ref owner(place.owner);
  std::uint64_t unused = 0, given_up = kAskTable;
  if (!owner.compare_exchange_strong(unused, kBeingTaken) &&
      !owner.compare_exchange_strong(given_up, kBeingTaken))
    return true;  // another host's
  std::atomic_ref(place.peer_host).store(value.peer_host, std::memory_order_relaxed);
  std::atomic_ref(place.peer_port).store(value.peer_port, std::memory_order_relaxed);
  owner.store(owner_of(key.host, loop), std::memory_order_release);
  return true;
}

void PortSteering::give_up(const Address& local) {
  const std::atomic_ref owner(owned_[local.port()].owner);
  std::uint64_t seen = owner.load(std::memory_order_relaxed);
  if (static_cast<std::uint32_t>(seen) == key_of(local).host)
    (void)owner.compare_exchange_strong(seen, kAskTable);
}

void PortSteering::remove(const Address& local) {
  give_up(local);
  const Key key = key_of(local);
  bpf_attr a{};
  a.map_fd = static_cast<std::uint32_t>(table_);
  a.key = pointer(&key);
  (void)bpf(BPF_MAP_DELETE_ELEM, a);
}

}  // namespace tandem::loop
