// A MediaEngine on a counted clock with phones on a network in memory: whole media paths, exactly, in no
// time.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "core/audio/wav_writer.hpp"
#include "core/codec/g711.hpp"
#include "core/loop/memory_io.hpp"
#include "core/session/engine.hpp"
#include "tests/support/fake_timers.hpp"
#include "tests/support/media_phone.hpp"
#include "tests/support/scratch_folder.hpp"

namespace tandem::session {

inline std::vector<std::int16_t> sine(double hz, unsigned ms, unsigned rate = 8000, double level = 8000) {
  std::vector<std::int16_t> out(rate / 1000 * ms);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::int16_t>(level *
                                       std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / rate));
  return out;
}

// Noise that is like nothing else, so that a correlation finds its place.
inline std::vector<std::int16_t> noise(unsigned ms, std::uint32_t seed, unsigned rate = 8000) {
  std::vector<std::int16_t> out(rate / 1000 * ms);
  std::uint32_t x = seed;
  for (std::int16_t& sample : out) {
    x = x * 1664525u + 1013904223u;
    sample = static_cast<std::int16_t>(static_cast<std::int32_t>(x >> 18) - 8192);
  }
  return out;
}

// The best normalized correlation of `needle` anywhere in `hay`, and where.
inline std::pair<double, std::size_t> find_in(const std::vector<std::int16_t>& hay,
                                              const std::vector<std::int16_t>& needle) {
  double best = 0;
  std::size_t at = 0;
  if (hay.size() < needle.size()) return {0, 0};
  double energy_needle = 0;
  for (const std::int16_t s : needle) energy_needle += double(s) * s;
  for (std::size_t i = 0; i + needle.size() <= hay.size(); ++i) {
    double dot = 0, energy = 0;
    for (std::size_t k = 0; k < needle.size(); ++k) {
      dot += double(hay[i + k]) * needle[k];
      energy += double(hay[i + k]) * hay[i + k];
    }
    const double c = energy > 0 ? dot / std::sqrt(energy * energy_needle) : 0;
    if (c > best) best = c, at = i;
  }
  return {best, at};
}

struct Listener final : MediaListener {
  std::vector<DigitEvent> digits;
  std::vector<std::pair<PlaybackId, PlayEnd>> played;
  struct Recorded {
    RecordingId id;
    RecordEnd end;
    std::string path;
    milliseconds length;
    std::string error;
  };
  std::vector<Recorded> recorded;
  unsigned digits_sent = 0, started = 0, timed_out = 0;

  std::string keys(MediaId leg) const {
    std::string out;
    for (const DigitEvent& d : digits)
      if (d.leg == leg) out += d.digit;
    return out;
  }
  void on_digit_received(const DigitEvent& event) override { digits.push_back(event); }
  void on_digits_sent(MediaId) override { ++digits_sent; }
  void on_playback_finished(PlaybackId id, MediaId, PlayEnd end, milliseconds) override {
    played.emplace_back(id, end);
  }
  void on_recording_finished(RecordingId id, MediaId, RecordEnd end, const std::string& path,
                             milliseconds length, const std::string& error) override {
    recorded.push_back({id, end, path, length, error});
  }
  void on_media_started(MediaId) override { ++started; }
  void on_media_timed_out(MediaId) override { ++timed_out; }
};

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() { make_engine(nullptr); }
  ~EngineTest() override {
    phones_.clear();
    engine_.reset();
  }

  void make_engine(const td_stage_type* dtmf, unsigned loops = 1) {
    engine_.reset();
    EngineConfig config;
    config.port_min = 20000;
    config.port_max = 29999;
    config.loops = loops;
    engine_ = std::make_unique<MediaEngine>(
        config, timers_,
        [](std::function<void()> work, std::function<void()> done) {
          work();
          done();
          return true;
        },
        [] {}, network_, [this] { return std::make_unique<loop::MemoryIo>(network_); }, dtmf);
    engine_->set_listener(&listener_);
  }

  struct Party {
    MediaId id = 0;
    testing::MediaPhone* phone = nullptr;
    Address tandem;
  };

  media::LegConfig config_for(const testing::MediaPhone& phone, const td_codec* codec) const {
    media::LegConfig config;
    config.remote_rtp = phone.local();
    config.remote_rtcp = phone.local();
    config.remote_rtcp.set_port(static_cast<std::uint16_t>(phone.local().port() + 1));
    const auto type = static_cast<std::uint8_t>(codec->static_type);
    config.payloads.push_back({codec, type, type, "", ""});
    config.event_receive_type = config.event_send_type = 101;
    config.detect_inband_dtmf = true;
    return config;
  }

  // A phone with its leg, configured, the phone sending.
  Party add(const td_codec* codec, MediaId near = 0, unsigned ptime_ms = 20) {
    auto opened = engine_->open({.family = Family::v4, .near = near, .local_host = ""});
    EXPECT_TRUE(opened.ok());
    const Address local =
        *Address::parse("127.0.0.1", static_cast<std::uint16_t>(40000 + 2 * phones_.size()));
    phones_.push_back(std::make_unique<testing::MediaPhone>(network_, local, codec, ptime_ms));
    Party party{opened->id, phones_.back().get(), opened->rtp};
    party.phone->set_remote(opened->rtp);
    EXPECT_TRUE(engine_->configure(party.id, config_for(*party.phone, codec)).ok());
    party.phone->start();
    return party;
  }

  // SRTP on one leg, both ways, with fresh keys; the leg's keys come back.
  media::SrtpConfig secure(Party& party, const td_codec* codec, srtp::Suite suite) {
    media::LegConfig config = config_for(*party.phone, codec);
    config.srtp = media::SrtpConfig{{srtp::Key::random(suite)}, {srtp::Key::random(suite)}};
    EXPECT_TRUE(engine_->configure(party.id, config).ok());
    party.phone->secure(config.srtp->receive, config.srtp->send);
    return *config.srtp;
  }

  void advance(milliseconds by) {
    for (milliseconds t{0}; t < by; t += media::kTick) {
      timers_.advance(media::kTick);
      for (const auto& phone : phones_) phone->step(timers_.now());
      engine_->tick(timers_.now());
      for (const auto& phone : phones_) phone->step(timers_.now());
    }
  }

  std::string write_wav(const std::string& name, const std::vector<std::int16_t>& pcm, unsigned rate = 8000) {
    const std::string path = (folder_.path() / name).string();
    auto file = audio::WavWriter::open(path, rate, 1);
    EXPECT_TRUE(file.ok());
    EXPECT_TRUE(file->write(pcm).ok());
    EXPECT_TRUE(file->finish().ok());
    return path;
  }

  PlaybackId play(MediaId leg, PlaySpec spec) {
    PlaybackId id = 0;
    std::string error;
    engine_->play(leg, spec, [&](Result<Playing> started) {
      if (started)
        id = started->id;
      else
        error = started.error().message;
    });
    play_error_ = error;
    return id;
  }
  LegStats stats(MediaId leg) {
    LegStats out;
    engine_->query(leg, [&](const LegStats& s) { out = s; });
    advance(milliseconds(5));
    return out;
  }

  const testing::ScratchFolder folder_{"engine"};
  testing::FakeTimers timers_;
  loop::MemoryNetwork network_;
  Listener listener_;
  std::unique_ptr<MediaEngine> engine_;
  std::vector<std::unique_ptr<testing::MediaPhone>> phones_;
  std::string play_error_;
};

}  // namespace tandem::session
