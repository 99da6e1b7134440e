// StoreDirectory: call::Directory over the store's commands, with the devices held in memory: who calls is
// known without asking anybody.
//
//   start, devices.changed ──► device.secrets ──► devices by user ──► on_devices(all): the registrar's
//   accounts find_extension ──► extension.resolve
//
// Thread: [control].
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/api/api.hpp"
#include "core/base/timers.hpp"
#include "core/call/directory.hpp"
#include "core/call/signaling.hpp"

namespace tandem::app {

class StoreDirectory final : public call::Directory {
 public:
  // The whole set of accounts, each time it was read anew.
  using OnDevices = std::function<void(const std::vector<call::User>&)>;

  // Both outlive this. Subscribes at once; load() reads for the first time.
  StoreDirectory(api::Api& api, Timers& timers, OnDevices on_devices);
  ~StoreDirectory() override;
  StoreDirectory(const StoreDirectory&) = delete;
  StoreDirectory& operator=(const StoreDirectory&) = delete;

  // Reads all devices. When the store does not answer, tries again after kRetry.
  void load();

  void find_device(const std::string& user, std::function<void(std::optional<call::Device>)> found) override;
  void find_extension(const std::string& tenant, const std::string& number,
                      std::function<void(std::optional<call::Extension>)> found) override;

  // The devices of an extension, or of a whole tenant when `extension` is "".
  std::vector<call::Device> devices(const std::string& tenant, const std::string& extension) const;
  std::size_t size() const { return devices_.size(); }

 private:
  static constexpr seconds kRetry{2};
  void again();

  // borrowed
  api::Api& api_;
  Timers& timers_;
  // owned
  const OnDevices on_devices_;
  std::unordered_map<std::string, call::Device> devices_;
  // state
  std::int64_t subscription_ = -1;
  TimerId retry_ = 0;
  bool loading_ = false, stale_ = false;
};

}  // namespace tandem::app
