// PhoneCompany and its phones: what each act and each command leads to. Thread: one.
#include "tests/support/phone_company.hpp"

#include <algorithm>

namespace tandem::testing {

using call::SignalingListener;

// ---- Phone

Phone::Phone(PhoneCompany& company, std::string user, std::string host, std::uint16_t rtp_port)
    : company_(company), user_(std::move(user)) {
  sdp_.host = std::move(host);
  sdp_.port = rtp_port;
}

Phone& Phone::registers(const std::string& contact) {
  const std::string host = sdp_.v6() ? "[" + sdp_.host + "]" : sdp_.host;
  contacts_.push_back(contact.empty() ? "sip:" + user_ + "@" + host + ":5060" : contact);
  call::Registered event;
  event.user = user_;
  event.contact = contacts_.back();
  event.source = "udp:" + host + ":5060";
  event.user_agent = "SimPhone";
  event.expires = 3600;
  company_.tell([event](SignalingListener& l) { l.on_registered(event); });
  return *this;
}

Phone& Phone::unregisters() {
  contacts_.clear();
  call::Registered event;
  event.user = user_;
  company_.tell([event](SignalingListener& l) { l.on_registered(event); });
  return *this;
}

Dialog& Phone::calls(const std::string& number, const std::string& sdp) {
  Dialog& dialog = company_.begin(*this, "in-" + std::to_string(++company_.next_leg_));
  dialog.own = sdp_;
  company_.place(*this, dialog, number, sdp.empty() ? dialog.own.text() : sdp);
  return dialog;
}

Dialog& Phone::calls_without_offer(const std::string& number) {
  Dialog& dialog = company_.begin(*this, "in-" + std::to_string(++company_.next_leg_));
  dialog.delayed = true;
  company_.place(*this, dialog, number, "");
  return dialog;
}

void Phone::hangs_up(Dialog& dialog) {
  if (dialog.over()) return;
  call::Ended ended;
  ended.leg = dialog.leg;
  ended.by = "remote";
  if (!dialog.up()) ended.code = 487;  // CANCEL
  if (dialog.up()) ended.q850 = 16;
  company_.finish(dialog, ended);
}

void Phone::holds(Dialog& dialog, const std::string& direction) {
  dialog.own.direction = direction;
  ++dialog.own.version;
  reinvites(dialog, dialog.own.text());
}

void Phone::resumes(Dialog& dialog) { holds(dialog, "sendrecv"); }

void Phone::reinvites(Dialog& dialog, const std::string& sdp_text) {
  dialog.reinvite_code = 0;
  call::Reoffer reoffer;
  reoffer.leg = dialog.leg;
  reoffer.sdp = sdp_text;
  company_.tell([reoffer](SignalingListener& l) { l.on_reoffer(reoffer); });
}

void Phone::refreshes(Dialog& dialog) {
  dialog.reinvite_code = 0;
  call::Reoffer reoffer;
  reoffer.leg = dialog.leg;
  reoffer.sdp = dialog.own.text();
  reoffer.refresh = true;
  company_.tell([reoffer](SignalingListener& l) { l.on_reoffer(reoffer); });
}

void Phone::refers(Dialog& dialog, const std::string& number, const std::string& replaces) {
  call::Refer refer;
  refer.leg = dialog.leg;
  refer.user = number;
  refer.refer_to = "sip:" + number + "@tandem.example";
  refer.replaces = replaces;
  company_.tell([refer](SignalingListener& l) { l.on_refer(refer); });
}

void Phone::sends_info_digit(Dialog& dialog, char digit) {
  call::InfoDigit info;
  info.leg = dialog.leg;
  info.digit = digit;
  info.duration_ms = 100;
  company_.tell([info](SignalingListener& l) { l.on_info_digit(info); });
}

Dialog* Phone::called() {
  for (auto it = company_.dialogs_.rbegin(); it != company_.dialogs_.rend(); ++it) {
    if ((*it)->phone == this && !(*it)->placed) return it->get();
  }
  return nullptr;
}

// ---- PhoneCompany: its own

Phone& PhoneCompany::phone(const std::string& user, bool v6) {
  auto& slot = phones_[user];
  if (!slot) {
    const std::size_t number = phones_.size();
    const std::string host = (v6 ? "2001:db8::" : "192.0.2.") + std::to_string(number);
    slot = std::make_unique<Phone>(*this, user, host, static_cast<std::uint16_t>(40000 + 2 * number));
  }
  return *slot;
}

Dialog* PhoneCompany::dialog(const std::string& leg) {
  const auto it = by_leg_.find(leg);
  return it == by_leg_.end() ? nullptr : it->second;
}

std::size_t PhoneCompany::live_dialogs() const {
  return static_cast<std::size_t>(
      std::count_if(dialogs_.begin(), dialogs_.end(), [](const auto& dialog) { return !dialog->over(); }));
}

void PhoneCompany::goes_up() {
  tell([](SignalingListener& l) { l.on_link_up(); });
}
void PhoneCompany::goes_down() {
  tell([](SignalingListener& l) { l.on_link_down(); });
}

void PhoneCompany::tell(std::function<void(SignalingListener&)> what, milliseconds extra) {
  if (delay_ == milliseconds(0) && extra == milliseconds(0)) {
    if (listener_ != nullptr) what(*listener_);
    return;
  }
  timers_.after(delay_ + extra, [this, what = std::move(what)] {
    if (listener_ != nullptr) what(*listener_);
  });
}

void PhoneCompany::later(const std::string& leg, milliseconds delay, std::function<void(Dialog&)> act) {
  timers_.after(delay, [this, leg, act = std::move(act)] {
    Dialog* of = dialog(leg);
    if (of != nullptr && !of->over()) act(*of);
  });
}

Dialog& PhoneCompany::begin(Phone& phone, const std::string& leg) {
  dialogs_.push_back(std::make_unique<Dialog>());
  Dialog& dialog = *dialogs_.back();
  dialog.leg = leg;
  dialog.phone = &phone;
  dialog.own = phone.sdp_;
  by_leg_[leg] = &dialog;
  return dialog;
}

void PhoneCompany::place(Phone& phone, Dialog& dialog, const std::string& number, const std::string& sdp) {
  dialog.placed = true;
  call::Incoming incoming;
  incoming.leg = dialog.leg;
  incoming.call_id = "sip-" + dialog.leg;
  incoming.from = {phone.user_, "sip:" + phone.user_ + "@tandem.example", "Phone " + phone.user_};
  incoming.to = {number, "sip:" + number + "@tandem.example", ""};
  incoming.dialed = number;
  incoming.source = "udp:" + phone.sdp_.host + ":5060";
  incoming.auth_user = phone.authenticated_ ? phone.user_ : "";
  incoming.user_agent = "SimPhone";
  incoming.sdp = sdp;
  tell([incoming](SignalingListener& l) { l.on_incoming(incoming); });
}

void PhoneCompany::take_sdp(Dialog& dialog, const std::string& sdp) {
  if (sdp.empty()) return;
  dialog.their_text = sdp;
  auto read = PhoneSdp::read(sdp);
  if (!read) violated(dialog.leg, "SDP without audio: " + sdp);
  dialog.theirs = std::move(read);
}

std::string PhoneCompany::answer_text(Dialog& dialog) {
  if (!dialog.phone->answer_text_.empty()) return dialog.phone->answer_text_;
  if (dialog.theirs) dialog.own = dialog.own.answer_to(*dialog.theirs);
  return dialog.own.text();
}

void PhoneCompany::finish(Dialog& dialog, const call::Ended& ended) {
  dialog.state = Dialog::State::over;
  tell([ended](SignalingListener& l) { l.on_ended(ended); });
}

Dialog* PhoneCompany::live(const std::string& leg, const char* command) {
  Dialog* found = dialog(leg);
  if (found == nullptr) violated(leg, std::string(command) + " for a leg that never was");
  return found != nullptr && !found->over() ? found : nullptr;  // both sides may end at once: ignored
}

// ---- PhoneCompany: the commands

void PhoneCompany::lookup(const std::string& id, const std::string& user) {
  if (!answers_lookups) return;
  std::vector<call::Contact> contacts;
  if (const auto it = phones_.find(user); it != phones_.end()) {
    for (const std::string& uri : it->second->contacts_)
      contacts.push_back({uri, "{\"uri\":\"" + uri + "\"}"});
  }
  tell([id, user, contacts](SignalingListener& l) { l.on_contacts(id, user, contacts); });
}

void PhoneCompany::invite(const call::Invite& invite) {
  const std::string& uri = invite.contact.uri;
  Phone* callee = nullptr;
  for (auto& [user, phone] : phones_) {
    const bool registered =
        std::find(phone->contacts_.begin(), phone->contacts_.end(), uri) != phone->contacts_.end();
    if (registered || uri.starts_with("sip:" + user + "@")) callee = phone.get();
  }
  if (dialog(invite.leg) != nullptr) return violated(invite.leg, "a second invite");
  if (invite.sdp.empty()) violated(invite.leg, "invite without an offer");
  if (callee == nullptr) {
    tell([leg = invite.leg](SignalingListener& l) { l.on_failed({leg, 404, "Not Found", 0, {}}); });
    return;
  }
  Dialog& dialog = begin(*callee, invite.leg);
  dialog.invite = invite;
  take_sdp(dialog, invite.sdp);
  const std::string leg = invite.leg;
  if (callee->refuse_code_ != 0) {
    later(leg, callee->refuse_after_, [this, leg, code = callee->refuse_code_](Dialog& of) {
      of.state = Dialog::State::over;
      tell([leg, code](SignalingListener& l) { l.on_failed({leg, code, "Refused", 0, {}}); });
    });
    return;
  }
  later(leg, callee->ring_after_, [this, leg](Dialog& of) {
    if (of.up()) return;
    of.state = Dialog::State::ringing;
    tell([leg](SignalingListener& l) { l.on_progress({leg, 180, "Ringing", ""}); });
  });
  if (callee->early_after_) {
    later(leg, *callee->early_after_, [this, leg](Dialog& of) {
      of.state = Dialog::State::ringing;
      const std::string sdp = answer_text(of);
      tell([leg, sdp](SignalingListener& l) { l.on_progress({leg, 183, "Session Progress", sdp}); });
    });
  }
  if (callee->answer_after_) {
    later(leg, *callee->answer_after_, [this, leg](Dialog& of) {
      of.state = Dialog::State::up;
      const std::string sdp = answer_text(of);
      tell([leg, sdp](SignalingListener& l) { l.on_answered({leg, sdp, "", "SimPhone"}); });
    });
  }
}

void PhoneCompany::ring(const std::string& leg, int code, const std::string&, const std::string& sdp) {
  Dialog* of = live(leg, "ring");
  if (of == nullptr) return;
  if (!of->placed || of->up()) return violated(leg, "ring in a dialog that is not waiting for it");
  of->progress.push_back(code);
  of->state = Dialog::State::ringing;
  take_sdp(*of, sdp);
}

void PhoneCompany::accept(const std::string& leg, const std::string& sdp) {
  Dialog* of = live(leg, "accept");
  if (of == nullptr) return;
  if (!of->placed || of->up()) return violated(leg, "accept in a dialog that is not waiting for it");
  if (sdp.empty()) violated(leg, "200 without SDP");
  if (of->theirs && !of->their_text.empty() && of->their_text != sdp)
    violated(leg, "the 200's SDP differs from the 183's");
  take_sdp(*of, sdp);
  of->state = Dialog::State::up;
  of->final_code = 200;
  if (!of->phone->acks_) {
    later(leg, seconds(32), [this](Dialog& unacked) {
      finish(unacked, {unacked.leg, "timer", 408, 0, "no ACK"});
    });
    return;
  }
  const std::string answer = of->delayed ? answer_text(*of) : "";
  tell([leg, answer](SignalingListener& l) { l.on_confirmed(leg, answer); });
}

void PhoneCompany::reject(const std::string& leg, int code, const std::string& reason, int q850) {
  Dialog* of = live(leg, "reject");
  if (of == nullptr) return;
  if (!of->placed || of->up()) return violated(leg, "reject in a dialog that is not waiting for it");
  of->final_code = code;
  of->final_reason = reason;
  of->q850 = q850;
  of->ended_by_tandem = true;
  finish(*of, {leg, "local", code, q850, reason});
}

void PhoneCompany::redirect(const std::string& leg, const std::string& uri) { reject(leg, 302, uri, 23); }

void PhoneCompany::reoffer(const std::string& leg, const std::string& sdp) {
  Dialog* of = live(leg, "reoffer");
  if (of == nullptr) return;
  if (!of->up()) return violated(leg, "re-INVITE before the answer");
  ++of->reinvites_seen;
  if (of->phone->reinvite_refusal_ != 0) {
    const int code = of->phone->reinvite_refusal_;
    tell([leg, code](SignalingListener& l) { l.on_reanswered({leg, code, ""}); });
    return;
  }
  take_sdp(*of, sdp);
  of->own.direction = "sendrecv";
  ++of->own.version;
  const std::string answer = answer_text(*of);
  tell([leg, answer](SignalingListener& l) { l.on_reanswered({leg, 200, answer}); });
}

void PhoneCompany::reanswer(const std::string& leg, int code, const std::string& sdp) {
  Dialog* of = live(leg, "reanswer");
  if (of == nullptr) return;
  of->reinvite_code = code;
  if (code == 200 && sdp.empty()) violated(leg, "200 to a re-INVITE without SDP");
  take_sdp(*of, sdp);
}

void PhoneCompany::hangup(const std::string& leg, int q850, const std::string& reason) {
  Dialog* of = live(leg, "hangup");
  if (of == nullptr) return;
  of->q850 = q850;
  of->ended_by_tandem = true;
  if (!of->placed && !of->up()) {  // CANCEL
    of->state = Dialog::State::over;
    tell([leg](SignalingListener& l) { l.on_failed({leg, 487, "Request Terminated", 0, {}}); });
    return;
  }
  if (of->placed && !of->up()) of->final_code = 480;
  finish(*of, {leg, "local", 0, q850, reason});
}

void PhoneCompany::refer(const std::string& leg, const std::string& to, const std::string&) {
  Dialog* of = live(leg, "refer");
  if (of == nullptr) return;
  of->referred_to = to;
  tell([leg](SignalingListener& l) { l.on_refer_progress({leg, 100, "Trying", false}); });
  tell([leg](SignalingListener& l) { l.on_refer_progress({leg, 200, "OK", true}); }, milliseconds(500));
}

void PhoneCompany::refer_reply(const std::string& leg, int code) {
  if (Dialog* of = live(leg, "refer_reply")) of->refer_code = code;
}

void PhoneCompany::refer_notify(const std::string& leg, int code, const std::string&, bool final) {
  Dialog* of = live(leg, "refer_notify");
  if (of == nullptr) return;
  if (of->refer_code != 202) violated(leg, "NOTIFY without an accepted REFER");
  if (of->notify_final) violated(leg, "NOTIFY after the final one");
  of->notifies.push_back(code);
  of->notify_final = final;
}

void PhoneCompany::mwi(const std::string& user, int fresh, int old) {
  Phone& told = phone(user);
  told.mwi_fresh = fresh;
  told.mwi_old = old;
}

}  // namespace tandem::testing
