// The plugin's entry: tandem.signaling/1 over the Endpoint, the link to Kamailio, and Kamailio itself in
// managed mode.
//
//   call side ─command()─► Signaling ─► Endpoint ─► RpcOutlet ─► Link ─► Kamailio ─► phones
//              ◄──event───                 ▲ one timer, at Endpoint::next_due()
//
// Thread: [control].
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "kamailio/endpoint.hpp"
#include "kamailio/managed.hpp"
#include "kamailio/options.hpp"
#include "kamailio/rpc_outlet.hpp"
#include "tandem/sdk.hpp"

namespace tandem::kamailio {
namespace {

using nlohmann::json;
using Figure = sdk::Figure<std::uint64_t>;

constexpr std::size_t kUsersMax = 200000;
constexpr std::uint64_t kMs = 1'000'000;

std::uint64_t random_bits() {
  std::uint64_t bits = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&bits), sizeof bits);
  return bits;
}

class Signaling {
 public:
  Signaling(const sdk::Host& host, Options options)
      : host_(host),
        options_(std::move(options)),
        managed_(options_.mode == Mode::managed ? std::make_unique<Managed>(host_, options_) : nullptr),
        due_(host_),
        stopping_(host_) {}

  bool prepare(std::string& error) {
    for (const std::string& key : options_.warnings)
      host_.warn("[plugin.kamailio] " + key + ": no such option");
    if (managed_ && !managed_->prepare(error)) return false;
    RpcOutlet::Callbacks callbacks;
    callbacks.on_up = [this](const std::string& boot, const json& sockets) {
      host_.info("link to Kamailio is up");
      endpoint_->on_up(host_.now_ns(), boot, sockets);
      arm();
    };
    callbacks.on_down = [this] { step([&] { endpoint_->on_down(host_.now_ns()); }); };
    callbacks.on_wire = [this](const WireEvent& e) { step([&] { endpoint_->on_wire(host_.now_ns(), e); }); };
    callbacks.on_reply_result = [this](const std::string& tid, int code, bool taken) {
      step([&] { endpoint_->on_reply_result(host_.now_ns(), tid, code, taken); });
    };
    callbacks.on_contacts = [this](std::uint64_t ticket, const std::vector<Contact>& contacts) {
      step([&] { endpoint_->on_contacts(host_.now_ns(), ticket, contacts); });
    };
    callbacks.on_event = [this](const json& event) {
      if (event_ == nullptr) return;
      const std::string text = event.dump(-1, ' ', false, json::error_handler_t::replace);
      event_(user_, sdk::str(text));
    };
    outlet_ = std::make_unique<RpcOutlet>(host_, options_.link_address, options_.link_port,
                                          options_.link_token, std::move(callbacks));
    endpoint_ = std::make_unique<Endpoint>(
        *outlet_, Settings{options_.user_agent, options_.domain, options_.session_expires}, &random_bits);
    provide();
    show_figures();
    return true;
  }

  void start(td_signal_event_fn event, void* user) {
    event_ = event;
    user_ = user;
    if (managed_) managed_->start();
    outlet_->open();
  }

  int command(std::string_view text) {
    const json parsed = json::parse(text, nullptr, false);
    if (!parsed.is_object()) return TD_INVALID;
    const auto name = parsed.find("cmd");
    if (name != parsed.end() && *name == "users") return users(parsed) ? TD_OK : TD_INVALID;
    const bool good = endpoint_->command(host_.now_ns(), parsed);
    arm();
    return good ? TD_OK : TD_INVALID;
  }

  void stop(std::uint64_t grace_ns, std::function<void()> stopped) {
    stopped_ = std::move(stopped);
    leaving_ = true;
    outlet_->leave([this] { leaving_ = false; });
    endpoint_->hang_up_all(host_.now_ns());
    arm();
    stop_by_ns_ = host_.now_ns() + grace_ns;
    await_calls();
  }

 private:
  template <typename Run>
  void step(Run run) {
    run();
    arm();
  }

  void arm() {
    const std::uint64_t next = endpoint_->next_due();
    if (next == armed_ns_ && due_.running()) return;
    due_.stop();
    armed_ns_ = next;
    if (next == 0) return;
    const std::uint64_t now = host_.now_ns();
    due_.start(next > now ? next - now : 0, [this] {
      endpoint_->tick(host_.now_ns());
      arm();
    });
  }

  bool users(const json& command) {
    const auto list = command.find("users");
    if (list == command.end() || !list->is_array() || list->size() > kUsersMax) return false;
    std::vector<User> out;
    std::size_t foreign = 0;
    for (const json& row : *list) {
      if (!row.is_object()) return false;
      const auto user = row.find("user"), ha1 = row.find("ha1"), realm = row.find("realm");
      if (user == row.end() || !user->is_string() || ha1 == row.end() || !ha1->is_string()) return false;
      const auto name = user->get<std::string>(), hash = ha1->get<std::string>();
      const bool good_name =
          !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
            return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                   std::string_view(".-_+*#").find(c) != std::string_view::npos;
          });
      if (!good_name || hash.size() != 32 ||
          hash.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) {
        return false;
      }
      if (realm != row.end() && realm->is_string() && *realm != options_.realm) ++foreign;
      std::string low = hash;
      std::transform(low.begin(), low.end(), low.begin(),
                     [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
      out.push_back({name, low});
    }
    if (foreign > 0) {
      host_.warn(std::to_string(foreign) + " users have another realm than '" + options_.realm +
                 "' ([plugin.kamailio] realm): their passwords will not be accepted");
    }
    outlet_->set_users(std::move(out));
    return true;
  }

  void await_calls() {
    if ((leaving_ || endpoint_->unfinished() > 0) && outlet_->up() && host_.now_ns() < stop_by_ns_) {
      stopping_.start(20 * kMs, [this] { await_calls(); });
      return;
    }
    stopping_.stop();
    outlet_->close();
    due_.stop();
    const auto done = [this] {
      if (const auto stopped = std::exchange(stopped_, nullptr)) stopped();
    };
    if (managed_) {
      managed_->stop(done);
    } else {
      done();
    }
  }

  void provide() {
    const td_api* api = host_.api();
    if (api == nullptr) return;
    static constexpr std::string_view kDescription =
        R"({"summary":"State and counters of the link to Kamailio","params":{"type":"object"},"result":{"type":"object"},"access":"public"})";
    api->provide(
        api, sdk::str("kamailio.status"), sdk::str(kDescription),
        [](void* user, td_request* request, const td_caller*, td_str) {
          auto* self = static_cast<Signaling*>(user);
          sdk::Answer(self->host_.api(), request).ok(self->status().dump());
        },
        this);
  }

  std::array<Figure, 10> link_figures() const {
    const LinkCounters& l = outlet_->counters();
    return {{
        {"connects", "link_connects_total", "Connections made to Kamailio.", &l.connects},
        {"lost", "link_lost_total", "Connections to Kamailio that were lost.", &l.lost},
        {"frames_in", "link_frames_received_total", "Events and answers that came over the link.",
         &l.frames_in},
        {"frames_out", "link_frames_sent_total", "Commands that went over the link.", &l.frames_out},
        {"bad_json", "link_bad_json_total", "Frames that were no JSON.", &l.bad_json},
        {"broken_frames", "link_broken_frames_total", "Frames that were no netstring.", &l.broken},
        {"oversized_frames", "link_oversized_frames_total", "Frames over the limit, dropped.", &l.oversized},
        {"commands_too_large", "link_commands_too_large_total", "Commands over the limit, not sent.",
         &l.too_large},
        {"commands_queue_full", "link_commands_queue_full_total", "Commands that found the queue full.",
         &l.queue_full},
        {"commands_refused", "link_commands_refused_total", "Commands that Kamailio answered with an error.",
         &l.errors},
    }};
  }

  std::array<Figure, 8> sip_figures() const {
    const EndpointCounters& e = endpoint_->counters();
    return {{
        {"requests", "requests_total", "SIP requests that came.", &e.requests},
        {"unmatched", "unmatched_total", "Requests within a dialog that is not known.", &e.unmatched},
        {"merged", "merged_total", "Requests that came twice by different ways (482).", &e.merged},
        {"methods_refused", "methods_refused_total", "Requests whose method is not served.",
         &e.refused_methods},
        {"digest_failures", "digest_failures_total", "Requests with a wrong password.", &e.auth_failed},
        {"stray_answers", "stray_answers_total", "Answers to nothing that was asked.", &e.strays},
        {"dialogs_full", "dialogs_full_total", "Calls refused because there are too many.", &e.dialogs_full},
        {"bad_commands", "bad_commands_total", "Commands of ours that could not be read.", &e.bad_commands},
    }};
  }

  void show_figures() {
    host_.measure<std::uint64_t>(link_figures());
    host_.measure<std::uint64_t>(sip_figures());
  }

  json status() const {
    auto link = sdk::figures<json, std::uint64_t>(link_figures());
    link["bad_events"] = outlet_->bad_events();
    return {{"mode", managed_ ? "managed" : "external"},
            {"up", outlet_->up()},
            {"dialogs", endpoint_->dialogs()},
            {"subscriptions", endpoint_->subscriptions()},
            {"kamailio",
             {{"pid", managed_ ? managed_->pid() : 0}, {"restarts", managed_ ? managed_->restarts() : 0}}},
            {"link", std::move(link)},
            {"sip", sdk::figures<json, std::uint64_t>(sip_figures())}};
  }

  // borrowed
  sdk::Host host_;
  // owned
  Options options_;
  std::unique_ptr<Managed> managed_;
  std::unique_ptr<RpcOutlet> outlet_;
  std::unique_ptr<Endpoint> endpoint_;
  sdk::Timer due_, stopping_;
  // state
  td_signal_event_fn event_ = nullptr;
  void* user_ = nullptr;
  std::function<void()> stopped_;
  std::uint64_t armed_ns_ = 0, stop_by_ns_ = 0;
  bool leaving_ = false;  // Kamailio has not yet said that it takes no new calls
};

// A plugin is one table of C functions without a `this`: the one object behind them.
std::unique_ptr<Signaling> the_one;
std::string activate_error;

int activate(const td_host* host, const char** error) noexcept {
  try {
    const sdk::Host sdk_host(host);
    Options options;
    activate_error.clear();
    if (parse_options(sdk_host.config(), options, activate_error)) {
      the_one = std::make_unique<Signaling>(sdk_host, std::move(options));
      if (the_one->prepare(activate_error)) return TD_OK;
    }
  } catch (const std::exception& e) {
    activate_error = e.what();
  }
  the_one.reset();
  *error = activate_error.c_str();
  return TD_INVALID;
}

void deactivate() noexcept { the_one.reset(); }

void start(td_signal_event_fn event, void* user) noexcept { the_one->start(event, user); }
int command(td_str text) noexcept { return the_one->command(sdk::view(text)); }
void stop(std::uint64_t grace_ns, void (*stopped)(void*), void* user) noexcept {
  the_one->stop(grace_ns, [stopped, user] { stopped(user); });
}

sdk::WrongOptions check(std::string_view section) {
  Options options;
  sdk::WrongOptions wrong = read_options(section, options);
  for (const std::string& key : options.warnings)
    wrong.push_back({key, "an option of plugins/kamailio/README.md", "an unknown one"});
  return wrong;
}

const void* interface(const char* id, std::uint32_t index) noexcept {
  if (std::string_view(id) == TD_OPTIONS_ID) return sdk::options<&check>();
  static const td_signaling signaling = {sizeof(td_signaling), "kamailio", &start, &command, &stop};
  return std::string_view(id) == TD_SIGNALING_ID && index == 0 ? &signaling : nullptr;
}

}  // namespace
}  // namespace tandem::kamailio

extern "C" const td_plugin* tandem_plugin_kamailio(void) {
  static const td_plugin plugin = {sizeof(td_plugin),
                                   TD_ABI_MAJOR,
                                   TD_ABI_MINOR,
                                   "kamailio",
                                   "0.1.0",
                                   "Apache-2.0",
                                   &tandem::kamailio::activate,
                                   &tandem::kamailio::deactivate,
                                   &tandem::kamailio::interface};
  return &plugin;
}
