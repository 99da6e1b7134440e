// The file is read, mixed down and converted block by block, so that what is held is the result and one
// block. The limits are checked against what is really read: a header may say anything.
#include "core/audio/sound_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <samplerate.h>
#include <sndfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <memory>

namespace tandem::audio {
namespace {

constexpr std::size_t kBlock = 4096;  // frames
constexpr int kQuality = SRC_SINC_MEDIUM_QUALITY;

struct CloseSound {
  void operator()(SNDFILE* file) const { sf_close(file); }
};
struct CloseConverter {
  void operator()(SRC_STATE* state) const { src_delete(state); }
};
using SoundHandle = std::unique_ptr<SNDFILE, CloseSound>;

// Appends converted samples to a Sound; a copier when the rates are equal.
class Converter {
 public:
  Converter(unsigned from, unsigned to, Sound& into) : ratio_(static_cast<double>(to) / from), into_(into) {
    int error = 0;
    if (from != to) state_.reset(src_new(kQuality, 1, &error));
    if (from != to && !state_) throw std::bad_alloc();
  }

  bool put(std::span<const float> in, bool end) {
    if (!state_) {
      append(in);
      return true;
    }
    SRC_DATA data{};
    data.data_in = in.data();
    data.input_frames = static_cast<long>(in.size());
    data.src_ratio = ratio_;
    data.end_of_input = end ? 1 : 0;
    do {
      data.data_out = block_;
      data.output_frames = static_cast<long>(kBlock);
      if (src_process(state_.get(), &data) != 0) return false;
      append({block_, static_cast<std::size_t>(data.output_frames_gen)});
      data.data_in += data.input_frames_used;
      data.input_frames -= data.input_frames_used;
    } while (data.input_frames > 0 || data.output_frames_gen > 0);
    return true;
  }

 private:
  void append(std::span<const float> pcm) {
    for (const float value : pcm) {
      const float sane = std::isfinite(value) ? std::clamp(value, -1.0f, 1.0f) : 0.0f;
      into_.pcm.push_back(
          static_cast<std::int16_t>(std::clamp(std::lrintf(sane * 32768.0f), -32768l, 32767l)));
    }
  }

  double ratio_;
  Sound& into_;
  std::unique_ptr<SRC_STATE, CloseConverter> state_;
  float block_[kBlock];
};

Error not_sound(const std::string& what, const char* seen) {
  return {ErrorCode::invalid, fmt::format("{}: expected a sound file (WAV, FLAC, OGG), {}", what, seen)};
}

Result<void> check(const std::string& what, const SF_INFO& info, const SoundLimits& limits) {
  if (info.channels < 1 || static_cast<unsigned>(info.channels) > limits.max_channels)
    return Error{ErrorCode::invalid, fmt::format("{}: expected 1 to {} channels, it has {}", what,
                                                 limits.max_channels, info.channels)};
  if (info.samplerate < static_cast<int>(limits.min_rate) ||
      info.samplerate > static_cast<int>(limits.max_rate))
    return Error{ErrorCode::invalid, fmt::format("{}: expected {} to {} samples a second, it has {}", what,
                                                 limits.min_rate, limits.max_rate, info.samplerate)};
  return {};
}

Result<Sound> read_all(const std::string& what, SNDFILE* file, const SF_INFO& info, unsigned rate,
                       const SoundLimits& limits, Channel channel) {
  if (auto checked = check(what, info, limits); !checked) return checked.error();
  Sound sound{rate, {}, static_cast<unsigned>(info.channels)};
  const auto most = static_cast<sf_count_t>(limits.max_seconds) * info.samplerate;
  const auto expected =
      static_cast<std::uint64_t>(std::clamp<sf_count_t>(info.frames, 0, 60 * info.samplerate));
  sound.pcm.reserve(
      static_cast<std::size_t>(expected * rate / static_cast<unsigned>(info.samplerate) + kBlock));
  Converter converter(static_cast<unsigned>(info.samplerate), rate, sound);
  const auto channels = static_cast<std::size_t>(info.channels);
  std::vector<float> block(kBlock * channels);
  sf_count_t total = 0;
  for (bool end = false; !end;) {
    const sf_count_t got = sf_readf_float(file, block.data(), static_cast<sf_count_t>(kBlock));
    const std::size_t n = got > 0 ? static_cast<std::size_t>(got) : 0;
    end = n == 0;
    total += static_cast<sf_count_t>(n);
    if (total > most)
      return Error{ErrorCode::exhausted, fmt::format("{}: longer than {} s", what, limits.max_seconds)};
    for (std::size_t i = 0; channels == 2 && i < n; ++i)
      block[i] = channel == Channel::left    ? block[2 * i]
                 : channel == Channel::right ? block[2 * i + 1]
                                             : (block[2 * i] + block[2 * i + 1]) * 0.5f;
    if (!converter.put({block.data(), n}, end)) return not_sound(what, "its samples cannot be converted");
  }
  if (total == 0) return not_sound(what, "it has no samples");
  return sound;
}

// libsndfile's file in memory.
struct Memory {
  std::span<const std::uint8_t> bytes;
  sf_count_t at = 0;
};

sf_count_t memory_length(void* user) {
  return static_cast<sf_count_t>(static_cast<Memory*>(user)->bytes.size());
}
sf_count_t memory_tell(void* user) { return static_cast<Memory*>(user)->at; }
sf_count_t memory_write(const void*, sf_count_t, void*) { return 0; }

sf_count_t memory_seek(sf_count_t offset, int whence, void* user) {
  auto* memory = static_cast<Memory*>(user);
  const sf_count_t size = memory_length(user);
  sf_count_t base = 0;
  if (whence == SEEK_CUR) base = memory->at;
  if (whence == SEEK_END) base = size;
  sf_count_t to = 0;
  if (__builtin_add_overflow(base, offset, &to) || to < 0 || to > size) return -1;
  return memory->at = to;
}

sf_count_t memory_read(void* into, sf_count_t count, void* user) {
  auto* memory = static_cast<Memory*>(user);
  const sf_count_t n = std::clamp<sf_count_t>(count, 0, memory_length(user) - memory->at);
  if (n > 0) std::memcpy(into, memory->bytes.data() + memory->at, static_cast<std::size_t>(n));
  memory->at += n;
  return n;
}

Result<void> check_rate(unsigned rate) {
  if (rate >= 8000 && rate <= 48000) return {};
  return Error{ErrorCode::invalid, fmt::format("sound: expected a rate of 8000 to 48000, got {}", rate)};
}

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

Error cannot_open(const std::string& path, int error) {
  const char* why = std::strerror(error);
  if (error == ENOENT || error == ENOTDIR)
    return {ErrorCode::not_found, fmt::format("{}: there is no such file", path)};
  if (error == EMFILE || error == ENFILE) return {ErrorCode::exhausted, fmt::format("{}: {}", path, why)};
  return {ErrorCode::denied, fmt::format("{}: cannot be read: {}", path, why)};
}

}  // namespace

Result<Sound> read_sound(const std::string& path, unsigned rate, const SoundLimits& limits, Channel channel) {
  if (auto checked = check_rate(rate); !checked) return checked.error();
  // O_NONBLOCK: a pipe or device put there must not hold the thread.
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  struct stat status {};
  if (file.fd < 0 || ::fstat(file.fd, &status) != 0) return cannot_open(path, errno);
  if (!S_ISREG(status.st_mode))
    return Error{ErrorCode::denied, fmt::format("{}: is not a regular file", path)};
  if (static_cast<std::uint64_t>(status.st_size) > limits.max_bytes)
    return Error{ErrorCode::exhausted,
                 fmt::format("{}: has {} bytes, at most {} are read", path,
                             static_cast<std::uint64_t>(status.st_size), limits.max_bytes)};
  SF_INFO info{};
  const SoundHandle sound(sf_open_fd(file.fd, SFM_READ, &info, SF_FALSE));
  if (!sound) return not_sound(path, sf_strerror(nullptr));
  return read_all(path, sound.get(), info, rate, limits, channel);
}

Result<Sound> read_sound(std::span<const std::uint8_t> bytes, unsigned rate, const SoundLimits& limits) {
  if (auto checked = check_rate(rate); !checked) return checked.error();
  if (bytes.size() > limits.max_bytes)
    return Error{ErrorCode::exhausted,
                 fmt::format("sound: has {} bytes, at most {} are read", bytes.size(), limits.max_bytes)};
  Memory memory{bytes};
  SF_VIRTUAL_IO io{memory_length, memory_seek, memory_read, memory_write, memory_tell};
  SF_INFO info{};
  const SoundHandle sound(sf_open_virtual(&io, SFM_READ, &info, &memory));
  if (!sound) return not_sound("sound", sf_strerror(nullptr));
  return read_all("sound", sound.get(), info, rate, limits, Channel::both);
}

Result<std::vector<std::int16_t>> convert_rate(std::span<const std::int16_t> pcm, unsigned from,
                                               unsigned to) {
  if (from < 4000 || from > 192000 || to < 4000 || to > 192000)
    return Error{ErrorCode::invalid,
                 fmt::format("expected rates of 4000 to 192000, got {} and {}", from, to)};
  Sound sound{to, {}};
  Converter converter(from, to, sound);
  std::vector<float> block(kBlock);
  while (!pcm.empty()) {
    const std::size_t n = std::min(pcm.size(), kBlock);
    for (std::size_t i = 0; i < n; ++i) block[i] = static_cast<float>(pcm[i]) / 32768.0f;
    if (!converter.put({block.data(), n}, false)) return Error{ErrorCode::internal, "libsamplerate failed"};
    pcm = pcm.subspan(n);
  }
  if (!converter.put({block.data(), 0}, true)) return Error{ErrorCode::internal, "libsamplerate failed"};
  return std::move(sound.pcm);
}

}  // namespace tandem::audio
