// PhoneSdp: a few lines of SDP, no more than a simple phone needs. Thread: one.
#include "tests/support/phone_sdp.hpp"

#include <sstream>

namespace tandem::testing {

std::string PhoneSdp::text() const {
  std::ostringstream out;
  const char* family = v6() ? "IP6" : "IP4";
  out << "v=0\r\no=phone " << session << ' ' << version << " IN " << family << ' ' << host
      << "\r\ns=-\r\nc=IN " << family << ' ' << host << "\r\nt=0 0\r\nm=audio " << port << " RTP/AVP";
  for (const int type : types) out << ' ' << type;
  out << "\r\n";
  for (const int type : types) {
    if (const auto name = names.find(type); name != names.end())
      out << "a=rtpmap:" << type << ' ' << name->second << "\r\n";
  }
  out << "a=ptime:" << ptime_ms << "\r\na=" << direction << "\r\n";
  return out.str();
}

std::optional<PhoneSdp> PhoneSdp::read(std::string_view text) {
  PhoneSdp seen;
  seen.types.clear();
  bool audio = false;
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);) {
    while (!line.empty() && line.back() == '\r') line.pop_back();
    std::istringstream words(line.size() > 2 ? line.substr(2) : "");
    std::string word;
    if (line.starts_with("o=")) {
      words >> word >> seen.session >> seen.version;
    } else if (line.starts_with("c=")) {
      words >> word >> word >> seen.host;
    } else if (line.starts_with("m=audio ")) {
      audio = true;
      words >> word >> seen.port >> word;
      for (int type = 0; words >> type;) seen.types.push_back(type);
    } else if (line.starts_with("a=rtpmap:")) {
      std::istringstream map(line.substr(9));
      int type = 0;
      map >> type >> word;
      seen.names[type] = word;
    } else if (line.starts_with("a=ptime:")) {
      seen.ptime_ms = static_cast<unsigned>(std::stoul(line.substr(8)));
    } else if (line == "a=sendrecv" || line == "a=sendonly" || line == "a=recvonly" || line == "a=inactive") {
      seen.direction = line.substr(2);
    }
  }
  if (!audio) return std::nullopt;
  return seen;
}

std::string PhoneSdp::first_codec() const {
  if (port == 0) return {};
  for (const int type : types) {
    const auto name = names.find(type);
    if (name == names.end() || name->second.starts_with("telephone-event")) continue;
    return name->second.substr(0, name->second.find('/'));
  }
  return {};
}

PhoneSdp PhoneSdp::answer_to(const PhoneSdp& offer) const {
  PhoneSdp answer = *this;
  answer.types.clear();
  answer.names.clear();
  for (const int type : offer.types) {
    const auto theirs = offer.names.find(type);
    if (theirs == offer.names.end()) continue;
    for (const int own : types) {
      const auto ours = names.find(own);
      if (ours == names.end() || ours->second != theirs->second) continue;
      answer.types.push_back(type);
      answer.names[type] = theirs->second;
    }
  }
  if (offer.direction == "sendonly") answer.direction = "recvonly";
  if (offer.direction == "recvonly") answer.direction = "sendonly";
  if (offer.direction == "inactive") answer.direction = "inactive";
  if (answer.first_codec().empty()) answer.port = 0;
  return answer;
}

}  // namespace tandem::testing
