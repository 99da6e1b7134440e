// What comes over the link: bytes through the netstring stream, JSON through decode, events through the whole
// dialog machine on a counted clock. The first byte cuts the stream into pieces.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "kamailio/endpoint.hpp"
#include "kamailio/netstring.hpp"

namespace {

using namespace tandem::kamailio;
using nlohmann::json;

struct Nowhere final : Outlet {
  void reply(const SipReply&) override {}
  void request(const SipRequest& r) override { last = r; }
  void cancel(const std::string&, std::uint32_t) override {}
  void lookup(const std::string&, std::uint64_t) override {}
  void event(const json& e) override {
    if (e.contains("leg")) leg = e["leg"].get<std::string>();
  }
  void log(int, std::string_view) override {}
  SipRequest last;
  std::string leg;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = data[0] % 61 + 1;
  Nowhere out;
  Endpoint endpoint(out, {}, [n = std::uint64_t{0}]() mutable { return ++n * 2654435761u; });
  std::uint64_t now = 1;
  endpoint.on_up(now, "b", json::array());
  Netstrings frames(4096);
  while (!bytes.empty()) {
    if (frames.push(bytes.substr(0, piece)) == Netstrings::Verdict::broken) frames.reset();
    bytes.remove_prefix(std::min(piece, bytes.size()));
    while (auto frame = frames.next()) {
      const json parsed = json::parse(*frame, nullptr, false);
      std::string error;
      if (const auto event = decode(parsed, error)) endpoint.on_wire(now, *event);
      if (parsed.is_object() && parsed.contains("cmd")) (void)endpoint.command(now, parsed);
      if (!out.leg.empty()) {
        (void)endpoint.command(now, {{"cmd", "accept"}, {"leg", out.leg}, {"sdp", "v=0\r\n"}});
      }
      now += 7'000'000'000;
      endpoint.tick(now);
    }
  }
  return 0;
}
