-- Keys: gather, read_key, and the buffer of what was pressed before anybody asked (type-ahead).
local host, shared = ...
local verbs, now_ms, invoke = shared.verbs, host.now_ms, host.invoke
local check_self, check_options, check_type = shared.check_self, shared.check_options, shared.check_type
local pump, keep, command = shared.pump, shared.keep, shared.command
local type, error, ipairs = type, error, ipairs

local function names(prompt)
  if prompt == nil then return {} end
  return type(prompt) == "string" and { prompt } or prompt
end

local function joined(first, second)
  local all = {}
  for _, name in ipairs(names(first)) do all[#all + 1] = name end
  for _, name in ipairs(names(second)) do all[#all + 1] = name end
  return all
end

-- Plays `files` until they end or, with barge-in, a key is there. true | nil, err
local function prompt(st, files, barge_in)
  if #files == 0 or (barge_in and st.keys ~= "") then return true end
  local playback, err = shared.start_play({ files = files })
  if err then return nil, err end
  while true do
    local event = pump()
    if event.event == "play.finished" and event.playback == playback then return true end
    if event.event ~= "leg.digit" then
      keep(event)
    elseif barge_in then
      command("leg.stop_play")
      return true
    end
  end
end

local function take(st)
  local key = st.keys:sub(1, 1)
  st.keys = st.keys:sub(2)
  return key
end

-- Keys until one of the ends of gather: digits, "max" | "finish" | "timeout"
local function collect(st, o)
  local digits = ""
  local deadline = now_ms() + o.first_digit_ms
  while true do
    while st.keys == "" do
      local event = pump(deadline)
      if not event then return digits, "timeout" end
      keep(event)
    end
    local key = take(st)
    if o.finish:find(key, 1, true) then return digits, "finish" end
    digits = digits .. key
    if #digits >= o.max then return digits, "max" end
    deadline = now_ms() + o.inter_digit_ms
  end
end

local function is_valid(valid, digits)
  if valid == nil then return true end
  if type(valid) == "function" then return valid(digits) and true or false end
  return digits:find("^" .. valid .. "$") ~= nil
end

local OPTIONS = { min = "number", max = "number", finish = "string", first_digit_ms = "number", timeout_ms = "number",
  inter_digit_ms = "number", barge_in = "boolean", tries = "number", prompt = "any", say = "string", voice = "string",
  bad_input = "any", no_input = "any", valid = "any", flush = "boolean" }

local function filled(o)
  local max = o.max or 20
  return { min = o.min or 1, max = max, finish = o.finish or (max == 1 and "" or "#"),
    first_digit_ms = o.first_digit_ms or o.timeout_ms or 5000, inter_digit_ms = o.inter_digit_ms or 3000 }
end

-- call:gather{min = 1, max = 20, finish = "#", first_digit_ms = 5000, inter_digit_ms = 3000, barge_in = true, tries = 1,
--   prompt = "…" or {…}, bad_input = "…", no_input = "…", valid = "pattern" or function}
--   → digits, "max"|"finish"|"timeout" | nil, {code = "timeout"|"invalid"|…, digits}
function verbs.gather(self, options)
  local st = check_self(self, "gather")
  local o = check_options("gather", options, OPTIONS)
  local limits = filled(o)
  if limits.min < 0 or limits.max < 1 or limits.min > limits.max or limits.max > 128 then
    error("gather: expected 0 <= min <= max <= 128", 2)
  end
  local files = names(o.prompt)
  if o.say then
    local path, err = shared.render(o.say, o.voice)
    if err then return nil, err end
    files = joined(files, path)
  end
  local barge_in = o.barge_in ~= false
  if o.flush then st.keys = "" end
  local digits, reason, before
  for _ = 1, o.tries or 1 do
    local ok, err = prompt(st, joined(before, files), barge_in)
    if not ok then return nil, err end
    if not barge_in then st.keys = "" end
    digits, reason = collect(st, limits)
    if #digits >= limits.min and is_valid(o.valid, digits) then return digits, reason end
    local silent = digits == "" and reason == "timeout"
    reason = silent and "timeout" or "invalid"
    before = silent and (o.no_input or o.bad_input) or o.bad_input
  end
  return nil, { code = reason, digits = digits,
    message = reason == "timeout" and "no key was pressed in time" or "the keys were not what was expected" }
end

-- call:read_key(timeout_ms) → key | nil, {code = "timeout"}
function verbs.read_key(self, timeout_ms)
  local st = check_self(self, "read_key")
  if timeout_ms ~= nil then check_type("read_key", timeout_ms, "number", "timeout_ms") end
  local deadline = timeout_ms and now_ms() + timeout_ms
  while st.keys == "" do
    local event = pump(deadline)
    if not event then return nil, { code = "timeout", message = "no key was pressed in time" } end
    keep(event)
  end
  return take(st)
end

-- What was pressed and not read yet is forgotten. → how many keys
function verbs.flush_digits(self)
  local st = check_self(self, "flush_digits")
  local count = #st.keys
  st.keys = ""
  return count
end

-- call:send_digits("12w3", {duration_ms = 100, gap_ms = 70}) → true | nil, err, once they are sent
function verbs.send_digits(self, digits, options)
  check_self(self, "send_digits")
  check_type("send_digits", digits, "string", "digits")
  options = check_options("send_digits", options, { duration_ms = "number", gap_ms = "number" })
  local _, err = invoke("leg.send_digits", { digits = digits, duration_ms = options.duration_ms, gap_ms = options.gap_ms })
  if err then return nil, err end
  if not shared.await("digits.sent", nil, nil, now_ms() + 60000) then
    return nil, { code = "timeout", message = "digits.sent did not come" }
  end
  return true
end
