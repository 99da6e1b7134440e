-- Answers and keeps still: what happens then comes from the API or from the phone.
return function(call)
  call:answer()
  call:sleep(300000)
end
