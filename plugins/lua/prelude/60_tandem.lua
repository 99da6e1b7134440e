-- The globals `tandem` and `require`.
local host, shared = ...
local invoke, state, load_module = host.invoke, host.state, host.load_module
local type, error, tostring = type, error, tostring

local tandem = {}

-- Seconds since 1970, UTC, with a fraction.
function tandem.time() return host.wall() end

-- {year, month, day, hour, min, sec, wday, yday} in the server's time zone.
function tandem.date(seconds)
  if seconds ~= nil and type(seconds) ~= "number" then error("date: expected seconds, got " .. type(seconds), 2) end
  return host.date(seconds or host.wall())
end

-- A value of [plugin.lua.settings] in the configuration; nil when there is none.
function tandem.setting(name)
  if type(name) ~= "string" then error("setting: expected a name, got " .. type(name), 2) end
  return host.setting(name)
end

tandem.json = host.protect({ encode = host.json_encode, decode = host.json_decode })

-- What a script may ask of the store, always as its own tenant.
local ALLOWED = { ["message.add"] = true, ["message.get"] = true, ["message.list"] = true, ["message.move"] = true,
  ["message.delete"] = true, ["mailbox.get"] = true, ["mailbox.list"] = true, ["mailbox.set"] = true,
  ["mailbox.check_pin"] = true, ["mailbox.set_pin"] = true, ["extension.get"] = true, ["extension.list"] = true,
  ["extension.resolve"] = true, ["extension.in_use"] = true, ["prompt.list"] = true, ["recording.discard"] = true }

-- tandem.invoke("mailbox.get", {mailbox = "1001"}) → result | nil, err
function tandem.invoke(method, params)
  if type(method) ~= "string" then error("invoke: expected a method, got " .. type(method), 2) end
  if not ALLOWED[method] then return nil, { code = "denied", message = method .. " is not open to scripts" } end
  if host.tenant() == "" then return nil, { code = "denied", message = "the call belongs to no tenant" } end
  return invoke(method, params)
end

-- For scripts that say numbers in the middle of other prompts: lists of prompt names.
function tandem.number_prompts(n)
  n = math.tointeger(n)
  if not n or n <= -1000000000 or n >= 1000000000 then error("number_prompts: expected a whole number below 1000000000", 2) end
  return shared.number_prompts(n)
end

function tandem.time_prompts(seconds)
  if type(seconds) ~= "number" then error("time_prompts: expected seconds, got " .. type(seconds), 2) end
  return shared.time_prompts(seconds)
end

shared.tandem = tandem  -- protected once 70_board has added to it

local LOADING = {}

-- A Lua file of the app's own folder or of the apps' folders. Each call has its own instance of it.
function shared.globals.require(name)
  if type(name) ~= "string" then error("require: expected a module's name, got " .. type(name), 2) end
  local st = state()
  local value = st.loaded[name]
  if value == LOADING then error("require: " .. name .. " requires itself", 2) end
  if value ~= nil then return value end
  local factory, err = load_module(name)
  if not factory then error("require: " .. tostring(err.message), 2) end
  st.loaded[name] = LOADING
  value = factory(st.env)(name)
  if value == nil then value = true end
  st.loaded[name] = value
  return value
end
