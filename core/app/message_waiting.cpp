// MessageWaiting: see the header.
#include "core/app/message_waiting.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "core/app/ask.hpp"

namespace tandem::app {

using nlohmann::json;

MessageWaiting::MessageWaiting(api::Api& api, StoreDirectory& directory, Show show)
    : api_(api), directory_(directory), show_(std::move(show)) {
  const auto changed = api_.subscribe(
      {"", api::Role::internal}, R"({"events":["mailbox.changed"]})", [this](std::string_view text) {
        const json event = json::parse(text, nullptr, false);
        mailbox_changed(text_field(event, "tenant"), text_field(event, "mailbox"),
                        static_cast<int>(number_field(event, "new")),
                        static_cast<int>(number_field(event, "old")));
      });
  const auto wanted = api_.subscribe({"", api::Role::internal}, R"({"events":["device.subscribed"]})",
                                     [this](std::string_view text) {
                                       const json event = json::parse(text, nullptr, false);
                                       const std::string package = text_field(event, "package");
                                       if (package.empty() || package == "message-summary")
                                         subscribed(text_field(event, "user"));
                                     });
  for (const auto* one : {&changed, &wanted}) {
    if (*one) subscriptions_.push_back(**one);
  }
}

MessageWaiting::~MessageWaiting() {
  for (const auto id : subscriptions_) api_.unsubscribe(id);
}

void MessageWaiting::mailbox_changed(const std::string& tenant, const std::string& mailbox, int fresh,
                                     int old) {
  ask(api_, tenant, "extension.list", {{"limit", 1000}},
      [this, tenant, mailbox, fresh, old, alive = std::weak_ptr<bool>(alive_)](const Result<json>& answer) {
        if (!answer || alive.expired()) return;
        for (const auto& row : list_field(*answer, "extensions")) {
          if (text_field(row, "mailbox") != mailbox || text_field(row, "tenant") != tenant) continue;
          for (const auto& device : directory_.devices(tenant, text_field(row, "number")))
            show_(device.user, fresh, old);
        }
      });
}

void MessageWaiting::subscribed(const std::string& user) {
  directory_.find_device(user, [this, user](const std::optional<call::Device>& device) {
    if (!device) return;
    const std::string tenant = device->tenant;
    ask(api_, tenant, "extension.resolve", {{"number", device->extension}},
        [this, user, tenant, alive = std::weak_ptr<bool>(alive_)](const Result<json>& extension) {
          if (!extension || alive.expired()) return;
          const std::string mailbox = text_field(*extension, "mailbox");
          if (mailbox.empty()) return show_(user, 0, 0);
          ask(api_, tenant, "mailbox.get", {{"number", mailbox}},
              [this, user, alive](const Result<json>& box) {
                if (!box || alive.expired()) return;
                show_(user, static_cast<int>(number_field(*box, "new")),
                      static_cast<int>(number_field(*box, "old")));
              });
        });
  });
}

}  // namespace tandem::app
