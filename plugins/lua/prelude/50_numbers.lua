-- Saying digits, numbers and times with the English prompts of Debian's asterisk-core-sounds-en.
local host, shared = ...
local verbs, check_self, check_type = shared.verbs, shared.check_self, shared.check_type
local tostring, error, math = tostring, error, math

local NAMED = { ["*"] = "digits/star", ["#"] = "digits/pound", ["-"] = "digits/minus" }

local function digits_of(text)
  local files = {}
  for c in text:gmatch(".") do
    if c:find("%d") then files[#files + 1] = "digits/" .. c
    elseif NAMED[c] then files[#files + 1] = NAMED[c]
    elseif c:find("%a") then files[#files + 1] = "letters/" .. c:lower() end
  end
  return files
end

local function add_below_thousand(files, n)
  if n >= 100 then
    files[#files + 1] = "digits/" .. n // 100
    files[#files + 1] = "digits/hundred"
    n = n % 100
  end
  if n > 20 then
    files[#files + 1] = "digits/" .. n - n % 10
    n = n % 10
    if n == 0 then return end
  end
  if n > 0 then files[#files + 1] = "digits/" .. n end
end

local function number_of(n)
  if n == 0 then return { "digits/0" } end
  local files = {}
  if n < 0 then
    files[1] = "digits/minus"
    n = -n
  end
  for _, part in ipairs({ { 1000000, "digits/million" }, { 1000, "digits/thousand" } }) do
    if n >= part[1] then
      add_below_thousand(files, n // part[1])
      files[#files + 1] = part[2]
      n = n % part[1]
    end
  end
  add_below_thousand(files, n)
  return files
end
shared.number_prompts = number_of

local function add(files, more)
  for i = 1, #more do files[#files + 1] = more[i] end
end

-- "today at 3 15 p-m", "yesterday …", or "Sunday November 22nd …"
local function time_of(seconds)
  local at, today = host.date(seconds), host.date(host.wall())
  local files = {}
  if at.year == today.year and at.yday == today.yday then
    files[1] = "digits/today"
  elseif at.year == today.year and at.yday == today.yday - 1 then
    files[1] = "digits/yesterday"
  else
    files = { "digits/day-" .. at.wday - 1, "digits/mon-" .. at.month - 1 }
    add(files, at.day <= 20 and { "digits/h-" .. at.day } or at.day == 30 and { "digits/h-30" }
      or { "digits/" .. at.day - at.day % 10, "digits/h-" .. at.day % 10 })
  end
  files[#files + 1] = "digits/at"
  files[#files + 1] = "digits/" .. (at.hour % 12 == 0 and 12 or at.hour % 12)
  if at.min == 0 then
    files[#files + 1] = "digits/oclock"
  else
    if at.min < 10 then files[#files + 1] = "digits/oh" end
    add(files, number_of(at.min))
  end
  files[#files + 1] = at.hour < 12 and "digits/a-m" or "digits/p-m"
  return files
end
shared.time_prompts = time_of

-- call:say_digits("1001") → reason | nil, err
function verbs.say_digits(self, text)
  check_self(self, "say_digits")
  local files = digits_of(tostring(text):sub(1, 64))
  if #files == 0 then return "done" end
  return shared.play({ files = files })
end

-- call:say_number(42)
function verbs.say_number(self, n)
  check_self(self, "say_number")
  check_type("say_number", n, "number", "number")
  n = math.tointeger(n)
  if not n or n <= -1000000000 or n >= 1000000000 then error("say_number: expected a whole number below 1000000000", 2) end
  return shared.play({ files = number_of(n) })
end

-- call:say_time(seconds since 1970)
function verbs.say_time(self, seconds)
  check_self(self, "say_time")
  check_type("say_time", seconds, "number", "seconds")
  return shared.play({ files = time_of(seconds) })
end
