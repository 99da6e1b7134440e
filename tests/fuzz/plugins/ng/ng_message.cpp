// Any bytes as an ng message, through cookies, both forms, rtpp-flags and the tables of keys, to a command
// table that answers with what it was given. Held true: at most one answer a message, each begins with the
// cookie and says its result.
#include <cstdlib>
#include <string>
#include <string_view>

#include "ng/commands.hpp"
#include "ng/rtpp_flags.hpp"
#include "tests/support/fake_host.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tandem;
  testing::FakeHost host;
  for (const char* method : {"anchor.offer",        "anchor.answer",
                             "anchor.delete",       "anchor.query",
                             "anchor.list",         "anchor.statistics",
                             "anchor.block",        "anchor.play",
                             "anchor.stop_play",    "anchor.play_digits",
                             "anchor.record",       "anchor.control_recording",
                             "anchor.subscribe",    "anchor.subscribe_answer",
                             "anchor.unsubscribe",  "anchor.publish",
                             "anchor.create",       "anchor.create_answer",
                             "anchor.connect",      "anchor.hear",
                             "anchor.stop_hearing", "anchor.mesh"})
    host.add_command(method, [](const testing::FakeHost::Call& call) { call.ok(call.params); });
  ng::Commands commands(sdk::Host(host.host()), {});
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  int answers = 0;
  const bool promised = commands.take("p", text, ng::Commands::Cookie::yes, [&](std::string_view answer) {
    ++answers;
    if (answer.find("result") == std::string_view::npos ||
        answer.substr(0, text.find(' ')) != text.substr(0, text.find(' ')))
      std::abort();
  });
  host.run_posted();
  if (answers != (promised ? 1 : 0)) std::abort();
  ng::Value flags = ng::Value::object();
  ng::read_rtpp_flags(text, flags);
  (void)ng::read_request(flags, {});
  return 0;
}
