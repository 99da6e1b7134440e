// Endpoint: the whole dialog layer as one machine. Events of the wire, commands of the call side and the time
// go in; requests and replies, and the events of docs/signaling.md, come out by the Outlet.
//
//   WireEvent ─► on_wire ─┐                    ┌─► Outlet::request, reply, cancel, lookup ─► Kamailio
//   command   ─► command ─┼─► Dialog, Messages,─┤
//   clock     ─► tick ────┘   Mwi              └─► Outlet::event ─► the call side (after the step, in order)
//
// It tolerates events that come twice, late or out of order. Events are queued while a step runs, so a
// command given from inside an event meets a finished step. Thread: one ([control]). No clock, no socket.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "kamailio/dialog_table.hpp"
#include "kamailio/messages.hpp"
#include "kamailio/mwi.hpp"
#include "kamailio/outbound.hpp"
#include "kamailio/sockets.hpp"

namespace tandem::kamailio {

inline constexpr std::size_t kDialogsMax = 50000;

struct EndpointCounters {
  std::uint64_t requests = 0, unmatched = 0, merged = 0, refused_methods = 0, auth_failed = 0, strays = 0;
  std::uint64_t dialogs_full = 0, bad_commands = 0;
};

class Endpoint final : private Outlet {
 public:
  // `out` outlives it. `random` gives 64 fresh bits a call.
  Endpoint(Outlet& out, Settings settings, std::function<std::uint64_t()> random);
  ~Endpoint() override;

  // The link takes commands again. `boot` is another text after each start of Kamailio: its transactions are
  // gone then.
  void on_up(std::uint64_t now, const std::string& boot, const nlohmann::json& sockets);
  void on_down(std::uint64_t now);

  void on_wire(std::uint64_t now, const WireEvent& event);
  // Kamailio took or refused a reply of ours.
  void on_reply_result(std::uint64_t now, const std::string& tid, int code, bool taken);
  void on_contacts(std::uint64_t now, std::uint64_t ticket, const std::vector<Contact>& contacts);

  // One command of docs/signaling.md but `users`, which is the link's. False: malformed, nothing happened.
  [[nodiscard]] bool command(std::uint64_t now, const nlohmann::json& command);

  // Runs what is due; next_due() is 0 when nothing waits.
  void tick(std::uint64_t now);
  std::uint64_t next_due() const;

  // Ends every call: refusals for those that ring, BYE for the others.
  void hang_up_all(std::uint64_t now);
  // Calls not ended yet, or whose BYE was not answered yet.
  std::size_t unfinished() const;
  std::size_t dialogs() const { return table_.size(); }
  std::size_t subscriptions() const { return mwi_.size(); }
  const EndpointCounters& counters() const { return counters_; }

 private:
  using Json = nlohmann::json;
  class Step;

  // Outlet, for the parts of the machine: events wait for the end of the step.
  void reply(const SipReply& r) override { out_.reply(r); }
  void request(const SipRequest& r) override { out_.request(r); }
  void cancel(const std::string& call_id, std::uint32_t cseq) override { out_.cancel(call_id, cseq); }
  void lookup(const std::string& user, std::uint64_t ticket) override { out_.lookup(user, ticket); }
  void event(const Json& event) override;
  void log(int level, std::string_view line) override { out_.log(level, line); }

  Context context(std::uint64_t now);
  void on_request(Context& ctx, const WireEvent& event);
  void on_new_call(Context& ctx, const WireEvent& event);
  void on_in_dialog(Context& ctx, Dialog& dialog, const WireEvent& event);
  void on_bye(Context& ctx, Dialog& dialog, const WireEvent& event);
  void on_reply(Context& ctx, const WireEvent& event);
  void on_final(Context& ctx, Dialog& dialog, const WireEvent& event);
  void on_registered(Context& ctx, const WireEvent& event);
  void on_kamailio_restarted(Context& ctx);
  void release_held(Context& ctx, Dialog& dialog);
  void run_due(Context& ctx, Dialog& dialog);
  void refuse(Context& ctx, const WireEvent& event, int code, const std::string& lines = "");
  std::string leg_replaced(std::string_view replaces) const;

  bool run_command(Context& ctx, const std::string& name, const Json& command);
  bool invite(Context& ctx, const Json& command);
  bool lookup_command(Context& ctx, const Json& command);
  bool message(Context& ctx, const Json& command);
  bool mwi(Context& ctx, const Json& command);
  bool leg_command(Context& ctx, const std::string& name, const Json& command);
  void hang_up(Context& ctx, Dialog& dialog, int q850, const std::string& reason);
  // Asks for a user's contacts, or answers with none at once while the link is down.
  void find_contacts(Context& ctx, const std::string& user,
                     std::function<void(Context&, const std::vector<Contact>&)> then);

  // borrowed
  Outlet& out_;
  // owned
  Settings settings_;
  std::function<std::uint64_t()> random_;
  DialogTable table_;
  Messages messages_;
  Mwi mwi_;
  Sockets sockets_;
  // state
  bool up_ = false;
  std::string boot_;
  int depth_ = 0;
  std::uint64_t last_ticket_ = 0;
  std::map<std::uint64_t, std::function<void(Context&, const std::vector<Contact>&)>> lookups_;
  std::vector<Json> events_;
  std::uint64_t stray_second_ = 0, strays_now_ = 0, auth_told_ = 0;
  EndpointCounters counters_;
};

}  // namespace tandem::kamailio
