// StoreDirectory: see the header.
#include "core/app/store_directory.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "core/app/ask.hpp"
#include "core/base/log.hpp"

namespace tandem::app {

StoreDirectory::StoreDirectory(api::Api& api, Timers& timers, OnDevices on_devices)
    : api_(api), timers_(timers), on_devices_(std::move(on_devices)) {
  const auto subscribed = api_.subscribe({"", api::Role::internal}, R"({"events":["devices.changed"]})",
                                         [this](std::string_view) { load(); });
  if (subscribed) subscription_ = *subscribed;
}

StoreDirectory::~StoreDirectory() {
  api_.unsubscribe(subscription_);
  timers_.cancel(retry_);
}

// Changes while an answer is awaited make one more reading, not one each.
void StoreDirectory::load() {
  if (std::exchange(loading_, true)) {
    stale_ = true;
    return;
  }
  ask(api_, "", "device.secrets", nlohmann::json::object(), [this](const Result<nlohmann::json>& answer) {
    loading_ = false;
    if (!answer) {
      log::error("store", "the devices cannot be read, trying again: {}", answer.error().message);
      return again();
    }
    std::vector<call::User> users;
    devices_.clear();
    for (const auto& row : list_field(*answer, "devices")) {
      const std::string user = text_field(row, "user"), extension = text_field(row, "extension");
      users.push_back({user, text_field(row, "ha1"), text_field(row, "realm")});
      devices_[user] = {user, text_field(row, "tenant"), extension, text_field(row, "name")};
    }
    on_devices_(users);
    if (std::exchange(stale_, false)) load();
  });
}

void StoreDirectory::again() {
  timers_.cancel(retry_);
  retry_ = timers_.after(kRetry, [this] { load(); });
}

void StoreDirectory::find_device(const std::string& user,
                                 std::function<void(std::optional<call::Device>)> found) {
  const auto known = devices_.find(user);
  found(known == devices_.end() ? std::nullopt : std::optional(known->second));
}

void StoreDirectory::find_extension(const std::string& tenant, const std::string& number,
                                    std::function<void(std::optional<call::Extension>)> found) {
  ask(api_, tenant, "extension.resolve", {{"number", number}},
      [found = std::move(found)](const Result<nlohmann::json>& answer) {
        if (!answer) {
          if (answer.error().code != ErrorCode::not_found)
            log::warn("store", "an extension cannot be resolved: {}", answer.error().message);
          return found(std::nullopt);
        }
        call::Extension extension{text_field(*answer, "tenant"),
                                  text_field(*answer, "number"),
                                  text_field(*answer, "name"),
                                  {},
                                  false};
        for (const auto& row : list_field(*answer, "devices"))
          extension.devices.push_back(text_field(row, "user"));
        found(std::move(extension));
      });
}

std::vector<call::Device> StoreDirectory::devices(const std::string& tenant,
                                                  const std::string& extension) const {
  std::vector<call::Device> found;
  for (const auto& [user, device] : devices_) {
    if (device.tenant == tenant && (extension.empty() || device.extension == extension))
      found.push_back(device);
  }
  return found;
}

}  // namespace tandem::app
