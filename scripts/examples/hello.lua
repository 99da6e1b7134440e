-- The smallest call script: answers, plays a prompt, hangs up.
call:answer()
call:play("hello-world")
call:hangup()
