// With which party ICE is spoken (docs/ng.md, "ICE"): decided by offers and answers, told to the legs.
#include "core/anchor/anchors.hpp"
#include "core/anchor/profile.hpp"

namespace tandem::anchor {

// Whether an offer that leaves on `line` speaks ICE: as it came, or as was agreed before, unless told.
bool Anchors::offer_ice(Line& line, const PeerIce& offerer, const Options& options) {
  LineIce& ice = line.ice;
  bool on = ice.decided ? ice.on : offerer.spoken;
  if (options.ice == IceOption::remove) on = false;
  if (options.ice == IceOption::force) on = true;
  ice.decided = true;
  ice.on = on;
  if (!on) return false;
  if (ice.ours.ufrag.empty()) ice.ours = stun::make_credentials();
  tell_ice(line);  // it may check before its answer is here (RFC 8445 7.3)
  return true;
}

// An answer of ours to `line`: others of our credentials when theirs are new (RFC 8839 4.4.1.1.1, a restart).
bool Anchors::answer_ice(Line& line, const PeerIce& theirs, const Options& options) {
  const bool on = theirs.spoken && options.ice != IceOption::remove;
  const bool restarted = !line.ice.theirs.ufrag.empty() && line.ice.theirs != theirs.credentials;
  if (on && (restarted || line.ice.ours.ufrag.empty())) line.ice.ours = stun::make_credentials();
  agree_ice(line, theirs, on);
  return on;
}

// What both sides' SDP came to.
void Anchors::agree_ice(Line& line, const PeerIce& theirs, bool wanted) {
  line.ice.decided = true;
  line.ice.on = wanted && theirs.spoken;  // ours stay: of several answers to one offer another may speak it
  line.ice.theirs = theirs.credentials;
  tell_ice(line);
}

void Anchors::tell_ice(Line& line) {
  std::optional<stun::IceConfig> wanted;
  if (line.ice.on) wanted = stun::IceConfig{line.ice.ours, line.ice.theirs.ufrag};
  if (wanted == line.ice.set) return;
  if (media_.set_ice(line.opened.id, wanted)) line.ice.set = std::move(wanted);
}

// Our lines for a section of SDP: where c= sends them, and RTCP too unless it shares the port.
std::vector<std::string> Anchors::ice_text(const Line& line, const std::string& host, OnePort one_port) {
  Address rtp = line.rtp, rtcp = line.rtcp;
  if (const auto said = Address::parse(host, rtp.port()); said && !said->is_unspecified()) {
    rtp = *said;
    const std::uint16_t port = rtcp.port();
    rtcp = *said;
    rtcp.set_port(port);
  }
  if (one_port == OnePort::yes || !is_rtp(line.proto)) rtcp = Address();
  return ice_lines(line.ice.ours, rtp, rtcp);
}

}  // namespace tandem::anchor
