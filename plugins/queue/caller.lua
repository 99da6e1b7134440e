-- One caller's way through a queue:
--   join ──► waiting ──(first in order, an agent is free)──► ringing ──► talking ──► the end
--               ▲ └── a key, maxwait, nobody at work ──► elsewhere │ no answer
--               └──────────────────────────────────────────────────┘
-- The caller stands on the board "queue" in the order of joining; whoever changes it (a call comes or goes, an
-- agent becomes free) wakes those who wait. A caller of place n may ring only when more than n agents are free.
local agents = require("queue.agents")
local sound = require("queue.sound")
local board = tandem.board("queue")
local caller = {}

local function waited_ms(self) return math.floor((tandem.time() - self.since) * 1000) end

local function place_of(self)
  return board:ahead{ queue = self.q.name, state = "waiting" } + board:ahead{ queue = self.q.name, state = "ringing" }
end

local function stand(self, state, agent)
  self.state = state
  return board:join{ queue = self.q.name, state = state, caller = self.call.from, name = self.call.from_name, agent = agent,
    since = self.since }
end

local function count(self, name, wait_ms)
  local key = "stats:" .. self.q.name
  local stats = board:get(key) or { served = 0, abandoned = 0, left = 0, holdtime = 0 }
  stats[name] = stats[name] + 1
  if wait_ms then stats.holdtime = stats.served == 1 and wait_ms / 1000 or (stats.holdtime * 3 + wait_ms / 1000) / 4 end
  board:set(key, stats)
end

local function told_left(self, reason, agent)
  tandem.publish("queue.left", { queue = self.q.name, reason = reason, wait_ms = waited_ms(self), agent = agent,
    joined_position = self.joined_position })
end

-- Where a caller goes that the queue does not take or keep; the script ends there.
local function go(self, to, prompt)
  board:leave()
  if to then
    local _, err = self.call:transfer(to)
    if err then self.call:log("warn", "queue:", to, err.code, err.message) end
  end
  if prompt and (self.joined or self.call:answer()) then self.call:play(prompt) end
  self.call:hangup(prompt and 16 or 17)
end

local function leave(self, reason, to, prompt)
  self.call:on_hangup(nil)
  told_left(self, reason)
  count(self, "left")
  go(self, to or self.q.otherwise, prompt)
end

-- Those of `list` whose phones are at work on other calls.
local function in_use(self, list)
  local used = {}
  if self.q.ringinuse then return used end
  local answer, err = tandem.invoke("extension.in_use", { numbers = list })
  if not answer then
    self.call:log("warn", "queue:", err.code, err.message)
    return used
  end
  for _, number in ipairs(answer.in_use) do used[number] = true end
  return used
end

local function began_to_talk(self, agent)
  local wait_ms = waited_ms(self)
  self.talking, self.talking_since = agent, tandem.time()
  for _, number in ipairs(self.ringing) do
    if number ~= agent then agents.release(number, self.q) end
  end
  self.ringing = {}
  agents.talk(agent, board:id(), self.q, wait_ms)
  count(self, "served", wait_ms)
  stand(self, "talking", agent)
  told_left(self, "connected", agent)
end

local function stopped_talking(self)
  local agent = self.talking
  self.talking = nil
  if agent then agents.finish(agent, self.q, math.floor((tandem.time() - self.talking_since) * 1000)) end
end

-- Rings `chosen`; comes back when nobody answered.
local function ring(self, chosen)
  local how, winner = {}, nil
  self.ringing = chosen
  agents.reserve(chosen, board:id(), self.q)
  stand(self, "ringing", chosen[1])
  local result, err = self.call:dial{ targets = chosen, timeout_s = self.q.timeout, ringback = "", early_media = false,
    cancel_key = self.q.exit_keys ~= "" and self.q.exit_keys or nil,
    on_progress = function(event)
      how[event.target] = event.state
      if event.state == "answered" then winner = event.target end
    end,
    on_answer = function() began_to_talk(self, winner or chosen[1]) end }
  if result and result.status == "answered" then
    stopped_talking(self)
    self.call:hangup(16)
  end
  if err then self.call:log("warn", "queue:", err.code, err.message) end
  self.ringing = {}
  for _, number in ipairs(chosen) do
    local state = how[number]
    if err then
      state = "failed"
    elseif result.status == "cancelled" then
      state = nil
    elseif state == nil or state == "ringing" or state == "early" then
      state = "no-answer"
    end
    agents.release(number, self.q, state)
    self.tried[number] = true
  end
  stand(self, "waiting")
end

-- A key that leads out of the queue; others are forgotten.
local function take_keys(self)
  while true do
    local key = self.call:read_key(0)
    if not key then return end
    if self.q.exit[key] then leave(self, "key", self.q.exit[key]) end
  end
end

-- Rings whom it may; true when it did. Else the board's version that it saw, and when to look again.
local function try(self, list)
  local used = board:ahead{ queue = self.q.name, state = "waiting" } < #list and in_use(self, list) or {}
  local version, now = board:version(), tandem.time()
  local ahead = board:ahead{ queue = self.q.name, state = "waiting" }
  if ahead >= #list then return false, version end
  if now < self.retry_at then return false, version, self.retry_at end
  local free, look_at = agents.free(list, self.q, used)
  version = board:version()
  if #free <= ahead then return false, version, look_at end
  local chosen = agents.choose(self.q, list, free, self.tried)
  if #chosen > 0 then
    ring(self, chosen)
    if self.q.strategy ~= "ringall" then return true end
  end
  -- All were asked: after a while from the beginning.
  self.tried, self.retry_at = {}, tandem.time() + self.q.retry
  return true
end

local function join(self)
  local q = self.q
  local list = agents.of(q)
  local waiting = board:count{ queue = q.name, state = "waiting" } + board:count{ queue = q.name, state = "ringing" }
  if q.maxlen > 0 and waiting >= q.maxlen then leave(self, "full") end
  if not q.joinempty and not agents.any(list) then leave(self, "empty") end
  local done, err = stand(self, "waiting")
  if not done then
    self.call:log("error", "queue:", err.code, err.message)
    leave(self, "full")
  end
  self.joined, self.joined_position = true, waiting + 1
  self.call:on_hangup(function()
    for _, number in ipairs(self.ringing) do agents.release(number, q) end
    if self.talking then return stopped_talking(self) end
    count(self, "abandoned")
    told_left(self, "abandoned")
  end)
  tandem.publish("queue.joined", { queue = q.name, position = waiting + 1, caller = self.call.from })
  done, err = self.call:answer()
  if not done then
    self.call:log("warn", "queue:", err.code, err.message)
    self.call:hangup(41)
  end
end

-- Keeps the party of `call` in the queue `q` until it is served or goes.
function caller.run(call, q)
  local self = { call = call, q = q, since = tandem.time(), ringing = {}, tried = {}, retry_at = 0 }
  join(self)
  local music = sound.start(call, q, function() return place_of(self), board:get("stats:" .. q.name) end)
  while true do
    take_keys(self)
    local list = agents.of(q)
    local left_s = q.maxwait > 0 and q.maxwait - (tandem.time() - self.since) or math.huge
    if left_s <= 0 then leave(self, "timeout", nil, "vm-goodbye") end
    if q.leavewhenempty and not agents.any(list) then leave(self, "empty", nil, "vm-goodbye") end
    local rang, version, look_at = try(self, list)
    if not rang then
      local wait_s = math.min(left_s, music:keep_on(), look_at and look_at - tandem.time() or math.huge)
      local why = board:wait(version, wait_s < math.huge and math.max(wait_s * 1000, 10) or nil)
      if why == "played" then music:over() end
    end
  end
end

return caller
