// The verbs of the ng protocol in front of a table of commands that only remembers what it was asked.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ng/commands.hpp"
#include "tests/support/fake_host.hpp"

namespace tandem::ng {

using testing::FakeHost;

class CommandsTest : public ::testing::Test {
 protected:
  std::string ask(const std::string& text, const char* peer = "127.0.0.1:5") {
    std::string got = "(nothing)";
    commands_.take(peer, text, Commands::Cookie::yes, [&](std::string_view answer) { got = answer; });
    host_.run_posted();
    return got;
  }
  Value ask_json(const std::string& json) {
    const std::string got = ask("c" + std::to_string(++count_) + " " + json);
    return Value::parse(got.substr(got.find(' ') + 1), nullptr, false);
  }
  void answer_with(const char* method, const char* json, int code = TD_OK) {
    host_.add_command(method, [this, json, code](const FakeHost::Call& call) {
      asked_.push_back(call.method + " " + call.params);
      call.reply(code, json);
    });
  }
  FakeHost host_;
  Commands commands_{sdk::Host(host_.host()), {}};
  std::vector<std::string> asked_;
  int count_ = 0;
};

}  // namespace tandem::ng
