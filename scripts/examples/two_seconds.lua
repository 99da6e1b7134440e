-- Answers, plays two seconds of a prompt and hangs up. scripts/bench-calls loads the server with it.
--
--   [[route]]
--   number = "7002"
--   app = "two_seconds"
return function(call)
  call:answer()
  call:play("demo-congrats", { limit_ms = 2000 })
  call:hangup()
end
