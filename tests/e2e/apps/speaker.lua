-- Answers and says the prompt "speech" until the caller goes.
return function(call)
  call:answer()
  call:play("speech", { loop = 100 })
end
