-- Connecting the party to others, and letting it go.
local host, shared = ...
local verbs, invoke, now_ms = shared.verbs, host.invoke, host.now_ms
local check_self, check_options, check_type = shared.check_self, shared.check_options, shared.check_type
local pump, keep, command = shared.pump, shared.keep, shared.command
local type, error = type, error

local DIAL_OPTIONS = { targets = "any", timeout_s = "number", early_media = "boolean", caller = "table", ringback = "string",
  on_answer = "function", on_progress = "function", cancel_key = "string" }

-- "1001", {"1001", "1002"} or {{to = "1001", delay_ms = 5000}, …} as leg.dial wants it.
local function targets_of(targets)
  if type(targets) == "string" then return { { to = targets } } end
  if type(targets) ~= "table" then return nil, "expected a number or a list of targets, got " .. type(targets) end
  if targets.to then return { targets } end
  local list = {}
  for i = 1, #targets do
    local target = targets[i]
    if type(target) == "string" then target = { to = target } end
    if type(target) ~= "table" or type(target.to) ~= "string" then return nil, "target " .. i .. ": expected a number or {to = number}" end
    list[i] = target
  end
  if #list == 0 then return nil, "expected at least one target" end
  return list
end

-- Until the bridge with `peer` is over: the reason
local function bridged(st, peer)
  while true do
    local event = pump()
    if event.event == "leg.unbridged" and (peer == nil or event.peer == nil or event.peer == peer) then
      st.keys = ""  -- what was pressed in the conversation was not meant for us
      return event.reason
    end
    if event.event ~= "leg.bridged" then keep(event) end
  end
end

-- Until dial.finished of `id`: that event
local function rung(st, id, o)
  while true do
    local event = pump()
    if event.event == "dial.finished" and event.dial == id then return event end
    if event.event == "dial.progress" and event.dial == id then
      if o.on_progress then o.on_progress(event) end
    elseif event.event == "leg.digit" then
      if o.cancel_key and o.cancel_key:find(event.digit, 1, true) then command("leg.cancel_dial") end
    elseif event.event ~= "leg.bridged" then
      keep(event)
    end
  end
end

-- call:dial("1001") | call:dial{targets = {"1001", {to = "1002", delay_ms = 5000}}, timeout_s = 30, early_media = true,
--   caller = {user, name}, ringback = "us", on_answer = function(peer) end, on_progress = function(event) end, cancel_key = "*0"}
--   → {status, q850, code, peer, reason, duration_ms} when the conversation is over or did not come about | nil, err
function verbs.dial(self, options)
  local st = check_self(self, "dial")
  if type(options) == "string" then options = { targets = options } end
  local o = check_options("dial", options, DIAL_OPTIONS)
  local targets, wrong = targets_of(o.targets)
  if not targets then error("dial: " .. wrong, 2) end
  local started, err = invoke("leg.dial", { targets = targets, timeout_s = o.timeout_s, early_media = o.early_media,
    caller = o.caller, ringback = o.ringback })
  if err then return nil, err end
  local event = rung(st, started.dial, o)
  local result = { status = event.status, q850 = event.q850, code = event.code, peer = event.peer }
  if event.status ~= "answered" then return result end
  local answered = now_ms()
  if o.on_answer then o.on_answer(event.peer) end
  result.reason = bridged(st, event.peer)
  result.duration_ms = math.floor(now_ms() - answered)
  return result
end

-- call:bridge(leg) → reason | nil, err: with a leg of the same tenant, until one of both goes.
function verbs.bridge(self, leg)
  local st = check_self(self, "bridge")
  check_type("bridge", leg, "string", "leg")
  local _, err = invoke("leg.bridge", { with = leg })
  if err then return nil, err end
  return bridged(st, leg)
end

-- call:transfer("1001"): the party goes to a number of ours and this script ends. Returns only when refused: nil, err
function verbs.transfer(self, to)
  check_self(self, "transfer")
  check_type("transfer", to, "string", "to")
  local _, err = invoke("leg.transfer", { to = to })
  if err then return nil, err end
  host.finish(true)
end

-- call:run("ivr", {menu = "sales"}): another app goes on with the party and this script ends.
function verbs.run(self, app, args)
  check_self(self, "run")
  check_type("run", app, "string", "app")
  local text
  if args ~= nil then
    local why
    text, why = host.json_encode(check_type("run", args, "table", "args"))
    if not text then error("run: args: " .. why, 2) end
  end
  local _, err = invoke("leg.run", { app = app, args = text })
  if err then return nil, err end
  host.finish(true)
end

-- call:refer("sip:bob@example.org"): asks the phone itself to call elsewhere (REFER). → true, code | nil, err
function verbs.refer(self, to, timeout_ms)
  check_self(self, "refer")
  check_type("refer", to, "string", "to")
  local _, err = invoke("leg.refer", { to = to })
  if err then return nil, err end
  local event = shared.await("transfer.done", nil, nil, now_ms() + (timeout_ms or 30000))
  if not event then return nil, { code = "timeout", message = "the phone did not say how its call went" } end
  if event.code and event.code >= 300 then return nil, { code = "refused", message = "the phone's call got " .. event.code } end
  return true, event.code
end

function verbs.hold(self)
  check_self(self, "hold")
  return command("leg.hold")
end

function verbs.unhold(self)
  check_self(self, "unhold")
  return command("leg.unhold")
end

-- call:hangup(cause): a Q.850 number or name ("USER_BUSY"); 16 by default. The script ends here.
function verbs.hangup(self, cause)
  check_self(self, "hangup")
  if cause ~= nil and type(cause) ~= "number" and type(cause) ~= "string" then
    error("hangup: expected a cause's number or name, got " .. type(cause), 2)
  end
  local _, err = invoke("leg.hangup", { cause = cause or 16 })
  if err and err.code == "invalid" then error("hangup: " .. (err.message or "no such cause"), 2) end
  host.finish(true)
end

-- call:reject(486): a SIP code instead of an answer. The script ends here.
function verbs.reject(self, code, reason)
  check_self(self, "reject")
  if code ~= nil then check_type("reject", code, "number", "code") end
  local _, err = invoke("leg.reject", { code = code or 486, reason = reason })
  if err then return nil, err end
  host.finish(true)
end
