-- Answers and says the prompt "speech" until the caller goes.
return function(call)
  call:answer()
  local reason, err = call:play("speech", { loop = true })
  if not reason then call:log("error", "speaker:", err.code, err.message) end
end
