-- What a queue is to do: names, defaults and meanings are those of Asterisk's queues.conf; times are seconds.
local settings = {}

local DEFAULTS = { strategy = "ringall", timeout = 15, retry = 5, wrapuptime = 0, maxlen = 0, maxwait = 0, joinempty = true,
  leavewhenempty = false, ringinuse = false, autopause = false, ["announce-frequency"] = 0, ["min-announce-frequency"] = 15,
  ["announce-position"] = true, ["announce-holdtime"] = false, ["queue-thankyou"] = true }
local OTHERS = { name = "string", queue = "string", text = "string", agents = "table", music = "any", exit = "table",
  otherwise = "string", mode = "string" }
settings.MUSIC = "reno_project-system"  -- Debian's asterisk-moh-opsound-wav
local STRATEGIES = { ringall = true, leastrecent = true, fewestcalls = true, random = true, rrmemory = true, linear = true }

local function truth(value)
  if value == "yes" then return true end
  if value == "no" then return false end
  return value
end

local function check(name, value, expected)
  if expected ~= "any" and type(value) ~= expected then
    error("queue: " .. name .. ": expected a " .. expected .. ", got " .. type(value), 0)
  end
end

-- One table of settings into `into`.
local function take(into, given, where)
  for name, value in pairs(given) do
    local default = DEFAULTS[name]
    if default == nil and not OTHERS[name] then error("queue: " .. where .. ": no such setting: " .. tostring(name), 0) end
    if type(default) == "boolean" then value = truth(value) end
    if name == "announce-holdtime" and value == "once" then
      into[name] = value
    else
      check(name, value, default == nil and OTHERS[name] or type(default))
      into[name] = value
    end
  end
end

-- The settings of the queue that `args` name or hold.
function settings.of(args)
  local name = args.queue or args.text
  local q = {}
  for key, value in pairs(DEFAULTS) do q[key] = value end
  local kept = tandem.setting("queues") or {}
  if name and kept[name] then
    take(q, kept[name], name)
  elseif not args.agents then
    error("queue: expected the name of a queue of [plugin.lua.settings.queues], got " .. tostring(name), 0)
  end
  take(q, args, "args")
  q.name = name or q.name or "queue"
  q.agents = q.agents or {}
  if not STRATEGIES[q.strategy] then error("queue: strategy: no such strategy: " .. q.strategy, 0) end
  if q.timeout < 1 or q.retry < 0 or q.wrapuptime < 0 then error("queue: timeout, retry, wrapuptime: expected seconds", 0) end
  for i = 1, #q.agents do check("agents", q.agents[i], "string") end
  q.exit = q.exit or {}
  q.exit_keys = ""
  for key, to in pairs(q.exit) do
    if type(key) ~= "string" or #key ~= 1 or type(to) ~= "string" then error('queue: exit: expected {"0" = "1001"}', 0) end
    q.exit_keys = q.exit_keys .. key
  end
  if type(q.music) == "string" then q.music = { q.music } end
  q.music = q.music or { settings.MUSIC }
  return q
end

return settings
