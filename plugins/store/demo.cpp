// store.seed_demo: the demo's tenant, extensions 1001 to 1003, each with a device and a mailbox; and
// store.info.
//
//   accounts_file (0600, JSON) ──known password──► HA1 ──► device
//                              ◄──made here, once──
//
// Passwords and PINs are kept there for the phone scripts; the database has only hashes.
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "store/commands.hpp"
#include "store/migration.hpp"
#include "store/secret.hpp"

namespace tandem::store {

namespace {

constexpr const char* kTenant = "demo";
constexpr const char* kNumbers[] = {"1001", "1002", "1003"};
constexpr std::uintmax_t kAccountsBytesMax = 1 << 20;

Json read_accounts(const std::string& path) {
  std::error_code failed;
  const auto size = std::filesystem::file_size(path, failed);
  if (failed) return Json::object();  // not there yet
  if (size > kAccountsBytesMax)
    throw Refusal(TD_INVALID, "accounts_file '" + path + "': expected at most 1 MB");
  std::ifstream file(path);
  Json accounts = Json::parse(file, nullptr, false);
  if (!accounts.is_object() || !accounts.contains("accounts") || !accounts["accounts"].is_array()) {
    throw Refusal(TD_INVALID,
                  "accounts_file '" + path +
                      "': expected {\"realm\":…,\"accounts\":[…]}; remove it to have it made anew");
  }
  return accounts;
}

// Whole or not at all, and never readable by others.
void write_accounts(const std::string& path, const Json& accounts) {
  const std::string text = accounts.dump(2) + "\n", fresh = path + ".new";
  ::unlink(fresh.c_str());
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  bool whole = fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
               ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  whole = whole && ::rename(fresh.c_str(), path.c_str()) == 0;
  if (!whole) throw Refusal(TD_UNAVAILABLE, "accounts_file '" + path + "': cannot be written");
}

std::string known(const Json& accounts, std::string_view user, const char* what) {
  if (!accounts.contains("accounts")) return "";
  for (const Json& account : accounts["accounts"]) {
    if (account.is_object() && account.value("user", "") == user) return account.value(what, "");
  }
  return "";
}

void put_rows(Context& context, const std::string& number, const std::string& realm,
              const std::string& password) {
  const Database::Binds key = {
      {"tenant", std::string(kTenant)}, {"number", number}, {"created", context.now()}};
  context.db.run(
      "INSERT INTO mailbox (tenant, number, created) VALUES (:tenant, :number, :created) "
      "ON CONFLICT (tenant, number) DO NOTHING",
      key);
  context.db.run(
      "INSERT INTO extension (tenant, number, mailbox, name, created) "
      "VALUES (:tenant, :number, :number, 'Phone ' || :number, :created) ON CONFLICT (tenant, number) DO "
      "NOTHING",
      key);
  // A device of the same name under an older realm would be a second account nobody knows of.
  context.db.run("DELETE FROM device WHERE tenant = :tenant AND \"user\" = :user AND realm <> :realm",
                 {{"tenant", std::string(kTenant)}, {"user", number}, {"realm", realm}});
  context.db.run(
      "INSERT INTO device (tenant, \"user\", extension, realm, ha1, name, created) "
      "VALUES (:tenant, :user, :user, :realm, :ha1, 'Phone ' || :user, :created) "
      "ON CONFLICT (\"user\", realm) DO UPDATE SET ha1 = excluded.ha1",
      {{"tenant", std::string(kTenant)},
       {"user", number},
       {"realm", realm},
       {"ha1", digest_ha1(number, realm, password)},
       {"created", context.now()}});
}

Json seed(Context& context) {
  const std::string realm = context.text("realm", context.options.realm),
                    file = context.options.accounts_file;
  const Json before = read_accounts(file);
  const Json given = context.has("passwords") ? context.params["passwords"] : Json::object();
  context.db.run(
      "INSERT INTO tenant (name, title, created) VALUES (:name, 'Demo', :created) ON CONFLICT (name) DO "
      "NOTHING",
      {{"name", std::string(kTenant)}, {"created", context.now()}});
  Json kept = Json::array(), answer = Json::array();
  for (const char* number : kNumbers) {
    const auto wanted = given.find(number);
    std::string password = known(before, number, "password"), pin = known(before, number, "pin");
    const bool named =
        wanted != given.end() && wanted->is_string() && wanted->get_ref<const std::string&>().size() >= 8;
    if (wanted != given.end() && !named)
      throw Refusal(TD_INVALID, std::string("store.seed_demo: passwords.") + number +
                                    ": expected text of 8 bytes or more");
    if (named) password = wanted->get<std::string>();
    const bool fresh = password.empty();
    if (fresh) password = random_password(16);
    const bool fresh_pin = pin.empty();
    if (fresh_pin) pin = random_digits(4);
    put_rows(context, number, realm, password);
    const auto have_pin = context.db.number(
        "SELECT count(*) FROM mailbox WHERE tenant = :tenant AND number = :number AND pin_hash <> ''",
        {{"tenant", std::string(kTenant)}, {"number", std::string(number)}});
    if (fresh_pin || have_pin == 0) {
      context.db.run("UPDATE mailbox SET pin_hash = :hash WHERE tenant = :tenant AND number = :number",
                     {{"hash", hash_pin(pin, context.options.pin_iterations)},
                      {"tenant", std::string(kTenant)},
                      {"number", std::string(number)}});
    }
    kept.push_back({{"user", number}, {"password", password}, {"pin", pin}});
    Json row = {{"user", number}, {"extension", number}, {"mailbox", number}, {"created", fresh}};
    if (fresh) row["password"] = password;
    if (fresh_pin) row["pin"] = pin;
    answer.push_back(std::move(row));
  }
  const Json after = {{"realm", realm}, {"tenant", kTenant}, {"accounts", kept}};
  if (after != before) write_accounts(file, after);
  announce_devices(context, kTenant, "");
  return {{"tenant", kTenant}, {"realm", realm}, {"accounts_file", file}, {"accounts", answer}};
}

Json info(Context& context) {
  const auto count = [&](const char* sql) { return context.db.number(sql); };
  std::error_code ignored;
  const Stats& stats = context.stats;
  return {{"backend", "sqlite3"},
          {"path", context.db.path()},
          {"schema", count("SELECT max(number) FROM schema_migrations")},
          {"schema_known", migrations().back().number},
          {"size_bytes", std::filesystem::file_size(context.db.path(), ignored)},
          {"rows",
           {{"tenants", count("SELECT count(*) FROM tenant")},
            {"extensions", count("SELECT count(*) FROM extension")},
            {"devices", count("SELECT count(*) FROM device")},
            {"mailboxes", count("SELECT count(*) FROM mailbox")},
            {"messages", count("SELECT count(*) FROM message")}}},
          {"counters", sdk::figures<Json, Stats::Count>(figures_of(stats))}};
}

}  // namespace

std::span<const Command> demo_commands() {
  static const std::vector<Command> table = {
      {"store.info",
       "The database, its schema and its counters.",
       "{backend, path, schema, schema_known, size_bytes, rows, counters}",
       Access::internal,
       Lane::report,
       Tenancy::none,
       false,
       {},
       info},
      {"store.seed_demo",
       "Makes the demo's tenant and accounts, once; says passwords and PINs only when it made them.",
       "{tenant, realm, accounts_file, accounts: [{user, extension, mailbox, created, password?, pin?}]}",
       Access::internal,
       Lane::live,
       Tenancy::none,
       true,
       {{"realm", Kind::text, Need::optional, 1, 128, "the digest realm"},
        {"passwords", Kind::object, Need::optional, 0, 0, "{user: password} to use instead of random ones"}},
       seed},
  };
  return table;
}

}  // namespace tandem::store
