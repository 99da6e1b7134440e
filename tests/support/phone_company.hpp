// PhoneCompany: phones, their registrations and their calls, simulated behind call::Signaling on a counted
// clock.
//
//   company.phone("1001").registers();
//   company.phone("1002").registers().rings_after(100ms).answers_after(2s);
//   Dialog& call = company.phone("1001").calls("1002");      timers.advance(3s);      EXPECT_TRUE(call.up());
//
// It is strict about what it is told: a command that a SIP stack could not carry out (a second 200, a
// re-INVITE before the answer) is written into violations(), which a test expects to be empty. Each phone has
// an RTP address of its own in its SDP, so that real media can stand behind it. Thread: one. It is not SIP:
// no messages, no retransmissions.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/timers.hpp"
#include "core/call/signaling.hpp"
#include "tests/support/phone_sdp.hpp"

namespace tandem::testing {

class Phone;
class PhoneCompany;

// One call of one phone, as the phone sees it.
struct Dialog {
  enum class State { trying, ringing, up, over };
  std::string leg;
  Phone* phone = nullptr;
  bool placed = false;   // the phone called; else it was called
  bool delayed = false;  // placed without SDP: it answers in its ACK
  State state = State::trying;
  PhoneSdp own;                    // what the phone said last
  std::optional<PhoneSdp> theirs;  // what Tandem said last
  std::string their_text;          // the same, as it came
  std::vector<int> progress;       // provisional codes that Tandem sent
  int final_code = 0;              // Tandem's final answer to the phone's call
  std::string final_reason;
  int q850 = 0;  // with which Tandem ended or refused it
  bool ended_by_tandem = false;
  int refer_code = 0;         // Tandem's answer to the phone's REFER
  std::vector<int> notifies;  // its NOTIFYs, by sipfrag code
  bool notify_final = false;
  int reinvite_code = 0;    // Tandem's answer to the phone's re-INVITE
  int reinvites_seen = 0;   // Tandem's own
  std::string referred_to;  // where Tandem's REFER sends the phone
  call::Invite invite;      // when it was called

  bool up() const { return state == State::up; }
  bool over() const { return state == State::over; }
  bool ringing() const { return state == State::ringing; }
};

class Phone {
 public:
  Phone(PhoneCompany& company, std::string user, std::string host, std::uint16_t rtp_port);

  // ---- manners, when it is called. The default: 180 after 50 ms, 200 after 1 s.
  Phone& rings_after(milliseconds delay) { return ring_after_ = delay, *this; }
  Phone& answers_after(milliseconds delay) { return answer_after_ = delay, *this; }
  Phone& never_answers() { return answer_after_.reset(), *this; }
  Phone& sends_early_media_after(milliseconds delay) { return early_after_ = delay, *this; }
  Phone& refuses(int code, milliseconds delay = milliseconds(20)) {
    return refuse_code_ = code, refuse_after_ = delay, *this;
  }
  Phone& refuses_reinvites(int code) { return reinvite_refusal_ = code, *this; }
  Phone& never_acks() { return acks_ = false, *this; }
  Phone& answers_with(std::string sdp_text) { return answer_text_ = std::move(sdp_text), *this; }
  Phone& speaks(std::vector<int> types) { return sdp_.types = std::move(types), *this; }
  Phone& is_stranger() { return authenticated_ = false, *this; }  // its calls pass no digest
  PhoneSdp& sdp() { return sdp_; }

  // ---- acts
  Phone& registers(const std::string& contact = {});
  Phone& unregisters();
  // Places a call. `sdp` "": its own offer.
  Dialog& calls(const std::string& number, const std::string& sdp = {});
  Dialog& calls_without_offer(const std::string& number);
  void hangs_up(Dialog& dialog);  // BYE, or CANCEL of a call that it placed and that is not up
  void holds(Dialog& dialog, const std::string& direction = "sendonly");
  void resumes(Dialog& dialog);
  void reinvites(Dialog& dialog, const std::string& sdp_text);
  void refreshes(Dialog& dialog);  // its session timer: the same SDP again
  void refers(Dialog& dialog, const std::string& number, const std::string& replaces = {});
  void sends_info_digit(Dialog& dialog, char digit);

  // The dialog of the call that it got last; null when it was never called.
  Dialog* called();
  const std::string& user() const { return user_; }
  const std::vector<std::string>& contacts() const { return contacts_; }
  int mwi_fresh = -1, mwi_old = -1;  // the last message-waiting state it was told

 private:
  friend class PhoneCompany;
  PhoneCompany& company_;
  std::string user_;
  PhoneSdp sdp_;
  std::vector<std::string> contacts_;
  milliseconds ring_after_{50};
  std::optional<milliseconds> early_after_;
  std::optional<milliseconds> answer_after_{1000};
  int refuse_code_ = 0;
  milliseconds refuse_after_{20};
  int reinvite_refusal_ = 0;
  bool acks_ = true, authenticated_ = true;
  std::string answer_text_;
};

class PhoneCompany final : public call::Signaling {
 public:
  // `delay`: how long anything takes on the wire. Zero: events come from inside the commands.
  explicit PhoneCompany(Timers& timers, milliseconds delay = milliseconds(5))
      : timers_(timers), delay_(delay) {}

  // The phone of a user, made at first mention with an RTP address of its own (192.0.2.N or, with `v6`,
  // 2001:db8::N).
  Phone& phone(const std::string& user, bool v6 = false);
  Dialog* dialog(const std::string& leg);
  const std::deque<std::unique_ptr<Dialog>>& dialogs() const { return dialogs_; }
  std::size_t live_dialogs() const;
  void goes_up();
  void goes_down();
  bool answers_lookups = true;

  // What Tandem did that no SIP stack could have carried out.
  const std::vector<std::string>& violations() const { return violations_; }
  const std::vector<call::User>& users_given() const { return users_; }

  // ---- call::Signaling
  void set_listener(call::SignalingListener* listener) override { listener_ = listener; }
  void users(const std::vector<call::User>& all) override { users_ = all; }
  void lookup(const std::string& id, const std::string& user) override;
  void invite(const call::Invite&) override;
  void ring(const std::string& leg, int code, const std::string& reason, const std::string& sdp) override;
  void accept(const std::string& leg, const std::string& sdp) override;
  void reject(const std::string& leg, int code, const std::string& reason, int q850) override;
  void redirect(const std::string& leg, const std::string& uri) override;
  void reoffer(const std::string& leg, const std::string& sdp) override;
  void reanswer(const std::string& leg, int code, const std::string& sdp) override;
  void hangup(const std::string& leg, int q850, const std::string& reason) override;
  void refer(const std::string& leg, const std::string& to, const std::string& replaces) override;
  void refer_reply(const std::string& leg, int code) override;
  void refer_notify(const std::string& leg, int code, const std::string& reason, bool final) override;
  void info(const std::string&, const std::string&, const std::string&) override {}
  void mwi(const std::string& user, int fresh, int old) override;
  void message(const std::string&, const std::string&, const call::Party&, const std::string&,
               const std::string&) override {}
  void message_reply(const std::string& id, int code) override { message_replies[id] = code; }

  std::map<std::string, int> message_replies;

 private:
  friend class Phone;
  Dialog& begin(Phone& phone, const std::string& leg);
  void place(Phone& phone, Dialog& dialog, const std::string& number, const std::string& sdp);
  void tell(std::function<void(call::SignalingListener&)> what, milliseconds extra = milliseconds(0));
  void later(const std::string& leg, milliseconds delay, std::function<void(Dialog&)> act);
  void take_sdp(Dialog& dialog, const std::string& sdp);
  void finish(Dialog& dialog, const call::Ended& ended);
  std::string answer_text(Dialog& dialog);
  Dialog* live(const std::string& leg, const char* command);
  void violated(const std::string& leg, const std::string& what) { violations_.push_back(leg + ": " + what); }

  Timers& timers_;
  const milliseconds delay_;
  call::SignalingListener* listener_ = nullptr;
  std::map<std::string, std::unique_ptr<Phone>> phones_;
  std::deque<std::unique_ptr<Dialog>> dialogs_;
  std::map<std::string, Dialog*> by_leg_;
  std::vector<call::User> users_;
  std::vector<std::string> violations_;
  std::uint64_t next_leg_ = 0;
};

}  // namespace tandem::testing
