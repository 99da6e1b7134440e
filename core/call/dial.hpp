// Dial: ringing one or many until somebody answers: parallel or staggered, with a time-out; the losers are
// cancelled.
//
//   targets ─(delay)─► extension ─Directory─► devices ─Signaling::lookup─► contacts ─┐
//                      sip: URI ────────────────────────────────────────────────────┴─► branches (outbound
//                      legs)
//   first 200 wins ─► the owner is answered and joined with it ─► dial.finished
//
// The owner is the leg that waits; a dial without one (originate) hands its winner to a callback.
// Thread: [control]. It does not choose numbers' apps: a target is a device's number or a URI.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/call/exchange.hpp"

namespace tandem::call {

struct DialTarget {
  std::string to;  // an extension's number, or a sip:/sips: URI
  milliseconds delay{0};
  Headers headers;
  PeerMedia media{};  // with this target
};

struct DialSpec {
  std::vector<DialTarget> targets;
  milliseconds timeout{30000};
  Party caller;                 // user "" : the owner's own
  bool early_media = true;      // of a single target: the owner hears what it sends before it answers
  std::string ringback = "us";  // country of the tone an owner hears that is answered already; "": none
};

struct DialOutcome {
  std::string status;  // "answered", "busy", "no-answer", "failed", "cancelled", "unavailable"
  int q850 = 0, code = 0;
  std::string peer;  // the leg that answered
};

class Dials {
 public:
  // Told once when a dial without an owner is over; the winner is standing, or null.
  using Finished = std::function<void(const DialOutcome&, Leg* winner)>;
  // Told once when the first branches of a dial without an owner are out (their legs; empty when there are
  // none).
  using Placed = std::function<void(const std::vector<std::string>& legs)>;

  // Told when a target of the owner's dial rings, and when the owner's dial is over.
  using OwnerRang = std::function<void(Leg& owner)>;
  using OwnerDone = std::function<void(const std::string& owner, const DialOutcome&)>;

  explicit Dials(Exchange& exchange) : exchange_(exchange) {}
  void set_hooks(OwnerRang rang, OwnerDone done) {
    owner_rang_ = std::move(rang);
    owner_done_ = std::move(done);
  }

  // Begins a dial for a leg; its id. Errors: conflict (the leg dials already or has ended), invalid (no
  // target), exhausted (over dial_targets_max; no ports).
  Result<std::string> start(Leg& owner, const DialSpec& spec, Finished finished = {});
  // The same without an owner, in a call that is held open (Call::pending was counted by the caller).
  Result<std::string> start(Call& call, const DialSpec& spec, Placed placed, Finished finished);
  // Ends the leg's dial, as if its owner hung up: status "cancelled". Nothing when it has none.
  void cancel(Leg& owner);

  // From Signaling, by way of Calls. False: no leg of any dial, not ours to look after.
  bool on_progress(Leg& leg, const Progress& progress);
  bool on_answered(Leg& leg, const Answered& answered);
  void on_failed(Leg& leg, const Failed& failed);  // before the leg is ended
  void on_contacts(const std::string& lookup, const std::vector<Contact>& contacts);
  void on_leg_ended(Leg& leg);
  std::size_t size() const { return dials_.size(); }

 private:
  enum class BranchState : std::uint8_t { waiting, trying, ringing, over };
  struct Branch {
    std::size_t target = 0;
    std::string leg;
    BranchState state = BranchState::trying;
    bool rang = false;
  };
  struct Dial {
    std::string id, owner, call, tenant;
    DialSpec spec;
    std::vector<Branch> branches;
    std::vector<TimerId> timers;
    int pending = 0;       // delays, directory questions and look-ups that may still add branches
    bool starting = true;  // start() has not returned: placed() waits
    DialOutcome best;
    int best_rank = -1;
    Placed placed;
    Finished finished;
  };
  struct Lookup {
    std::string dial;
    std::size_t target = 0;
    TimerId guard = 0;
    std::string user;
  };

  Result<std::string> begin(std::unique_ptr<Dial> dial);
  Dial* find(const std::string& id);
  Branch* branch_of(Dial& dial, const Leg& leg);
  void reach(const std::string& dial, std::size_t target);
  void reach_extension(Dial& dial, std::size_t target);
  void look_up(Dial& dial, std::size_t target, const std::string& user);
  void branch_out(Dial& dial, std::size_t target, const Contact& contact, const std::string& user);
  void target_failed(Dial& dial, std::size_t target, int code, int q850, bool rang, const char* state);
  void settle(const std::string& dial);
  void time_out(Dial& dial);
  void win(Dial& dial, Leg& winner);
  void finish(Dial& dial, const DialOutcome& outcome, Leg* winner);
  void show_progress(Dial& dial, std::size_t target, const char* state);
  void let_ring(Dial& dial, Leg& branch, bool media);
  void say_placed(Dial& dial);

  // borrowed
  Exchange& exchange_;
  OwnerRang owner_rang_;
  OwnerDone owner_done_;
  // owned
  std::unordered_map<std::string, std::unique_ptr<Dial>> dials_;
  std::unordered_map<std::string, Lookup> lookups_;
};

}  // namespace tandem::call
