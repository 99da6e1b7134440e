#include "core/anchor/rewrite.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "core/base/text.hpp"

namespace tandem::anchor {
namespace {

constexpr std::array kIceAttributes = {"candidate",    "remote-candidates", "ice-ufrag",
                                       "ice-pwd",      "ice-options",       "ice-lite",
                                       "ice-mismatch", "ice-pacing",        "end-of-candidates"};

// DTLS-SRTP's (RFC 5763, 8842): nothing of it can be agreed on with who ends SDES or plain RTP.
bool is_dtls_line(std::string_view line) {
  return is_attribute(line, "fingerprint") || is_attribute(line, "setup") || is_attribute(line, "tls-id");
}

bool is_direction(std::string_view line) {
  return line == "a=sendrecv" || line == "a=sendonly" || line == "a=recvonly" || line == "a=inactive";
}

// What its direction becomes when it is not to be sent to.
const char* one_way(const std::vector<std::string>& section, const std::vector<std::string>& session) {
  for (const auto* lines : {&section, &session})
    for (const std::string& line : *lines)
      if (is_direction(line))
        return line == "a=sendrecv" || line == "a=sendonly" ? "a=sendonly" : "a=inactive";
  return "a=sendonly";
}

bool is_ice(std::string_view line) {
  return std::any_of(kIceAttributes.begin(), kIceAttributes.end(),
                     [&](const char* name) { return is_attribute(line, name); });
}

std::string host_of(const SectionEdit& edit) { return edit.host.empty() ? edit.rtp.host() : edit.host; }

std::string address_text(const std::string& host) {
  return fmt::format("IN {} {}", host.find(':') == std::string::npos ? "IP4" : "IP6", host);
}

std::vector<std::string_view> fields(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    if (end != 0) out.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return out;
}

// o=<username> <sess-id> <sess-version> <nettype> <addrtype> <unicast-address> (RFC 8866 5.2)
std::string origin(std::string_view line, const std::string& host, const Options& options) {
  const auto all = fields(line.substr(2));
  if (all.size() < 6) return std::string(line);
  const std::size_t n = all.size();  // a user name with blanks in it: count from the end
  const std::string_view typed = line.substr(2);
  const auto from = static_cast<std::size_t>(all[n - 5].data() - typed.data());
  std::string user(typed.substr(0, from));
  while (!user.empty() && user.back() == ' ') user.pop_back();
  std::string version(all[n - 4]);
  if (options.force_increment_version) {
    std::uint64_t value = 0;
    const auto read = std::from_chars(version.data(), version.data() + version.size(), value);
    if (read.ec == std::errc()) version = std::to_string(value + 1);
  }
  const std::string where = options.replace_origin && !host.empty()
                                ? address_text(host)
                                : fmt::format("{} {} {}", all[n - 3], all[n - 2], all[n - 1]);
  return fmt::format("o={} {} {} {}", options.replace_username ? "-" : user, all[n - 5], version, where);
}

// The number after "a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"; below 0: none ("*").
int type_of(std::string_view line) {
  const std::string_view value = attribute_value(line);
  int type = -1;
  const auto read = std::from_chars(value.data(), value.data() + value.size(), type);
  return read.ec == std::errc() ? type : -1;
}

std::string with_type(std::string_view line, int type) {
  const std::size_t colon = line.find(':');
  const std::size_t blank = line.find(' ', colon);
  return fmt::format("{}{}{}", line.substr(0, colon + 1), type,
                     blank == std::string_view::npos ? std::string_view() : line.substr(blank));
}

std::string media_line(const std::string& media, const SectionEdit& edit) {
  auto all = fields(media);
  if (all.size() < 3) return media;
  std::string out = fmt::format("{} {}", all[0], edit.act == SectionEdit::Act::reject ? 0 : edit.rtp.port());
  out += fmt::format(" {}", edit.proto.empty() ? all[2] : std::string_view(edit.proto));
  if (edit.formats_changed && edit.act == SectionEdit::Act::anchor) {
    for (const Format& format : edit.formats) out += fmt::format(" {}", format.type);
  } else {
    for (std::size_t i = 3; i < all.size(); ++i) out += fmt::format(" {}", all[i]);
  }
  return out;
}

// Lines of formats that stay, renumbered; false: the line goes.
bool keep_format_line(std::string& line, const SectionEdit& edit) {
  const int type = type_of(line);
  if (type < 0) return true;
  for (const Format& format : edit.formats) {
    if (format.added || format.source_type != type) continue;
    if (format.type != type) line = with_type(line, format.type);
    return true;
  }
  return false;
}

void add_new_formats(std::vector<std::string>& lines, const SectionEdit& edit) {
  for (const Format& format : edit.formats) {
    if (!format.added) continue;
    std::string map = fmt::format("a=rtpmap:{} {}/{}", format.type, format.name, format.clock_rate);
    if (format.channels > 1) map += fmt::format("/{}", format.channels);
    lines.push_back(std::move(map));
    if (!format.fmtp.empty()) lines.push_back(fmt::format("a=fmtp:{} {}", format.type, format.fmtp));
  }
}

bool feedback_profile(std::string_view proto) { return proto.ends_with("VPF"); }

bool carries_rtp(const std::string& media) {
  const auto all = fields(media);
  return all.size() >= 3 && all[2].find("RTP/") != std::string_view::npos;
}

// a=extmap:<value>["/"<direction>] <URI> … (RFC 8285 5)
bool strips_extension(std::string_view line, const Options& options) {
  const std::size_t blank = line.find(' ');
  const std::string_view rest = blank == std::string_view::npos ? std::string_view() : line.substr(blank + 1);
  const std::string_view uri = rest.substr(0, rest.find(' '));
  return std::any_of(options.extmap_strip.begin(), options.extmap_strip.end(),
                     [&](const std::string& name) { return same_name(name, "all") || name == uri; });
}

// Whether a line of an anchored section stays; it may be changed on the way.
bool edit_line(std::string& line, const SectionEdit& edit, const Options& options, bool drops_feedback) {
  if (line.starts_with("c=")) {
    line = "c=" + address_text(host_of(edit));
    return true;
  }
  if (!line.starts_with("a=")) return true;
  if (is_ice(line) || is_attribute(line, "bundle-only") || is_attribute(line, "rtcp")) return false;
  if (edit.replace_crypto && (is_attribute(line, "crypto") || is_dtls_line(line))) return false;
  if (is_attribute(line, "extmap") || is_attribute(line, "extmap-allow-mixed"))
    return edit.opaque && !strips_extension(line, options);  // audio's headers are ours: no extension passes
  if (edit.sends_only && is_direction(line)) return false;
  if (edit.opaque) return true;
  if (is_attribute(line, "rtcp-mux") || is_attribute(line, "rtcp-mux-only") || is_attribute(line, "ssrc") ||
      is_attribute(line, "ssrc-group"))
    return false;
  if (edit.ptime_ms != 0 && is_attribute(line, "ptime")) return false;
  if (drops_feedback && is_attribute(line, "rtcp-fb")) return false;
  if (edit.formats_changed &&
      (is_attribute(line, "rtpmap") || is_attribute(line, "fmtp") || is_attribute(line, "rtcp-fb")))
    return keep_format_line(line, edit);
  return true;
}

void add_rtcp(std::vector<std::string>& lines, const SectionEdit& edit, const SessionEdit& session,
              bool had_address, const Options& options) {
  const bool one_port = edit.mux && (session.answer || options.mux.require);
  const std::uint16_t port = one_port ? edit.rtp.port() : edit.rtcp.port();
  if (!options.no_rtcp_attribute) {
    lines.push_back(had_address || options.full_rtcp_attribute
                        ? fmt::format("a=rtcp:{} {}", port, address_text(host_of(edit)))
                        : fmt::format("a=rtcp:{}", port));
  }
  if (edit.mux && !edit.opaque) lines.emplace_back("a=rtcp-mux");
}

void edit_section(SdpText::Section& section, const SectionEdit& edit, const std::string& session_host,
                  const std::string& old_session_c, const std::vector<std::string>& session_lines,
                  const SessionEdit& session, const Options& options) {
  if (edit.act == SectionEdit::Act::remove) return;
  if (edit.act == SectionEdit::Act::keep) {
    const bool has_c = std::any_of(section.lines.begin(), section.lines.end(),
                                   [](const std::string& line) { return line.starts_with("c="); });
    if (!has_c && !old_session_c.empty()) section.lines.insert(section.lines.begin(), old_session_c);
    return;
  }
  const bool rtp = carries_rtp(section.media);
  const auto all = fields(section.media);
  const bool drops_feedback =
      !edit.proto.empty() && !feedback_profile(edit.proto) && all.size() >= 3 && feedback_profile(all[2]);
  section.media = media_line(section.media, edit);
  if (edit.act == SectionEdit::Act::reject) {
    std::erase_if(section.lines, [](const std::string& line) { return is_ice(line); });
    return;
  }
  bool had_c = false, had_rtcp_address = false;
  const char* const direction = one_way(section.lines, session_lines);
  std::vector<std::string> lines;
  for (std::string& line : section.lines) {
    had_c = had_c || line.starts_with("c=");
    had_rtcp_address =
        had_rtcp_address || (is_attribute(line, "rtcp") && line.find(" IN ") != std::string::npos);
    if (edit_line(line, edit, options, drops_feedback)) lines.push_back(std::move(line));
  }
  if (!had_c && host_of(edit) != session_host) {
    const auto at = !lines.empty() && lines.front().starts_with("i=") ? lines.begin() + 1 : lines.begin();
    lines.insert(at, "c=" + address_text(host_of(edit)));
  }
  if (edit.formats_changed) add_new_formats(lines, edit);
  if (edit.sends_only) lines.emplace_back(direction);
  if (edit.ptime_ms != 0) lines.push_back(fmt::format("a=ptime:{}", edit.ptime_ms));
  lines.insert(lines.end(), edit.crypto.begin(), edit.crypto.end());
  if (rtp) add_rtcp(lines, edit, session, had_rtcp_address, options);
  lines.insert(lines.end(), edit.ice.begin(), edit.ice.end());
  section.lines = std::move(lines);
}

}  // namespace

std::string rewrite(SdpText text, const std::vector<SectionEdit>& sections, const SessionEdit& session,
                    const Options& options) {
  std::string host;  // of the session: the first anchored section's
  for (const SectionEdit& edit : sections)
    if (host.empty() && edit.act == SectionEdit::Act::anchor) host = host_of(edit);
  const bool dtls_passes = std::any_of(sections.begin(), sections.end(), [](const SectionEdit& one) {
    return one.act == SectionEdit::Act::anchor && !one.replace_crypto;
  });
  std::string old_c, session_host;
  std::vector<std::string> lines;
  for (std::string& line : text.session) {
    if (line.starts_with("o=")) line = origin(line, host, options);
    if (line.starts_with("s=") && options.replace_session_name) line = "s=-";
    if (line.starts_with("c=")) {
      old_c = line;
      if (!host.empty()) {
        line = "c=" + address_text(host);
        session_host = host;
      }
    }
    if (is_ice(line) || line.starts_with("a=group:BUNDLE")) continue;
    if (!dtls_passes && is_dtls_line(line)) continue;
    if (is_attribute(line, "extmap") && strips_extension(line, options)) continue;
    lines.push_back(std::move(line));
  }
  if (!session.loop_mark.empty()) lines.push_back(session.loop_mark);
  if (std::any_of(sections.begin(), sections.end(), [](const SectionEdit& one) { return !one.ice.empty(); }))
    lines.insert(lines.end(), kIceSession.begin(), kIceSession.end());
  text.session = std::move(lines);
  for (std::size_t i = 0; i < text.sections.size() && i < sections.size(); ++i)
    edit_section(text.sections[i], sections[i], session_host, old_c, text.session, session, options);
  for (std::size_t i = std::min(text.sections.size(), sections.size()); i-- > 0;)
    if (sections[i].act == SectionEdit::Act::remove)
      text.sections.erase(text.sections.begin() + static_cast<std::ptrdiff_t>(i));
  edit_attributes(text, options.attributes);
  return text.print();
}

}  // namespace tandem::anchor
