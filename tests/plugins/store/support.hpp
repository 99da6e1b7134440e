// A store on a real SQLite file in a temporary folder, on a fake host. Thread: one.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/fake_host.hpp"
#include "tests/support/scratch_folder.hpp"

extern "C" const td_plugin* tandem_plugin_store(void);

namespace tandem::store::testing {

using Json = nlohmann::json;
using tandem::testing::FakeHost;

// A folder that goes away with its contents.
class TempFolder {
 public:
  std::string file(const std::string& name) const { return (folder_.path() / name).string(); }
  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  tandem::testing::ScratchFolder folder_{"store"};
};

inline std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class StoreTest : public ::testing::Test {
 protected:
  // Starts (or restarts) the store; `more` are further options.
  int start(Json more = Json::object()) {
    host_.reset();
    Json options = {{"path", folder_.file("t.db")}, {"busy_ms", 50}, {"pin_iterations", 1000}};
    options.update(more);
    host_ = std::make_unique<FakeHost>(options.dump());
    return host_->activate(tandem_plugin_store());
  }
  void stop() { host_.reset(); }

  // The result; fails the test on an error.
  Json ok(const std::string& method, const Json& params = Json::object(), const std::string& tenant = "",
          int role = TD_ROLE_INTERNAL) {
    const auto outcome = host_->call(method, params.dump(), tenant, role);
    EXPECT_TRUE(outcome.done) << method;
    EXPECT_EQ(outcome.code, TD_OK) << method << ' ' << params << ": " << outcome.json;
    return Json::parse(outcome.json, nullptr, false);
  }
  // The error object; fails the test on success.
  Json fails(const std::string& method, const Json& params = Json::object(), const std::string& tenant = "",
             int role = TD_ROLE_INTERNAL) {
    const auto outcome = host_->call(method, params.dump(), tenant, role);
    EXPECT_TRUE(outcome.done) << method;
    EXPECT_LT(outcome.code, TD_OK) << method << ' ' << params << ": " << outcome.json;
    return Json::parse(outcome.json, nullptr, false);
  }
  // Published events of one name.
  std::vector<Json> events(const std::string& name) const {
    std::vector<Json> found;
    for (const auto& text : host_->published()) {
      Json event = Json::parse(text);
      if (event["event"] == name) found.push_back(std::move(event));
    }
    return found;
  }
  // A tenant with extension, device and mailbox 1001.
  void make_tenant(const std::string& tenant) {
    if (tenant != "demo") ok("tenant.add", {{"name", tenant}});
    ok("mailbox.set", {{"tenant", tenant}, {"number", "1001"}});
    ok("extension.set", {{"tenant", tenant}, {"number", "1001"}, {"mailbox", "1001"}});
    ok("device.add", {{"tenant", tenant}, {"user", tenant + "-1001"}, {"extension", "1001"}});
  }

  TempFolder folder_;
  std::unique_ptr<FakeHost> host_;
};

}  // namespace tandem::store::testing
