// IceLite: our end of ICE on one leg (RFC 8445, a lite agent: 2.5, 5.2, 7.3, 8.2): it asks nobody, it answers
// the peer's checks, and learns from them which of the peer's addresses are reached from here and which one
// the peer has chosen.
//
//   check ─ parse ─ USERNAME is ours ─ MESSAGE-INTEGRITY ─ unknown attributes ─ role ─► answer: the address
//                                                                              └► Source, nominated? selected
//
// Lite agents are always controlled: a peer that claims to be that too is told of the conflict (487). Only
// who knows the password of the SDP gets anything of it, and an answer is never longer than what was asked,
// but for a success. A restart (RFC 8445 9) keeps the pair in use until the new one is nominated, and the
// credentials before. Consent (RFC 7675) is answered as any check. Thread: made on [control], [media]
// afterwards; no allocation, no clock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/base/address.hpp"
#include "core/base/time.hpp"
#include "core/stun/message.hpp"

namespace tandem::stun {

// ice-ufrag and ice-pwd of an SDP (RFC 8839 5.4).
struct Credentials {
  std::string ufrag, password;
  bool operator==(const Credentials&) const = default;
};
// [control] Random ones of ours: 8 and 24 characters of RFC 8839's ice-char (47 and 142 bits).
Credentials make_credentials();
// [any] Whether a peer's can be used: 4 to 256 and 22 to 256 visible characters, no colon in the ufrag
// (RFC 8839 5.4 has letters, digits, + and / only; some write others).
bool good_credentials(std::string_view ufrag, std::string_view password);

struct IceConfig {
  Credentials ours;
  std::string peer_ufrag;  // "": not known yet, its SDP has not come
  bool operator==(const IceConfig&) const = default;
};

enum class Component : std::uint8_t { rtp, rtcp };

class IceLite {
 public:
  static constexpr std::size_t kSourcesMax = 8;  // of a component; the longest silent one gives way
  static constexpr std::size_t kAnswerBytesMax = 128;
  static constexpr unsigned kChecksPerSecond = 400;  // of a leg whose password is looked at; others are lost
  static constexpr unsigned kErrorsPerSecond = 20;   // that are answered
  static constexpr Nanos kSilentAfter = milliseconds(1500);  // then a lesser nomination may win

  enum class Verdict : std::uint8_t {
    answered,      // a check that is the peer's
    unauthorized,  // not with our user name, or not with our password
    refused,       // broken, unknown attributes, a conflict of roles
    ignored,       // an indication, or an answer to what nobody asked
    over_limit,
  };
  struct Outcome {
    Verdict verdict = Verdict::ignored;
    std::size_t answer_bytes = 0;  // 0: nothing is answered
    bool selected = false;         // selected() of this component is another one from now on
  };

  // [control]
  explicit IceLite(IceConfig config) : config_(std::move(config)) {}

  // Goes on where `before` was: with the same credentials all that was learned of this peer stays, with
  // others it is a restart. `before` is used up. [media]
  void follow(IceLite& before);

  // Judges one datagram for which is_stun() holds; the answer for its source is written into `out` (room for
  // kAnswerBytesMax). [media]
  Outcome on_datagram(std::span<const std::uint8_t> bytes, const Address& source, Component component,
                      TimePoint now, std::span<std::uint8_t> out);

  // Whether a packet's source has been checked; it is then known to be alive. [media]
  bool admits(const Address& source, Component component, TimePoint now);
  // The peer's address that it has nominated; invalid: none yet. [media]
  Address selected(Component component) const;

  const IceConfig& config() const { return config_; }

 private:
  struct Source {
    Address address;
    std::uint32_t priority = 0;
    std::uint32_t peer = 0;  // who checked: a hash of its ufrag
    TimePoint heard{};
    bool before_restart = false;
  };
  struct Known {
    std::array<Source, kSourcesMax> sources{};
    std::size_t count = 0;
    std::size_t selected = kSourcesMax;  // index; kSourcesMax: none
  };
  Outcome answer_check(const Message& check, const Address& source, Component component, TimePoint now,
                       std::span<std::uint8_t> out);
  Outcome refuse(const Message& check, ErrorNumber error, const std::string* password,
                 std::span<std::uint8_t> out);
  const Credentials* credentials_for(std::string_view username) const;
  Source& learn(Known& known, const Address& source, std::uint32_t peer, TimePoint now);
  static void forget(Known& known, std::size_t at);
  bool nominate(Known& known, Source& source, TimePoint now);
  void begin_second(TimePoint now);
  Known& known(Component component) { return known_[static_cast<std::size_t>(component)]; }

  // owned
  IceConfig config_;
  Credentials before_;  // of before a restart, taken until a new pair is nominated
  // state
  std::array<Known, 2> known_;
  TimePoint second_{};
  unsigned checks_ = 0, errors_ = 0;  // in this second
};

}  // namespace tandem::stun
