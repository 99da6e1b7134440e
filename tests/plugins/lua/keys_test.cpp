// gather and read_key: time-outs, barge-in, type-ahead, tries, finish keys, patterns.
#include "tests/plugins/lua/fake_calls.hpp"

namespace tandem::testing {

namespace {

// Runs gather with `options` and prints what it gave; keys are pressed after `wait`.
struct Gathered : FakeCalls {
  Gathered(const std::string& options, std::chrono::milliseconds wait, const std::string& keys,
           std::chrono::milliseconds more = 60s) {
    write("app", "local d, r = call:gather" + options +
                     " if d then print('got', d == '' and '(none)' or d, r) else print('failed', r.code, "
                     "r.digits == '' and '(none)' or r.digits) end");
    start("app");
    advance(wait);
    press(keys);
    advance(more);
  }
};

}  // namespace

TEST(Gather, EndsAsItsOptionsSay) {
  const struct {
    const char* name;
    const char* options;
    std::chrono::milliseconds wait;
    const char* keys;
    const char* expected;
  } rows[] = {
      {"max reached", "{max = 3}", 100ms, "1234", "got 123 max"},
      {"finish key", "{max = 9}", 100ms, "12#", "got 12 finish"},
      {"another finish key", "{max = 9, finish = '*'}", 100ms, "1#*", "got 1# finish"},
      {"no finish key", "{max = 2, finish = ''}", 100ms, "##", "got ## max"},
      {"one key may be #", "{max = 1}", 100ms, "#", "got # max"},
      {"inter-digit time", "{max = 9}", 100ms, "12", "got 12 timeout"},
      {"no key at all", "{max = 9}", 100ms, "", "failed timeout (none)"},
      {"too few", "{min = 4, max = 9}", 100ms, "12", "failed invalid 12"},
      {"too few and finished", "{min = 4, max = 9}", 100ms, "12#", "failed invalid 12"},
      {"nothing is enough", "{min = 0, max = 9}", 100ms, "", "got (none) timeout"},
      {"only the finish key", "{min = 0, max = 9}", 100ms, "#", "got (none) finish"},
      {"a pattern that fits", "{max = 4, valid = '10%d%d'}", 100ms, "1001", "got 1001 max"},
      {"a pattern that does not", "{max = 4, valid = '10%d%d'}", 100ms, "2001", "failed invalid 2001"},
      {"a function that decides", "{max = 1, valid = function(d) return d ~= '5' end}", 100ms, "5",
       "failed invalid 5"},
      {"late first key", "{max = 1, first_digit_ms = 2000}", 2100ms, "5", "failed timeout (none)"},
      {"just in time", "{max = 1, first_digit_ms = 2000}", 1900ms, "5", "got 5 max"},
      {"timeout_ms means the same", "{max = 1, timeout_ms = 2000}", 2100ms, "5", "failed timeout (none)"},
      {"the prompt does not count as waiting", "{max = 1, first_digit_ms = 2000, prompt = {'a', 'b', 'c'}}",
       4900ms, "5", "got 5 max"},
      {"barge-in stops the prompt", "{max = 1, prompt = 'long'}", 100ms, "7", "got 7 max"},
      {"no barge-in: keys in the prompt are dropped", "{max = 1, prompt = 'long', barge_in = false}", 100ms,
       "7", "failed timeout (none)"},
      {"no barge-in: keys behind it count", "{max = 1, prompt = 'long', barge_in = false}", 1100ms, "7",
       "got 7 max"},
      {"second try", "{max = 1, tries = 2, first_digit_ms = 1000, prompt = 'long'}", 2500ms, "7",
       "got 7 max"},
      {"letters A to D", "{max = 4}", 100ms, "ABCD", "got ABCD max"},
  };
  for (const auto& row : rows) {
    Gathered run(row.options, row.wait, row.keys);
    EXPECT_TRUE(run.logged(row.expected)) << row.name << "\n" << run.all_logs();
    EXPECT_EQ(run.reason(), "done") << row.name;
  }
}

TEST(Gather, StopsThePromptOnTheFirstKeyOnly) {
  Gathered run("{max = 3, prompt = 'long'}", 100ms, "123");
  EXPECT_EQ(run.done("leg.stop_play").size(), 1u);
}

TEST(Gather, TypeAheadSkipsThePrompt) {
  FakeCalls calls;
  calls.write("app", "call:sleep(2000) print('got', call:gather{max = 3, prompt = 'long'})");
  calls.start("app");
  calls.press("12");
  calls.advance(2s);
  calls.press("3");
  EXPECT_TRUE(calls.logged("got 123 max")) << calls.all_logs();
  EXPECT_TRUE(calls.done("leg.play").empty());
}

TEST(Gather, FlushForgetsTypeAhead) {
  FakeCalls calls;
  calls.write("app", "call:sleep(1000) print('got', call:gather{max = 1, flush = true})");
  calls.start("app");
  calls.press("1");
  calls.advance(1s);
  calls.press("2");
  EXPECT_TRUE(calls.logged("got 2 max")) << calls.all_logs();
}

TEST(Gather, SaysWhatWasWrongBeforeItAsksAgain) {
  FakeCalls calls;
  calls.write("app",
              "print('got', call:gather{max = 1, tries = 3, first_digit_ms = 1000, prompt = 'ask', bad_input "
              "= 'bad', no_input = 'silent', valid = '[12]'})");
  calls.start("app");
  calls.press("9");
  calls.advance(3500ms);  // bad, ask, then nothing
  calls.advance(1s);
  calls.press("2");
  EXPECT_TRUE(calls.logged("got 2 max")) << calls.all_logs();
  EXPECT_EQ(calls.played(), (std::vector<std::string>{"ask", "bad", "ask", "silent", "ask"}));
}

TEST(Gather, SpokenPromptsAreRendered) {
  Gathered run("{max = 1, say = 'press a key'}", 100ms, "1");
  EXPECT_EQ(run.played(), std::vector<std::string>{"/speech/press a key.wav"});
}

TEST(ReadKey, GivesOneKeyOrATimeOut) {
  FakeCalls calls;
  calls.write("app",
              "print('key', call:read_key(1000)) local k, err = call:read_key(1000) print('none', err.code)");
  calls.start("app");
  calls.press("8");
  calls.advance(2s);
  EXPECT_TRUE(calls.logged("key 8"));
  EXPECT_TRUE(calls.logged("none timeout"));
}

}  // namespace tandem::testing
