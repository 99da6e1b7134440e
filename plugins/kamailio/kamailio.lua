-- Kamailio's routing script for Tandem (KEMI). What comes from the wire becomes a JSON event on the link, what
-- comes over the link becomes a reply or a request. No call is remembered here.
--
--   SIP request ─► checks, digest ─► t_newtran + t_suspend ─► {"ev":"request",…} ─► Tandem
--   SIP reply to a request of ours ─► {"ev":"reply",…} | {"ev":"timeout",…} ─► Tandem
--   Tandem ─► {"method":"uac.send"|"tm.reply"|"tm.cancel"|…} ─► SIP, answered by a JSON-RPC result
--
-- Every worker process has its own Lua state; the evapi functions below run in one dispatcher process.
local REALM = "@REALM@"
local TOKEN = "@TOKEN@"
local FLOOD = @FLOOD_ON@
local TRUSTED = { @TRUSTED@ }
local CJSON_CPATH = "@LUA_CPATH@"
local TAKES_CALLS, ENDS_CALLS = 1, 2 -- $shv(ready); 0: there is no Tandem

package.cpath = package.cpath .. ";" .. CJSON_CPATH
local cjson = require "cjson"
local pv = KSR.pv

-- Text that JSON can carry: valid UTF-8 stays, anything else is taken for latin1.
local function utf8ok(s)
  if not s:find("[\128-\255]") then return s end
  local i, n = 1, #s
  while i <= n do
    local c = s:byte(i)
    local l = c < 0x80 and 1 or c < 0xC2 and 0 or c < 0xE0 and 2 or c < 0xF0 and 3 or c < 0xF5 and 4 or 0
    if l == 0 or i + l - 1 > n then l = 0 end
    for k = 1, l - 1 do
      local d = s:byte(i + k)
      if d < 0x80 or d > 0xBF or (k == 1 and ((c == 0xE0 and d < 0xA0) or (c == 0xED and d > 0x9F)
          or (c == 0xF0 and d < 0x90) or (c == 0xF4 and d > 0x8F))) then l = 0 break end
    end
    if l == 0 then
      return (s:gsub("[\128-\255]", function(ch)
        local b = ch:byte()
        return string.char(0xC0 + math.floor(b / 64), 0x80 + b % 64)
      end))
    end
    i = i + l
  end
  return s
end

local function g(name)
  local v = pv.get(name)
  if type(v) == "string" then return utf8ok(v) end
  return v
end

local function emit(t) KSR.evapi.relay_unicast(cjson.encode(t), "tandem") end

local function source() return (g("$proto") or "udp") .. ":" .. (g("$si") or "") .. ":" .. tostring(g("$sp")) end

-- What every message event has.
local function base(ev)
  local t = { ev = ev, method = g("$rm"), call_id = g("$ci"), cseq = tonumber(g("$cs")), from_tag = g("$ft"),
    to_tag = g("$tt"), from = g("$hdr(From)"), to = g("$hdr(To)"), contact = g("$hdr(Contact)"),
    contact_uri = g("$sel(contact.uri)"), src = source(), sock = g("$Ru") }
  local h, rr = {}, nil
  KSR.textopsx.hf_iterator_start("i1")
  while KSR.textopsx.hf_iterator_next("i1") > 0 do
    local name, body = utf8ok(pv.get("$hfitname(i1)") or ""), utf8ok(pv.get("$hfitbody(i1)") or "")
    local n = name:lower()
    if n == "record-route" then rr = rr and (rr .. "," .. body) or body end
    -- credentials never leave Kamailio
    if n ~= "authorization" and n ~= "proxy-authorization" then h[#h + 1] = { name, body } end
  end
  KSR.textopsx.hf_iterator_end("i1")
  t.rr = rr
  if #h > 0 then t.hdrs = h end
  local b = pv.get("$rb")
  if b and #b > 0 then
    t.ctype = g("$cT")
    t.body = utf8ok(b)
  end
  return t
end

local function trusted()
  local ip = pv.get("$si")
  for _, net in ipairs(TRUSTED) do
    if KSR.ipops.is_in_subnet(ip, net) > 0 then return true end
  end
  return false
end

-- True: the digest holds and $au is who they are. False: an answer was sent.
local function digest()
  local user = pv.get("$au")
  if not user then
    KSR.auth.auth_challenge(REALM, 1)
    return false
  end
  local v = pv.get("$sht(users=>" .. user .. ")")
  local ha1 = v and v:match("^%d+:(%x+)$")
  -- an unknown user is checked against a value that no password gives, so that both answers look alike
  local ok = KSR.auth.pv_auth_check(REALM, ha1 or "0", 1, 0)
  if ok > 0 and ha1 then return true end
  if ok == -4 or ok == -5 or ok == -6 then -- stale nonce, other realm, nonce used up: ask again
    KSR.auth.auth_challenge(REALM, 1)
    return false
  end
  emit({ ev = "auth_failed", method = g("$rm"), user = utf8ok(user), src = source() })
  KSR.sl.sl_send_reply(403, "Forbidden")
  return false
end

local function unavailable()
  KSR.hdr.append_to_reply("Retry-After: 2\r\n")
  KSR.sl.sl_send_reply(503, "No media server")
  return 1
end

local function on_ack()
  local t = base("ack")
  if KSR.tm.t_lookup_request() > 0 then t.ack_of = tonumber(pv.get("$T_reply_code")) end
  if not t.ack_of or t.ack_of < 300 then emit(t) end -- before t_check_trans, which may end the script
  KSR.tm.t_check_trans()
  return 1
end

local function on_cancel()
  if KSR.tm.t_check_trans() > 0 then
    emit(base("cancel"))
    KSR.tm.t_relay() -- answers 200 to the CANCEL and 487 to the INVITE
  else
    KSR.sl.sl_send_reply(481, "Call/Transaction Does Not Exist")
  end
  return 1
end

local function on_register()
  if pv.get("$shv(users)") ~= 1 then return unavailable() end
  if not digest() then return 1 end
  if pv.get("$au") ~= pv.get("$tU") then
    KSR.sl.sl_send_reply(403, "Not your address of record")
    return 1
  end
  if KSR.nathelper.nat_uac_test(83) > 0 then
    KSR.nathelper.fix_nated_register()
    KSR.setbflag(6)
  end
  if KSR.registrar.save("location", 0) < 0 then
    KSR.sl.sl_reply_error()
    return 1
  end
  local t = base("register")
  t.auth_user = g("$au")
  t.expires = tonumber(pv.get("$hdr(Expires)") or "")
  emit(t)
  return 1
end

function ksr_request_route()
  local m = pv.get("$rm")
  if FLOOD and KSR.pike.pike_check_req() < 0 then return 1 end
  if KSR.maxfwd.process_maxfwd(70) < 0 then
    KSR.sl.sl_send_reply(483, "Too Many Hops")
    return 1
  end
  if KSR.sanity.sanity_check(17895, 7) < 0 then return 1 end
  KSR.force_rport()
  if m == "ACK" then return on_ack() end
  if m == "CANCEL" then return on_cancel() end
  if KSR.tm.t_check_trans() == 0 then return 1 end
  if m == "REGISTER" then return on_register() end
  local in_dialog = pv.get("$tt") ~= nil
  if m == "OPTIONS" and not in_dialog then
    if pv.get("$shv(ready)") ~= TAKES_CALLS then return unavailable() end
    KSR.hdr.append_to_reply("Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, REFER, NOTIFY, MESSAGE, SUBSCRIBE\r\n")
    KSR.hdr.append_to_reply("Accept: application/sdp\r\nSupported: timer, replaces\r\n")
    KSR.sl.sl_send_reply(200, "OK")
    return 1
  end
  local ready = pv.get("$shv(ready)")
  if ready ~= TAKES_CALLS and not (in_dialog and ready == ENDS_CALLS) then return unavailable() end
  local user
  if not in_dialog and (m == "INVITE" or m == "MESSAGE" or m == "SUBSCRIBE" or m == "REFER" or m == "PUBLISH") then
    if not trusted() then
      if pv.get("$shv(users)") ~= 1 then return unavailable() end
      if not digest() then return 1 end
      user = g("$au")
    end
  end
  if KSR.tm.t_newtran() < 0 then
    KSR.sl.sl_reply_error()
    return 1
  end
  if m == "INVITE" then
    KSR.tm.t_set_fr(3600000, 3600000) -- Tandem decides how long a call rings
    KSR.tm.t_set_max_lifetime(3600000, 3600000)
  else
    KSR.tm.t_set_fr(20000, 20000)
  end
  local t = base("request")
  t.ruri = g("$ru")
  t.auth_user = user
  if KSR.nathelper.nat_uac_test(83) > 0 then t.nat = true end
  KSR.tmx.t_suspend()
  t.tid = pv.get("$T(id_index)") .. ":" .. pv.get("$T(id_label)")
  emit(t)
  return 1
end

-- ---- replies to what Tandem sent
function ksr_reply_local()
  local code = tonumber(pv.get("$rs"))
  if code == 100 then return 1 end
  local t = base("reply")
  t.code = code
  t.reason = g("$rr")
  emit(t)
  return 1
end

-- A 200 to an INVITE whose transaction is gone (it came late, or Kamailio was restarted): Tandem ends that call.
function ksr_reply_route()
  if pv.get("$rm") == "INVITE" and tonumber(pv.get("$rs")) >= 200 and tonumber(pv.get("$rs")) < 300
      and pv.get("$shv(ready)") ~= 0 and KSR.tm.t_check_trans() < 0 then
    local t = base("reply")
    t.code = tonumber(pv.get("$rs"))
    t.reason = g("$rr")
    emit(t)
  end
  return 1
end

function ksr_failure_local()
  if KSR.tm.t_branch_timeout() > 0 or KSR.tm.t_branch_replied() < 0 then
    emit({ ev = "timeout", method = g("$rm"), call_id = g("$ci"), cseq = tonumber(g("$cs")), from_tag = g("$ft"),
      code = tonumber(pv.get("$T_reply_code")) or 408 })
  end
  return 1
end

function ksr_tm_event(name)
  if name ~= "tm:local-request" then return 1 end
  KSR.tm.t_on_reply("ksr_reply_local")
  KSR.tm.t_on_failure("ksr_failure_local")
  if pv.get("$rm") == "INVITE" then
    KSR.tm.t_set_fr(3600000, 6000)
    KSR.tm.t_set_max_lifetime(3600000, 0)
  end
  local fn = pv.get("$hdr(X-Tandem-From-Name)") -- t_uac_send drops display names
  if fn then
    KSR.textops.remove_hf("X-Tandem-From-Name")
    pv.sets("$fn", '"' .. fn .. '"')
  end
  return 1
end

-- ---- the link
local boot -- another value after each start of Kamailio
local known = {} -- connections that said hello with the right token

local function answer(id, result, code, message)
  local t = { jsonrpc = "2.0", id = id }
  if code then t.error = { code = code, message = message } else t.result = result end
  KSR.evapi.relay_unicast(cjson.encode(t), "tandem")
end

local command = {}

command["tandem.hello"] = function(c)
  boot = boot or (os.time() .. "-" .. tostring(pv.get("$pp") or 0))
  answer(c.id, { boot = boot, version = pv.get("$version(num)") or "", protocol = 1 })
end

-- Takes calls from now on.
command["tandem.ready"] = function(c)
  pv.seti("$shv(ready)", TAKES_CALLS)
  pv.seti("$shv(conn)", pv.get("$evapi(conidx)"))
  answer(c.id, {})
end

-- Takes no new calls any more: Tandem ends those that live and goes.
command["tandem.leaving"] = function(c)
  if pv.get("$shv(conn)") == pv.get("$evapi(conidx)") then pv.seti("$shv(ready)", ENDS_CALLS) end
  answer(c.id, {})
end

-- params {generation, users = [[name, ha1], …]}: adds to the set of this generation.
command["tandem.users"] = function(c)
  for _, u in ipairs(c.params.users) do
    if u[1]:match("^[%w%.%-_%+%*#]+$") then
      pv.sets("$sht(users=>" .. u[1] .. ")", c.params.generation .. ":" .. u[2])
    end
  end
  answer(c.id, {})
end

-- params {generation}: whoever is of another generation is gone.
command["tandem.users_done"] = function(c)
  local gone, want = {}, "^" .. c.params.generation .. ":"
  if KSR.htable.sht_iterator_start("it", "users") > 0 then
    while KSR.htable.sht_iterator_next("it") > 0 do
      local v = pv.get("$shtitval(it)")
      if type(v) ~= "string" or not v:match(want) then gone[#gone + 1] = pv.get("$shtitkey(it)") end
    end
    KSR.htable.sht_iterator_end("it")
  end
  for _, k in ipairs(gone) do KSR.htable.sht_rm("users", k) end
  pv.seti("$shv(users)", 1)
  answer(c.id, { removed = #gone })
end

command["uac.send"] = function(c)
  local p = c.params
  local r = KSR.tm.t_uac_send(p.method, p.ruri, p.nexthop or ".", p.socket or ".", p.hdrs or "", p.body or "")
  if r > 0 then answer(c.id, {}) else answer(c.id, nil, 500, "send failed") end
end

local function on_frame()
  local raw = pv.get("$evapi(msg)")
  local conn = pv.get("$evapi(conidx)")
  local ok, c = pcall(cjson.decode, raw)
  if not ok or type(c) ~= "table" or type(c.method) ~= "string" then
    KSR.err("tandem: broken frame on the link\n")
    return 1
  end
  if not known[conn] then
    if c.method ~= "tandem.hello" or type(c.params) ~= "table" or c.params.token ~= TOKEN then
      KSR.err("tandem: a client of the link did not say hello with the right token: closed\n")
      KSR.evapi.close()
      return 1
    end
    known[conn] = true
    KSR.evapi.set_tag("tandem")
  end
  local run = command[c.method]
  if run then
    local good, why = pcall(run, c)
    if not good then answer(c.id, nil, 400, tostring(why)) end
  else
    KSR.jsonrpcs.exec(raw)
    KSR.evapi.relay_unicast(pv.get("$jsonrpl(body)"), "tandem")
  end
  return 1
end

function ksr_evapi(name)
  if name == "evapi:connection-new" then
    known[pv.get("$evapi(conidx)")] = nil
    KSR.evapi.set_tag("stranger")
  elseif name == "evapi:connection-closed" then
    local conn = pv.get("$evapi(conidx)")
    known[conn] = nil
    if pv.get("$shv(conn)") == conn then pv.seti("$shv(ready)", 0) end
  else
    return on_frame()
  end
  return 1
end

function ksr_xhttp_event(name)
  if (pv.get("$hdr(Upgrade)") or ""):lower() == "websocket" then
    KSR.websocket.handle_handshake()
  else
    KSR.xhttp.xhttp_reply(404, "Not Found", "text/plain", "SIP over WebSocket only\n")
  end
  return 1
end
