// Netstrings, `<length>:<bytes>,`: the frames of the link in both directions.
//
//   socket ──push()──► [buffer] ──next()──► frames
//
// Thread: one (the link's, [control]). Not a socket.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::kamailio {

class Netstrings {
 public:
  enum class Verdict { ok, broken };

  // Frames above `frame_max` bytes are skipped and counted; the stream stays in step.
  explicit Netstrings(std::size_t frame_max) : frame_max_(frame_max) {}

  // Takes bytes as they come. broken: no length, a length of more than nine digits, or no comma where the
  // frame ends; what follows cannot be told apart any more, so the connection is to be reset.
  [[nodiscard]] Verdict push(std::string_view bytes);
  // The next whole frame, valid until the next push().
  std::optional<std::string_view> next();
  // Back to an empty stream, after a reconnect.
  void reset();

  std::size_t oversized() const { return oversized_; }

 private:
  Verdict scan();

  std::string buffer_;
  std::size_t read_ = 0;    // start of what next() has not given yet
  std::size_t parsed_ = 0;  // start of what scan() has not looked at
  std::size_t skip_ = 0;    // bytes of an oversized frame still to come, its comma included
  std::size_t frame_max_;
  std::size_t oversized_ = 0;
};

// `text` as one frame.
std::string netstring(std::string_view text);

}  // namespace tandem::kamailio
