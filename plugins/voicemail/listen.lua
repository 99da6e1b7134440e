-- Listening to a folder, message by message:
--   envelope ──► message ──► 5 again, 6 next, 4 previous, 7 delete or take back, 9 keep, 3 envelope, # back
-- What is deleted goes when the folder is left, and so can be taken back until then. New messages that were heard
-- become old ones. Both happen after a hang-up too.
local common = require("voicemail.common")

local listen = {}

local function envelope(message)
  local files = { "vm-received" }
  local seconds = common.seconds(message.created)
  if seconds then files = common.join(files, tandem.time_prompts(seconds)) end
  local caller = common.digits(message.caller or "")
  if #caller > 0 then return common.join(files, "vm-from-phonenumber", caller) end
  return common.join(files, "vm-unknown-caller")
end

local function position(index, count)
  if count == 1 then return {} end
  if index == 1 then return { "vm-first", "vm-message" } end
  if index == count then return { "vm-last", "vm-message" } end
  return common.join("vm-message", tandem.number_prompts(index))
end

local function choices(message, index, count)
  return common.join(index > 1 and "vm-prev" or {}, "vm-repeat", index < count and "vm-next" or {},
    message.deleted and "vm-undelete" or "vm-delete", message.folder == "INBOX" and "vm-savemessage" or {}, "vm-helpexit")
end

-- Deletes and moves what is marked. Once: the marks go with it.
local function settle(call, messages)
  for _, message in ipairs(messages) do
    local _, err
    if message.deleted then
      _, err = tandem.invoke("message.delete", { id = message.id })
    elseif message.was_heard and message.folder == "INBOX" then
      _, err = tandem.invoke("message.move", { id = message.id, folder = "Old" })
    end
    if err then call:log("warn", "voicemail: message", message.id, err.code, err.message) end
    message.deleted, message.was_heard = nil, nil
  end
end

-- The message itself, then a key.
local function play(call, message, index, count, with_envelope)
  local files = common.join(position(index, count), with_envelope and envelope(message) or {}, message.path)
  message.was_heard = true
  local key, err = call:gather{ max = 1, prompt = files, first_digit_ms = 300 }
  if key then return key end
  if err.code == "not_found" or err.code == "denied" then
    call:log("error", "voicemail: message", message.id, err.message)
    common.play(call, { "vm-sorry" })
  end
  return common.key(call, choices(message, index, count), "345679#*", 3)
end

function listen.run(call, mailbox, folder)
  local page, err = tandem.invoke("message.list", { mailbox = mailbox, folder = folder })
  if not page then
    call:log("error", "voicemail: messages of", mailbox, err.code, err.message)
    return common.play(call, { "vm-sorry" })
  end
  local messages = page.messages or {}
  if #messages == 0 then return common.play(call, { "vm-youhave", "vm-no", folder == "INBOX" and "vm-INBOX" or "vm-Old", "vm-messages" }) end
  call:on_hangup(function() settle(call, messages) end)

  local index, with_envelope = 1, folder == "INBOX"
  for _ = 1, 500 do
    local message = messages[index]
    local key = play(call, message, index, #messages, with_envelope)
    with_envelope = false
    if key == nil or key == "#" then
      break
    elseif key == "3" then
      with_envelope = true
    elseif key == "4" then
      index = math.max(1, index - 1)
      with_envelope = folder == "INBOX"
    elseif key == "7" then
      message.deleted = not message.deleted or nil
      common.play(call, { message.deleted and "vm-deleted" or "vm-undeleted" })
    elseif key == "9" then
      message.deleted = nil
      common.play(call, { "vm-message", "vm-saved" })
    end
    if key == "6" or ((key == "7" and message.deleted or key == "9") and index < #messages) then
      if index == #messages then
        common.play(call, { "vm-nomore" })
        break
      end
      index = index + 1
      with_envelope = folder == "INBOX"
    elseif (key == "7" and message.deleted) or key == "9" then
      common.play(call, { "vm-nomore" })
      break
    end
  end
  settle(call, messages)
  call:on_hangup(nil)
end

return listen
