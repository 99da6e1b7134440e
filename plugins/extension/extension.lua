-- An extension: its devices ring; when nobody answers, its mailbox takes the call.
--   answered ──► conversation ──► the end
--   busy ──► voicemail, "busy" greeting     unanswered, absent ──► voicemail, "unavailable" greeting
local number = call.args.number or call.dialed

-- What the caller's phone is told when there is no mailbox (Q.850).
local CAUSES = { busy = 17, ["no-answer"] = 19, unavailable = 20, failed = 38 }

local extension, err = tandem.invoke("extension.resolve", { number = number })
if not extension then
  call:log("info", "extension", number, err.code)
  if err.code ~= "not_found" then call:hangup(41) end
  call:hangup(1)
end

local result
result, err = call:dial{ targets = number, timeout_s = call.args.timeout_s or extension.ring_timeout_s or 20,
  ringback = call.args.ringback or "us" }
if not result then
  call:log("warn", "extension", number, "could not be dialed:", err.code, err.message)
  result = { status = "failed" }
end
if result.status == "answered" then call:hangup(16) end

local mailbox = extension.mailbox
if not mailbox or mailbox == "" then call:hangup(CAUSES[result.status] or 16) end
require("voicemail.leave").run(call, mailbox, result.status == "busy" and "busy" or "unavail")
