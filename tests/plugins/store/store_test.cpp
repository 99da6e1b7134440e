// The commands as a program sees them: results, errors, events, and that a tenant sees only its own.
#include <sys/stat.h>

#include "store/secret.hpp"
#include "tests/plugins/store/support.hpp"

namespace tandem::store::testing {
namespace {

TEST_F(StoreTest, RefusesToStartWithAnOptionItDoesNotKnow) {
  EXPECT_LT(start({{"pth", "x"}}), 0);
  EXPECT_NE(host_->error().find("pth"), std::string::npos) << host_->error();
}

TEST_F(StoreTest, RefusesToStartWhereItCannotWriteAndNamesThePath) {
  EXPECT_EQ(start({{"path", folder_.file("no/such/folder.db")}}), TD_UNAVAILABLE);
  EXPECT_NE(host_->error().find("no/such/folder.db"), std::string::npos) << host_->error();
}

TEST_F(StoreTest, DescribesEveryCommandWithSummarySchemaAndAccess) {
  ASSERT_EQ(start(), 0);
  EXPECT_GE(host_->methods().size(), 32u);
  for (const std::string& method : host_->methods()) {
    const Json description = Json::parse(host_->description(method), nullptr, false);
    ASSERT_TRUE(description.is_object()) << method;
    EXPECT_FALSE(description["summary"].get<std::string>().empty()) << method;
    EXPECT_EQ(description["params"]["type"], "object") << method;
    EXPECT_TRUE(description["access"] == "public" || description["access"] == "internal") << method;
  }
}

TEST_F(StoreTest, KeepsWhatWasSetThroughARestart) {
  ASSERT_EQ(start(), 0);
  make_tenant("demo");
  ASSERT_EQ(start(), 0);
  const Json found = ok("extension.get", {{"tenant", "demo"}, {"number", "1001"}});
  EXPECT_EQ(found["mailbox"], "1001");
  EXPECT_EQ(found["ring_timeout_s"], 25);
}

TEST_F(StoreTest, SettingAnExtensionChangesOnlyWhatIsGiven) {
  ASSERT_EQ(start(), 0);
  ok("extension.set", {{"tenant", "demo"}, {"number", "7"}, {"name", "Ann"}, {"ring_timeout_s", 40}});
  ok("extension.set", {{"tenant", "demo"}, {"number", "7"}, {"ring_timeout_s", 10}});
  Json found = ok("extension.get", {{"tenant", "demo"}, {"number", "7"}});
  EXPECT_EQ(found["name"], "Ann");
  EXPECT_EQ(found["ring_timeout_s"], 10);
  EXPECT_TRUE(found["mailbox"].is_null());
  ok("mailbox.set", {{"tenant", "demo"}, {"number", "7"}});
  ok("extension.set", {{"tenant", "demo"}, {"number", "7"}, {"mailbox", "7"}});
  EXPECT_EQ(ok("extension.get", {{"tenant", "demo"}, {"number", "7"}})["mailbox"], "7");
  ok("extension.set", {{"tenant", "demo"}, {"number", "7"}, {"mailbox", ""}});
  EXPECT_TRUE(ok("extension.get", {{"tenant", "demo"}, {"number", "7"}})["mailbox"].is_null());
}

TEST_F(StoreTest, ResolvesANumberToItsDevicesAndMailbox) {
  ASSERT_EQ(start(), 0);
  make_tenant("demo");
  ok("device.add", {{"tenant", "demo"}, {"user", "soft"}, {"extension", "1001"}});
  const Json found = ok("extension.resolve", {{"tenant", "demo"}, {"number", "1001"}});
  ASSERT_EQ(found["devices"].size(), 2u);
  EXPECT_EQ(found["devices"][0]["user"], "demo-1001");
  EXPECT_EQ(found["devices"][1]["user"], "soft");
  EXPECT_EQ(found["mailbox"], "1001");
  EXPECT_EQ(fails("extension.resolve", {{"tenant", "demo"}, {"number", "1999"}})["code"], "not_found");
}

TEST_F(StoreTest, ReturnsAMadePasswordOnceAndKeepsOnlyItsHa1) {
  ASSERT_EQ(start(), 0);
  ok("extension.set", {{"tenant", "demo"}, {"number", "1"}});
  const Json made =
      ok("device.add", {{"tenant", "demo"}, {"user", "u"}, {"extension", "1"}, {"realm", "example.org"}});
  const auto password = made["password"].get<std::string>();
  EXPECT_EQ(password.size(), 16u);
  const Json secrets = ok("device.secrets");
  ASSERT_EQ(secrets["devices"].size(), 1u);
  EXPECT_EQ(secrets["devices"][0]["ha1"], digest_ha1("u", "example.org", password));
  EXPECT_EQ(ok("device.list", {{"tenant", "demo"}}).dump().find("ha1"), std::string::npos);
  EXPECT_EQ(read_file(folder_.file("t.db")).find(password), std::string::npos);
  EXPECT_EQ(read_file(folder_.file("t.db-wal")).find(password), std::string::npos);
  const Json given =
      ok("device.set_password",
         {{"tenant", "demo"}, {"user", "u"}, {"realm", "example.org"}, {"password", "12345678"}});
  EXPECT_FALSE(given.contains("password"));
  EXPECT_EQ(ok("device.secrets")["devices"][0]["ha1"], digest_ha1("u", "example.org", "12345678"));
}

TEST_F(StoreTest, Ha1IsThatOfRfc2617sOwnExample) {
  EXPECT_EQ(digest_ha1("Mufasa", "testrealm@host.com", "Circle Of Life"), "939e7578ed9e3c518a452acee763bce9");
}

TEST_F(StoreTest, TellsWhenDevicesChange) {
  ASSERT_EQ(start(), 0);
  make_tenant("demo");
  ASSERT_EQ(events("devices.changed").size(), 1u);
  EXPECT_EQ(events("devices.changed")[0]["user"], "demo-1001");
  ok("device.delete", {{"tenant", "demo"}, {"user", "demo-1001"}});
  EXPECT_EQ(events("devices.changed").size(), 2u);
}

TEST_F(StoreTest, KeepsAnExtensionThatStillHasDevices) {
  ASSERT_EQ(start(), 0);
  make_tenant("demo");
  EXPECT_EQ(fails("extension.delete", {{"tenant", "demo"}, {"number", "1001"}})["code"], "conflict");
  ok("device.delete", {{"tenant", "demo"}, {"user", "demo-1001"}});
  ok("extension.delete", {{"tenant", "demo"}, {"number", "1001"}});
  EXPECT_EQ(fails("extension.get", {{"tenant", "demo"}, {"number", "1001"}})["code"], "not_found");
}

TEST_F(StoreTest, LocksAMailboxAfterThreeWrongPinsForFifteenMinutesAndThroughARestart) {
  ASSERT_EQ(start(), 0);
  make_tenant("demo");
  const auto check = [&](const char* pin) {
    return ok("mailbox.check_pin", {{"tenant", "demo"}, {"number", "1001"}, {"pin", pin}});
  };
  EXPECT_EQ(check("1234")["reason"], "no_pin");
  ok("mailbox.set_pin", {{"tenant", "demo"}, {"number", "1001"}, {"pin", "1234"}});
  EXPECT_EQ(check("1234")["ok"], true);
  EXPECT_EQ(check("1111")["attempts_left"], 2);
  EXPECT_EQ(check("1111")["attempts_left"], 1);
  EXPECT_EQ(check("1111")["reason"], "locked");
  EXPECT_EQ(check("1234")["reason"], "locked") << "the right PIN does not open a locked mailbox";
  ASSERT_EQ(start(), 0);
  EXPECT_EQ(check("1234")["reason"], "locked") << "a restart forgives nothing";
  host_->advance(std::chrono::minutes(14));
  EXPECT_EQ(check("1234")["ok"], false);
  host_->advance(std::chrono::minutes(2));
  EXPECT_EQ(check("1234")["ok"], true);
  EXPECT_EQ(check("9")["attempts_left"], 2) << "the count begins anew";
}

TEST_F(StoreTest, NeverShowsAPinNorItsHash) {
  ASSERT_EQ(start(), 0);
  make_tenant("demo");
  ok("mailbox.set_pin", {{"tenant", "demo"}, {"number", "1001"}, {"pin", "739182"}});
  const std::string shown =
      ok("mailbox.get", {{"tenant", "demo"}, {"number", "1001"}}).dump() + ok("mailbox.list").dump();
  EXPECT_EQ(shown.find("pbkdf2"), std::string::npos);
  EXPECT_NE(shown.find("\"has_pin\":true"), std::string::npos);
  EXPECT_EQ(read_file(folder_.file("t.db-wal")).find("739182"), std::string::npos);
  EXPECT_EQ(fails("mailbox.set_pin", {{"tenant", "demo"}, {"number", "1001"}, {"pin", "12a4"}})["code"],
            "invalid");
}

TEST_F(StoreTest, APinHashOfAnotherShapeNeverMatches) {
  const std::string hash = hash_pin("1234", 1000);
  EXPECT_TRUE(check_pin("1234", hash));
  EXPECT_FALSE(check_pin("1235", hash));
  for (const char* bad :
       {"", "1234", "pbkdf2-sha256$", "pbkdf2-sha256$0$00$00", "pbkdf2-sha256$99999999999$00$00",
        "pbkdf2-sha256$1000$zz$zz", "pbkdf2-sha256$1000$", "pbkdf2-sha256$-1$$"}) {
    EXPECT_FALSE(check_pin("1234", bad)) << bad;
  }
  EXPECT_NE(hash, hash_pin("1234", 1000)) << "each has a salt of its own";
}

TEST_F(StoreTest, MessagesMoveBetweenFoldersAndTheLampFollows) {
  ASSERT_EQ(start(), 0);
  make_tenant("demo");
  const Json at = {{"tenant", "demo"}, {"mailbox", "1001"}};
  Json message = at;
  message.update({{"path", "vm/1.wav"}, {"caller", "1002"}, {"duration_ms", 2500}});
  const auto id = ok("message.add", message)["id"].get<std::string>();
  ok("message.add", message);
  EXPECT_EQ(
      events("mailbox.changed").back(),
      Json({{"event", "mailbox.changed"}, {"tenant", "demo"}, {"mailbox", "1001"}, {"new", 2}, {"old", 0}}));
  const Json moved = ok("message.move", {{"id", id}, {"folder", "Old"}});
  EXPECT_EQ(moved["heard"], true);
  EXPECT_EQ(moved["caller"], "1002");
  EXPECT_EQ(events("mailbox.changed").back()["new"], 1);
  EXPECT_EQ(events("mailbox.changed").back()["old"], 1);
  EXPECT_EQ(
      ok("message.list", {{"tenant", "demo"}, {"mailbox", "1001"}, {"folder", "INBOX"}})["messages"].size(),
      1u);
  EXPECT_EQ(ok("message.delete", {{"id", id}})["path"], "vm/1.wav");
  EXPECT_EQ(events("mailbox.changed").back()["old"], 0);
  EXPECT_EQ(fails("message.get", {{"id", id}})["code"], "not_found");
  EXPECT_EQ(ok("mailbox.get", {{"tenant", "demo"}, {"number", "1001"}})["new"], 1);
}

TEST_F(StoreTest, RefusesAMessageMoreThanTheMailboxHolds) {
  ASSERT_EQ(start(), 0);
  ok("mailbox.set", {{"tenant", "demo"}, {"number", "9"}, {"max_messages", 1}});
  ok("message.add", {{"tenant", "demo"}, {"mailbox", "9"}, {"path", "a.wav"}});
  EXPECT_EQ(fails("message.add", {{"tenant", "demo"}, {"mailbox", "9"}, {"path", "b.wav"}})["code"],
            "exhausted");
}

TEST_F(StoreTest, DeletesAMessagesFileOnlyBelowTheMediaRoot) {
  const std::string root = folder_.file("media"), inside = root + "/m.wav",
                    outside = folder_.file("other.wav");
  std::filesystem::create_directory(root);
  std::ofstream(inside) << "x";
  std::ofstream(outside) << "x";
  ASSERT_EQ(start({{"media_root", root}}), 0);
  ok("mailbox.set", {{"tenant", "demo"}, {"number", "9"}});
  const auto add = [&](const std::string& path) {
    return Json{{"tenant", "demo"}, {"mailbox", "9"}, {"path", path}};
  };
  EXPECT_EQ(fails("message.add", add(outside))["code"], "denied");
  EXPECT_EQ(fails("message.add", add(root + "/../other.wav"))["code"], "invalid");
  EXPECT_EQ(fails("message.add", add("../other.wav"))["code"], "invalid");
  EXPECT_EQ(fails("message.add", add(root + "2/x.wav"))["code"], "denied")
      << "a folder whose name only begins alike";
  ok("message.delete", {{"id", ok("message.add", add(inside))["id"]}});
  EXPECT_FALSE(std::filesystem::exists(inside));
  EXPECT_TRUE(std::filesystem::exists(outside));
}

TEST_F(StoreTest, DiscardsARecordingOfTheTenantThatNothingSpeaksOf) {
  const std::string root = folder_.file("media"), mine = root + "/demo/a.wav", kept = root + "/demo/b.wav",
                    others = root + "/acme/c.wav";
  for (const char* tenant : {"demo", "acme"}) std::filesystem::create_directories(root + "/" + tenant);
  for (const std::string& file : {mine, kept, others}) std::ofstream(file) << "x";
  ASSERT_EQ(start({{"media_root", root}}), 0);
  ok("mailbox.set", {{"tenant", "demo"}, {"number", "9"}, {"greeting_busy", kept}});
  ok("recording.discard", {{"tenant", "demo"}, {"path", mine}});
  EXPECT_FALSE(std::filesystem::exists(mine));
  ok("recording.discard", {{"tenant", "demo"}, {"path", mine}});  // gone already: what was wanted
  EXPECT_EQ(fails("recording.discard", {{"tenant", "demo"}, {"path", kept}})["code"], "conflict");
  EXPECT_EQ(fails("recording.discard", {{"tenant", "demo"}, {"path", others}})["code"], "denied");
  EXPECT_EQ(fails("recording.discard", {{"tenant", "demo"}, {"path", root + "/demo/../acme/c.wav"}})["code"],
            "invalid");
  EXPECT_TRUE(std::filesystem::exists(kept));
  EXPECT_TRUE(std::filesystem::exists(others));
}

TEST_F(StoreTest, PagesThroughMoreThanOneLimit) {
  ASSERT_EQ(start(), 0);
  for (int i = 0; i < 5; ++i) ok("cdr.add", {{"tenant", "demo"}, {"src", std::to_string(i)}});
  Json page = ok("cdr.list", {{"limit", 2}});
  std::string seen;
  for (int pages = 0; pages < 5; ++pages) {
    for (const Json& row : page["cdrs"]) seen += row["src"].get<std::string>();
    if (!page.contains("cursor")) break;
    page = ok("cdr.list", {{"limit", 2}, {"cursor", page["cursor"]}});
  }
  EXPECT_EQ(seen, "43210");
}

TEST_F(StoreTest, ATenantSeesAndChangesOnlyItsOwn) {
  ASSERT_EQ(start(), 0);
  for (const char* tenant : {"red", "blue"}) {
    make_tenant(tenant);
    ok("message.add", {{"tenant", tenant}, {"mailbox", "1001"}, {"path", "a.wav"}});
    ok("prompt.set", {{"tenant", tenant}, {"name", "hello"}, {"path", "a.wav"}});
    ok("recording.add", {{"tenant", tenant}, {"path", "r.wav"}, {"id", std::string("rec-") + tenant}});
    ok("cdr.add", {{"tenant", tenant}, {"src", "1001"}});
  }
  const auto blue_message =
      ok("message.list", {{"tenant", "blue"}, {"mailbox", "1001"}})["messages"][0]["id"];
  for (const auto& [method, list] : std::map<std::string, std::string>{{"extension.list", "extensions"},
                                                                       {"device.list", "devices"},
                                                                       {"mailbox.list", "mailboxes"},
                                                                       {"prompt.list", "prompts"},
                                                                       {"recording.list", "recordings"},
                                                                       {"cdr.list", "cdrs"}}) {
    const Json own = ok(method, Json::object(), "red", TD_ROLE_PUBLIC);
    ASSERT_EQ(own[list].size(), 1u) << method;
    EXPECT_EQ(own[list][0]["tenant"], "red") << method;
    EXPECT_EQ(ok(method)[list].size(), 2u) << method << ": the operator sees all";
    EXPECT_EQ(fails(method, {{"tenant", "blue"}}, "red", TD_ROLE_PUBLIC)["code"], "denied") << method;
  }
  EXPECT_EQ(ok("tenant.list", Json::object(), "red")["tenants"].size(), 1u);
  EXPECT_EQ(fails("tenant.add", {{"name", "x"}}, "red")["code"], "denied");
  for (const char* method : {"message.get", "message.move", "message.delete"}) {
    EXPECT_EQ(fails(method, {{"id", blue_message}}, "red", TD_ROLE_PUBLIC)["code"], "not_found") << method;
  }
  EXPECT_EQ(fails("recording.get", {{"id", "rec-blue"}}, "red", TD_ROLE_PUBLIC)["code"], "not_found");
  EXPECT_EQ(fails("device.delete", {{"user", "blue-1001"}}, "red", TD_ROLE_PUBLIC)["code"], "not_found");
  EXPECT_EQ(fails("device.set_password", {{"user", "blue-1001"}}, "red", TD_ROLE_PUBLIC)["code"],
            "not_found");
  EXPECT_EQ(
      fails("device.add", {{"user", "blue-1001"}, {"extension", "1001"}}, "red", TD_ROLE_PUBLIC)["code"],
      "conflict");
}

TEST_F(StoreTest, KeepsInternalCommandsFromTheNetwork) {
  ASSERT_EQ(start(), 0);
  for (const char* method : {"device.secrets", "cdr.add", "recording.add", "mailbox.check_pin",
                             "extension.resolve", "store.info", "store.seed_demo"}) {
    EXPECT_EQ(fails(method, Json::object(), "", TD_ROLE_PUBLIC)["code"], "denied") << method;
  }
}

TEST_F(StoreTest, AnswersBadParametersWithWhatWasExpectedAndSeen) {
  ASSERT_EQ(start(), 0);
  struct Row {
    const char* method;
    const char* params;
    const char* code;
    const char* part;
  };
  const std::string long_text(65 * 1024, 'x');
  const std::string oversized = R"({"tenant":"demo","number":")" + long_text + "\"}";
  const Row table[] = {
      {"extension.get", "[]", "invalid", "JSON object"},
      {"extension.get", "{", "invalid", "JSON object"},
      {"extension.get", "{}", "invalid", "number: expected text"},
      {"extension.get", R"({"number":"1"})", "invalid", "tenant"},
      {"extension.get", R"({"tenant":"demo","number":7})", "invalid", "got 7"},
      {"extension.get", R"({"tenant":"demo","number":""})", "invalid", "1 to 32 bytes"},
      {"extension.get", R"({"tenant":"demo","number":"1","numbre":"1"})", "invalid", "numbre"},
      {"extension.get", R"({"tenant":"demo","number":"1\u0000"})", "invalid", "number"},
      {"extension.set", R"({"tenant":"demo","number":"1","ring_timeout_s":0})", "invalid", "1 to 600"},
      {"extension.set", R"({"tenant":"demo","number":"1","ring_timeout_s":1.5})", "invalid", "whole number"},
      {"extension.set", R"({"tenant":"demo","number":"1","ring_timeout_s":99999999999999999999})", "invalid",
       "1 to 600"},
      {"extension.set", R"({"tenant":"demo","number":"1","mailbox":"77"})", "not_found", "mailbox '77'"},
      {"extension.set", R"({"tenant":"nobody","number":"1"})", "not_found", "tenant 'nobody'"},
      {"extension.list", R"({"limit":1001})", "invalid", "1 to 1000"},
      {"device.add", R"({"tenant":"demo","user":"a:b","extension":"1"})", "invalid", "SIP user"},
      {"message.add", R"({"tenant":"demo","mailbox":"none","path":"x"})", "not_found", "mailbox 'none'"},
      {"message.list", R"({"tenant":"demo","mailbox":"1","folder":"Work"})", "invalid", "INBOX or Old"},
      {"tenant.add", R"({"name":"demo"})", "conflict", "demo"},
      {"extension.get", oversized.c_str(), "invalid", "65536"},
  };
  for (const Row& row : table) {
    const auto outcome = host_->call(row.method, row.params);
    const Json error = Json::parse(outcome.json, nullptr, false);
    ASSERT_TRUE(error.is_object()) << row.method << ' ' << std::string(row.params).substr(0, 80) << ' '
                                   << outcome.json;
    EXPECT_EQ(error["code"], row.code) << row.method << ' ' << std::string(row.params).substr(0, 80);
    EXPECT_NE(error["message"].get<std::string>().find(row.part), std::string::npos) << error["message"];
  }
}

TEST_F(StoreTest, AnswersExhaustedWhenTheQueueIsFull) {
  ASSERT_EQ(start(), 0);
  host_->fill_work_queue(true);
  EXPECT_EQ(fails("tenant.list")["code"], "exhausted");
  host_->fill_work_queue(false);
  EXPECT_EQ(ok("store.info")["counters"]["queue_full"], 1);
  EXPECT_EQ(host_->figure("queue_full_total"), 1);
}

TEST_F(StoreTest, AnswersWhatIsOpenWhenItStops) {
  ASSERT_EQ(start(), 0);
  const auto outcome = host_->invoke("tenant.list");  // done, but its done() is still posted
  EXPECT_FALSE(outcome->done);
  host_->deactivate();
  EXPECT_TRUE(outcome->done);
  EXPECT_EQ(outcome->code, TD_UNAVAILABLE);
}

TEST_F(StoreTest, SeedsTheDemoOnceAndKeepsItsPasswordsForTheScripts) {
  ASSERT_EQ(start(), 0);
  const Json first = ok("store.seed_demo", {{"realm", "r1"}});
  ASSERT_EQ(first["accounts"].size(), 3u);
  const auto password = first["accounts"][0]["password"].get<std::string>();
  const std::string file = first["accounts_file"].get<std::string>();
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(Json::parse(read_file(file))["accounts"][0]["password"], password);
  const Json again = ok("store.seed_demo", {{"realm", "r1"}});
  EXPECT_FALSE(again["accounts"][0].contains("password"));
  EXPECT_EQ(ok("device.secrets")["devices"][0]["ha1"], digest_ha1("1001", "r1", password));
  ok("store.seed_demo", {{"realm", "r2"}});
  const Json secrets = ok("device.secrets");
  ASSERT_EQ(secrets["devices"].size(), 3u) << "another realm replaces, it does not add";
  EXPECT_EQ(secrets["devices"][0]["ha1"], digest_ha1("1001", "r2", password));
  const auto pin = Json::parse(read_file(file))["accounts"][2]["pin"];
  EXPECT_EQ(ok("mailbox.check_pin", {{"tenant", "demo"}, {"number", "1003"}, {"pin", pin}})["ok"], true);
}

}  // namespace
}  // namespace tandem::store::testing
