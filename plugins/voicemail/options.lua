-- Mailbox options: 1 unavailable greeting, 2 busy greeting, 3 name, 4 temporary greeting, 5 PIN, * back.
-- A greeting is recorded, played back and accepted before it replaces the old one.
local common = require("voicemail.common")
local login = require("voicemail.login")

local options = {}

-- The path of a recording that the owner accepted; nil when there is none.
local function record(call, mailbox, kind, prompt)
  for _ = 1, 3 do
    common.play(call, { prompt })
    call:flush_digits()
    local recording, err = call:record{ name = common.recording_name(call, mailbox, kind),
      max_ms = common.setting("greeting_max_ms"), silence_ms = common.setting("silence_ms"), finish = "#" }
    if not recording then
      call:log("error", "voicemail: no recording:", err.code, err.message)
      common.play(call, { "vm-sorry" })
      return nil
    end
    if recording.duration_ms < common.setting("min_ms") then
      common.discard(call, recording.path)
      common.play(call, { "vm-tooshort" })
    else
      local key = common.key(call, { recording.path, "vm-review" }, "123", 2)
      if key == "2" then key = common.key(call, { recording.path, "vm-review" }, "13", 2) end
      if key == "1" then return recording.path end
      common.discard(call, recording.path)
      if key == nil then return nil end
    end
  end
  return nil
end

local function set(call, mailbox, field, path)
  local before = tandem.invoke("mailbox.get", { number = mailbox })
  local ok, err = tandem.invoke("mailbox.set", { number = mailbox, [field] = path })
  if not ok then call:log("error", "voicemail:", field, "of", mailbox, err.code, err.message) end
  common.discard(call, not ok and path or before and before[field])
  common.play(call, { not ok and "vm-sorry" or path == "" and "vm-tempremoved" or "vm-msgsaved" })
end

local function temporary(call, mailbox)
  local box = tandem.invoke("mailbox.get", { number = mailbox })
  if box and box.greeting_temp and box.greeting_temp ~= "" then
    local key = common.key(call, { "vm-tempgreeting2" }, "12*", 2)
    if key == "2" then return set(call, mailbox, "greeting_temp", "") end
    if key ~= "1" then return end
  end
  local path = record(call, mailbox, "temp", "vm-rec-temp")
  if path then set(call, mailbox, "greeting_temp", path) end
end

local GREETINGS = { ["1"] = { "greeting_unavail", "unavail", "vm-rec-unv" }, ["2"] = { "greeting_busy", "busy", "vm-rec-busy" },
  ["3"] = { "greeting_name", "name", "vm-rec-name" } }

function options.run(call, mailbox)
  for _ = 1, 20 do
    local key = common.key(call, { "vm-options" }, "12345*#")
    if key == nil or key == "*" or key == "#" then return end
    local greeting = GREETINGS[key]
    if greeting then
      local path = record(call, mailbox, greeting[2], greeting[3])
      if path then set(call, mailbox, greeting[1], path) end
    elseif key == "4" then
      temporary(call, mailbox)
    else
      login.set_pin(call, mailbox)
    end
  end
end

return options
