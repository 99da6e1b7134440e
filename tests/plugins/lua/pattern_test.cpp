// The bounded matcher against what Lua's manual (6.4.1) says, through the functions that scripts call.
#include "lua/pattern.hpp"

#include "tests/plugins/lua/fake_calls.hpp"

namespace tandem::testing {

TEST(Pattern, MatchesAsTheManualSays) {
  const struct {
    const char* expression;
    const char* expected;
  } rows[] = {
      {"('hello world'):find('wor')", "7 9"},
      {"('hello'):find('l')", "3 3"},
      {"('hello'):find('xyz')", "nil"},
      {"('hello'):find('')", "1 0"},
      {"('hello'):find('', 6)", "6 5"},
      {"('hello'):find('', 7)", "nil"},
      {"('hello'):find('l', -2)", "4 4"},
      {"('a.b'):find('.', 1, true)", "2 2"},
      {"('a+b'):find('+', 1, true)", "2 2"},
      {"('hello'):match('^h(.-)o$')", "ell"},
      {"('key = value'):match('^(%w+)%s*=%s*(%w+)$')", "key value"},
      {"('1001@example.org'):match('^(%d+)@')", "1001"},
      {"('abc'):match('b()')", "3"},
      {"('abc'):match('()')", "1"},
      {"('aaa'):match('a-')", "(empty)"},
      {"('aaab'):match('a-b')", "aaab"},
      {"('aaab'):match('a*')", "aaa"},
      {"('aaab'):match('a+b?')", "aaab"},
      {"('b'):match('a?b')", "b"},
      {"('x[]y'):match('[]]')", "]"},
      {"('x^y'):match('[%^]')", "^"},
      {"('a-c'):match('[a-]+')", "a-"},
      {"('hello'):match('[^aeiou]+')", "h"},
      {"('THE (quick) fox'):find('%((%a+)%)')", "5 11 quick"},
      {"('f(a(b)c)d'):match('%b()')", "(a(b)c)"},
      {"('THE (quick) fox'):gsub('%f[%a]%a+', 'x')", "x (x) x 3"},
      {"('abcabc'):match('(abc)%1')", "abc"},
      {"([['a' \"b\"]]):match([[(['\"])(.-)%1]])", "' a"},
      {"('hello world'):gsub('o', '0')", "hell0 w0rld 2"},
      {"('hello world'):gsub('o', '0', 1)", "hell0 world 1"},
      {"('abc'):gsub('', '-')", "-a-b-c- 4"},
      {"('abc'):gsub('%w', '%0%0')", "aabbcc 3"},
      {"('hello world'):gsub('(%w+) (%w+)', '%2 %1')", "world hello 1"},
      {"('$x $y'):gsub('%$(%w)', {x = 'one'})", "one $y 2"},
      {"('abc'):gsub('b', function(c) return c:upper() end)", "aBc 1"},
      {"('abc'):gsub('b', function() return false end)", "abc 1"},
      {"('abc def'):gsub('^%w+', 'x')", "x def 1"},
      {"('x'):gsub('.', '%%')", "% 1"},
      {"('x\\0y'):find('\\0')", "2 2"},
      {"('a,b,,c'):gsub(',', ';')", "a;b;;c 3"},
      {"('*'):match('*')", "*"},
      {"('a$b'):match('a$b')", "a$b"},
      {"('^a'):match('[%^]a')", "^a"},
      {"('x'):rep(3, ',')", "x,x,x"},
      {"('x'):rep(0)", "(empty)"},
      {"#('ab'):rep(1000)", "2000"},
  };
  for (const auto& row : rows) {
    FakeCalls calls;
    calls.write("app", std::string("local function show(...) local t = table.pack(...) for i = 1, t.n do "
                                   "t[i] = t[i] == '' and '(empty)' or tostring(t[i]) end "
                                   "print('[' .. table.concat(t, ' ') .. ']') end show(") +
                           row.expression + ")");
    calls.start("app");
    EXPECT_TRUE(calls.logged(std::string("[") + row.expected + "]")) << row.expression << "\n"
                                                                     << calls.all_logs();
  }
}

TEST(Pattern, GmatchWalksOverAllMatches) {
  FakeCalls calls;
  calls.write("app",
              "local all = {} for k, v in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do all[#all + 1] = k .. v end "
              "for w in ('one two'):gmatch('%a+') do all[#all + 1] = w end for p in ('ab'):gmatch('()') do "
              "all[#all + 1] = p end "
              "print(table.concat(all, ' '))");
  calls.start("app");
  EXPECT_TRUE(calls.logged("a1 b2 one two 1 2 3")) << calls.all_logs();
}

TEST(Pattern, WhatIsMalformedIsAnErrorNotACrash) {
  for (const char* text :
       {"%", "[a", "[^", "[%", "(a", "a)", "%b", "%bx", "%f", "%fa", "%1", "(a%2)", "%0", "[a-", "(()"}) {
    lua::Pattern pattern;
    const char* wrong = pattern.compile(text);
    if (wrong != nullptr) continue;
    lua::Match match(
        pattern, "aaa", [](void*, std::uint32_t) { return true; }, nullptr);
    EXPECT_EQ(match.at(0), lua::Match::Outcome::bad_back_reference) << text;
  }
}

TEST(Pattern, GivesUpWhenItMayNotSpendMore) {
  lua::Pattern pattern;
  ASSERT_EQ(pattern.compile("a*a*a*a*a*b"), nullptr);
  const std::string subject(10000, 'a');
  std::uint32_t spent = 0;
  lua::Match match(
      pattern, subject,
      [](void* user, std::uint32_t steps) { return (*static_cast<std::uint32_t*>(user) += steps) < 100000; },
      &spent);
  EXPECT_EQ(match.at(0), lua::Match::Outcome::given_up);
  EXPECT_LT(spent, 101000u);
}

TEST(Pattern, MoreThanItHoldsIsRefused) {
  lua::Pattern pattern;
  std::string many;
  for (int i = 0; i < 65; ++i) many += "%d";
  EXPECT_STREQ(pattern.compile(many), "pattern too complex (more than 64 parts)");
  std::string captures;
  for (int i = 0; i < 33; ++i) captures += "()";
  EXPECT_STREQ(pattern.compile(captures), "too many captures");
  EXPECT_EQ(pattern.compile(std::string(100000, 'x')), nullptr);
}

}  // namespace tandem::testing
