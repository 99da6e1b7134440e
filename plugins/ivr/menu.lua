-- Running a menu and its submenus. A menu is a table; README.md lists its fields.
local menu = {}

local DEPTH_MAX, ROUNDS_MAX = 8, 100

-- Prompts as a list: "a", {"a", "b"}, or by language {en = …, es = …} (English when it has no such language).
local function prompts(value, language)
  if value == nil then return {} end
  if type(value) == "string" then return { value } end
  if value[1] ~= nil then return value end
  local own = value[language or "en"] or value.en
  if own == nil then return {} end
  return type(own) == "string" and { own } or own
end

local function play(call, value, language)
  local files = prompts(value, language)
  if #files == 0 then return end
  local reason, err = call:play(files)
  if not reason then call:log("warn", "ivr:", err.code, err.message) end
end

local actions = {}

function actions.dial(call, action)
  local result, err = call:dial{ targets = action.dial, timeout_s = action.timeout_s or 20, ringback = action.ringback or "us" }
  if not result then
    call:log("warn", "ivr: dial:", err.code, err.message)
    return "again"
  end
  if result.status == "answered" then return "end" end
  if action.unanswered then return "do", action.unanswered end
  call:play("vm-nobodyavail")
  return "again"
end

function actions.transfer(call, action)
  local _, err = call:transfer(action.transfer)
  call:log("warn", "ivr: transfer to", action.transfer, err.code, err.message)
  return "again"
end

function actions.app(call, action)
  local _, err = call:run(action.app, action.args)
  call:log("warn", "ivr: app", action.app, err.code, err.message)
  return "again"
end

-- voicemail = true: the owner's menu; voicemail = "1001": leave a message there.
function actions.voicemail(call, action)
  local mailbox = action.voicemail
  return actions.app(call, { app = "voicemail",
    args = mailbox == true and { mode = "main" } or { mode = "leave", mailbox = mailbox, greeting = action.greeting } })
end

function actions.menu() return "menu" end
function actions.play(call, action, language)
  play(call, action.play, language)
  return "again"
end
function actions.hangup(call, action, language)
  play(call, action.goodbye, language)
  call:hangup(action.hangup ~= true and action.hangup or nil)
end
actions["repeat"] = function() return "again" end
function actions.back() return "back" end
function actions.language() return "language" end

local ORDER = { "hangup", "transfer", "dial", "voicemail", "app", "menu", "language", "play", "back", "repeat" }

local function kind_of(action)
  for _, kind in ipairs(ORDER) do
    if action[kind] ~= nil and action[kind] ~= false then return kind end
  end
end

-- What a choice of the caller means: the action of a key, or dialing an extension directly.
local function chosen(table_of, digits)
  local action = table_of.keys and table_of.keys[digits]
  if action then return action end
  if table_of.direct and digits:find("^" .. table_of.direct .. "$") then
    return { app = "extension", args = { number = digits } }
  end
end

local function ask(call, table_of, files, tries, language)
  local longest = 1
  for key in pairs(table_of.keys or {}) do longest = math.max(longest, #key) end
  if table_of.direct then longest = math.max(longest, table_of.direct_digits or 4) end
  local invalid = prompts(table_of.invalid or "pbx-invalid", language)
  local finish = (longest == 1 or (table_of.keys and table_of.keys["#"])) and "" or "#"
  return call:gather{ max = longest, finish = finish, prompt = files, say = table_of.say, voice = table_of.voice,
    first_digit_ms = table_of.timeout_ms or 5000, inter_digit_ms = table_of.inter_digit_ms or 2000, tries = tries,
    bad_input = invalid, no_input = table_of.no_input and prompts(table_of.no_input, language) or {},
    barge_in = table_of.barge_in ~= false, valid = function(digits) return chosen(table_of, digits) ~= nil end }
end

-- What follows when nobody chose anything sensible.
local function given_up(call, table_of, language)
  if table_of.failed then return table_of.failed end
  play(call, table_of.goodbye or "vm-goodbye", language)
  return { hangup = true }
end

local run

-- Does one action: "again" | "back" | "end", and the language from now on.
local function perform(call, root, action, language, depth)
  for _ = 1, DEPTH_MAX do
    local kind = kind_of(action)
    if not kind then error("ivr: an action needs one of: " .. table.concat(ORDER, ", ")) end
    if action.play and kind ~= "play" then play(call, action.play, language) end
    local what, other = actions[kind](call, action, language)
    if what == "language" then return "again", action.language end
    if what == "menu" then
      local sub = type(action.menu) == "table" and action.menu or (root.menus or {})[action.menu]
      if not sub then error("ivr: no such menu: " .. tostring(action.menu)) end
      return run(call, root, sub, language, depth + 1)
    end
    if what ~= "do" then return what, language end
    action = other
  end
  return "again", language
end

function run(call, root, table_of, language, depth)
  if depth > DEPTH_MAX then error("ivr: menus are nested deeper than " .. DEPTH_MAX) end
  play(call, table_of.greeting, language)
  for _ = 1, ROUNDS_MAX do
    local digits, err = ask(call, table_of, prompts(table_of.prompt, language), table_of.tries or 3, language)
    if not digits and err.code ~= "timeout" and err.code ~= "invalid" then
      -- The prompt is missing: the keys still work.
      call:log("error", "ivr:", err.code, err.message)
      digits = ask(call, { keys = table_of.keys, direct = table_of.direct }, {}, 1, language)
    end
    local action = digits and chosen(table_of, digits) or given_up(call, table_of, language)
    local what
    what, language = perform(call, root, action, language, depth)
    if what == "end" then return "end", language end
    if what == "back" and depth > 1 then return "again", language end
  end
  return "end", language
end

-- Runs the menu `root` for the party of `call` until something else takes it over or it is hung up.
function menu.run(call, root, language)
  call:answer()
  run(call, root, root, language, 1)
  call:hangup()
end

return menu
