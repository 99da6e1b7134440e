#include "core/anchor/own_sdp.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/anchor/profile.hpp"
#include "core/anchor/rewrite.hpp"

namespace tandem::anchor {
namespace {

void line(std::string& out, std::string_view text) { out.append(text).append("\r\n"); }

std::string connection(const std::string& host) {
  return fmt::format("IN {} {}", host.find(':') == std::string::npos ? "IP4" : "IP6", host);
}

void print_formats(std::string& out, const OwnSection& section) {
  for (const Format& format : section.formats) {
    std::string map = fmt::format("a=rtpmap:{} {}/{}", format.type, format.name, format.clock_rate);
    if (format.channels > 1) map += fmt::format("/{}", format.channels);
    line(out, map);
    if (!format.fmtp.empty()) line(out, fmt::format("a=fmtp:{} {}", format.type, format.fmtp));
  }
  for (const std::string& one : section.format_lines) line(out, one);
}

void print_section(std::string& out, const OwnSection& section, const std::string& session_host,
                   const Options& options) {
  std::string media = fmt::format("m={} {} {}", section.kind, section.rtp.port(), section.proto);
  for (const Format& format : section.formats) media += fmt::format(" {}", format.type);
  if (section.formats.empty()) media += " " + (section.format_text.empty() ? "0" : section.format_text);
  line(out, media);
  if (!section.rtp.valid()) return;
  const std::string host = options.media_address.empty() ? section.rtp.host() : options.media_address;
  if (host != session_host) line(out, "c=" + connection(host));
  if (!section.label.empty()) line(out, "a=label:" + section.label);
  print_formats(out, section);
  line(out, "a=" + section.direction);
  if (section.ptime_ms != 0) line(out, fmt::format("a=ptime:{}", section.ptime_ms));
  for (const std::string& one : section.crypto) line(out, one);
  for (const std::string& one : section.ice) line(out, one);
  if (!is_rtp(section.proto)) return;
  const std::uint16_t port = section.mux && options.mux.require ? section.rtp.port() : section.rtcp.port();
  if (!options.no_rtcp_attribute)
    line(out, options.full_rtcp_attribute ? fmt::format("a=rtcp:{} {}", port, connection(host))
                                          : fmt::format("a=rtcp:{}", port));
  if (section.mux) line(out, "a=rtcp-mux");
}

}  // namespace

std::string print_own_sdp(const std::vector<OwnSection>& sections, std::uint64_t session,
                          std::uint64_t version, const Options& options) {
  std::string host = options.media_address;
  for (const OwnSection& section : sections)
    if (host.empty() && section.rtp.valid()) host = section.rtp.host();
  if (host.empty()) host = "0.0.0.0";
  std::string out;
  line(out, "v=0");
  line(out, fmt::format("o=- {} {} {}", session >> 2, version, connection(host)));
  line(out, "s=tandem");
  line(out, "c=" + connection(host));
  line(out, "t=0 0");
  if (std::any_of(sections.begin(), sections.end(), [](const OwnSection& one) { return !one.ice.empty(); }))
    for (const char* one : kIceSession) line(out, one);
  for (const OwnSection& section : sections) print_section(out, section, host, options);
  return out;
}

}  // namespace tandem::anchor
