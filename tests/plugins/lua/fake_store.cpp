// The store in memory. See the header.
#include "tests/plugins/lua/fake_store.hpp"

namespace tandem::testing {

namespace {

void refuse(const FakeHost::Call& call, int code, const char* name) {
  call.reply(code, json{{"code", name}, {"message", "refused"}}.dump());
}

}  // namespace

FakeStore::FakeStore(FakeHost& host) {
  for (const char* number : {"1001", "1002"}) {
    mailboxes[number] = {{"number", number},    {"greeting_unavail", ""}, {"greeting_busy", ""},
                         {"greeting_temp", ""}, {"greeting_name", ""},    {"max_messages", 100}};
  }
  pins["1001"] = "4711";
  for (const char* number : {"1001", "1002", "1003"}) {
    extensions[number] = {
        {"number", number}, {"mailbox", std::string(number) == "1003" ? "" : number}, {"ring_timeout_s", 15}};
  }
  provide(host);
}

void FakeStore::add_message(const std::string& mailbox, const std::string& path, const std::string& folder) {
  messages.push_back({{"id", "msg-" + std::to_string(++last_)},
                      {"mailbox", mailbox},
                      {"folder", folder},
                      {"path", path},
                      {"caller", "1002"},
                      {"created", "2023-11-14T22:00:00.000Z"},
                      {"duration_ms", 4000}});
}

std::vector<std::string> FakeStore::folder(const std::string& mailbox, const std::string& name) const {
  std::vector<std::string> ids;
  for (const json& message : messages) {
    if (message["mailbox"] == mailbox && message["folder"] == name) ids.push_back(message["id"]);
  }
  return ids;
}

json FakeStore::shown(const std::string& number) const {
  json box = mailboxes.at(number);
  box["has_pin"] = pins.count(number) != 0;
  box["new"] = folder(number, "INBOX").size();
  box["old"] = folder(number, "Old").size();
  return box;
}

void FakeStore::provide(FakeHost& host) {
  const auto box_command =
      [&host, this](const char* name,
                    std::function<void(const FakeHost::Call&, const std::string&, const json&)> body) {
        host.add_command(name, [this, body](const FakeHost::Call& call) {
          const json params = json::parse(call.params);
          const std::string number = params.value("number", params.value("mailbox", ""));
          if (mailboxes.count(number) == 0) return refuse(call, TD_NOT_FOUND, "not_found");
          body(call, number, params);
        });
      };
  box_command("mailbox.get",
              [this](const auto& call, const auto& number, const json&) { call.ok(shown(number).dump()); });
  box_command("mailbox.set", [this](const auto& call, const auto& number, const json& params) {
    mailboxes[number].update(params);
    call.ok(shown(number).dump());
  });
  host.add_command("recording.discard", [this](const FakeHost::Call& call) {
    discarded.push_back(json::parse(call.params)["path"]);
    call.ok("{}");
  });
  box_command("mailbox.set_pin", [this](const auto& call, const auto& number, const json& params) {
    pins[number] = params["pin"];
    call.ok("{}");
  });
  box_command("mailbox.check_pin", [this](const auto& call, const auto& number, const json& params) {
    if (locked) return call.ok(R"({"ok":false,"reason":"locked"})");
    if (pins.count(number) == 0) return call.ok(R"({"ok":false,"reason":"no_pin"})");
    if (pins[number] == params["pin"]) return call.ok(R"({"ok":true})");
    locked = ++wrong_pins >= 3;
    call.ok(locked ? R"({"ok":false,"reason":"locked"})" : R"({"ok":false,"reason":"wrong"})");
  });
  box_command("message.list", [this](const auto& call, const auto& number, const json& params) {
    json page = json::array();
    for (const json& message : messages) {
      if (message["mailbox"] == number && message["folder"] == params["folder"]) page.push_back(message);
    }
    call.ok(json{{"messages", page}}.dump());
  });
  box_command("message.add", [this](const auto& call, const auto& number, const json& params) {
    if (messages.size() >= mailboxes[number]["max_messages"]) return refuse(call, TD_EXHAUSTED, "exhausted");
    add_message(number, params["path"]);
    messages.back().update(params);
    call.ok(json{{"id", messages.back()["id"]}}.dump());
  });
  const auto by_id = [&host, this](const char* name,
                                   std::function<void(std::vector<json>::iterator, const json&)> body) {
    host.add_command(name, [this, body](const FakeHost::Call& call) {
      const json params = json::parse(call.params);
      for (auto at = messages.begin(); at != messages.end(); ++at) {
        if ((*at)["id"] != params["id"]) continue;
        body(at, params);
        return call.ok("{}");
      }
      refuse(call, TD_NOT_FOUND, "not_found");
    });
  };
  by_id("message.move", [](auto at, const json& params) { (*at)["folder"] = params["folder"]; });
  by_id("message.delete", [this](auto at, const json&) { messages.erase(at); });
  for (const char* name : {"extension.get", "extension.resolve"}) {
    host.add_command(name, [this](const FakeHost::Call& call) {
      const std::string number = json::parse(call.params)["number"];
      if (extensions.count(number) == 0) return refuse(call, TD_NOT_FOUND, "not_found");
      call.ok(extensions[number].dump());
    });
  }
}

}  // namespace tandem::testing
