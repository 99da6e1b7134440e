-- The owner's side (*97):  login ──► counts ──► menu: 1 new, 2 old or new, 0 options, * help, # the end
local common = require("voicemail.common")
local login = require("voicemail.login")

local main = {}

local function count_prompts(new, old)
  local function messages(n) return n == 1 and "vm-message" or "vm-messages" end
  if new == 0 and old == 0 then return { "vm-youhave", "vm-no", "vm-messages" } end
  local files = { "vm-youhave" }
  if new > 0 then files = common.join(files, tandem.number_prompts(new), "vm-INBOX", old == 0 and messages(new) or {}) end
  if old > 0 then
    files = common.join(files, new > 0 and "vm-and" or {}, tandem.number_prompts(old), "vm-Old", messages(old))
  end
  return files
end

local function menu_prompts(box)
  return common.join(box.new > 0 and { "vm-onefor", "vm-INBOX", "vm-messages" } or {}, "vm-opts", "vm-helpexit")
end

local function choose_folder(call)
  local key = common.key(call, { "vm-press", "digits/0", "vm-for", "vm-INBOX", "vm-messages", "vm-press", "digits/1", "vm-for",
    "vm-Old", "vm-messages" }, "01#")
  return key == "0" and "INBOX" or key == "1" and "Old" or nil
end

-- Lets the party of `call` use a mailbox: `wanted`, its own, or the one it names; and ends the call.
function main.run(call, wanted)
  call:answer()
  local box = login.run(call, wanted)
  if not box then
    common.play(call, { "vm-goodbye" })
    call:hangup()
  end
  local listen = require("voicemail.listen")
  local number = box.number or wanted
  local counts = true
  for _ = 1, 50 do
    box = tandem.invoke("mailbox.get", { number = number }) or box
    local key = common.key(call, common.join(counts and count_prompts(box.new, box.old) or {}, menu_prompts(box)), "120*#", 3, 5000)
    counts = false
    if key == nil or key == "#" then
      break
    elseif key == "1" then
      listen.run(call, number, "INBOX")
    elseif key == "2" then
      local folder = choose_folder(call)
      if folder then listen.run(call, number, folder) end
    elseif key == "0" then
      require("voicemail.options").run(call, number)
    end
  end
  common.play(call, { "vm-goodbye" })
  call:hangup()
end

return main
