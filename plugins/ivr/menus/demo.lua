-- The demo's menu (5000), from the prompts of Debian's asterisk-core-sounds-en-wav.
local function choice(key, ...) return { "vm-press", "digits/" .. key, "vm-for", ... } end

local function joined(...)
  local all = {}
  for _, list in ipairs{ ... } do
    for _, name in ipairs(list) do all[#all + 1] = name end
  end
  return all
end

return {
  greeting = "hello-world",
  prompt = joined(choice(1, "vm-extension", "digits/1", "digits/0", "digits/0", "digits/1"), choice(2, "vm-messages"),
    choice(3, "demo-moreinfo"), { "vm-reachoper" }),
  keys = {
    ["1"] = { dial = "1001", unanswered = { voicemail = "1001" } },
    ["2"] = { voicemail = true },
    ["3"] = { play = "demo-congrats" },
    ["9"] = { ["repeat"] = true },
    ["0"] = { transfer = "1001" },
  },
  direct = "10%d%d",
  direct_digits = 4,
  inter_digit_ms = 1500,
  timeout_ms = 6000,
  tries = 3,
  invalid = "pbx-invalid",
  goodbye = { "vm-goodbye" },
}
