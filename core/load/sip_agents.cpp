// SipAgents: see the header.
#include "core/load/sip_agents.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tandem::load {

SipAgents::SipAgents(const Address& server, const std::vector<SipAccount>& accounts) {
  for (const SipAccount& account : accounts)
    phones_.push_back({std::make_unique<SipCallee>(server, account), "", 0, {}, false});
}

Result<void> SipAgents::start() {
  for (Phone& one : phones_)
    if (auto started = one.phone->start(); !started) return started;
  return {};
}

std::string SipAgents::number_of(std::uint32_t call) { return fmt::format("q{}", call); }

void SipAgents::waits(std::uint32_t call, TimePoint since) { waiting_.push_back({call, since}); }

void SipAgents::forget(std::uint32_t call) {
  std::erase_if(waiting_, [call](const Waiting& one) { return one.call == call; });
}

// Whose an INVITE is: by "sip:q17@" in its From, else the first who waits.
std::vector<SipAgents::Waiting>::iterator SipAgents::find(const SipCallee::Invited& invited) {
  const std::size_t at = invited.from.find("sip:q");
  const std::size_t end = at == std::string::npos ? at : invited.from.find('@', at);
  if (end == std::string::npos) return waiting_.begin();
  const std::string number = invited.from.substr(at + 4, end - at - 4);
  return std::find_if(waiting_.begin(), waiting_.end(),
                      [&](const Waiting& one) { return number_of(one.call) == number; });
}

std::vector<SipAgents::Rung> SipAgents::poll(TimePoint now) {
  std::vector<Rung> out;
  for (std::size_t i = 0; i < phones_.size(); ++i) {
    Phone& one = phones_[i];
    const auto invited = one.phone->poll(now);
    if (!one.call_id.empty() && !one.phone->stands(one.call_id)) one.call_id.clear();
    for (const SipCallee::Invited& invite : invited) {
      const auto whose = find(invite);
      if (!one.call_id.empty() || whose == waiting_.end()) {
        one.phone->refuse(invite.call_id, "486 Busy Here");
        continue;
      }
      Rung rung{whose->call, i, invite.call_id, invite.sdp, false};
      rung.out_of_turn =
          whose->since - waiting_.front().since > kTurn && now - waiting_.front().since > kTurn;
      waiting_.erase(whose);
      one.call_id = invite.call_id;
      one.call = rung.call;
      one.acknowledged = {};
      one.told = false;
      out.push_back(std::move(rung));
    }
  }
  return out;
}

void SipAgents::answer(const Rung& rung, const std::string& sdp, TimePoint now) {
  phones_[rung.agent].phone->answer(rung.call_id, sdp, now);
}

void SipAgents::refuse(const Rung& rung, const char* status) {
  phones_[rung.agent].phone->refuse(rung.call_id, status);
  phones_[rung.agent].call_id.clear();
}

std::vector<std::uint32_t> SipAgents::settled(TimePoint now) {
  std::vector<std::uint32_t> out;
  for (Phone& one : phones_) {
    if (one.call_id.empty() || one.told || !one.phone->acknowledged(one.call_id)) continue;
    if (one.acknowledged == TimePoint{}) one.acknowledged = now;
    if (now - one.acknowledged < kSettle) continue;
    one.told = true;
    out.push_back(one.call);
  }
  return out;
}

}  // namespace tandem::load
