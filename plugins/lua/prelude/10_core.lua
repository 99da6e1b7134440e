-- What every verb stands on: waiting for events, the key buffer, checking what a script passes, and the two main
-- functions: main (the app) and hangup (its on_hangup).
-- Mistakes of the script's author are Lua errors at the line of the script; what merely happens (a missing prompt,
-- a time-out) is nil and {code, message}.
local host, shared = ...
local state, next_event, now_ms, invoke = host.state, host.next_event, host.now_ms, host.invoke
local type, error, pairs, tostring, setmetatable = type, error, pairs, tostring, setmetatable

local KEYS_MAX, KEPT_MAX = 128, 32

local verbs = {}
shared.verbs = verbs
shared.globals = {}

-- In a verb: `self` must be the call, so that call.play("x") is told from call:play("x").
function shared.check_self(self, verb)
  local st = state()
  if self ~= st.call then error(verb .. ": write call:" .. verb .. "(...), with a colon", 3) end
  return st
end

-- In a verb: `given` as a table of options; each must be in `known` (name = Lua type, or "any").
function shared.check_options(verb, given, known)
  if given == nil then return {} end
  if type(given) ~= "table" then error(verb .. ": expected a table of options, got " .. type(given), 3) end
  for name, value in pairs(given) do
    local expected = known[name]
    if expected == nil then error(verb .. ": no such option: " .. tostring(name), 3) end
    if expected ~= "any" and type(value) ~= expected then
      error(verb .. ": " .. tostring(name) .. ": expected a " .. expected .. ", got " .. type(value), 3)
    end
  end
  return given
end

function shared.check_type(verb, value, expected, what)
  if type(value) ~= expected then error(verb .. ": " .. what .. ": expected a " .. expected .. ", got " .. type(value), 3) end
  return value
end

-- The next event; nil once `deadline` (of now_ms) has passed. Keys go into the key buffer on the way.
local function pump(deadline)
  local left
  if deadline then
    left = deadline - now_ms()
    if left < 0 then left = 0 end
  end
  local event = next_event(left)
  if event and event.event == "leg.digit" then
    local st = state()
    if #st.keys < KEYS_MAX then st.keys = st.keys .. tostring(event.digit):sub(1, 1) end
  end
  return event
end
shared.pump = pump

-- An event that the verb at work has no use for, kept for call:wait.
local function keep(event)
  local st = state()
  local name = event.event
  if name == "leg.digit" or name == "board.changed" or (name == "play.finished" and not st.background[event.playback]) then return end
  if #st.kept < KEPT_MAX then st.kept[#st.kept + 1] = event end
end
shared.keep = keep

-- The event `name` whose `field` is `value`; nil once the deadline has passed.
function shared.await(name, field, value, deadline)
  while true do
    local event = pump(deadline)
    if not event then return nil end
    if event.event == name and (field == nil or event[field] == value) then return event end
    keep(event)
  end
end

-- A command whose result is only that it worked.
function shared.command(method, params)
  local _, err = invoke(method, params)
  if err then return nil, err end
  return true
end

local call_meta = { __index = verbs, __metatable = false }

function shared.main(factory, env, st)
  st.keys, st.kept, st.background, st.recordings, st.loaded, st.env = "", {}, {}, {}, {}, env
  setmetatable(st.call, call_meta)
  env.call = st.call
  local result = factory(env)(st.call)
  if type(result) == "function" then result(st.call) end
end

function shared.hangup(st, left)
  local info = { cause = left.cause, q850 = left.q850, by = left.by, code = left.code }
  if st.recording then
    local id = st.recording
    info.recording = shared.await("recording.finished", "recording", id, now_ms() + 3000)
  end
  st.on_hangup(info)
end

-- call:on_hangup(function(info) … end): runs when the party hangs up, within a few seconds.
function verbs.on_hangup(self, handler)
  local st = shared.check_self(self, "on_hangup")
  if handler ~= nil and type(handler) ~= "function" then error("on_hangup: expected a function, got " .. type(handler), 2) end
  st.on_hangup = handler
end

-- call:sleep(ms)
function verbs.sleep(self, ms)
  shared.check_self(self, "sleep")
  shared.check_type("sleep", ms, "number", "ms")
  local deadline = now_ms() + ms
  while now_ms() < deadline do
    local event = pump(deadline)
    if event then keep(event) end
  end
  return true
end

local function wanted(names, event)
  for i = 1, #names do
    if names[i] == event.event then return true end
  end
  return false
end

-- call:wait("leg.held" or {"leg.held", …}, timeout_ms) → event | nil, {code = "timeout"}
function verbs.wait(self, names, timeout_ms)
  local st = shared.check_self(self, "wait")
  if type(names) == "string" then names = { names } end
  shared.check_type("wait", names, "table", "events")
  if timeout_ms ~= nil then shared.check_type("wait", timeout_ms, "number", "timeout_ms") end
  for i = 1, #st.kept do
    if wanted(names, st.kept[i]) then
      local event = st.kept[i]
      table.remove(st.kept, i)
      return event
    end
  end
  local deadline = timeout_ms and now_ms() + timeout_ms
  while true do
    local event = pump(deadline)
    if not event then return nil, { code = "timeout", message = "none of the events came in time" } end
    if wanted(names, event) then return event end
    keep(event)
  end
end

local LEVELS = { debug = 0, info = 1, warn = 2, error = 3 }

local function joined(...)
  local words = { ... }
  for i = 1, select("#", ...) do words[i] = tostring(words[i]) end
  return table.concat(words, " ")
end

-- call:log("info", …)
function verbs.log(self, level, ...)
  shared.check_self(self, "log")
  local number = LEVELS[level]
  if not number then error("log: expected debug, info, warn or error, got " .. tostring(level), 2) end
  host.log(number, joined(...))
end

function shared.globals.print(...) host.log(1, joined(...)) end
