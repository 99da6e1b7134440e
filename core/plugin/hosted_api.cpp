// HostedApi: see the header.
#include "core/plugin/hosted_api.hpp"

#include <utility>

#include "core/api/figures.hpp"
#include "core/base/log.hpp"
#include "core/plugin/abi_code.hpp"

struct td_request {
  tandem::api::Reply reply;
};

namespace tandem::plugin {
namespace {

api::Caller caller_of(const td_caller* caller) {
  if (caller == nullptr || caller->size < sizeof(td_caller)) return {};
  return {std::string(text_of(caller->tenant)),
          caller->role == TD_ROLE_INTERNAL ? api::Role::internal : api::Role::anyone};
}

void answer(td_reply_fn reply, void* user, const Result<std::string>& result) {
  if (result) return reply(user, TD_OK, str_of(*result));
  reply(user, abi_code(result.error().code), str_of(api::error_json(result.error())));
}

}  // namespace

HostedApi::HostedApi(const Control& control, const td_host* host, std::string name)
    : control_(control), name_(std::move(name)) {
  table_.size = sizeof(td_api);
  table_.host = host;
  table_.self = this;
  fill();
}

HostedApi::~HostedApi() { release(); }

void HostedApi::fill() {
  table_.invoke = [](const td_api* t, const td_caller* caller, td_str method, td_str params,
                     td_reply_fn reply, void* user) noexcept {
    of(t).control_.api.invoke(
        caller_of(caller), text_of(method), text_of(params),
        [reply, user, alive = std::weak_ptr<bool>(of(t).alive_)](const Result<std::string>& r) {
          if (!alive.expired()) answer(reply, user, r);
        });
  };
  table_.rpc = [](const td_api* t, const td_caller* caller, td_str text, td_reply_fn reply,
                  void* user) noexcept {
    of(t).control_.api.rpc(caller_of(caller), text_of(text),
                           [reply, user, alive = std::weak_ptr<bool>(of(t).alive_)](const std::string& out) {
                             if (!alive.expired()) reply(user, TD_OK, str_of(out));
                           });
  };
  table_.subscribe = [](const td_api* t, const td_caller* caller, td_str filter, td_event_fn event,
                        void* user) noexcept -> std::int64_t {
    const auto id =
        of(t).control_.api.subscribe(caller_of(caller), text_of(filter),
                                     [event, user](std::string_view json) { event(user, str_of(json)); });
    if (!id) return abi_code(id.error().code);
    of(t).subscriptions_.insert(*id);
    return *id;
  };
  table_.unsubscribe = [](const td_api* t, std::int64_t id) noexcept {
    if (of(t).subscriptions_.erase(id) > 0) of(t).control_.api.unsubscribe(id);
  };
  table_.provide = [](const td_api* t, td_str method, td_str description, td_command_fn command,
                      void* user) noexcept {
    return of(t).provide(std::string(text_of(method)), text_of(description), command, user);
  };
  table_.reply = [](const td_api* t, td_request* request, int code, td_str json) noexcept {
    of(t).reply_to(request, code, text_of(json));
  };
  table_.publish = [](const td_api* t, td_str json) noexcept {
    const auto done = of(t).control_.api.publish(text_of(json));
    if (!done) log::error("plugin", "{} published what is no event: {}", of(t).name_, done.error().message);
  };
  table_.metrics = [](const td_api* t, td_reply_fn reply, void* user) noexcept {
    const std::string text = of(t).control_.metrics ? of(t).control_.metrics() : std::string();
    reply(user, TD_OK, str_of(text));
  };
  table_.measure = [](const td_api* t, td_str name, td_str help, td_figure_fn figure, void* user) noexcept {
    return of(t).measure(text_of(name), text_of(help), figure, user);
  };
}

int HostedApi::measure(std::string_view name, std::string_view help, td_figure_fn figure, void* user) {
  if (figure == nullptr) return TD_INVALID;
  const std::string shown = "tandem_" + name_ + "_" + std::string(name);
  const auto added =
      control_.api.figures().add(shown, std::string(help), [figure, user] { return figure(user); });
  if (!added) {
    log::error("plugin", "{} cannot show the figure {}: {}", name_, shown, added.error().message);
    return abi_code(added.error().code);
  }
  figures_.push_back(shown);
  return TD_OK;
}

int HostedApi::provide(std::string method, std::string_view description, td_command_fn command, void* user) {
  const auto body = [this, command, user](const api::Caller& caller, std::string_view params,
                                          api::Reply reply) {
    auto owned = std::make_unique<td_request>(td_request{std::move(reply)});
    td_request* const request = owned.get();
    requests_.emplace(request, std::move(owned));
    const td_caller as{sizeof(td_caller), str_of(caller.tenant),
                       caller.role == api::Role::internal ? TD_ROLE_INTERNAL : TD_ROLE_PUBLIC};
    command(user, request, &as, str_of(params));
  };
  const auto provided = control_.api.provide(method, description, body);
  if (!provided) {
    log::error("plugin", "{} cannot give the command {}: {}", name_, method, provided.error().message);
    return abi_code(provided.error().code);
  }
  methods_.push_back(std::move(method));
  return TD_OK;
}

void HostedApi::reply_to(td_request* request, int code, std::string_view json) {
  auto node = requests_.extract(request);
  if (node.empty()) {
    log::error("plugin", "{} answered a request twice, or one that is not its own", name_);
    return;
  }
  const api::Reply answer_with = std::move(node.mapped()->reply);
  if (code >= 0) return answer_with(std::string(json.empty() ? "{}" : json));
  Error error = api::error_from_json(json);
  if (error.code == ErrorCode::internal) error.code = error_code(code);
  answer_with(std::move(error));
}

void HostedApi::release() {
  if (!alive_) return;
  for (const auto& method : methods_) control_.api.withdraw(method);
  methods_.clear();
  for (const auto& figure : figures_) control_.api.figures().remove(figure);
  figures_.clear();
  for (const auto id : subscriptions_) control_.api.unsubscribe(id);
  subscriptions_.clear();
  alive_.reset();
  const auto open = std::exchange(requests_, {});
  for (const auto& [request, owned] : open)
    owned->reply(Error{ErrorCode::unavailable, "the plugin " + name_ + " has ended"});
}

}  // namespace tandem::plugin
