-- Who can take a call: the agents' states on the tenant's board "queue", and which of them is asked next.
--   agent:1001 = {member, state, calls by queue, last, free_at, blocked_until, paused, out}
-- `member` is the caller that rings or has the agent: when that call is gone from the board, however it went,
-- the agent is free again. An agent of two queues has one state. Nothing here waits, so each function is one
-- step for all other calls.
local board = tandem.board("queue")
local agents = {}

local function key(number) return "agent:" .. number end

function agents.get(number) return board:get(key(number)) or {} end
local get = agents.get

local function put(number, record) board:set(key(number), record) end

function agents.tell(number, queue, state, more)
  local fields = more or {}
  fields.agent, fields.queue, fields.state = number, queue, state
  tandem.publish("queue.agent", fields)
end

-- The agents of a queue: those of its settings in their order, then who logged in.
function agents.of(q)
  local list, known = {}, {}
  for _, number in ipairs(q.agents) do
    if not known[number] then list[#list + 1] = number end
    known[number] = true
  end
  for _, number in ipairs(board:get("logged_in:" .. q.name) or {}) do
    if not known[number] then list[#list + 1] = number end
    known[number] = true
  end
  return list
end

-- How an agent is, and when that ends if it ends by itself.
local function status(number, q, in_use)
  local record, now = get(number), tandem.time()
  if record.out then return "logged_out" end
  if record.paused then return "paused" end
  if record.member then
    if board:has(record.member) then return record.state or "ringing" end
    -- The call was taken elsewhere, or its script ended: what it did not say is said now.
    if record.state == "talking" then record.last, record.free_at = now, now + q.wrapuptime end
    record.member, record.state = nil, nil
    put(number, record)
  end
  if record.free_at and now < record.free_at then return "wrapup", record.free_at end
  if record.blocked_until and now < record.blocked_until then return "blocked", record.blocked_until end
  if in_use[number] then return "in_use", now + 1 end
  return "free"
end

-- The free ones of `list`, in order; and when, at the latest, to look again.
function agents.free(list, q, in_use)
  local free, look_at = {}, nil
  for _, number in ipairs(list) do
    local state, ends = status(number, q, in_use)
    if state == "free" then free[#free + 1] = number end
    if ends and (not look_at or ends < look_at) then look_at = ends end
  end
  return free, look_at
end

-- Whether anybody is at work: neither logged out nor paused.
function agents.any(list)
  for _, number in ipairs(list) do
    local record = get(number)
    if not record.out and not record.paused then return true end
  end
  return false
end

-- The place in `list` behind the agent that was asked last.
local function rotated(list, last)
  local from = 0
  for i, number in ipairs(list) do
    if number == last then from = i end
  end
  local turned = {}
  for i = 1, #list do turned[i] = list[(from + i - 1) % #list + 1] end
  return turned
end

-- Of those with the least value the first.
local function least(free, value_of)
  local best
  for _, number in ipairs(free) do
    local value = value_of(get(number)) or 0
    if not best or value < best.value then best = { number = number, value = value } end
  end
  return best.number
end

local choose = {
  linear = function(free) return free[1] end,
  random = function(free) return free[math.random(#free)] end,
  leastrecent = function(free) return least(free, function(record) return record.last end) end,
  fewestcalls = function(free, q) return least(free, function(record) return record.calls and record.calls[q.name] end) end,
}
function choose.rrmemory(free, q, list)
  local is_free = {}
  for _, number in ipairs(free) do is_free[number] = true end
  for _, number in ipairs(rotated(list, board:get("asked:" .. q.name))) do
    if is_free[number] then return number end
  end
end

-- Whom to ring of those that are free and were not rung in this round: a list, empty when there is none.
function agents.choose(q, list, free, tried)
  if q.strategy == "ringall" then
    local some = {}
    for i = 1, math.min(#free, 32) do some[i] = free[i] end
    return some
  end
  local left = {}
  for _, number in ipairs(free) do
    if not tried[number] then left[#left + 1] = number end
  end
  if #left == 0 then return {} end
  local number = choose[q.strategy](left, q, list)
  if q.strategy == "rrmemory" then board:set("asked:" .. q.name, number) end
  return { number }
end

-- Takes agents for the caller whose member is `id`.
function agents.reserve(chosen, id, q)
  for _, number in ipairs(chosen) do
    local record = get(number)
    record.member, record.state = id, "ringing"
    put(number, record)
    agents.tell(number, q.name, "ringing")
  end
end

-- `number` answered: the conversation begins.
function agents.talk(number, id, q, wait_ms)
  local record = get(number)
  record.member, record.state = id, "talking"
  record.calls = record.calls or {}
  record.calls[q.name] = (record.calls[q.name] or 0) + 1
  put(number, record)
  agents.tell(number, q.name, "talking", { wait_ms = wait_ms })
end

-- It did not: `how` is what its phone said (nil: another was quicker, or the caller left).
function agents.release(number, q, how)
  local record = get(number)
  record.member, record.state = nil, nil
  local state = "free"
  if how == "no-answer" and q.autopause then
    record.paused, state = true, "paused"
  elseif how and how ~= "no-answer" then
    record.blocked_until = tandem.time() + math.max(q.retry, 1)
  end
  put(number, record)
  agents.tell(number, q.name, state, { reason = how })
end

-- The conversation is over.
function agents.finish(number, q, talk_ms)
  local record, now = get(number), tandem.time()
  record.member, record.state, record.last = nil, nil, now
  record.free_at = q.wrapuptime > 0 and now + q.wrapuptime or nil
  put(number, record)
  agents.tell(number, q.name, q.wrapuptime > 0 and "wrapup" or "free", { talk_ms = talk_ms })
end

function agents.set(number, change, queue, state)
  local record = get(number)
  for name, value in pairs(change) do record[name] = value or nil end
  put(number, record)
  agents.tell(number, queue, state)
end

-- Adds an agent to those who logged in to a queue, or takes it away.
function agents.log_in(number, queue, yes)
  local list, found = board:get("logged_in:" .. queue) or {}, nil
  for i, one in ipairs(list) do
    if one == number then found = i end
  end
  if yes and not found then list[#list + 1] = number end
  if not yes and found then table.remove(list, found) end
  return board:set("logged_in:" .. queue, #list > 0 and list or nil)
end

return agents
