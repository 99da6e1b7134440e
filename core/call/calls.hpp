// Calls: the front of the call layer: the verbs of docs/api.md on one side, what Signaling and the media
// plane report on the other.
//
//   api, scripts ──verbs──► Calls ──► Exchange, Dials, Transfers, Playbacks, Recordings ──► Signaling, Media
//   EventSink ◄──────────── Events                     Calls ◄── SignalingListener, MediaListener
//
// Every verb names who asks: a tenant touches only its own legs, "" (the operator, our own scripts) all. What
// is not seen does not exist: not_found. Thread: [control]. JSON is not known here.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/call/dial.hpp"
#include "core/call/exchange.hpp"
#include "core/call/playback.hpp"
#include "core/call/recording.hpp"
#include "core/call/transfer.hpp"

namespace tandem::call {

struct OriginateOrder {
  std::string to;         // extension or sip: URI
  Party from;             // caller id shown
  std::string app, args;  // what handles the leg when it is answered; or
  std::string bridge_to;  // who is dialed then and joined
  milliseconds timeout{60000};
  PeerMedia media{};   // with `to`
  std::string tenant;  // "" : the configured default
  Headers headers;
};

struct Originated {
  std::string call;
  std::vector<std::string> legs;  // one a contact that rings; the first to answer stays
};

class Calls final : public SignalingListener, public session::MediaListener {
 public:
  // Sets itself as listener of signaling and media, and takes itself out when it is destroyed.
  Calls(const Surroundings& around, const CallsConfig& config);
  ~Calls() override;
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  // ---- what stands. Errors: not_found. The pointers are good until the next turn of the loop.
  Result<const Call*> find_call(std::string_view tenant, std::string_view call);
  Result<Leg*> find_leg(std::string_view tenant, std::string_view leg);
  std::vector<const Call*> list(std::string_view tenant) const;
  // Those of `numbers` that ring or speak now: called as such, or calling from a device that is theirs.
  std::vector<std::string> in_use(std::string_view tenant, std::span<const std::string> numbers) const;
  std::size_t call_count() const { return exchange_.calls().size(); }
  std::size_t leg_count() const { return exchange_.legs().size(); }
  bool link_up() const { return link_up_; }
  void stats(const Leg& leg, std::function<void(const session::LegStats&)> answer);

  // ---- verbs on one leg. Besides what each says: not_found; conflict when its state forbids it.
  Result<void> ring(std::string_view tenant, std::string_view leg, bool early);
  Result<void> answer(std::string_view tenant, std::string_view leg);
  // The same, and says when media can flow: at once, or after a delayed offer (RFC 3261, 13.2.1) with the
  // ACK. Errors then also: not_found when the leg ended instead. `agreed` is called exactly once.
  void answer(std::string_view tenant, std::string_view leg, std::function<void(Result<void>)> agreed);
  Result<void> reject(std::string_view tenant, std::string_view leg, int code, const std::string& reason);
  Result<void> hang_up(std::string_view tenant, std::string_view leg, int q850);
  void play(std::string_view tenant, std::string_view leg, const PlayOrder& order,
            std::function<void(Result<std::string>)> started);
  Result<void> stop_play(std::string_view tenant, std::string_view leg);
  // Digits "0-9*#A-Dw" (w: 500 ms pause), at most 128. Errors: invalid.
  Result<void> send_digits(std::string_view tenant, std::string_view leg, std::string_view digits,
                           milliseconds duration, milliseconds gap);
  Result<std::string> dial(std::string_view tenant, std::string_view leg, const DialSpec& spec);
  Result<void> cancel_dial(std::string_view tenant, std::string_view leg);
  // Two legs that can be heard; a leg with itself is an echo.
  Result<void> bridge(std::string_view tenant, std::string_view leg, std::string_view with);
  Result<void> unbridge(std::string_view tenant, std::string_view leg);
  // Re-INVITE sendonly, or sendrecv. Events leg.held and leg.resumed tell of the phone's own wish, not of
  // this.
  Result<void> hold(std::string_view tenant, std::string_view leg, bool on);
  Result<void> transfer(std::string_view tenant, std::string_view leg, const std::string& to);
  Result<void> refer(std::string_view tenant, std::string_view leg, const std::string& to);
  Result<void> run(std::string_view tenant, std::string_view leg, const std::string& app,
                   const std::string& args);

  // ---- others
  // Answered once the first contacts ring. Errors: invalid, exhausted, unavailable (nobody to ring; link
  // down).
  void originate(const OriginateOrder& order, std::function<void(Result<Originated>)> placed);
  Result<void> hang_up_call(std::string_view tenant, std::string_view call, int q850);
  Result<Recording> record(std::string_view tenant, std::string_view leg, const RecordOrder& order);
  Recordings& recordings() { return recordings_; }
  // Message-waiting state to a user's phones (RFC 3842).
  void set_waiting(const std::string& user, int fresh, int old);
  // The devices that may register and call: the whole set.
  void set_users(const std::vector<User>& users);
  // The app's host says that an app is over; `run` as in AppStart, 0 when it does not know.
  void app_ended(std::string_view leg, std::uint64_t run);
  // Ends every leg, for shutdown.
  void hang_up_all(int q850);

  const CallCounters& counters() { return exchange_.counters(); }

  // ---- SignalingListener
  void on_link_up() override;
  void on_link_down() override;
  void on_incoming(const Incoming&) override;
  void on_progress(const Progress&) override;
  void on_answered(const Answered&) override;
  void on_failed(const Failed&) override;
  void on_confirmed(const std::string& leg, const std::string& sdp) override;
  void on_ended(const Ended&) override;
  void on_reoffer(const Reoffer&) override;
  void on_reanswered(const Reanswered&) override;
  void on_refer(const Refer&) override;
  void on_refer_progress(const ReferProgress&) override;
  void on_info(const Info&) override;
  void on_info_digit(const InfoDigit&) override;
  void on_message(const Message&) override;
  void on_registered(const Registered&) override;
  void on_contacts(const std::string& id, const std::string& user, const std::vector<Contact>&) override;
  void on_subscribed(const Subscribed&) override;
  void on_message_sent(const std::string& id, int code) override;

  // ---- session::MediaListener
  void on_digit_received(const session::DigitEvent&) override;
  void on_digits_sent(session::MediaId) override;
  void on_playback_finished(session::PlaybackId, session::MediaId, session::PlayEnd,
                            milliseconds played) override;
  void on_recording_finished(session::RecordingId, session::MediaId, session::RecordEnd,
                             const std::string& path, milliseconds length, const std::string& error) override;
  void on_media_started(session::MediaId) override;
  void on_media_timed_out(session::MediaId) override;

 private:
  void admit(const Incoming& incoming, const std::string& tenant, const std::optional<Device>& device);
  void turn_away(const std::string& leg, int code, const std::string& reason, int q850);
  void update_hold(Leg& leg);
  void connected(const std::string& leg, const OriginateOrder& order);
  void emit_device(const Registered& registered, const std::string& tenant);

  Affinity affinity_;
  // owned
  Exchange exchange_;
  Dials dials_;
  Transfers transfers_;
  Playbacks playbacks_;
  Recordings recordings_;
  // state
  bool link_up_ = false;
  std::unordered_map<std::string, Incoming> arriving_;  // whose device is being looked for
};

}  // namespace tandem::call
