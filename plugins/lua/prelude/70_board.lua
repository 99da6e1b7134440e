-- tandem.board: what the calls of a tenant know of each other; and tandem.publish: what programs are told.
local host, shared = ...
local now_ms, pump, keep, state = host.now_ms, shared.pump, shared.keep, host.state
local type, error, setmetatable = type, error, setmetatable

local board = {}
local meta = { __index = board, __metatable = false }

local function name_of(self, verb)
  local name = type(self) == "table" and self.name
  if type(name) ~= "string" then error(verb .. ": write board:" .. verb .. "(...), with a colon", 3) end
  return name
end

local function check_table(verb, value, what)
  if value ~= nil and type(value) ~= "table" then error(verb .. ": " .. what .. ": expected a table, got " .. type(value), 3) end
  return value
end

local function check_key(verb, key)
  if type(key) ~= "string" then error(verb .. ": expected a key, got " .. type(key), 3) end
  return key
end

-- board:join{…}: this call stands on the board, behind those who do already, until leave() or its script's end;
-- once it does, its data is replaced. → true | nil, err
function board.join(self, data)
  return host.board_join(name_of(self, "join"), check_table("join", data, "data") or {})
end

function board.leave(self) host.board_leave(name_of(self, "leave")) end

-- The own member's id | nil; board:has(id): whether that one is still there.
function board.id(self) return host.board_self(name_of(self, "id")) end

function board.has(self, id)
  local name = name_of(self, "has")
  return type(id) == "number" and host.board_has(name, id)
end

-- How many members stand before the own one, or on the board, whose data has all fields of `filter`.
function board.ahead(self, filter) return host.board_ahead(name_of(self, "ahead"), check_table("ahead", filter, "filter")) end
function board.count(self, filter) return host.board_count(name_of(self, "count"), check_table("count", filter, "filter")) end

-- {{id, call, leg, age_ms, data}, …}, oldest first.
function board.list(self, filter) return host.board_list(name_of(self, "list"), check_table("list", filter, "filter")) end

-- Facts: what stays on the board when calls have gone. board:set(key, nil) takes one away.
function board.get(self, key) return host.board_get(name_of(self, "get"), check_key("get", key)) end
function board.set(self, key, value) return host.board_set(name_of(self, "set"), check_key("set", key), value) end
function board.facts(self, prefix) return host.board_facts(name_of(self, "facts"), prefix) end

-- Any change makes it another number.
function board.version(self) return host.board_version(name_of(self, "version")) end

-- Waits until the board is not at `version` any more, a key is there, or what start_play began is over.
-- → "changed" | "key" | "played" | nil when the time passed
function board.wait(self, version, timeout_ms)
  local name = name_of(self, "wait")
  if type(version) ~= "number" then error("wait: version: expected a number, got " .. type(version), 2) end
  if timeout_ms ~= nil and type(timeout_ms) ~= "number" then error("wait: timeout_ms: expected a number, got " .. type(timeout_ms), 2) end
  local st = state()
  if st.keys ~= "" then return "key" end
  for i = 1, #st.kept do  -- while another verb waited
    local event = st.kept[i]
    if event.event == "play.finished" then
      table.remove(st.kept, i)
      st.background[event.playback] = nil
      if event.reason == "done" then return "played" end
      break
    end
  end
  if not host.board_watch(name, version) then return "changed" end
  local deadline = timeout_ms and now_ms() + timeout_ms
  local why
  repeat
    local event = pump(deadline)
    if not event then break end
    if event.event == "board.changed" then
      if event.board == name then why = "changed" end
    elseif event.event == "leg.digit" then
      why = "key"
    elseif event.event == "play.finished" and st.background[event.playback] then
      st.background[event.playback] = nil
      if event.reason == "done" then why = "played" end
    else
      keep(event)
    end
  until why
  host.board_unwatch(name)
  return why
end

local tandem = shared.tandem

-- tandem.board("queue"): the tenant's board of that name.
function tandem.board(name)
  if type(name) ~= "string" or name == "" or #name > 64 then error("board: expected a name of 1 to 64 bytes", 2) end
  if host.tenant() == "" then return nil, { code = "denied", message = "the call belongs to no tenant" } end
  return setmetatable({ name = name }, meta)
end

-- tandem.publish("queue.joined", {position = 1}): an event to programs; its name begins with the app's.
function tandem.publish(event, fields)
  if type(event) ~= "string" then error("publish: expected an event's name, got " .. type(event), 2) end
  return host.publish(event, check_table("publish", fields, "fields") or {})
end

shared.globals.tandem = host.protect(tandem)
