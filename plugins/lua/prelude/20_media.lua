-- Answering, and everything that is heard or recorded.
local host, shared = ...
local verbs, invoke, now_ms = shared.verbs, host.invoke, host.now_ms
local check_self, check_options, check_type = shared.check_self, shared.check_options, shared.check_type
local pump, keep, await, command = shared.pump, shared.keep, shared.await, shared.command
local type, error = type, error

-- call:answer() → true | nil, err
function verbs.answer(self)
  check_self(self, "answer")
  return command("leg.answer")
end

-- call:ring{early = true} → true | nil, err
function verbs.ring(self, options)
  check_self(self, "ring")
  return command("leg.ring", check_options("ring", options, { early = "boolean" }))
end

local PLAY_OPTIONS = { files = "any", tone = "string", country = "string", loop = "boolean", offset_ms = "number",
  limit_ms = "number", gain_db = "number" }

-- The parameters of leg.play from what a verb was given: a name, a list of names, or a table of options.
local function play_params(verb, what, options)
  if type(what) == "table" and what[1] == nil then
    if options ~= nil then error(verb .. ": expected one table of options", 3) end
    what, options = nil, what
  end
  options = options or {}
  if type(options) ~= "table" then error(verb .. ": expected a table of options, got " .. type(options), 3) end
  local params = {}
  for name, value in pairs(options) do
    local expected = PLAY_OPTIONS[name]
    if expected == nil then error(verb .. ": no such option: " .. tostring(name), 3) end
    if expected ~= "any" and type(value) ~= expected then
      error(verb .. ": " .. name .. ": expected a " .. expected .. ", got " .. type(value), 3)
    end
    params[name] = value
  end
  local files = what or params.files
  if type(files) == "string" then files = { files } end
  if files == nil and params.tone == nil then error(verb .. ": expected a prompt's name or a list of names", 3) end
  if files ~= nil and type(files) ~= "table" then
    error(verb .. ": expected a prompt's name or a list of names, got " .. type(files), 3)
  end
  for i = 1, files and #files or 0 do
    if type(files[i]) ~= "string" then error(verb .. ": prompt " .. i .. ": expected a name, got " .. type(files[i]), 3) end
  end
  params.files = files
  return params
end

-- Begins to play: the playback's id | nil, err
local function start(params)
  local started, err = invoke("leg.play", params)
  if err then return nil, err end
  return started.playback
end
shared.start_play = start

local function play(params)
  local playback, err = start(params)
  if err then return nil, err end
  local event = await("play.finished", "playback", playback)
  return event.reason, event.played_ms
end
shared.play = play

-- call:play("demo-congrats") | call:play({"a", "b"}, {loop = true, limit_ms = 5000}) → reason, played_ms | nil, err
function verbs.play(self, what, options)
  check_self(self, "play")
  local params = play_params("play", what, options)
  return play(params)
end

-- The same, without waiting: → playback | nil, err; call:wait("play.finished") tells its end.
function verbs.start_play(self, what, options)
  local st = check_self(self, "start_play")
  local params = play_params("start_play", what, options)
  local playback, err = start(params)
  if err then return nil, err end
  st.background[playback] = true
  return playback
end

function verbs.stop_play(self)
  check_self(self, "stop_play")
  return command("leg.stop_play")
end

-- call:tone("busy", {country = "us", limit_ms = 3000})
function verbs.tone(self, name, options)
  check_self(self, "tone")
  check_type("tone", name, "string", "tone")
  options = check_options("tone", options, { country = "string", limit_ms = "number", gain_db = "number" })
  return play({ tone = name, country = options.country, limit_ms = options.limit_ms, gain_db = options.gain_db })
end

-- The path of spoken `text` | nil, err
local function render(text, voice)
  local rendered, err = invoke("tts.render", { text = text, voice = voice })
  if err then return nil, err end
  return rendered.path
end
shared.render = render

-- call:say("Good morning", {voice = "en-us"}) → reason, played_ms | nil, err
function verbs.say(self, text, options)
  check_self(self, "say")
  check_type("say", text, "string", "text")
  options = check_options("say", options, { voice = "string" })
  local path, err = render(text, options.voice)
  if err then return nil, err end
  return play({ files = { path } })
end

-- call:echo(true): the party hears itself, until call:echo(false)
function verbs.echo(self, on)
  check_self(self, "echo")
  check_type("echo", on, "boolean", "on")
  if on then return command("leg.bridge", { with = host.leg() }) end
  return command("leg.unbridge")
end

local function finished(event, key)
  if event.reason == "failed" or event.reason == "disk_full" then
    return nil, { code = event.reason, message = event.error or "the recording failed" }
  end
  return { recording = event.recording, path = event.path, duration_ms = event.duration_ms,
    reason = key and "finish" or event.reason, key = key }
end

local RECORD_OPTIONS = { name = "string", max_ms = "number", silence_ms = "number", finish = "string", beep = "boolean",
  stereo = "boolean", heard = "boolean" }

-- call:record{name, max_ms = 180000, silence_ms, finish = "#", beep = true}
--   → {path, duration_ms, reason = "finish"|"silence"|"limit", key} | nil, err
function verbs.record(self, options)
  local st = check_self(self, "record")
  local o = check_options("record", options, RECORD_OPTIONS)
  local finish = o.finish or "#"
  if o.beep ~= false then play({ files = { "beep" } }) end
  local started, err = invoke("recording.start", { name = o.name, stereo = o.stereo, heard = o.heard or false,
    limit_ms = o.max_ms or 180000, silence_end_ms = o.silence_ms })
  if err then return nil, err end
  local id, key = started.recording, nil
  st.recording = id
  while true do
    local event = pump()
    if event.event == "recording.finished" and event.recording == id then
      st.recording = nil
      return finished(event, key)
    elseif event.event == "leg.digit" then
      st.keys = ""
      if not key and finish:find(event.digit, 1, true) then
        key = event.digit
        command("recording.stop", { recording = id })
      end
    else
      keep(event)
    end
  end
end

-- call:start_recording{name, stereo = true} → {recording, path} | nil, err; it runs beside the script.
function verbs.start_recording(self, options)
  local st = check_self(self, "start_recording")
  local o = check_options("start_recording", options, { name = "string", stereo = "boolean", heard = "boolean", limit_ms = "number" })
  local started, err = invoke("recording.start", { name = o.name, stereo = o.stereo, heard = o.heard, limit_ms = o.limit_ms })
  if err then return nil, err end
  st.recordings[started.recording] = true
  return started
end

-- stop_recording, pause_recording, resume_recording: for what start_recording gave.
local function own(verb, self, recording)
  local st = check_self(self, verb)
  local id = type(recording) == "table" and recording.recording or recording
  if type(id) ~= "string" or not st.recordings[id] then error(verb .. ": expected what start_recording gave", 3) end
  return id
end

function verbs.stop_recording(self, recording)
  local id = own("stop_recording", self, recording)
  local ok, err = command("recording.stop", { recording = id })
  if not ok then return nil, err end
  local event = await("recording.finished", "recording", id, now_ms() + 5000)
  if not event then return nil, { code = "timeout", message = "recording.finished did not come" } end
  return finished(event)
end

function verbs.pause_recording(self, recording)
  local id = own("pause_recording", self, recording)
  return command("recording.pause", { recording = id })
end

function verbs.resume_recording(self, recording)
  local id = own("resume_recording", self, recording)
  return command("recording.resume", { recording = id })
end
