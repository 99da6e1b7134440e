// SipCallee: the called phone of calls from phone to phone: registers at the proxy, takes what rings there.
//
//   start(): REGISTER with digest      poll() ─► invited ─► answer() ─► 200 … ACK        BYE ─► 200      ~:
//   REGISTER, 0 s
//
// One address of record rings for all calls; whose call an INVITE is, is for the driver to know. Thread:
// [control].
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/load/sip_driver.hpp"

namespace tandem::load {

class SipCallee {
 public:
  static constexpr std::size_t kDialogsMax = 100'000;  // beyond: 486

  SipCallee(const Address& server, SipAccount account);
  // Takes the registration back.
  ~SipCallee();
  SipCallee(const SipCallee&) = delete;
  SipCallee& operator=(const SipCallee&) = delete;

  // Registers. Errors: unavailable (no socket), timeout (no answer within 3 s), denied (with the status).
  Result<void> start();

  struct Invited {
    std::string call_id, sdp, from;
  };
  // Answers requests and repeats what is not acknowledged; gives new INVITEs, which ring until answer() or
  // refuse().
  std::vector<Invited> poll(TimePoint now);
  void answer(const std::string& call_id, const std::string& sdp, TimePoint now);
  void refuse(const std::string& call_id, const char* status);

  // Whether a call of it goes on, and whether the ACK to our 200 came.
  bool stands(const std::string& call_id) const { return dialogs_.contains(call_id); }
  bool acknowledged(const std::string& call_id) const;

  int fd() const { return fd_; }
  const SipAccount& account() const { return account_; }

 private:
  struct Dialog {
    SipMessage invite;
    std::string ok;  // the 200, as it is repeated
    bool acknowledged = false;
    TimePoint since{}, repeat_at{};
    Nanos repeat{0};
  };
  std::string registration(unsigned cseq, unsigned expires, const std::string& authorization) const;
  std::string response(const SipMessage& request, const char* status, const std::string& more,
                       const std::string& body) const;
  void transmit(const std::string& text);
  void on_request(const SipMessage& message, std::vector<Invited>& out);

  const Address server_;
  const SipAccount account_;
  int fd_ = -1;
  std::string local_, authorization_, token_;
  unsigned cseq_ = 0;
  bool registered_ = false;
  std::unordered_map<std::string, Dialog> dialogs_;
  std::string bytes_;
  TimePoint next_look_{};
};

}  // namespace tandem::load
