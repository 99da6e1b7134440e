// Player: packets in as the network brings them, PCM out on a clock: what is compared.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace tandem::bench {

enum class Coding : std::uint8_t { pcmu, opus };

constexpr unsigned rate_of(Coding coding) { return coding == Coding::pcmu ? 8000 : 48000; }

struct Packet {
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::vector<std::uint8_t> payload;
};

class Player {
 public:
  virtual ~Player() = default;
  virtual void push(const Packet& packet, double now_ms) = 0;
  virtual void pull(std::span<std::int16_t> frame, double now_ms) = 0;
  virtual unsigned tick_ms() const = 0;
  // Samples made up, and those taken out or put in, until now.
  virtual std::uint64_t made_up() const = 0;
  virtual std::uint64_t scaled() const = 0;
};

// The server's own, as a leg has it. `tick_ms` 10 or 20.
std::unique_ptr<Player> make_tandem(Coding coding, unsigned tick_ms);
// WebRTC's NetEq as it comes; null where it was not built in.
std::unique_ptr<Player> make_neteq(Coding coding);

// Everything as packets of 20 ms; and back without any loss, as a listener on a perfect line hears it.
std::vector<Packet> encode(Coding coding, std::span<const std::int16_t> pcm);
std::vector<std::int16_t> decode(Coding coding, const std::vector<Packet>& packets);

}  // namespace tandem::bench
