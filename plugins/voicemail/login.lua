-- Who may listen: the mailbox's number and its PIN. Wrong PINs are counted by the store, which locks the mailbox.
-- From the owner's own phone only the PIN is asked. A mailbox without a PIN opens from that phone alone, and only
-- after one was set.
local common = require("voicemail.common")

local login = {}

-- The mailbox that belongs to the phone that calls; nil when it is not known.
local function own_mailbox(call)
  if call.auth_user == "" then return nil end
  for _, number in ipairs{ call.from, call.auth_user } do
    local extension = tandem.invoke("extension.get", { number = number })
    if extension and extension.mailbox and extension.mailbox ~= "" then return extension.mailbox end
  end
  return nil
end

local function digits(call, prompt)
  return (call:gather{ min = 1, max = 16, prompt = prompt, first_digit_ms = 8000, inter_digit_ms = 4000 })
end

-- Asks for a new PIN twice and sets it. True when it is set.
function login.set_pin(call, number)
  for _ = 1, 3 do
    local first = digits(call, { "vm-newpassword" })
    if first and #first >= common.setting("pin_min") then
      local again = digits(call, { "vm-reenterpassword" })
      if again == first then
        local ok, err = tandem.invoke("mailbox.set_pin", { number = number, pin = first })
        if ok then
          common.play(call, { "vm-passchanged" })
          return true
        end
        call:log("warn", "voicemail: PIN of", number, "was not set:", err.code, err.message)
        common.play(call, { "vm-sorry" })
        return false
      end
      common.play(call, { "vm-mismatch" })
    else
      common.play(call, { "vm-invalid-password" })
    end
  end
  return false
end

-- The mailbox (as mailbox.get gives it) that the party may use; nil when it may use none.
function login.run(call, wanted)
  local own = own_mailbox(call)
  local number = wanted or own
  for try = 1, common.setting("logins") do
    local asked = number == nil
    if asked then number = digits(call, { "vm-login" }) end
    local box = number and tandem.invoke("mailbox.get", { number = number })
    if box and not box.has_pin and number == own then
      common.play(call, { "vm-newuser" })
      return login.set_pin(call, number) and box or nil
    end
    local pin = digits(call, { "vm-password" })
    if box and pin then
      local checked = tandem.invoke("mailbox.check_pin", { number = number, pin = pin })
      if checked and checked.ok then return box end
      if checked and checked.reason == "locked" then
        call:log("warn", "voicemail: mailbox", number, "is locked")
        common.play(call, { "vm-incorrect" })
        return nil
      end
    end
    -- The same words for a mailbox that does not exist and for a wrong PIN.
    if try < common.setting("logins") then common.play(call, { asked and "vm-incorrect-mailbox" or "vm-incorrect" }) end
    if asked then number = nil end
  end
  common.play(call, { "vm-incorrect" })
  return nil
end

return login
