-- Asks for a number and reads it back until the caller is content.
call:answer()
for _ = 1, 3 do
  local number = call:gather{ prompt = { "vm-enter-num-to-call", "vm-then-pound" }, min = 3, max = 15, tries = 2,
    bad_input = "pbx-invalid" }
  if not number then break end
  call:play("you-entered")
  call:say_digits(number)
  if call:gather{ max = 1, prompt = "if-correct-press", first_digit_ms = 4000 } == "1" then
    call:log("info", "callback wanted at", number)
    call:play("goodbye")
    break
  end
end
call:hangup()
