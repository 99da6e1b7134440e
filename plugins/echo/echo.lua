-- *43: the party hears itself, until it presses '#' or '*'.
local announce = call.args.announce ~= false

call:answer()
if announce then call:gather{ max = 1, prompt = "demo-echotest", first_digit_ms = 0 } end
local ok, err = call:echo(true)
if not ok then
  call:log("error", "echo:", err.code, err.message)
  call:play("im-sorry")
  return
end
repeat local key = call:read_key() until key == "#" or key == "*"
call:echo(false)
call:play("demo-echodone")
