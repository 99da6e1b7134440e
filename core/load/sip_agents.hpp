// SipAgents: the agents of a queue under load, each a registered phone that takes one call at a time.
//
//   the queue's INVITE ─► an idle agent ─► whose call is it? ─► 200 ─► ACK ─► settled ─► up       BYE ─► idle
//
// A call is told by its caller's number where the server hands it on ("q17", of callers without digest), else
// the caller who waits the longest must be meant. Thread: [control].
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/load/sip_callee.hpp"

namespace tandem::load {

class SipAgents {
 public:
  // After the ACK: until the server has joined both and its music is over.
  static constexpr Nanos kSettle = milliseconds(150);
  // A caller that is rung for while another waits so much longer was served out of turn.
  static constexpr Nanos kTurn = milliseconds(500);

  SipAgents(const Address& server, const std::vector<SipAccount>& accounts);

  // Registers all. Errors: as SipCallee::start.
  Result<void> start();

  // A call that waits: its caller's number, and since when.
  void waits(std::uint32_t call, TimePoint since);
  // It waits no more, whatever the reason; an agent that it rings is refused, one that it has is free with
  // its BYE.
  void forget(std::uint32_t call);

  struct Rung {
    std::uint32_t call = 0;
    std::size_t agent = 0;
    std::string call_id, sdp;
    bool out_of_turn = false;
  };
  // New calls at idle agents; all others are refused.
  std::vector<Rung> poll(TimePoint now);
  void answer(const Rung& rung, const std::string& sdp, TimePoint now);
  void refuse(const Rung& rung, const char* status);
  // Calls that have settled since the last time.
  std::vector<std::uint32_t> settled(TimePoint now);

  static std::string number_of(std::uint32_t call);
  std::size_t size() const { return phones_.size(); }
  int fd(std::size_t agent) const { return phones_[agent].phone->fd(); }

 private:
  struct Phone {
    std::unique_ptr<SipCallee> phone;
    std::string call_id;  // of the call that it has; "": idle
    std::uint32_t call = 0;
    TimePoint acknowledged{};
    bool told = false;
  };
  struct Waiting {
    std::uint32_t call = 0;
    TimePoint since;
  };
  std::vector<Waiting>::iterator find(const SipCallee::Invited& invited);

  std::vector<Phone> phones_;
  std::vector<Waiting> waiting_;  // the longest first
};

}  // namespace tandem::load
