// MessageWaiting: keeps the lamps of phones as their mailboxes are (RFC 3842).
//
//   mailbox.changed {tenant, mailbox, new, old} ──► the extensions with that mailbox ──► their devices ──►
//   show device.subscribed {user} ──► its extension ──► its mailbox ──► show
//
// Thread: [control].
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/api/api.hpp"
#include "core/app/store_directory.hpp"

namespace tandem::app {

class MessageWaiting {
 public:
  using Show = std::function<void(const std::string& user, int fresh, int old)>;

  // Both outlive this. Subscribes at once.
  MessageWaiting(api::Api& api, StoreDirectory& directory, Show show);
  ~MessageWaiting();
  MessageWaiting(const MessageWaiting&) = delete;
  MessageWaiting& operator=(const MessageWaiting&) = delete;

 private:
  void mailbox_changed(const std::string& tenant, const std::string& mailbox, int fresh, int old);
  void subscribed(const std::string& user);

  api::Api& api_;
  StoreDirectory& directory_;
  const Show show_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // owners: this and answers under way
  std::vector<std::int64_t> subscriptions_;
};

}  // namespace tandem::app
