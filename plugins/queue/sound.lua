-- What a caller hears while waiting: music that goes on while agents ring, and announcements of the place and of how
-- long it may take. An announcement and the music behind it are one playback, so there is no hole between them.
local sound = {}
sound.__index = sound

local function add(files, more)
  for i = 1, #more do files[#files + 1] = more[i] end
end

local function announcement(q, place, stats, first)
  local files = {}
  if q["announce-position"] then
    if place == 0 then
      files[1] = "queue-youarenext"
    else
      files[1] = "queue-thereare"
      add(files, tandem.number_prompts(place + 1))
      files[#files + 1] = "queue-callswaiting"
    end
  end
  local minutes = stats and stats.holdtime and math.floor(stats.holdtime / 60 + 0.5) or 0
  local wanted = q["announce-holdtime"] == true or (q["announce-holdtime"] == "once" and first)
  if wanted and minutes > 0 then
    files[#files + 1] = "queue-holdtime"
    add(files, tandem.number_prompts(minutes))
    files[#files + 1] = minutes == 1 and "queue-minute" or "queue-minutes"
  end
  if #files > 0 and q["queue-thankyou"] then files[#files + 1] = "queue-thankyou" end
  return files
end

-- Plays `files` and the music, or the music alone. What cannot be played is a ringing tone.
function sound:play(files)
  local before = #files > 0
  local all = {}
  add(all, files)
  add(all, self.q.music)
  local started, err = self.call:start_play(all, { loop = not before })
  if started then return end
  self.call:log("warn", "queue:", err.code, err.message)
  if before then return self:play({}) end
  _, err = self.call:start_play{ tone = "ringback" }
  if err then self.call:log("warn", "queue:", err.code, err.message) end
end

-- `ask` gives the place (0: the next) and the queue's figures.
function sound.start(call, q, ask)
  local self = setmetatable({ call = call, q = q, ask = ask, every = q["announce-frequency"], announced = 0 }, sound)
  if self.every > 0 then
    self:announce(true)
  else
    self:play({})
  end
  return self
end

function sound:announce(first)
  local place, stats = self.ask()
  self.announced, self.place = tandem.time(), place
  self:play(announcement(self.q, place, stats, first))
end

-- The playback came to its end: the music goes on.
function sound:over() self:play({}) end

-- Announces when it is time to, and says in how many seconds it is next.
function sound:keep_on()
  if self.every <= 0 then return math.huge end
  local due = self.announced + self.every
  if self.place ~= self.ask() then due = math.min(due, self.announced + self.q["min-announce-frequency"]) end
  if tandem.time() >= due then
    self:announce(false)
    due = self.announced + self.every
  end
  return due - tandem.time()
end

return sound
