// FakeHost's C tables, and the little machinery behind them. See the header for what it is not.
#include "tests/support/fake_host.hpp"

#include <poll.h>
#include <cmath>

#include <algorithm>
#include <nlohmann/json.hpp>

struct td_request {
  td_reply_fn reply;
  void* user;
};

namespace tandem::testing {

namespace {

std::string_view view(td_str text) { return {text.data, text.size}; }
td_str str(std::string_view text) { return {text.data(), text.size()}; }
constexpr std::uint64_t kWallStartUs = 1'700'000'000'000'000;  // 2023-11-14T22:13:20Z

// A test's own command: holds the reply as a function that may be kept.
FakeHost::Call make_call(const td_caller& caller, std::string_view method, std::string_view params,
                         td_reply_fn reply, void* user) {
  return {std::string(view(caller.tenant)), std::string(method), std::string(params), caller.role,
          [reply, user](int code, std::string_view json) { reply(user, code, str(json)); }};
}

}  // namespace

FakeHost::FakeHost(std::string config) : config_(std::move(config)) {
  fill_host();
  fill_loop();
  fill_api();
}

FakeHost::~FakeHost() { deactivate(); }

void FakeHost::fill_host() {
  host_.self = this;
  host_.abi = {sizeof(td_host),
               TD_ABI_MAJOR,
               TD_ABI_MINOR,
               [](const td_host* h, const char* id) noexcept -> const void* {
                 FakeHost& self = of(h);
                 if (std::string_view(id) == TD_LOOP_ID) return &self.loop_.abi;
                 if (std::string_view(id) == TD_API_ID) return &self.api_.abi;
                 return nullptr;
               },
               [](const td_host* h) noexcept { return str(of(h).config_); },
               [](const td_host* h, int level, td_str line) noexcept {
                 FakeHost& self = of(h);
                 const std::lock_guard lock(self.posted_mutex_);
                 self.log_.push_back({level, std::string(view(line))});
               }};
}

void FakeHost::fill_loop() {
  loop_.self = this;
  td_loop& t = loop_.abi;
  t.size = sizeof(td_loop);
  t.host = &host_.abi;
  t.now_ns = [](const td_loop* l) noexcept { return of(l).now_ns_; };
  t.wall_us = [](const td_loop* l) noexcept { return kWallStartUs + of(l).now_ns_ / 1000; };
  t.timer_start = [](const td_loop* l, std::uint64_t delay, void (*fire)(void*), void* user) noexcept {
    FakeHost& self = of(l);
    const auto id = static_cast<std::uint64_t>(++self.last_id_);
    self.timers_.emplace(self.now_ns_ + delay, Timed{fire, user, id});
    return id;
  };
  t.timer_cancel = [](const td_loop* l, std::uint64_t id) noexcept {
    std::erase_if(of(l).timers_, [id](const auto& row) { return row.second.id == id; });
  };
  t.work = [](const td_loop* l, std::uint32_t, void (*work)(void*), void (*done)(void*),
              void* user) noexcept -> int {
    FakeHost& self = of(l);
    if (self.work_full_) return TD_EXHAUSTED;
    if (self.hold_work_) {
      self.held_.push_back({work, done, user});
      return TD_OK;
    }
    work(user);
    const std::lock_guard lock(self.posted_mutex_);
    if (done != nullptr) self.posted_.push_back([done, user] { done(user); });
    return TD_OK;
  };
  t.post = [](const td_loop* l, void (*fn)(void*), void* user) noexcept -> int {
    FakeHost& self = of(l);
    const std::lock_guard lock(self.posted_mutex_);
    self.posted_.push_back([fn, user] { fn(user); });
    return TD_OK;
  };
  t.watch = [](const td_loop* l, int fd, int events, void (*ready)(void*, int), void* user) noexcept {
    FakeHost& self = of(l);
    const auto id = static_cast<std::uint64_t>(++self.last_id_);
    self.watches_[id] = {fd, events, ready, user};
    return id;
  };
  t.watch_change = [](const td_loop* l, std::uint64_t id, int events) noexcept {
    const auto it = of(l).watches_.find(id);
    if (it != of(l).watches_.end()) it->second.events = events;
  };
  t.unwatch = [](const td_loop* l, std::uint64_t id) noexcept { of(l).watches_.erase(id); };
  t.native = [](const td_loop* l) noexcept { return of(l).native_; };
}

void FakeHost::fill_api() {
  api_.self = this;
  td_api& t = api_.abi;
  t.size = sizeof(td_api);
  t.host = &host_.abi;
  t.invoke = [](const td_api* a, const td_caller* caller, td_str method, td_str params, td_reply_fn reply,
                void* user) noexcept { of(a).route(*caller, view(method), view(params), reply, user); };
  t.rpc = [](const td_api* a, const td_caller* caller, td_str text, td_reply_fn reply, void* user) noexcept {
    of(a).route_rpc(*caller, view(text), reply, user);
  };
  t.subscribe = [](const td_api* a, const td_caller*, td_str filter, td_event_fn event, void* user) noexcept {
    FakeHost& self = of(a);
    self.filters_.emplace_back(view(filter));
    self.subscribers_[++self.last_id_] = {event, user};
    return self.last_id_;
  };
  t.unsubscribe = [](const td_api* a, std::int64_t id) noexcept { of(a).subscribers_.erase(id); };
  t.provide = [](const td_api* a, td_str method, td_str description, td_command_fn command,
                 void* user) noexcept -> int {
    FakeHost& self = of(a);
    if (self.has_command(view(method))) return TD_CONFLICT;
    self.commands_[std::string(view(method))] = {command, user, std::string(view(description)), nullptr};
    return TD_OK;
  };
  t.reply = [](const td_api*, td_request* request, int code, td_str json) noexcept {
    const std::unique_ptr<td_request> owned(request);
    owned->reply(owned->user, code, json);
  };
  t.publish = [](const td_api* a, td_str json) noexcept { of(a).publish(view(json)); };
  t.metrics = [](const td_api* a, td_reply_fn reply, void* user) noexcept {
    std::string text = of(a).metrics_;
    for (const auto& [name, read] : of(a).figures_)
      text += name + " " + std::to_string(std::llround(read())) + "\n";
    reply(user, TD_OK, str(text));
  };
  t.measure = [](const td_api* a, td_str name, td_str, td_figure_fn value, void* user) noexcept -> int {
    const auto read = [value, user] { return value(user); };
    return of(a).figures_.try_emplace(std::string(view(name)), read).second ? TD_OK : TD_CONFLICT;
  };
}

int FakeHost::activate(const td_plugin* plugin) {
  const char* error = nullptr;
  const int code = plugin->activate(host(), &error);
  if (code >= 0) active_.push_back(plugin);
  error_ = error != nullptr ? error : "";
  return code;
}

void FakeHost::deactivate() {
  while (!active_.empty()) {
    active_.back()->deactivate();
    active_.pop_back();
  }
  figures_.clear();
  hold_work_ = false;
  run_posted();
}

void FakeHost::route(const td_caller& caller, std::string_view method, std::string_view params,
                     td_reply_fn reply, void* user) {
  const auto it = commands_.find(method);
  if (it == commands_.end()) {
    const nlohmann::json error = {{"code", "not_found"},
                                  {"message", "no such method: " + std::string(method)}};
    reply(user, TD_NOT_FOUND, str(error.dump()));
  } else if (it->second.own) {
    const Command own = it->second.own;  // a copy: it may replace itself
    own(make_call(caller, method, params, reply, user));
  } else if (caller.role < TD_ROLE_INTERNAL &&
             it->second.description.find("\"internal\"") != std::string::npos) {
    reply(user, TD_DENIED, str(R"({"code":"denied","message":"internal command"})"));
  } else {
    it->second.fn(it->second.user, new td_request{reply, user}, &caller, str(params));
  }
}

void FakeHost::route_rpc(const td_caller& caller, std::string_view text, td_reply_fn reply, void* user) {
  struct Pending {
    td_reply_fn reply;
    void* user;
    nlohmann::json id;
  };
  const auto request = nlohmann::json::parse(text, nullptr, false);
  if (!request.is_object() || !request.contains("method")) {
    const bool parsed = !request.is_discarded();
    const nlohmann::json answer = {
        {"jsonrpc", "2.0"},
        {"id", nullptr},
        {"error", {{"code", parsed ? -32600 : -32700}, {"message", "bad request"}}}};
    reply(user, TD_INVALID, str(answer.dump()));
    return;
  }
  const std::string method = request.value("method", "");
  const std::string params = request.contains("params") ? request["params"].dump() : "{}";
  auto* pending = new Pending{reply, user, request.contains("id") ? request["id"] : nlohmann::json()};
  route(
      caller, method, params,
      [](void* opaque, int code, td_str json) {
        const std::unique_ptr<Pending> owned(static_cast<Pending*>(opaque));
        if (owned->id.is_null()) return owned->reply(owned->user, TD_OK, td_str{nullptr, 0});
        nlohmann::json answer = {{"jsonrpc", "2.0"}, {"id", owned->id}};
        auto value = nlohmann::json::parse(view(json), nullptr, false);
        if (code >= 0) {
          answer["result"] = std::move(value);
        } else {
          answer["error"] = {{"code", -32000}, {"message", value.value("message", "")}, {"data", value}};
        }
        owned->reply(owned->user, TD_OK, str(answer.dump()));
      },
      pending);
}

std::shared_ptr<FakeHost::Outcome> FakeHost::invoke(std::string_view method, std::string_view params,
                                                    std::string_view tenant, int role) {
  using Held = std::shared_ptr<Outcome>;
  auto outcome = std::make_shared<Outcome>();
  const td_caller caller{sizeof(td_caller), str(tenant), role};
  api_.abi.invoke(
      &api_.abi, &caller, str(method), str(params),
      [](void* user, int code, td_str json) {
        const std::unique_ptr<Held> held(static_cast<Held*>(user));
        **held = {true, code, std::string(view(json))};
      },
      new Held(outcome));
  return outcome;
}

FakeHost::Outcome FakeHost::call(std::string_view method, std::string_view params, std::string_view tenant,
                                 int role) {
  const auto outcome = invoke(method, params, tenant, role);
  run_posted();
  return *outcome;
}

void FakeHost::add_command(std::string method, Command command) {
  commands_[std::move(method)] = {nullptr, nullptr, "{}", std::move(command)};
}

std::string FakeHost::description(std::string_view method) const {
  const auto it = commands_.find(method);
  return it == commands_.end() ? "" : it->second.description;
}

std::vector<std::string> FakeHost::methods() const {
  std::vector<std::string> names;
  for (const auto& [name, provided] : commands_) names.push_back(name);
  return names;
}

void FakeHost::publish(std::string_view json) {
  published_.emplace_back(json);
  const std::string kept = published_.back();
  const auto now = subscribers_;  // a copy: an event may unsubscribe
  for (const auto& [id, subscriber] : now) {
    if (subscribers_.count(id) != 0) subscriber.fn(subscriber.user, str(kept));
  }
}

void FakeHost::advance(std::chrono::nanoseconds by) {
  const std::uint64_t until = now_ns_ + static_cast<std::uint64_t>(by.count());
  run_posted();
  while (!timers_.empty() && timers_.begin()->first <= until) {
    auto node = timers_.extract(timers_.begin());
    now_ns_ = std::max(now_ns_, node.key());
    node.mapped().fire(node.mapped().user);
    run_posted();
  }
  now_ns_ = until;
}

void FakeHost::release_held() {
  while (!hold_work_ && !held_.empty()) {
    const Work item = held_.front();
    held_.pop_front();
    item.work(item.user);
    if (item.done != nullptr) item.done(item.user);
  }
}

std::size_t FakeHost::run_posted() {
  std::size_t ran = 0;
  for (;;) {
    release_held();
    std::function<void()> next;
    {
      const std::lock_guard lock(posted_mutex_);
      if (posted_.empty()) return ran;
      next = std::move(posted_.front());
      posted_.pop_front();
    }
    next();
    ++ran;
  }
}

bool FakeHost::logged(std::string_view part) const {
  for (const auto& line : log_) {
    if (line.text.find(part) != std::string::npos) return true;
  }
  return false;
}

int FakeHost::poll_watches(std::chrono::milliseconds wait) {
  std::vector<pollfd> polled;
  for (const auto& [id, watched] : watches_) {
    const int events = ((watched.events & TD_READABLE) != 0 ? POLLIN : 0) |
                       ((watched.events & TD_WRITABLE) != 0 ? POLLOUT : 0);
    polled.push_back({watched.fd, static_cast<short>(events), 0});
  }
  const int ready = ::poll(polled.data(), polled.size(), static_cast<int>(wait.count()));
  for (const pollfd& one : polled) {
    const bool in = (one.revents & (POLLIN | POLLHUP | POLLERR)) != 0, out = (one.revents & POLLOUT) != 0;
    if (in || out) fire_watch(one.fd, (in ? TD_READABLE : 0) | (out ? TD_WRITABLE : 0));
  }
  return ready;
}

void FakeHost::fire_watch(int fd, int events) {
  const auto now = watches_;
  for (const auto& [id, watched] : now) {
    if (watched.fd == fd && watches_.count(id) != 0 && (watches_.at(id).events & events) != 0) {
      watched.ready(watched.user, events);
    }
  }
}

}  // namespace tandem::testing
