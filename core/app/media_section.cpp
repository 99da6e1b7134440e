#include "core/app/media_section.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "core/base/address.hpp"
#include "core/loop/packet_io.hpp"
#include "core/sdp/negotiate.hpp"
#include "core/srtp/key.hpp"

namespace tandem::app {
namespace {

// One address of ours, of either family: "" keeps that family off.
void read_addresses(TomlReader& in, std::string_view key, std::string& v4, std::string& v6, bool bound) {
  std::vector<std::string> hosts;
  in.texts(key, hosts, 1, 2);
  if (hosts.empty()) return;
  const toml::node* node = in.take(key);
  std::string found_v4, found_v6;
  for (const auto& host : hosts) {
    const auto address = Address::parse(host, 0);
    if (!address) {
      in.wrong(key, node, "an IPv4 or IPv6 address", fmt::format("\"{}\"", host));
      continue;
    }
    if (bound && address->is_unspecified()) {
      in.wrong(key, node, "one address of this machine, which phones are told to send to",
               fmt::format("\"{}\"", host));
      continue;
    }
    std::string& slot = address->family() == Family::v4 ? found_v4 : found_v6;
    if (!slot.empty())
      in.wrong(key, node, "at most one address a family", fmt::format("\"{}\" and \"{}\"", slot, host));
    slot = address->host();
  }
  v4 = found_v4;
  v6 = found_v6;
}

std::optional<sdp::SrtpPolicy> read_srtp(TomlReader& in) {
  std::string word;
  in.choice("srtp", word, {"off", "accept", "optional", "required"});
  return sdp::srtp_policy_named(word);
}

std::optional<sdp::NoisePolicy> read_noise(TomlReader& in) {
  std::string word;
  in.choice("comfort_noise", word, {"off", "accept", "offer", "send"});
  return sdp::noise_policy_named(word);
}

std::optional<sdp::Preference> read_order(TomlReader& in) {
  std::string word;
  in.choice("codec_order", word, {"theirs", "ours"});
  if (word.empty()) return std::nullopt;
  return word == "ours" ? sdp::Preference::ours : sdp::Preference::theirs;
}

// "opus/48000/2;cbr=1": the form only; whether there is such a codec the plugins say at the start.
void read_codecs(TomlReader& in, std::vector<std::string>& out) {
  in.texts("codecs", out, 1);
  for (const std::string& name : out) {
    const std::string bare = name.substr(0, name.find(';'));
    const bool good =
        !bare.empty() && bare.size() <= 48 &&
        bare.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") ==
            std::string::npos;
    if (!good)
      in.wrong("codecs", in.take("codecs"),
               "a codec as NAME, NAME/CLOCK or NAME/CLOCK/CHANNELS, and ;parameters",
               fmt::format("\"{}\"", name));
  }
}

unsigned read_ptime(TomlReader& in, unsigned otherwise) {
  unsigned ms = otherwise;
  in.number("ptime_ms", ms, 10, 60);
  if (ms % 10 != 0) in.wrong("ptime_ms", in.take("ptime_ms"), "a multiple of 10", fmt::format("{}", ms));
  return ms;
}

void read_jitter(TomlReader& in, media::JitterConfig& out) {
  std::string mode = "adaptive";
  in.choice("jitter_mode", mode, {"adaptive", "fixed"});
  out.fixed = mode == "fixed";
  std::int64_t least = out.min_delay.count(), most = out.max_delay.count();
  in.integer("jitter_min_ms", least, 0, 500);
  in.integer("jitter_max_ms", most, 20, 1000);
  if (most < least)
    in.wrong("jitter_max_ms", in.take("jitter_max_ms"), fmt::format("at least jitter_min_ms ({})", least),
             fmt::format("{}", most));
  out.min_delay = milliseconds(least);
  out.max_delay = milliseconds(most);
}

}  // namespace

void read_peer_media(TomlReader& in, call::PeerMedia& out) {
  out.srtp = read_srtp(in);
  out.noise = read_noise(in);
  out.order = read_order(in);
  read_codecs(in, out.codecs);
  if (const unsigned ms = read_ptime(in, 0); ms != 0) out.ptime_ms = ms;
}

void read_media(TomlReader& in, MediaSection& out) {
  session::EngineConfig& engine = out.engine;
  read_addresses(in, "address", engine.host_v4, engine.host_v6, true);
  read_addresses(in, "advertised", engine.advertised_v4, engine.advertised_v6, false);
  in.number("port_min", engine.port_min, 1024, 65534);
  in.number("port_max", engine.port_max, 1025, 65535);
  if (engine.port_max < engine.port_min + 1)
    in.wrong("port_max", in.take("port_max"), fmt::format("a port above port_min ({})", engine.port_min),
             fmt::format("{}", engine.port_max));
  in.number("loops", engine.loops, 0, 256);
  in.number("legs_max", engine.legs_max, 1, 100'000);
  in.number("dscp", engine.dscp, 0, 63);
  std::int64_t cache_mb = static_cast<std::int64_t>(engine.prompt_cache_bytes >> 20U);
  in.integer("prompt_cache_mb", cache_mb, 1, 65536);
  engine.prompt_cache_bytes = static_cast<std::size_t>(cache_mb) << 20U;
  std::string forwarding = "automatic";
  in.choice("forwarding", forwarding, {"automatic", "immediate", "on_tick"});
  engine.forwarding = forwarding == "immediate" ? session::Forwarding::immediate
                      : forwarding == "on_tick" ? session::Forwarding::on_tick
                                                : session::Forwarding::automatic;
  in.boolean("realtime", engine.realtime);
  read_codecs(in, out.codecs);
  out.noise = read_noise(in).value_or(out.noise);
  out.order = read_order(in).value_or(out.order);
  std::string io = "auto";
  in.choice("io", io, {"auto", "sockets", "shared"});
  out.io = loop::packet_backend_named(io).value_or(out.io);
  out.srtp = read_srtp(in).value_or(out.srtp);
  std::vector<std::string> suites;
  in.texts("srtp_suites", suites, 1);
  for (const std::string& name : suites) {
    const auto suite = srtp::suite_named(name);
    if (suite) {
      out.srtp_suites.push_back(*suite);
    } else {
      std::string known;
      for (const srtp::SuiteFacts& one : srtp::suites())
        known += (known.empty() ? "" : ", ") + std::string(one.name);
      in.wrong("srtp_suites", in.take("srtp_suites"), known, fmt::format("\"{}\"", name));
    }
  }
  read_jitter(in, engine.jitter);
  out.ptime_ms = read_ptime(in, out.ptime_ms);
  in.integer("inactivity_timeout_s", out.inactivity_timeout_s, 0, 86400);
  in.integer("learn_window_ms", out.learn_window_ms, 0, 60000);
  in.boolean("symmetric", out.symmetric);
  in.boolean("inband_dtmf", out.inband_dtmf);
  in.boolean("hang_up_on_timeout", out.hang_up_on_timeout);
}

}  // namespace tandem::app
