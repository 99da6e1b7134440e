#include "core/media/repacketizer.hpp"

#include <algorithm>

#include "core/codec/coder.hpp"

namespace tandem::media {

bool Repacketizer::push(std::span<const std::uint8_t> payload, std::uint32_t samples) {
  if (count_ == kPartsMax || payload.size() > storage_.size() - bytes_ || samples == 0) return false;
  std::copy(payload.begin(), payload.end(), storage_.begin() + static_cast<std::ptrdiff_t>(bytes_));
  parts_[count_++] = {samples, static_cast<std::uint16_t>(payload.size())};
  bytes_ += payload.size();
  held_ += samples;
  return true;
}

std::size_t Repacketizer::make(std::size_t parts, std::uint32_t samples, std::span<std::uint8_t> out) const {
  std::array<td_str, kPartsMax> texts;
  const auto* at = reinterpret_cast<const char*>(storage_.data());
  for (std::size_t i = 0; i < parts; ++i) {
    texts[i] = {at, parts_[i].bytes};
    at += parts_[i].bytes;
  }
  return static_cast<std::size_t>(codec::repacket(codec_, {texts.data(), parts}, from_, samples, out));
}

Repacketizer::Packet Repacketizer::take(std::span<std::uint8_t> out) {
  if (!ready()) return {};
  std::size_t parts = 0;
  for (std::uint32_t there = 0; there < from_ + packet_; ++parts) there += parts_[parts].samples;
  if (parts == 1 && from_ == 0 && parts_[0].samples == packet_ && parts_[0].bytes <= out.size()) {
    std::copy_n(storage_.begin(), parts_[0].bytes, out.begin());
    const Packet whole{parts_[0].bytes, packet_};
    consume(packet_);
    return whole;
  }
  if (const std::size_t bytes = make(parts, packet_, out)) {
    consume(packet_);
    return {bytes, packet_};
  }
  return parts == 1 ? Packet{} : take_first(out);
}

Repacketizer::Packet Repacketizer::flush(std::span<std::uint8_t> out) {
  if (empty()) return {};
  if (const std::size_t bytes = make(count_, held_, out)) {
    const Packet all{bytes, held_};
    clear();
    return all;
  }
  return take_first(out);
}

// What is left of the first part, by itself.
Repacketizer::Packet Repacketizer::take_first(std::span<std::uint8_t> out) {
  const std::uint32_t left = parts_[0].samples - from_;
  std::size_t bytes = 0;
  if (from_ != 0) {
    bytes = make(1, left, out);
  } else if (parts_[0].bytes <= out.size()) {
    bytes = parts_[0].bytes;
    std::copy_n(storage_.begin(), bytes, out.begin());
  }
  if (bytes == 0) return {};
  consume(left);
  return {bytes, left};
}

void Repacketizer::consume(std::uint32_t samples) {
  held_ -= samples;
  from_ += samples;
  while (count_ != 0 && from_ >= parts_[0].samples) {
    from_ -= parts_[0].samples;
    const std::size_t gone = parts_[0].bytes;
    std::copy(storage_.begin() + static_cast<std::ptrdiff_t>(gone),
              storage_.begin() + static_cast<std::ptrdiff_t>(bytes_), storage_.begin());
    std::copy(parts_.begin() + 1, parts_.begin() + static_cast<std::ptrdiff_t>(count_), parts_.begin());
    bytes_ -= gone;
    --count_;
  }
}

Repacketizer::Part Repacketizer::first() const { return {{storage_.data(), parts_[0].bytes}, from_}; }

void Repacketizer::drop() {
  if (count_ != 0) consume(parts_[0].samples - from_);
}

void Repacketizer::clear() {
  count_ = bytes_ = 0;
  from_ = held_ = 0;
}

}  // namespace tandem::media
