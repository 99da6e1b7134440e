// Session: libsrtp2's session of one direction, for what counter_mode.hpp does not do: AES-GCM, several keys,
// machines without AES instructions. Thread: made and destroyed on [control], its calls are context.cpp's.
// Internal to core/srtp.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "core/base/result.hpp"
#include "core/srtp/key.hpp"

struct srtp_ctx_t_;

namespace tandem::srtp {

// Wiped and freed by itself; one that was made by default is none.
class Session {
 public:
  enum class With : std::uint8_t { first_key, all_keys };

  // [control] To send the stream with this SSRC, or to receive any. Errors: internal (libsrtp2 refuses; its
  // number).
  static Result<Session> create(const Protection& protection, std::optional<std::uint32_t> ssrc,
                                With with = With::first_key);

  Session() = default;
  Session(Session&& other) noexcept : session_(std::exchange(other.session_, nullptr)) {}
  Session& operator=(Session&&) = delete;
  ~Session();
  srtp_ctx_t_* get() const { return session_; }

 private:
  explicit Session(srtp_ctx_t_* session) : session_(session) {}
  srtp_ctx_t_* session_ = nullptr;
};

}  // namespace tandem::srtp
