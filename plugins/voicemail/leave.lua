-- Leaving a message:  greeting ──► beep ──► record ──► (review) ──► stored
-- A caller who just hangs up has left the message too; one shorter than min_ms is none.
local common = require("voicemail.common")

local leave = {}

-- The greeting of `box` for `why` ("busy" or "unavail"): a temporary one first, the owner's own, or the standard.
local function greeting(box, why)
  local own = box.greeting_temp
  if own == nil or own == "" then own = why == "busy" and box.greeting_busy or box.greeting_unavail end
  if own and own ~= "" then return { own } end
  local who = (box.greeting_name and box.greeting_name ~= "") and { box.greeting_name }
    or common.join("vm-theperson", common.digits(box.number))
  return common.join(who, why == "busy" and "vm-isonphone" or "vm-isunavail", "vm-intro")
end

-- True when the message is in the mailbox.
local function store(call, box, recording)
  local added, err = tandem.invoke("message.add", { mailbox = box.number, path = recording.path,
    duration_ms = math.tointeger(recording.duration_ms) or 0, caller = call.from, caller_name = call.from_name })
  if not added then call:log("error", "voicemail: message for", box.number, "was not stored:", err.code, err.message) end
  return added ~= nil, err
end

-- After a recording that '#' ended: true to keep it, false to record again.
local function review(call, recording)
  for _ = 1, 3 do
    local key = common.key(call, { "vm-review" }, "123", 1)
    if key == nil or key == "1" then return true end
    if key == "3" then return false end
    common.play(call, { recording.path })
  end
  return true
end

-- One recording that is worth keeping; nil when there is none.
local function take(call, box, state)
  for _ = 1, 3 do
    local recording, err = call:record{ name = common.recording_name(call, box.number, "msg"),
      max_ms = common.setting("max_ms"), silence_ms = common.setting("silence_ms"), finish = "#" }
    if not recording then
      call:log("error", "voicemail: no recording:", err.code, err.message)
      common.play(call, { "vm-sorry" })
      return nil
    end
    state.pending = recording
    if recording.duration_ms < common.setting("min_ms") then
      state.pending = nil
      common.discard(call, recording.path)
      common.play(call, { "vm-tooshort" })
    elseif not common.setting("review") or recording.reason ~= "finish" or review(call, recording) then
      return recording
    else
      state.pending = nil
      common.discard(call, recording.path)
    end
  end
  return nil
end

-- Takes a message for `mailbox` from the party of `call`, and ends the call.
function leave.run(call, mailbox, why)
  call:answer()
  local box, err = tandem.invoke("mailbox.get", { number = mailbox })
  if not box then
    call:log("warn", "voicemail: mailbox", mailbox, err.code)
    common.play(call, { "vm-nobodyavail", "vm-goodbye" })
    call:hangup()
  end
  box.number = box.number or mailbox
  if box.max_messages and (box.new or 0) + (box.old or 0) >= box.max_messages then
    common.play(call, { "vm-mailboxfull", "vm-goodbye" })
    call:hangup()
  end

  local state = {}
  call:on_hangup(function(info)
    local recording = info.recording or state.pending
    if not recording then return end
    if (recording.duration_ms or 0) >= common.setting("min_ms") then
      store(call, box, recording)
    else
      common.discard(call, recording.path)
    end
  end)

  -- A key skips the greeting.
  local _, missing = call:gather{ max = 1, prompt = greeting(box, why), first_digit_ms = 0, valid = "#" }
  if missing and missing.code == "not_found" then common.play(call, { "vm-intro" }) end
  call:flush_digits()

  local recording = take(call, box, state)
  if recording then
    state.pending = nil
    local stored
    stored, err = store(call, box, recording)
    if not stored and err.code == "exhausted" then common.discard(call, recording.path) end
    common.play(call, { stored and "vm-msgsaved" or err.code == "exhausted" and "vm-mailboxfull" or "vm-sorry" })
  end
  common.play(call, { "vm-goodbye" })
  call:hangup()
end

return leave
