// Directory: who the tenants' devices and extensions are, as the call layer asks it (a store answers, later).
// Thread: [control]. Every question is answered exactly once, possibly at once.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tandem::call {

// What may place a call: a registered account.
struct Device {
  std::string user;  // the digest user
  std::string tenant;
  std::string extension;  // its number inside the tenant: its caller id
  std::string name;       // display name
};

// What can be dialed inside a tenant and rings devices.
struct Extension {
  std::string tenant, number, name;
  std::vector<std::string> devices;  // digest users
  bool do_not_disturb = false;
};

class Directory {
 public:
  virtual ~Directory() = default;
  virtual void find_device(const std::string& user, std::function<void(std::optional<Device>)> found) = 0;
  virtual void find_extension(const std::string& tenant, const std::string& number,
                              std::function<void(std::optional<Extension>)> found) = 0;
};

}  // namespace tandem::call
