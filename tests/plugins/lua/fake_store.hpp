// FakeStore: the store's commands for mailboxes, messages and extensions, in memory, as plugins/store words
// them. Thread: one.
#pragma once

#include <string>

#include "tests/plugins/lua/fake_calls.hpp"

namespace tandem::testing {

class FakeStore {
 public:
  // Mailboxes 1001 (PIN 4711) and 1002 (no PIN); extensions 1001 to 1003, the last without a mailbox.
  explicit FakeStore(FakeHost& host);

  // A message that lies in `mailbox` already.
  void add_message(const std::string& mailbox, const std::string& path, const std::string& folder = "INBOX");
  // Ids of the messages of a folder, in order.
  std::vector<std::string> folder(const std::string& mailbox, const std::string& name) const;

  std::map<std::string, json> mailboxes, extensions;
  std::vector<json> messages;
  std::vector<std::string> discarded;  // files of recordings that nobody wanted
  std::map<std::string, std::string> pins;
  int wrong_pins = 0;
  bool locked = false;

 private:
  void provide(FakeHost& host);
  json shown(const std::string& number) const;
  int last_ = 0;
};

}  // namespace tandem::testing
