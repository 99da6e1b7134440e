// PortSteering (port_steering.hpp): the program and its maps. Source: Documentation/bpf/prog_sk_lookup.rst,
// bpf(2).
#include "core/loop/port_steering.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
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

int make_map(std::uint32_t type, std::uint32_t key_bytes, std::uint32_t value_bytes, std::size_t entries) {
  bpf_attr a{};
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

constexpr Reg r0 = 0, r1 = 1, r2 = 2, r3 = 3, r6 = 6, r7 = 7, r8 = 8, stack = 10;
constexpr int kKeyAt = -8, kLoopAt = -12;

int load_program(int table, int sockets) {
  using Context = bpf_sk_lookup;
  const std::array program{
      /*  0 */ copy(r6, r1),
      /*  1 */ load32(r2, r6, offsetof(Context, family)),
      /*  2 */ unless_is(r2, AF_INET, 32),  // → 35
      /*  3 */ load32(r2, r6, offsetof(Context, protocol)),
      /*  4 */ unless_is(r2, IPPROTO_UDP, 30),  // → 35
                                                // r0 = table[local]
      /*  5 */ load32(r2, r6, offsetof(Context, local_ip4)),
      /*  6 */ store32(stack, kKeyAt, r2),
      /*  7 */ load32(r2, r6, offsetof(Context, local_port)),
      /*  8 */ store32(stack, kKeyAt + 4, r2),
      /*  9 */ map_first(r1, table),
      /* 10 */ map_second(),
      /* 11 */ copy(r2, stack),
      /* 12 */ add(r2, kKeyAt),
      /* 13 */ call(BPF_FUNC_map_lookup_elem),
      /* 14 */ if_is(r0, 0, 20),  // → 35
      /* 15 */ copy(r7, r0),
      // focused: others are dropped
      /* 16 */ load32(r2, r7, offsetof(Value, peer_host)),
      /* 17 */ if_is(r2, 0, 5),  // → 23
      /* 18 */ load32(r3, r6, offsetof(Context, remote_ip4)),
      /* 19 */ unless_same(r2, r3, 17),  // → 37
      /* 20 */ load32(r2, r7, offsetof(Value, peer_port)),
      /* 21 */ load16(r3, r6, offsetof(Context, remote_port)),
      /* 22 */ unless_same(r2, r3, 14),  // → 37
                                         // r8 = sockets[loop]; take it
      /* 23 */ load32(r2, r7, offsetof(Value, loop)),
      /* 24 */ store32(stack, kLoopAt, r2),
      /* 25 */ map_first(r1, sockets),
      /* 26 */ map_second(),
      /* 27 */ copy(r2, stack),
      /* 28 */ add(r2, kLoopAt),
      /* 29 */ call(BPF_FUNC_map_lookup_elem),
      /* 30 */ if_is(r0, 0, 4),  // → 35
      /* 31 */ copy(r8, r0),
      /* 32 */ copy(r1, r6),
      /* 33 */ copy(r2, r8),
      /* 34 */ insn(BPF_JMP | BPF_JA, 0, 0, 4, 0),  // → 39
      /* 35 */ set(r0, SK_PASS),
      /* 36 */ leave(),
      /* 37 */ set(r0, SK_DROP),
      /* 38 */ leave(),
      /* 39 */ set(r3, 0),
      /* 40 */ call(BPF_FUNC_sk_assign),
      /* 41 */ copy(r1, r8),
      /* 42 */ call(BPF_FUNC_sk_release),
      /* 43 */ set(r0, SK_PASS),
      /* 44 */ leave(),
  };
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
  const int table = make_map(BPF_MAP_TYPE_HASH, sizeof(Key), sizeof(Value), ports);
  if (table < 0) return failed("making a BPF map", errno);
  const int sockets = make_map(BPF_MAP_TYPE_SOCKMAP, sizeof(std::uint32_t), sizeof(std::uint64_t), loops);
  std::unique_ptr<PortSteering> made(new PortSteering(table, sockets));
  if (sockets < 0) return failed("making a BPF socket map", errno);
  if (auto attached = made->attach(); !attached) return attached.error();
  return made;
}

Result<void> PortSteering::attach() {
  program_ = load_program(table_, sockets_);
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
  for (const int fd : {link_, program_, sockets_, table_})
    if (fd >= 0) ::close(fd);
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

bool PortSteering::lead(const Address& local, std::uint32_t loop, const Address& peer) {
  const Key key = key_of(local);
  Value value{loop, 0, 0};
  if (peer.valid() && peer.family() == Family::v4) value = {loop, key_of(peer).host, htons(peer.port())};
  return update(table_, &key, &value, BPF_EXIST) == 0;
}

void PortSteering::remove(const Address& local) {
  const Key key = key_of(local);
  bpf_attr a{};
  a.map_fd = static_cast<std::uint32_t>(table_);
  a.key = pointer(&key);
  (void)bpf(BPF_MAP_DELETE_ELEM, a);
}

}  // namespace tandem::loop
