-- A call queue:  callers ──► wait in order, with music ──► the agent that the strategy names ──► conversation
-- args.queue is its name in [plugin.lua.settings.queues], or args holds its settings itself. args.mode = "login",
-- "logout", "pause" or "unpause" is the agents' side, dialed from their own phones.
local args = call.args

if args.mode then
  require("queue.desk").run(call, args)
else
  require("queue.caller").run(call, require("queue.settings").of(args))
end
