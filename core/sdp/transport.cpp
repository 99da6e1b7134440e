#include "core/sdp/transport.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace tandem::sdp {
namespace {

constexpr unsigned kPtimeUsualMs = 20;  // RFC 3551 4.2

Error unsupported(std::string why) { return {ErrorCode::unsupported, std::move(why)}; }

// Multicast, broadcast and what no host has; only the unspecified address is let through, it means hold.
const char* unusable_reason(const Address& a) {
  if (a.family() == Family::v4) {
    sockaddr_in raw{};
    std::memcpy(&raw, a.raw(), sizeof raw);
    const std::uint32_t host = ntohl(raw.sin_addr.s_addr);
    if (host >> 28 == 0xe) return "a multicast address";
    if (host >> 28 == 0xf) return "a broadcast or reserved address";
    if (host >> 24 == 0) return "an address in 0.0.0.0/8";
    return nullptr;
  }
  sockaddr_in6 raw{};
  std::memcpy(&raw, a.raw(), sizeof raw);
  if (IN6_IS_ADDR_MULTICAST(&raw.sin6_addr)) return "a multicast address";
  if (IN6_IS_ADDR_V4MAPPED(&raw.sin6_addr)) return "an IPv4 address written as IPv6";
  return nullptr;
}

unsigned pick_ptime(const Local& local, const Media& theirs) {
  unsigned ms = theirs.ptime_ms.value_or(local.ptime_ms ? local.ptime_ms : kPtimeUsualMs);
  if (theirs.maxptime_ms) ms = std::min(ms, *theirs.maxptime_ms);
  return std::clamp(ms / 10 * 10, kPtimeMinMs, kPtimeMaxMs);
}

Address pick_rtcp(const Address& rtp, bool mux, const Media& theirs) {
  if (!rtp.valid() || mux) return rtp;
  Address rtcp = rtp;
  if (theirs.rtcp) {
    if (theirs.rtcp->connection) {
      const auto host = usable_address(&*theirs.rtcp->connection, theirs.rtcp->port);
      if (host && host->valid() && host->family() == rtp.family()) return *host;
    }
    rtcp.set_port(theirs.rtcp->port);
    return rtcp;
  }
  if (rtp.port() == 65'535) return {};
  rtcp.set_port(static_cast<std::uint16_t>(rtp.port() + 1));
  return rtcp;
}

}  // namespace

Result<Negotiated> read_transport(const Local& local, const Description& theirs, const Media& m,
                                  Direction wanted, bool mux_allowed) {
  auto rtp = usable_address(theirs.connection_of(m), m.port);
  if (!rtp) return rtp.error();
  if (rtp->valid() && local.rtp.valid() && rtp->family() != local.rtp.family())
    return unsupported(
        fmt::format("their address {} is of another family than ours, {}", rtp->host(), local.rtp.host()));
  const Direction offered = theirs.direction_of(m);
  Negotiated n;
  n.remote_rtp = *rtp;
  n.rtcp_mux = mux_allowed && m.rtcp_mux;
  n.remote_rtcp = pick_rtcp(n.remote_rtp, n.rtcp_mux, m);
  n.send = sends(wanted) && receives(offered) && rtp->valid();
  n.receive = receives(wanted) && sends(offered);
  n.direction = direction_from(n.send, n.receive);
  n.held = !receives(offered) || !rtp->valid();
  n.send_ptime_ms = pick_ptime(local, m);
  n.ptime_asked = m.ptime_ms || m.maxptime_ms;
  return n;
}

Family family_of(const Description& description) {
  for (const Media& m : description.media) {
    const Connection* c = description.connection_of(m);
    if (m.kind == MediaKind::audio && m.port != 0 && c && c->address.valid()) return c->address.family();
  }
  return Family::v4;
}

Result<Address> usable_address(const Connection* connection, std::uint16_t port) {
  if (!connection) return unsupported("expected c= for the stream, saw none");
  if (!connection->address.valid())
    return unsupported(
        fmt::format("expected an IP address in c=, saw the name \"{}\"; names are not looked up",
                    printable(connection->host)));
  Address address = connection->address;
  if (address.is_unspecified()) return Address{};
  if (const char* reason = unusable_reason(address))
    return unsupported(fmt::format("expected a unicast address in c=, saw {}: {}", address.host(), reason));
  address.set_port(port);
  return address;
}

}  // namespace tandem::sdp
