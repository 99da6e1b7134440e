// Phone: a SIP phone under the test's hand: it sends what the test says and shows what came, over UDP, TCP or
// a WebSocket, IPv4 or IPv6. No automatism but 401 and 407. Thread: one.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kamailio/sip.hpp"
#include "tests/plugins/kamailio/epoll_host.hpp"

namespace tandem::kamailio::testing {

struct SipMessage {
  std::string start, body;
  HeaderList headers;
  bool valid() const { return !start.empty(); }
  int code() const;            // 0 for a request
  std::string method() const;  // of a request, or of the CSeq
  std::string get(std::string_view name) const { return std::string(header(headers, name)); }
  std::string request_uri() const;
};

enum class Wire { udp, tcp, ws };

// One side of a dialog as the phone sees it.
struct PhoneDialog {
  std::string call_id, local, remote, target;  // local and remote are whole From and To values
  int cseq = 0;
};

class Phone {
 public:
  Phone(EpollHost& host, std::string user, Wire wire, std::string address, std::uint16_t server_port);
  ~Phone();
  Phone(const Phone&) = delete;
  Phone& operator=(const Phone&) = delete;

  std::string contact() const;
  void send(const std::string& text);
  // Builds and sends one request; an empty dialog is filled in. Gives the branch.
  std::string request(const std::string& method, const std::string& uri, PhoneDialog& dialog,
                      const std::string& extra = "", const std::string& body = "",
                      const std::string& branch = "");
  void ack(const PhoneDialog& dialog, int cseq, const std::string& body = "");
  void reply(const SipMessage& request, int code, const std::string& extra = "",
             const std::string& body = "");
  // The next message that is a request of this method or an answer of this code (100 is skipped); others fail
  // the test's wait and are dropped. An invalid message when none came in time.
  SipMessage expect(const std::string& what, int ms = 10000);
  // The next answer to an INVITE that ends its transaction (RFC 3261 17.1.1).
  SipMessage final_answer(int ms = 10000);
  // All that came in the last wait: "100 503 ".
  const std::string& came() const { return came_; }
  // True when nothing more comes within `ms`.
  bool silent(int ms);
  // A request with credentials: sends, answers the challenge, gives the first answer that is neither 100, 401
  // nor 407.
  SipMessage authenticated(const std::string& method, const std::string& uri, PhoneDialog& dialog,
                           const std::string& password, const std::string& extra = "",
                           const std::string& body = "");
  PhoneDialog registration() const;  // what a REGISTER of this phone begins with
  SipMessage register_with(const std::string& password, int expires = 300);
  PhoneDialog answer_dialog(const SipMessage& invite, const std::string& tag) const;
  std::string server_uri(const std::string& user) const;
  std::uint16_t port() const { return port_; }
  std::string local_tag = "phone";

 private:
  SipMessage next_such(const std::function<bool(const SipMessage&)>& wanted, int ms);
  void poll();
  void push(std::string_view text);
  void poll_stream();

  EpollHost& host_;
  std::string user_, address_;
  Wire wire_;
  std::uint16_t server_port_, port_ = 0;
  int fd_ = -1;
  std::string stream_;
  std::deque<SipMessage> inbox_;
  std::string came_;
};

extern const char* const kSdp;  // an offer or answer that means nothing

}  // namespace tandem::kamailio::testing
