/* tandem.api/1: the command table and the events, given by the host. It is the same JSON that operators and
 * programs use: a transport (HTTP, WebSocket) carries it, the Lua host calls it, a store plugin adds to it.
 *
 *   invoke("call.hangup", {"call":"call-…"}) ──► command table ──► result or error, later or at once
 *   subscribe({"call":"call-…"})  ◄── events {"seq":17,"event":"call.answered",…}
 *
 * All of it is [control]. JSON is UTF-8 text; borrowed until the call or callback returns.
 */
#ifndef TANDEM_API_H
#define TANDEM_API_H

#include "tandem/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TD_API_ID "tandem.api/1"

/* Who asks. Commands check it: a tenant sees only what it owns. */
typedef struct td_caller {
  size_t size;
  td_str tenant; /* empty: the operator, who sees all */
  int32_t role;  /* TD_ROLE_* */
} td_caller;

enum {
  TD_ROLE_PUBLIC = 0,  /* the token's holder, over the network */
  TD_ROLE_INTERNAL = 1 /* a plugin or script of ours: may call internal commands too */
};

/* The answer of a command. code: TD_OK with `json` the result, else below 0 with `json` the error object
 * {"code":"not_found","message":…}. */
typedef void (*td_reply_fn)(void* user, int code, td_str json);

/* One event, as a JSON object text. */
typedef void (*td_event_fn)(void* user, td_str json);

/* A command's body, in a plugin. It answers through api->reply(request, …) exactly once, now or later. */
typedef struct td_request td_request; /* the host's own; lives until replied */
typedef void (*td_command_fn)(void* user, td_request* request, const td_caller* caller, td_str params);

/* The present value of one figure. */
typedef double (*td_figure_fn)(void* user);

typedef struct td_api {
  size_t size;
  const td_host* host;

  /* Runs one command. `reply` is called exactly once, possibly before invoke returns. */
  void (*invoke)(const struct td_api*, const td_caller* caller, td_str method, td_str params,
                 td_reply_fn reply, void* user) TD_NOEXCEPT;

  /* Handles one JSON-RPC 2.0 text (a request, a notification or a batch) from a peer and replies with the
   * JSON-RPC answer text (empty for a notification). Malformed text is answered with -32700 or -32600. */
  void (*rpc)(const struct td_api*, const td_caller* caller, td_str text, td_reply_fn reply,
              void* user) TD_NOEXCEPT;

  /* Every event that matches `filter` ({} all; {"leg":…}, {"call":…}, {"events":["call.*"]}, {"since":SEQ} to
   * replay). Returns the subscription's id, or below 0: TD_NOT_FOUND when `since` is older than what is kept.
   */
  int64_t (*subscribe)(const struct td_api*, const td_caller* caller, td_str filter, td_event_fn event,
                       void* user) TD_NOEXCEPT;
  void (*unsubscribe)(const struct td_api*, int64_t id) TD_NOEXCEPT;

  /* Adds a command to the table. `description` is a JSON object:
   * {"summary":…,"params":{schema},"result":{schema}, "access":"public"|"internal"}. TD_CONFLICT when the
   * name is taken. */
  int (*provide)(const struct td_api*, td_str method, td_str description, td_command_fn command,
                 void* user) TD_NOEXCEPT;
  void (*reply)(const struct td_api*, td_request* request, int code, td_str json) TD_NOEXCEPT;

  /* Publishes an event: gets a sequence number and goes to whom it matches. `json` is an object with at least
   * {"event":"mailbox.changed","tenant":…}. */
  void (*publish)(const struct td_api*, td_str json) TD_NOEXCEPT;

  /* Prometheus text of everything counted. Replied at once. */
  void (*metrics)(const struct td_api*, td_reply_fn reply, void* user) TD_NOEXCEPT;

  /* Since ABI 1.3. Shows a figure of the plugin's own at /metrics, as tandem_<plugin>_<name>: a counter when
   * the name ends in _total, as Prometheus's naming guide asks, else a gauge. `help` is one line. `figure` is
   * called whenever /metrics is asked for, until the plugin is deactivated. TD_INVALID when the name is not
   * of a to z, 0 to 9 and _, TD_CONFLICT when the plugin has it already. */
  int (*measure)(const struct td_api*, td_str name, td_str help, td_figure_fn figure, void* user) TD_NOEXCEPT;
} td_api;

#ifdef __cplusplus
}
#endif
#endif
