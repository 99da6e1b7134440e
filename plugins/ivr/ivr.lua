-- A menu from a table:  greeting once ──► prompt ──► key ──► action, or invalid / no input, up to `tries` times
-- The table comes from args itself (args.keys), or from a file: args.menu = "demo" is menus/demo.lua in this folder.
local args = call.args

local root
if args.keys then
  root = args
else
  local name = args.menu or "demo"
  if not name:find("^[%w_-]+$") then error("menu: expected a name of letters, digits, '_' and '-', got " .. name) end
  root = require("menus." .. name)
end

require("ivr.menu").run(call, root, args.language or root.language)
