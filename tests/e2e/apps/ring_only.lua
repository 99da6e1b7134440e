-- Rings the phone whose number follows the 7 for three seconds; nobody's voicemail answers instead.
return function(call)
  local result = call:dial({ targets = call.dialed:sub(2), timeout_s = 3 })
  if not result or result.status ~= "answered" then call:hangup(result and result.q850 or 38) end
end
