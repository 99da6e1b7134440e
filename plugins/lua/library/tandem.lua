---@meta tandem
-- Annotations for LuaLS: what call scripts see. docs/scripts.md explains it. Never run.

---@class TandemError
---@field code "invalid"|"not_found"|"conflict"|"denied"|"exhausted"|"unavailable"|"timeout"|"unsupported"|"internal"|"hangup"|string
---@field message string
---@field digits? string what was pressed (gather)

---@class TandemEvent
---@field event string
---@field leg string
---@field call string
---@field tenant string
---@field [string] any

---@class TandemRecording
---@field recording string
---@field path string
---@field duration_ms integer
---@field reason "finish"|"silence"|"limit"|"stopped"|"leg_closed"|string
---@field key? string

---@class TandemHangup
---@field cause string
---@field q850 integer
---@field by "remote"|"local"|"timer"|"link"
---@field code integer
---@field recording? TandemRecording

---@class TandemDialResult
---@field status "answered"|"busy"|"no-answer"|"failed"|"cancelled"|"unavailable"
---@field q850 integer
---@field code integer
---@field peer? string
---@field reason? "peer_hangup"|"split"|"transfer"
---@field duration_ms? integer

---@class TandemPlayOptions
---@field files? string|string[]
---@field tone? string
---@field country? string
---@field loop? boolean
---@field offset_ms? integer
---@field limit_ms? integer
---@field gain_db? integer

---@class TandemGatherOptions
---@field prompt? string|string[]
---@field say? string
---@field voice? string
---@field min? integer
---@field max? integer
---@field finish? string
---@field first_digit_ms? integer
---@field timeout_ms? integer
---@field inter_digit_ms? integer
---@field barge_in? boolean
---@field tries? integer
---@field bad_input? string|string[]
---@field no_input? string|string[]
---@field valid? string|fun(digits: string): boolean
---@field flush? boolean

---@class TandemRecordOptions
---@field name? string
---@field max_ms? integer
---@field silence_ms? integer
---@field finish? string
---@field beep? boolean
---@field stereo? boolean
---@field heard? boolean

---@class TandemTarget
---@field to string
---@field delay_ms? integer
---@field headers? string[][]
---@field srtp? "off"|"accept"|"optional"|"required"
---@field codecs? string[]
---@field codec_order? "theirs"|"ours"
---@field ptime_ms? integer
---@field comfort_noise? "off"|"accept"|"offer"|"send"

---@class TandemDialOptions
---@field targets string|TandemTarget|(string|TandemTarget)[]
---@field timeout_s? integer
---@field early_media? boolean
---@field caller? {user: string, name?: string}
---@field ringback? string
---@field on_answer? fun(peer: string)
---@field on_progress? fun(event: TandemEvent)
---@field cancel_key? string

---@class TandemCall
---@field id string
---@field leg string
---@field tenant string
---@field app string
---@field direction string
---@field from string
---@field from_name string
---@field to string
---@field dialed string
---@field auth_user string
---@field args table<string, any>
local Call = {}

---@return true? ok, TandemError? err
function Call:answer() end
---@param options? {early?: boolean}
---@return true? ok, TandemError? err
function Call:ring(options) end
--- Ends the script.
---@param code? integer SIP code, 486
---@param reason? string
---@return nil, TandemError err
function Call:reject(code, reason) end
--- Ends the script.
---@param cause? integer|string Q.850 number or name, 16
function Call:hangup(cause) end
---@param what string|string[]|TandemPlayOptions
---@param options? TandemPlayOptions
---@return string? reason, integer|TandemError played_ms
function Call:play(what, options) end
---@param what string|string[]|TandemPlayOptions
---@param options? TandemPlayOptions
---@return string? playback, TandemError? err
function Call:start_play(what, options) end
---@return true? ok, TandemError? err
function Call:stop_play() end
---@param text string
---@param options? {voice?: string}
---@return string? reason, integer|TandemError played_ms
function Call:say(text, options) end
---@param name string
---@param options? {country?: string, limit_ms?: integer, gain_db?: number}
---@return string? reason, integer|TandemError played_ms
function Call:tone(name, options) end
---@param text string|integer
---@return string? reason, TandemError? err
function Call:say_digits(text) end
---@param n integer
---@return string? reason, TandemError? err
function Call:say_number(n) end
---@param seconds number
---@return string? reason, TandemError? err
function Call:say_time(seconds) end
---@param options? TandemGatherOptions
---@return string? digits, "max"|"finish"|"timeout"|TandemError reason
function Call:gather(options) end
---@param timeout_ms? integer
---@return string? key, TandemError? err
function Call:read_key(timeout_ms) end
---@return integer count
function Call:flush_digits() end
---@param digits string
---@param options? {duration_ms?: integer, gap_ms?: integer}
---@return true? ok, TandemError? err
function Call:send_digits(digits, options) end
---@param options? TandemRecordOptions
---@return TandemRecording? recording, TandemError? err
function Call:record(options) end
---@param options? {name?: string, stereo?: boolean, heard?: boolean, limit_ms?: integer}
---@return {recording: string, path: string}? started, TandemError? err
function Call:start_recording(options) end
---@param recording string|table
---@return TandemRecording? recording, TandemError? err
function Call:stop_recording(recording) end
---@param recording string|table
---@return true? ok, TandemError? err
function Call:pause_recording(recording) end
---@param recording string|table
---@return true? ok, TandemError? err
function Call:resume_recording(recording) end
---@param options string|TandemDialOptions
---@return TandemDialResult? result, TandemError? err
function Call:dial(options) end
---@param leg string
---@return string? reason, TandemError? err
function Call:bridge(leg) end
--- Ends the script, unless it is refused.
---@param to string
---@return nil, TandemError err
function Call:transfer(to) end
--- Ends the script, unless it is refused.
---@param app string
---@param args? table
---@return nil, TandemError err
function Call:run(app, args) end
---@param to string
---@param timeout_ms? integer
---@return true? ok, integer|TandemError code
function Call:refer(to, timeout_ms) end
---@return true? ok, TandemError? err
function Call:hold() end
---@return true? ok, TandemError? err
function Call:unhold() end
---@param on boolean
---@return true? ok, TandemError? err
function Call:echo(on) end
---@param ms number
---@return true
function Call:sleep(ms) end
---@param events string|string[]
---@param timeout_ms? number
---@return TandemEvent? event, TandemError? err
function Call:wait(events, timeout_ms) end
---@param level "debug"|"info"|"warn"|"error"
---@param ... any
function Call:log(level, ...) end
---@param handler? fun(info: TandemHangup)
function Call:on_hangup(handler) end

---@type TandemCall
call = nil

---@class tandemlib
---@field json {encode: (fun(value: any): string?, string?), decode: (fun(text: string): any, string?)}
tandem = {}

---@return number seconds since 1970, UTC
function tandem.time() end
---@param seconds? number
---@return {year: integer, month: integer, day: integer, hour: integer, min: integer, sec: integer, wday: integer, yday: integer}
function tandem.date(seconds) end
---@param name string
---@return any
function tandem.setting(name) end
---@param method string
---@param params? table
---@return table? result, TandemError? err
function tandem.invoke(method, params) end
---@param n integer
---@return string[]
function tandem.number_prompts(n) end
---@param seconds number
---@return string[]
function tandem.time_prompts(seconds) end

---@class TandemBoard
---@field name string
local Board = {}
--- Stands on the board until leave() or the script's end; again: replaces the data.
---@param data? table
---@return true? ok, TandemError? err
function Board:join(data) end
function Board:leave() end
---@return integer? id the own member's
function Board:id() end
---@param id integer
---@return boolean
function Board:has(id) end
---@param filter? table fields that must be the same
---@return integer
function Board:ahead(filter) end
---@param filter? table
---@return integer
function Board:count(filter) end
---@param filter? table
---@return {id: integer, call: string, leg: string, age_ms: integer, data: table}[]
function Board:list(filter) end
---@param key string
---@return any
function Board:get(key) end
---@param key string
---@param value any nil takes it away
---@return true? ok, TandemError? err
function Board:set(key, value) end
---@param prefix? string
---@return table<string, any>
function Board:facts(prefix) end
---@return integer
function Board:version() end
---@param version integer
---@param timeout_ms? number
---@return "changed"|"key"|"played"? why
function Board:wait(version, timeout_ms) end

---@param name string
---@return TandemBoard? board, TandemError? err
function tandem.board(name) end
--- An event of the app's own: "APP.…".
---@param event string
---@param fields? table
---@return true? ok, TandemError? err
function tandem.publish(event, fields) end
