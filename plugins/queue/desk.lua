-- The agents' own side: logging in and out, pauses. Who calls is known by the phone's digest, never by its From.
local agents = require("queue.agents")
local desk = {}

local MODES = {
  login = { change = { out = false, paused = false }, state = "logged_in", prompt = "agent-loginok" },
  logout = { change = { out = true }, state = "logged_out", prompt = "agent-loggedoff" },
  pause = { change = { paused = true }, state = "paused", prompt = "agent-loggedoff" },
  unpause = { change = { paused = false }, state = "free", prompt = "agent-loginok" },
}

function desk.run(call, args)
  local mode = MODES[args.mode]
  if not mode then error("queue: mode: expected login, logout, pause or unpause, got " .. tostring(args.mode), 0) end
  if call.auth_user == "" or call.from == "" then
    call:log("warn", "queue: somebody without digest wanted to", args.mode)
    call:reject(403, "Forbidden")
  end
  call:answer()
  local queue = args.queue
  if queue and (args.mode == "login" or args.mode == "logout") then
    local done, err = agents.log_in(call.from, queue, args.mode == "login")
    if not done then call:log("error", "queue:", err.code, err.message) end
  end
  agents.set(call.from, mode.change, queue, mode.state)
  call:play(mode.prompt)
  call:hangup()
end

return desk
