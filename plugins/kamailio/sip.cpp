// Reading and writing single SIP header values; see sip.hpp.
#include "kamailio/sip.hpp"

#include <algorithm>
#include <array>

namespace tandem::kamailio {
namespace {

constexpr std::size_t kListMax = 64;
constexpr std::size_t kUriMax = 1024;
constexpr std::size_t kNameMax = 128;

char lower_char(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_alnum(char c) { return (c >= '0' && c <= '9') || (lower_char(c) >= 'a' && lower_char(c) <= 'z'); }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = lower_char(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

std::string escape(std::string_view text, std::string_view kept) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_alnum(c) || kept.find(c) != std::string_view::npos) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

std::string unquote(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  std::string out;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\' && i + 2 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

// The end of the item that starts at `from`: the next `stop` outside quotes and angle brackets.
std::size_t item_end(std::string_view text, std::size_t from, char stop) {
  bool quoted = false, angle = false;
  for (std::size_t i = from; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == '<') {
      angle = true;
    } else if (c == '>') {
      angle = false;
    } else if (c == stop && !angle) {
      return i;
    }
  }
  return text.size();
}

template <typename Each>
void each_param(std::string_view params, Each each) {
  for (std::size_t at = 0; at < params.size();) {
    const std::size_t end = item_end(params, at, ';');
    const std::string_view item = trim(params.substr(at, end - at));
    const std::size_t eq = item.find('=');
    if (!item.empty() &&
        each(trim(item.substr(0, eq)),
             eq == std::string_view::npos ? std::string_view{} : trim(item.substr(eq + 1)))) {
      return;
    }
    at = end + 1;
  }
}

}  // namespace

bool same_text(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower_char(x) == lower_char(y); });
}

std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower_char);
  return out;
}

std::optional<Uri> parse_uri(std::string_view text) {
  text = trim(text);
  if (text.size() > kUriMax) return std::nullopt;
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  Uri uri;
  uri.scheme = lower(text.substr(0, colon));
  text.remove_prefix(colon + 1);
  if (uri.scheme == "tel") {
    const std::size_t semi = text.find(';');
    uri.user = std::string(text.substr(0, semi));
    if (semi != std::string_view::npos) uri.params = std::string(text.substr(semi + 1));
    if (uri.user.empty()) return std::nullopt;
    return uri;
  }
  if (uri.scheme != "sip" && uri.scheme != "sips") return std::nullopt;
  const std::size_t at = text.find('@');
  if (at != std::string_view::npos) {
    std::string_view user = text.substr(0, at);
    user = user.substr(0, user.find(':'));  // a password in a URI is nobody's business
    uri.user = unescape(user);
    text.remove_prefix(at + 1);
  }
  if (const std::size_t mark = text.find('?'); mark != std::string_view::npos) {
    uri.headers = std::string(text.substr(mark + 1));
    text = text.substr(0, mark);
  }
  if (const std::size_t semi = text.find(';'); semi != std::string_view::npos) {
    uri.params = std::string(text.substr(semi + 1));
    text = text.substr(0, semi);
  }
  std::size_t port_at = text.rfind(':');
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    port_at = text.find(':', close);
  }
  if (port_at != std::string_view::npos) {
    const std::uint32_t port = number(text.substr(port_at + 1));
    if (port == 0 || port > 65535) return std::nullopt;
    uri.port = static_cast<int>(port);
    text = text.substr(0, port_at);
  }
  uri.host = lower(text);
  if (uri.host.empty()) return std::nullopt;
  return uri;
}

std::optional<NameAddr> parse_name_addr(std::string_view text) {
  text = trim(text);
  NameAddr out;
  const std::size_t open = item_end(text, 0, '<');
  std::size_t angle = std::string_view::npos;
  // item_end treats '<' as a bracket, so look for it by hand outside quotes
  bool quoted = false;
  for (std::size_t i = 0; i < text.size() && i <= open; ++i) {
    if (text[i] == '\\' && quoted) {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == '<' && !quoted) {
      angle = i;
      break;
    }
  }
  if (angle != std::string_view::npos) {
    const std::size_t close = text.find('>', angle);
    if (close == std::string_view::npos) return std::nullopt;
    out.name = unquote(trim(text.substr(0, angle)));
    out.uri = std::string(trim(text.substr(angle + 1, close - angle - 1)));
    const std::size_t semi = text.find(';', close);
    if (semi != std::string_view::npos) out.params = std::string(text.substr(semi + 1));
  } else {
    const std::size_t semi = text.find(';');
    out.uri = std::string(trim(text.substr(0, semi)));
    if (semi != std::string_view::npos) out.params = std::string(text.substr(semi + 1));
  }
  if (out.uri.empty() || out.uri.size() > kUriMax) return std::nullopt;
  return out;
}

std::string param(std::string_view params, std::string_view name) {
  std::string found;
  each_param(params, [&](std::string_view n, std::string_view v) {
    if (!same_text(n, name)) return false;
    found = unquote(v);
    return true;
  });
  return found;
}

bool has_param(std::string_view params, std::string_view name) {
  bool found = false;
  each_param(params, [&](std::string_view n, std::string_view) { return found = same_text(n, name); });
  return found;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size() && out.size() < kListMax;) {
    const std::size_t end = item_end(text, at, ',');
    const std::string_view item = trim(text.substr(at, end - at));
    if (!item.empty()) out.emplace_back(item);
    at = end + 1;
  }
  return out;
}

std::string_view header(const HeaderList& headers, std::string_view name) {
  for (const auto& [n, v] : headers) {
    if (same_text(n, name)) return v;
  }
  return {};
}

bool lists_token(const HeaderList& headers, std::string_view name, std::string_view token) {
  for (const auto& [n, v] : headers) {
    if (!same_text(n, name)) continue;
    for (const std::string& item : split_list(v)) {
      if (same_text(item, token)) return true;
    }
  }
  return false;
}

std::string clean(std::string_view text) {
  std::string out(trim(text));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return out;
}

std::string quotable(std::string_view text) {
  if (text.size() > kNameMax) {
    std::size_t cut = kNameMax;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
    text = text.substr(0, cut);
  }
  std::string out;
  for (const char c : clean(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

bool is_token(std::string_view text) {
  static constexpr std::string_view kMarks = "-.!%*_+`'~";
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alnum(c) || kMarks.find(c) != std::string_view::npos;
  });
}

std::string escape_user(std::string_view text) { return escape(text, "-_.!~*'()&=+$,;?/"); }
std::string escape_all(std::string_view text) { return escape(text, "-_.!~*'()"); }

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

bool sendable_uri(std::string_view uri) {
  const bool printable = std::all_of(uri.begin(), uri.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7f && c != '<' && c != '>' && c != '"';
  });
  const auto parsed = parse_uri(uri);
  return printable && parsed && parsed->scheme != "tel";
}

std::string address_uri(std::string_view proto_host_port, std::string_view user) {
  const std::size_t first = proto_host_port.find(':'), last = proto_host_port.rfind(':');
  if (first == std::string_view::npos || last == first) return {};
  const std::string proto = lower(proto_host_port.substr(0, first));
  std::string host(proto_host_port.substr(first + 1, last - first - 1));
  const std::string port(proto_host_port.substr(last + 1));
  if (host.find(':') != std::string::npos && host.front() != '[') host = "[" + host + "]";
  std::string uri = "sip:";
  if (!user.empty()) uri += escape_user(user) + "@";
  uri += host + ":" + port;
  if (proto != "udp") uri += ";transport=" + proto;
  return uri;
}

std::uint32_t number(std::string_view text) {
  std::uint32_t value = 0;
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    if (digits == 9) return 0;
    value = value * 10 + static_cast<std::uint32_t>(text[digits++] - '0');
  }
  return value;
}

std::string sdp_of(std::string_view content_type, std::string_view body) {
  const std::string_view type = trim(content_type.substr(0, content_type.find(';')));
  if (body.empty()) return {};
  if (type.empty() || same_text(type, "application/sdp")) return std::string(body);
  if (!same_text(type.substr(0, 10), "multipart/")) return {};
  const std::size_t semi = content_type.find(';');
  if (semi == std::string_view::npos) return {};
  const std::string boundary = "--" + param(content_type.substr(semi + 1), "boundary");
  if (boundary.size() == 2) return {};
  for (std::size_t at = body.find(boundary); at != std::string_view::npos;) {
    const std::size_t start = at + boundary.size();
    const std::size_t next = body.find(boundary, start);
    if (next == std::string_view::npos) break;
    const std::string_view part = body.substr(start, next - start);
    const std::size_t split = part.find("\r\n\r\n");
    if (split != std::string_view::npos &&
        lower(part.substr(0, split)).find("application/sdp") != std::string::npos) {
      const std::string_view sdp = part.substr(split + 4);
      return std::string(trim(sdp)) + "\r\n";
    }
    at = next;
  }
  return {};
}

}  // namespace tandem::kamailio
