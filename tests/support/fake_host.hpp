// FakeHost: a td_host in memory, for testing one plugin alone: a counted clock, work that runs on the spot,
// and a command table that invoke() routes in.
//
//   FakeHost host(R"({"path":"x.db"})");
//   host.activate(tandem_plugin_store());
//   auto outcome = host.call("tenant.list");          // runs posted work until the reply is there
//   host.add_command("leg.play", [](const FakeHost::Call& call) { call.ok("{}"); });
//
// work() runs on the caller's thread at once; its done() and everything posted wait for run_posted(),
// advance() or call(). hold_work(true) keeps work waiting too, so that queues can be seen. Thread: one, but
// post() is [any]. Not here: JSON-RPC beyond a single request (rpc() routes method and params), filters on
// events, real descriptors but for poll_watches(), and a native loop unless one is given.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "tandem/abi.h"
#include "tandem/api.h"
#include "tandem/loop.h"

struct td_request;

namespace tandem::testing {

class FakeHost {
 public:
  struct Outcome {
    bool done = false;
    int code = 0;
    std::string json;
  };
  // One invocation of a command given by the test. Answer once, now or later (copy it to keep it).
  struct Call {
    std::string tenant, method, params;
    int role = 0;
    std::function<void(int code, std::string_view json)> reply;
    void ok(std::string_view json) const { reply(TD_OK, json); }
  };
  using Command = std::function<void(const Call&)>;

  // `config`: the plugin's own section as JSON text.
  explicit FakeHost(std::string config = "{}");
  ~FakeHost();  // deactivates what is active
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  const td_host* host() const { return &host_.abi; }

  // Activates `plugin`; below 0 on refusal, with error() the reason. Several may be active, each on its own
  // host.
  int activate(const td_plugin* plugin);
  void deactivate();
  const std::string& error() const { return error_; }

  // Invokes and runs what was posted until the reply came; done is false when it did not come.
  Outcome call(std::string_view method, std::string_view params = "{}", std::string_view tenant = "",
               int role = TD_ROLE_INTERNAL);
  // Invokes; the outcome fills in when the reply comes.
  std::shared_ptr<Outcome> invoke(std::string_view method, std::string_view params = "{}",
                                  std::string_view tenant = "", int role = TD_ROLE_INTERNAL);
  // A command of the test's own; the same name again replaces it.
  void add_command(std::string method, Command command);
  bool has_command(std::string_view method) const { return commands_.count(std::string(method)) != 0; }
  // What the plugin said of a command it provides, JSON text; empty when there is no such command.
  std::string description(std::string_view method) const;
  std::vector<std::string> methods() const;

  // Sends an event to every subscriber (filters are not read) and keeps it in published().
  void publish(std::string_view json);
  const std::vector<std::string>& published() const { return published_; }
  std::size_t subscribers() const { return subscribers_.size(); }
  const std::vector<std::string>& subscribed_filters() const { return filters_; }

  // Moves the counted clock, firing timers in order and running what they post.
  void advance(std::chrono::nanoseconds by);
  std::size_t timers() const { return timers_.size(); }
  std::uint64_t now_ns() const { return now_ns_; }

  // Runs what is posted, until nothing is. Returns how many ran.
  std::size_t run_posted();
  void hold_work(bool hold) { hold_work_ = hold; }
  void fill_work_queue(bool full) { work_full_ = full; }  // work() then answers TD_EXHAUSTED
  std::size_t held_work() const { return held_.size(); }

  struct LogLine {
    int level;
    std::string text;
  };
  const std::vector<LogLine>& log() const { return log_; }
  bool logged(std::string_view part) const;
  // What the API's own metrics say; the plugin's figures follow as "name value", without the prefix.
  void set_metrics(std::string text) { metrics_ = std::move(text); }
  // A figure that the plugin shows, without the prefix; below 0 when it shows none of that name.
  double figure(const std::string& name) const {
    const auto found = figures_.find(name);
    return found == figures_.end() ? -1 : found->second();
  }
  void set_native(void* loop) { native_ = loop; }
  // Watches that stand: fd by id, and a hand to fire one.
  std::size_t watches() const { return watches_.size(); }
  void fire_watch(int fd, int events);
  // For plugins with real sockets: waits in poll(2) for at most `wait` and fires what is ready. Returns how
  // many were.
  int poll_watches(std::chrono::milliseconds wait);

 private:
  template <typename T>
  struct Face {
    T abi{};
    FakeHost* self = nullptr;
  };
  struct Provided {
    td_command_fn fn = nullptr;
    void* user = nullptr;
    std::string description;
    Command own;
  };
  struct Subscriber {
    td_event_fn fn;
    void* user;
  };
  struct Work {
    void (*work)(void*);
    void (*done)(void*);
    void* user;
  };
  struct Watched {
    int fd, events;
    void (*ready)(void*, int);
    void* user;
  };
  struct Timed {
    void (*fire)(void*);
    void* user;
    std::uint64_t id;
  };

  static FakeHost& of(const td_host* h) { return *reinterpret_cast<const Face<td_host>*>(h)->self; }
  static FakeHost& of(const td_loop* l) { return *reinterpret_cast<const Face<td_loop>*>(l)->self; }
  static FakeHost& of(const td_api* a) { return *reinterpret_cast<const Face<td_api>*>(a)->self; }

  void fill_host();
  void fill_loop();
  void fill_api();
  void route(const td_caller& caller, std::string_view method, std::string_view params, td_reply_fn reply,
             void* user);
  void route_rpc(const td_caller& caller, std::string_view text, td_reply_fn reply, void* user);
  void release_held();

  Face<td_host> host_;
  Face<td_loop> loop_;
  Face<td_api> api_;
  std::string config_, error_, metrics_;
  std::map<std::string, std::function<double()>> figures_;
  std::vector<const td_plugin*> active_;
  std::map<std::string, Provided, std::less<>> commands_;
  std::vector<std::string> published_, filters_;
  std::map<std::int64_t, Subscriber> subscribers_;
  std::int64_t last_id_ = 0;
  std::uint64_t now_ns_ = 1'000'000'000;
  std::multimap<std::uint64_t, Timed> timers_;
  std::mutex posted_mutex_;
  std::deque<std::function<void()>> posted_;
  std::deque<Work> held_;
  bool hold_work_ = false, work_full_ = false;
  std::vector<LogLine> log_;
  std::map<std::uint64_t, Watched> watches_;
  void* native_ = nullptr;
};

}  // namespace tandem::testing
