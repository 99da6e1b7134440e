// NgDriver: a question is a cookie; its answer, a repetition or the end of patience moves the call on.
//
//   place ─► offer(first phone's SDP) ─► answer(second phone's SDP) ─► up      hang_up ─► delete ─► ended
#include "core/load/ng_driver.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <random>
#include <unordered_map>

#include "core/load/bencode.hpp"
#include "core/load/process_probe.hpp"
#include "core/load/sdp_text.hpp"
#include "core/load/signal_socket.hpp"
#include "core/loop/tick_timer.hpp"

namespace tandem::load {
namespace {

constexpr Nanos kRepeat = milliseconds(500), kPatience = seconds(3);
constexpr std::size_t kAnswerMax = 65536;

// As the protocol's codec lists want it: the name alone where that says enough.
std::string name_of(const td_codec& codec) {
  if (codec.rtpmap_channels > 1)
    return fmt::format("{}/{}/{}", codec.name, codec.clock_rate, codec.rtpmap_channels);
  return codec.clock_rate == 8000 ? std::string(codec.name)
                                  : fmt::format("{}/{}", codec.name, codec.clock_rate);
}

class NgDriver final : public Driver {
 public:
  explicit NgDriver(const Address& server) : server_(server) {}
  ~NgDriver() override {
    if (fd_ >= 0) ::close(fd_);
  }
  NgDriver(const NgDriver&) = delete;
  NgDriver& operator=(const NgDriver&) = delete;

  Result<void> start() override {
    auto socket = SignalSocket::connect(server_);
    if (!socket) return socket.error();
    fd_ = socket->fd;
    ask(kPing, Step::ping, BencodeWriter().text("command", "ping").done());
    std::vector<DriverEvent> none;
    while (!alive_ && !asked_.empty()) poll(milliseconds(20), none);
    if (!alive_)
      return Error{
          ErrorCode::unavailable,
          fmt::format("no ng server answers at {} within {} s: is it running, and is that its --listen-ng?",
                      server_.text(), kPatience / seconds(1))};
    pids_ = owners_of_port(Transport::udp, server_.port());
    return {};
  }

  void place(const CallPlan& plan) override {
    const Part& part = *plan.part;
    Call& call = calls_[plan.call];
    call = {plan, loop::monotonic_now(), {}};
    call.up.legs.resize(plan.legs.size());
    BencodeWriter offer;
    offer.text("command", "offer").text("call-id", id(plan.call)).text("from-tag", "a").text("ICE", "remove");
    offer.list("replace", {"origin"})
        .text("sdp", sdp_of(plan.legs[0], plan.call, plan.legs[0].payload_type, part.ptime_ms));
    if (plan.legs[0].codec != plan.legs[1].codec)
      offer.lists("codec",
                  {{"mask", {name_of(*plan.legs[0].codec)}}, {"transcode", {name_of(*plan.legs[1].codec)}}});
    if (plan.legs[0].key.has_value() != plan.legs[1].key.has_value())
      offer.text("transport-protocol", plan.legs[1].key ? "RTP/SAVP" : "RTP/AVP");
    if (plan.legs[0].key || plan.legs[1].key) offer.text("DTLS", "off");
    if (part.record) offer.text("record call", "yes");
    ask(plan.call, Step::offer, offer.done());
  }

  void hang_up(std::uint32_t number) override {
    ask(number, Step::remove,
        BencodeWriter()
            .text("command", "delete")
            .text("call-id", id(number))
            .number("delete delay", 0)
            .text("from-tag", "a")
            .done());
  }

  void poll(Nanos wait, std::vector<DriverEvent>& out) override {
    pollfd one{fd_, POLLIN, 0};
    ::poll(&one, 1, static_cast<int>(wait / milliseconds(1)));
    static thread_local std::string bytes(kAnswerMax, '\0');
    for (int i = 0; i < 1000; ++i) {
      const ssize_t n = recv(fd_, bytes.data(), bytes.size(), 0);
      if (n < 0 && errno == ECONNREFUSED) continue;  // nobody there yet, or no more: patience decides
      if (n <= 0) break;
      on_answer(std::string_view(bytes).substr(0, static_cast<std::size_t>(n)), out);
    }
    const TimePoint now = loop::monotonic_now();
    if (now < next_look_) return;
    next_look_ = now + milliseconds(50);
    for (auto at = asked_.begin(); at != asked_.end();) {
      Asked& asked = at->second;
      if (now - asked.at > kPatience) {
        const Asked late = std::move(asked);
        at = asked_.erase(at);
        give_up(late, "no answer from the ng server within 3 s", out);
        continue;
      }
      if (now >= asked.repeat_at) {
        asked.repeat_at = now + kRepeat;
        transmit(at->first, asked.message);
      }
      ++at;
    }
  }

  std::vector<int> pids() const override { return pids_; }

  std::string describe() const override {
    std::string name = "a server elsewhere";
    if (!pids_.empty()) std::getline(std::ifstream(fmt::format("/proc/{}/comm", pids_[0])), name);
    return fmt::format("{} by the ng protocol at {}", name, server_.text());
  }

  std::string refuses(const Part& part) const override {
    return part.kind == Kind::bridge ? ""
           : part.kind == Kind::room ? kNoRooms
                                     : "the ng driver makes bridged calls only (kind = \"bridge\")";
  }

 private:
  static constexpr std::uint32_t kPing = 0xffffffff;
  enum class Step : std::uint8_t { ping, offer, answer, remove };
  struct Asked {
    std::uint32_t call = 0;
    Step step = Step::ping;
    std::string message;
    TimePoint at, repeat_at;
  };
  struct Call {
    CallPlan plan;
    TimePoint begun;
    DriverEvent up;
  };

  std::string id(std::uint32_t call) const { return fmt::format("bench-{:x}-{}", token_, call); }

  void transmit(const std::string& cookie, const std::string& message) {
    const std::string datagram = cookie + " " + message;
    if (send(fd_, datagram.data(), datagram.size(), 0) < 0) return;  // repeated later
  }

  void ask(std::uint32_t call, Step step, std::string message) {
    const std::string cookie = fmt::format("{:x}_{}", token_, ++cookies_);
    const TimePoint now = loop::monotonic_now();
    transmit(cookie, message);
    asked_[cookie] = {call, step, std::move(message), now, now + kRepeat};
  }

  void give_up(const Asked& asked, const std::string& why, std::vector<DriverEvent>& out) {
    if (asked.step == Step::ping) return;
    DriverEvent event;
    event.call = asked.call;
    event.reason = why;
    event.what = asked.step == Step::remove ? DriverEvent::What::ended : DriverEvent::What::failed;
    calls_.erase(asked.call);
    out.push_back(std::move(event));
  }

  void on_answer(std::string_view bytes, std::vector<DriverEvent>& out) {
    const std::size_t space = bytes.find(' ');
    if (space == bytes.npos) return;
    const auto at = asked_.find(std::string(bytes.substr(0, space)));
    if (at == asked_.end()) return;  // the second answer to a repeated question
    const Asked asked = std::move(at->second);
    asked_.erase(at);
    const auto answer = bencode_strings(bytes.substr(space + 1));
    const auto field = [&](const char* key) {
      const auto found = answer ? answer->find(key) : decltype(answer->find(key)){};
      return answer && found != answer->end() ? found->second : std::string();
    };
    const std::string result = field("result");
    if (asked.step == Step::ping) {
      alive_ = result == "pong";
      return;
    }
    if (asked.step == Step::remove)
      return give_up(asked, result == "ok" ? "" : "the ng server refused: " + field("error-reason"), out);
    if (result != "ok")
      return give_up(asked,
                     !answer ? "the ng server's answer is no bencode"
                             : "the ng server refused: " + field("error-reason"),
                     out);
    const auto call = calls_.find(asked.call);
    if (call == calls_.end()) return;
    on_sdp(asked, call->second, field("sdp"), out);
  }

  void on_sdp(const Asked& asked, Call& call, const std::string& sdp, std::vector<DriverEvent>& out) {
    // The offer comes back as what the second phone is offered; the answer as what the first one gets.
    const unsigned leg = asked.step == Step::offer ? 1 : 0;
    const auto media = read_sdp(sdp, call.plan.legs[leg]);
    if (!media)
      return give_up(asked,
                     sdp.empty() ? "the ng server's answer has no SDP"
                                 : "the ng server's SDP has no address and port for audio",
                     out);
    if (media->type < 0 || media->type > 127)
      return give_up(asked, fmt::format("the ng server's SDP has no {}", call.plan.legs[leg].codec->name),
                     out);
    call.up.legs[leg] = {media->at, static_cast<std::uint8_t>(media->type), media->fmtp, media->key};
    if (asked.step == Step::offer) {
      BencodeWriter answer;
      answer.text("command", "answer")
          .text("call-id", id(asked.call))
          .text("from-tag", "a")
          .text("to-tag", "b")
          .text("ICE", "remove");
      answer.text("sdp", sdp_of(call.plan.legs[1], asked.call, static_cast<std::uint8_t>(media->type),
                                call.plan.part->ptime_ms, media->crypto_tag));
      return ask(asked.call, Step::answer, answer.done());
    }
    call.up.call = asked.call;
    call.up.took = loop::monotonic_now() - call.begun;
    out.push_back(call.up);
    calls_.erase(asked.call);
  }

  const Address server_;
  // Of this run alone: servers answer a cookie that they know as they did before.
  const std::uint32_t token_ = std::random_device()();
  int fd_ = -1;
  bool alive_ = false;
  std::vector<int> pids_;
  std::unordered_map<std::string, Asked> asked_;
  std::unordered_map<std::uint32_t, Call> calls_;
  std::uint64_t cookies_ = 0;
  TimePoint next_look_{};
};

}  // namespace

std::unique_ptr<Driver> make_ng_driver(const Address& server) { return std::make_unique<NgDriver>(server); }

}  // namespace tandem::load
