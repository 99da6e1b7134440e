// HostedApi: the td_api of one plugin, over core/api. It remembers the plugin's subscriptions, commands,
// figures and open requests, so that a plugin that leaves takes all of them along.
//
//   plugin ──invoke, rpc, subscribe, publish──► Api        Api ──command of the plugin──► td_request
//   ──reply──► Api
//
// Thread: [control].
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/plugin/control.hpp"
#include "tandem/api.h"

namespace tandem::plugin {

class HostedApi {
 public:
  // `control` and `host` outlive this; `name` is the plugin's, for the log.
  HostedApi(const Control& control, const td_host* host, std::string name);
  // release()s first.
  ~HostedApi();
  HostedApi(const HostedApi&) = delete;
  HostedApi& operator=(const HostedApi&) = delete;

  const td_api* table() const { return &table_; }

  // After deactivate: takes the plugin's commands and figures out, answers its open requests with
  // `unavailable`, ends its subscriptions, forgets replies it waits for. Idempotent.
  void release();

 private:
  struct Table : td_api {
    HostedApi* self;
  };
  static HostedApi& of(const td_api* table) { return *static_cast<const Table*>(table)->self; }
  void fill();
  int provide(std::string method, std::string_view description, td_command_fn command, void* user);
  int measure(std::string_view name, std::string_view help, td_figure_fn figure, void* user);
  void reply_to(td_request* request, int code, std::string_view json);

  // borrowed
  const Control& control_;
  // owned
  Table table_{};
  const std::string name_;
  std::unordered_map<td_request*, std::unique_ptr<td_request>> requests_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // owners: this and replies under way
  // state
  std::unordered_set<std::int64_t> subscriptions_;
  std::vector<std::string> methods_, figures_;
};

}  // namespace tandem::plugin
