-- Voicemail: leaving a message, or a mailbox's owner listening to them (*97).
--   args {mailbox, greeting}  ──► leave        args {mode = "main"} or dialed *97, *98 ──► main
local args = call.args

local mode = args.mode
if mode == nil then mode = (args.mailbox and not call.dialed:find("^%*9[78]$")) and "leave" or "main" end

if mode == "leave" then
  require("voicemail.leave").run(call, args.mailbox or call.dialed, args.greeting or "unavail")
else
  require("voicemail.main").run(call, args.mailbox)
end
