// One header of 44 bytes, rewritten in place; samples are only ever appended. So at each moment the file's
// size tells how much there is, and a header that lags behind is repaired from it.
#include "core/audio/wav_writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace tandem::audio {
namespace {

static_assert(std::endian::native == std::endian::little, "samples are written as they lie in memory");

constexpr std::size_t kHeader = 44;
constexpr std::uint64_t kMostData = 0xFFFFFFFFu - 36;
constexpr std::string_view kSuffix = ".part";

using Header = std::array<std::uint8_t, kHeader>;

void put16(Header& header, std::size_t at, unsigned value) {
  header[at] = static_cast<std::uint8_t>(value & 0xFFu);
  header[at + 1] = static_cast<std::uint8_t>(value >> 8 & 0xFFu);
}
void put32(Header& header, std::size_t at, std::uint32_t value) {
  put16(header, at, value & 0xFFFFu);
  put16(header, at + 2, value >> 16);
}
unsigned get16(const Header& header, std::size_t at) { return header[at] + header[at + 1] * 256u; }

// RIFF/WAVE, format 1 (integer PCM), 16 bits.
Header make_header(unsigned rate, unsigned channels, std::uint64_t data_bytes) {
  Header header{};
  std::memcpy(header.data(), "RIFF\0\0\0\0WAVEfmt ", 16);
  std::memcpy(header.data() + 36, "data", 4);
  put32(header, 4, static_cast<std::uint32_t>(data_bytes + 36));
  put32(header, 16, 16);
  put16(header, 20, 1);
  put16(header, 22, channels);
  put32(header, 24, rate);
  put32(header, 28, rate * channels * 2);
  put16(header, 32, channels * 2);
  put16(header, 34, 16);
  put32(header, 40, static_cast<std::uint32_t>(data_bytes));
  return header;
}

Error failure(const std::string& path, const char* what, int error) {
  ErrorCode code = ErrorCode::internal;
  if (error == ENOENT || error == ENOTDIR) code = ErrorCode::not_found;
  if (error == EACCES || error == EPERM || error == EROFS || error == EISDIR) code = ErrorCode::denied;
  if (error == EEXIST) code = ErrorCode::conflict;
  if (error == ENOSPC || error == EDQUOT || error == EFBIG || error == EMFILE || error == ENFILE)
    code = ErrorCode::exhausted;
  return {code, fmt::format("recording {}: {}: {}", path, what, std::strerror(error))};
}

bool write_header(int fd, const Header& header) {
  return ::pwrite(fd, header.data(), header.size(), 0) == static_cast<ssize_t>(header.size());
}

// The rename is lasting only when the folder is on disk too; a file system that cannot do it is not our
// failure.
void sync_folder(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)::fsync(fd);
  ::close(fd);
}

// link() and unlink() instead of rename(): never over a file that is there. Where links are refused, rename.
Result<void> publish(const std::string& part, const std::string& path) {
  if (::link(part.c_str(), path.c_str()) == 0) {
    (void)::unlink(part.c_str());
  } else if (errno == EEXIST || ::access(path.c_str(), F_OK) == 0) {
    return failure(path, "cannot be published", EEXIST);
  } else if (::rename(part.c_str(), path.c_str()) != 0) {
    return failure(path, "cannot be published", errno);
  }
  sync_folder(path);
  return {};
}

}  // namespace

WavWriter::WavWriter(int fd, std::string path, unsigned rate, unsigned channels)
    : fd_(fd), path_(std::move(path)), rate_(rate), channels_(channels) {}

WavWriter::WavWriter(WavWriter&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      rate_(other.rate_),
      channels_(other.channels_),
      data_bytes_(other.data_bytes_),
      flushed_bytes_(other.flushed_bytes_),
      failed_(other.failed_) {}

WavWriter& WavWriter::operator=(WavWriter&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  std::swap(rate_, other.rate_);
  std::swap(channels_, other.channels_);
  std::swap(data_bytes_, other.data_bytes_);
  std::swap(flushed_bytes_, other.flushed_bytes_);
  std::swap(failed_, other.failed_);
  return *this;
}

WavWriter::~WavWriter() {
  if (fd_ < 0) return;
  (void)flush();
  ::close(fd_);
}

Result<WavWriter> WavWriter::open(const std::string& path, unsigned rate, unsigned channels) {
  if (channels < 1 || channels > 2 || rate < 4000 || rate > 192000)
    return Error{ErrorCode::invalid,
                 fmt::format("recording {}: expected 1 or 2 channels at 4000 to 192000 Hz, got {} at {}",
                             path, channels, rate)};
  if (::access(path.c_str(), F_OK) == 0) return failure(path, "is there already", EEXIST);
  const std::string part = path + std::string(kSuffix);
  const int fd = ::open(part.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  if (fd < 0) return failure(part, "cannot be created", errno);
  WavWriter writer(fd, path, rate, channels);
  errno = ENOSPC;  // what a short write means, when it sets nothing
  if (!write_header(fd, make_header(rate, channels, 0)) || ::lseek(fd, kHeader, SEEK_SET) < 0) {
    const int error = errno;
    writer.discard();
    return failure(part, "cannot be written", error);
  }
  return writer;
}

Result<void> WavWriter::write(std::span<const std::int16_t> samples) {
  if (fd_ < 0 || failed_) return Error{ErrorCode::internal, fmt::format("recording {}: is over", path_)};
  if (samples.size() % channels_ != 0)
    return Error{ErrorCode::invalid,
                 fmt::format("recording {}: expected whole frames of {} samples", path_, channels_)};
  if (auto done = put(samples.data(), samples.size_bytes()); !done) {
    failed_ = true;
    return done;
  }
  if (data_bytes_ - flushed_bytes_ >= std::uint64_t{rate_} * channels_ * 2) return flush();
  return {};
}

Result<void> WavWriter::put(const void* data, std::size_t bytes) {
  if (data_bytes_ + bytes > kMostData)
    return Error{ErrorCode::exhausted, fmt::format("recording {}: a WAV file holds at most 4 GB", path_)};
  const auto* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t n = ::write(fd_, at, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return failure(path_, "cannot be written", n < 0 ? errno : ENOSPC);
    at += n;
    bytes -= static_cast<std::size_t>(n);
    data_bytes_ += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<void> WavWriter::flush() {
  if (fd_ < 0) return Error{ErrorCode::internal, fmt::format("recording {}: is over", path_)};
  errno = ENOSPC;
  const std::uint64_t whole = data_bytes_ - data_bytes_ % (2u * channels_);
  if (!write_header(fd_, make_header(rate_, channels_, whole))) {
    failed_ = true;
    return failure(path_, "cannot be written", errno);
  }
  flushed_bytes_ = data_bytes_;
  return {};
}

Result<void> WavWriter::finish() {
  data_bytes_ -= data_bytes_ % (2u * channels_);  // a frame cut short by a full disk
  if (auto flushed = flush(); !flushed) return flushed;
  const bool synced = ::ftruncate(fd_, static_cast<off_t>(kHeader + data_bytes_)) == 0 && ::fsync(fd_) == 0;
  const int error = errno;
  ::close(std::exchange(fd_, -1));
  if (!synced) return failure(path_, "cannot be completed", error);
  return publish(path_ + std::string(kSuffix), path_);
}

void WavWriter::discard() {
  if (fd_ < 0) return;
  ::close(std::exchange(fd_, -1));
  (void)::unlink((path_ + std::string(kSuffix)).c_str());
}

Result<std::uint64_t> WavWriter::recover(const std::string& part_path) {
  if (!part_path.ends_with(kSuffix))
    return Error{ErrorCode::invalid,
                 fmt::format("recording {}: expected a name that ends in .part", part_path)};
  const std::string path = part_path.substr(0, part_path.size() - kSuffix.size());
  const int fd = ::open(part_path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return failure(part_path, "cannot be opened", errno);
  Header header{};
  struct stat status {};
  const bool read = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                    ::pread(fd, header.data(), header.size(), 0) == static_cast<ssize_t>(header.size());
  const unsigned channels = get16(header, 22);
  const unsigned rate = get16(header, 24) + get16(header, 26) * 65536u;
  const bool sane = channels >= 1 && channels <= 2 && rate >= 4000 && rate <= 192000;
  Header ours = make_header(sane ? rate : 0, sane ? channels : 0, 0);
  std::memcpy(ours.data() + 4, header.data() + 4, 4);  // the two sizes may be anything
  std::memcpy(ours.data() + 40, header.data() + 40, 4);
  if (!read || !sane || ours != header) {
    ::close(fd);
    return Error{ErrorCode::invalid,
                 fmt::format("recording {}: expected the beginning of one of our WAV files", part_path)};
  }
  WavWriter writer(fd, path, rate, channels);
  writer.data_bytes_ =
      std::min<std::uint64_t>(static_cast<std::uint64_t>(status.st_size) - kHeader, kMostData);
  if (auto finished = writer.finish(); !finished) return finished.error();
  return writer.frames();
}

}  // namespace tandem::audio
