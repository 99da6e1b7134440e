// Any bytes as a command's parameters, as a call record, and as a line of the spill file. Held true: a
// refusal says something, accepted parameters hold only known names and the caller's tenant, a record has
// every column and can be read back from its own line unchanged.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "store/cdr.hpp"
#include "store/commands.hpp"

namespace {

using namespace tandem::store;

void require(bool held) {
  if (!held) std::abort();
}

void check_all(std::string_view text) {
  for (const auto table :
       {tenant_commands(), extension_commands(), device_commands(), mailbox_commands(), message_commands(),
        prompt_commands(), recording_commands(), cdr_commands(), demo_commands()}) {
    for (const Command& command : table) {
      try {
        const Json params = check(command, "red", text);
        require(params.is_object());
        require(command.tenancy != Tenancy::none && params["tenant"] == "red");
      } catch (const Refusal& refusal) {
        require(refusal.code() < 0 && refusal.what()[0] != '\0');
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_all(text);
  try {
    const Json record = make_record("", text);
    require(record.size() == 24 && record["id"].is_string());
    require(reread_record(record.dump(-1, ' ', false, Json::error_handler_t::replace)) == record);
  } catch (const Refusal&) {
  }
  try {
    require(reread_record(text).size() == 24);
  } catch (const Refusal&) {
  }
  return 0;
}
