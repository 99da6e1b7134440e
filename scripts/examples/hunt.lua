-- Rings 1001, after five seconds 1002 too; when nobody answers, takes a message for 1001.
local result = call:dial{ targets = { "1001", { to = "1002", delay_ms = 5000 } }, timeout_s = 25 }
if result and result.status == "answered" then call:hangup() end
call:answer()
require("voicemail.leave").run(call, "1001", "unavail")
