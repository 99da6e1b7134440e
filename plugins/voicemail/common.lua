-- What leaving and listening share: settings, single keys, times.
local common = {}

local DEFAULTS = { max_ms = 180000, min_ms = 1000, silence_ms = 10000, greeting_max_ms = 60000, logins = 3, pin_min = 4,
  review = false }
local given = tandem.setting("voicemail") or {}

-- A setting of [plugin.lua.settings.voicemail], or its default.
function common.setting(name)
  local value = given[name]
  if type(value) ~= type(DEFAULTS[name]) then return DEFAULTS[name] end
  return value
end

-- One of `keys` while or after `files` are played; nil when none came in `tries` times.
function common.key(call, files, keys, tries, wait_ms)
  return (call:gather{ max = 1, prompt = files, tries = tries or 3, first_digit_ms = wait_ms or 4000,
    bad_input = "pm-invalid-option", no_input = "silence/1",
    valid = function(key) return keys:find(key, 1, true) ~= nil end })
end

-- Plays what there is; a prompt that is missing is logged and passed over.
function common.play(call, files)
  local reason, err = call:play(files)
  if not reason then call:log("warn", "voicemail:", err.code, err.message) end
  return reason
end

function common.digits(text)
  local files = {}
  for digit in tostring(text):gmatch("%d") do files[#files + 1] = "digits/" .. digit end
  return files
end

function common.join(...)
  local all = {}
  for _, list in ipairs{ ... } do
    if type(list) == "string" then list = { list } end
    for _, file in ipairs(list) do all[#all + 1] = file end
  end
  return all
end

-- Seconds since 1970 of "2026-11-22T12:34:56.789Z"; nil when it is something else.
function common.seconds(iso)
  local y, m, d, hour, min, sec = tostring(iso):match("^(%d%d%d%d)-(%d%d)-(%d%d)[T ](%d%d):(%d%d):(%d%d)")
  if not y then return nil end
  y, m, d = tonumber(y), tonumber(m), tonumber(d)
  -- Days of the civil calendar, with the year beginning in March.
  if m <= 2 then y, m = y - 1, m + 12 end
  local days = 365 * y + y // 4 - y // 100 + y // 400 + (153 * (m - 3) + 2) // 5 + d - 719469
  return days * 86400 + tonumber(hour) * 3600 + tonumber(min) * 60 + tonumber(sec)
end

-- A name for a new recording below the tenant's folder; leg and time make it one of a kind.
local counter = 0
function common.recording_name(call, mailbox, kind)
  counter = counter + 1
  return ("voicemail/%s/%s-%s-%.0f-%d"):format(mailbox:gsub("[^%w]", "_"), kind, call.leg:gsub("[^%w-]", "_"),
    tandem.time() * 1000, counter)
end

-- A recording that nobody wants goes from the disk.
function common.discard(call, path)
  if not path or path == "" then return end
  local done, err = tandem.invoke("recording.discard", { path = path })
  if not done then call:log("warn", "voicemail:", path, "stays on disk:", err.code, err.message) end
end

return common
