// The C++ SDK over the C ABI, header only: what a plugin author writes against.
//
//   const td_plugin* tandem_plugin_mine() { return tandem::sdk::plugin<Mine>(); }    // see docs/plugins.md
//
// Thread words are those of the C headers. std::function callbacks may allocate and so stay off [media].
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "tandem/abi.h"
#include "tandem/api.h"
#include "tandem/codec.h"
#include "tandem/loop.h"
#include "tandem/sdk_codec.hpp"
#include "tandem/signaling.h"
#include "tandem/stage.h"

namespace tandem::sdk {

inline td_str str(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view view(td_str text) { return {text.data, text.size}; }

// [any] A code of a refusal, TD_INVALID … TD_INTERNAL, as the API spells it.
constexpr const char* code_name(int code) {
  switch (code) {
    case TD_INVALID: return "invalid";
    case TD_NOT_FOUND: return "not_found";
    case TD_CONFLICT: return "conflict";
    case TD_DENIED: return "denied";
    case TD_EXHAUSTED: return "exhausted";
    case TD_UNAVAILABLE: return "unavailable";
    case TD_TIMEOUT: return "timeout";
    case TD_UNSUPPORTED: return "unsupported";
    default: return "internal";
  }
}

// A number that a plugin counts, said once: as its status command names it, and as /metrics does.
template <typename Number>
struct Figure {
  const char* key;
  const char* name;
  const char* help;
  const Number* number;  // borrowed until the plugin is deactivated
};

// [control] A table of them as they are now, {key: number}. `Json` is the plugin's own kind of object.
template <typename Json, typename Number>
Json figures(std::span<const Figure<Number>> table) {
  Json out;
  for (const Figure<Number>& row : table) out[row.key] = static_cast<std::uint64_t>(*row.number);
  return out;
}

// The host as one plugin sees it. A value; valid until the plugin's deactivate returns.
class Host {
 public:
  Host() = default;
  explicit Host(const td_host* host)
      : host_(host),
        loop_(static_cast<const td_loop*>(host->interface(host, TD_LOOP_ID))),
        api_(static_cast<const td_api*>(host->interface(host, TD_API_ID))) {}

  void debug(std::string_view line) const { host_->log(host_, TD_LOG_DEBUG, str(line)); }
  void info(std::string_view line) const { host_->log(host_, TD_LOG_INFO, str(line)); }
  void warn(std::string_view line) const { host_->log(host_, TD_LOG_WARN, str(line)); }
  void error(std::string_view line) const { host_->log(host_, TD_LOG_ERROR, str(line)); }

  // [control] The plugin's section of the configuration, JSON text.
  std::string_view config() const { return view(host_->config(host_)); }
  const td_loop* loop() const { return loop_; }
  const td_api* api() const { return api_; }

  std::uint64_t now_ns() const { return loop_->now_ns(loop_); }
  std::uint64_t wall_us() const { return loop_->wall_us(loop_); }

  // [control] Runs `work` on [io] (in order within a lane above 0), then `done` on [control].
  bool work(std::uint32_t lane, std::function<void()> work, std::function<void()> done) const {
    auto* item = new Item{std::move(work), std::move(done)};
    const int queued = loop_->work(
        loop_, lane, [](void* user) { static_cast<Item*>(user)->work(); },
        [](void* user) {
          const std::unique_ptr<Item> owned(static_cast<Item*>(user));
          if (owned->done) owned->done();
        },
        item);
    if (queued != TD_OK) delete item;
    return queued == TD_OK;
  }

  using Reply = std::function<void(int code, std::string_view json)>;

  // [control] Runs a command as one of ours (TD_ROLE_INTERNAL) for `tenant` ("" : no tenant, all).
  void invoke(std::string_view tenant, std::string_view method, std::string_view params, Reply reply) const {
    const td_caller caller{sizeof(td_caller), str(tenant), TD_ROLE_INTERNAL};
    api_->invoke(api_, &caller, str(method), str(params), &Host::on_reply, new Reply(std::move(reply)));
  }

  // [control] Passes one JSON-RPC text in, for `caller`.
  void rpc(const td_caller& caller, std::string_view text, Reply reply) const {
    api_->rpc(api_, &caller, str(text), &Host::on_reply, new Reply(std::move(reply)));
  }

  // [control] Shows a counter (a name in …_total) or a gauge of the plugin's at /metrics, as
  // tandem_<plugin>_<name>. `figure`, a number or an atomic one, is read until the plugin is deactivated.
  template <typename Number>
  void measure(std::string_view name, std::string_view help, const Number& figure) const {
    if (api_ == nullptr || api_->size <= offsetof(td_api, measure)) return;  // none, or one before ABI 1.3
    api_->measure(
        api_, str(name), str(help),
        [](void* user) { return static_cast<double>(*static_cast<const Number*>(user)); },
        const_cast<Number*>(&figure));
  }
  // [control] The same of each row of a table.
  template <typename Number>
  void measure(std::span<const Figure<Number>> table) const {
    for (const Figure<Number>& row : table) measure(row.name, row.help, *row.number);
  }

  void publish(std::string_view event_json) const { api_->publish(api_, str(event_json)); }

 private:
  struct Item {
    std::function<void()> work, done;
  };
  static void on_reply(void* user, int code, td_str json) {
    const std::unique_ptr<Reply> owned(static_cast<Reply*>(user));
    if (*owned) (*owned)(code, view(json));
  }

  const td_host* host_ = nullptr;
  const td_loop* loop_ = nullptr;
  const td_api* api_ = nullptr;
};

// [control] One restartable timer; cancels itself when destroyed.
class Timer {
 public:
  explicit Timer(const Host& host) : loop_(host.loop()) {}
  ~Timer() { stop(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void start(std::uint64_t delay_ns, std::function<void()> fire) {
    stop();
    fire_ = std::move(fire);
    id_ = loop_->timer_start(
        loop_, delay_ns,
        [](void* user) {
          auto* self = static_cast<Timer*>(user);
          self->id_ = 0;
          const auto run = std::move(self->fire_);  // may destroy or restart *self
          run();
        },
        this);
  }
  void stop() {
    if (id_ != 0) loop_->timer_cancel(loop_, std::exchange(id_, 0));
  }
  bool running() const { return id_ != 0; }

 private:
  const td_loop* loop_;
  std::function<void()> fire_;
  std::uint64_t id_ = 0;
};

// [control] Watches a file descriptor while it lives; destroy before closing the fd.
class Watch {
 public:
  Watch(const Host& host, int fd, int events, std::function<void(int events)> ready)
      : loop_(host.loop()), ready_(std::move(ready)) {
    id_ = loop_->watch(
        loop_, fd, events,
        [](void* user, int seen) {
          const auto run = static_cast<Watch*>(user)->ready_;  // a copy: it may destroy *this
          run(seen);
        },
        this);
  }
  ~Watch() { loop_->unwatch(loop_, id_); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  void change(int events) { loop_->watch_change(loop_, id_, events); }

 private:
  const td_loop* loop_;
  std::function<void(int)> ready_;
  std::uint64_t id_ = 0;
};

// [control] A subscription to events while it lives.
class Subscription {
 public:
  using OnEvent = std::function<void(std::string_view json)>;
  Subscription(const Host& host, const td_caller& caller, std::string_view filter, OnEvent on_event)
      : api_(host.api()), on_event_(std::move(on_event)) {
    id_ = api_->subscribe(
        api_, &caller, str(filter),
        [](void* user, td_str json) {
          const auto run = static_cast<Subscription*>(user)->on_event_;  // a copy: it may destroy *this
          run(view(json));
        },
        this);
  }
  ~Subscription() {
    if (id_ >= 0) api_->unsubscribe(api_, id_);
  }
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  // Below 0: refused (TD_NOT_FOUND: the events asked for are no longer kept).
  std::int64_t id() const { return id_; }

 private:
  const td_api* api_;
  OnEvent on_event_;
  std::int64_t id_ = -1;
};

// [control] A command that the plugin adds to the table: answer(…) exactly once, now or later.
class Answer {
 public:
  Answer(const td_api* api, td_request* request) : api_(api), request_(request) {}
  void ok(std::string_view json) const { api_->reply(api_, request_, TD_OK, str(json)); }
  // `json` is the error object {"code":…,"message":…}.
  void fail(int code, std::string_view json) const { api_->reply(api_, request_, code, str(json)); }

 private:
  const td_api* api_;
  td_request* request_;
};

}  // namespace tandem::sdk
