/* tandem.signaling/1: a way to reach phones, given by a plugin. The Kamailio link is one; a simulated phone
 * company on fake time, in the tests, stands behind the same vocabulary.
 *
 * Commands go in and events come out as JSON objects; docs/signaling.md lists every one with its fields.
 * All of it is [control]. No command waits: what happens is told by events, in order per leg.
 */
#ifndef TANDEM_SIGNALING_H
#define TANDEM_SIGNALING_H

#include "tandem/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TD_SIGNALING_ID "tandem.signaling/1"

typedef void (*td_signal_event_fn)(void* user, td_str json);

typedef struct td_signaling {
  size_t size;
  const char* name; /* "kamailio" */

  /* Called once before any command: where events go. Events may come from inside command(). */
  void (*start)(td_signal_event_fn event, void* user) TD_NOEXCEPT;
  /* TD_INVALID: the command is malformed, nothing happened. Else TD_OK, and the rest is events. */
  int (*command)(td_str json) TD_NOEXCEPT;
  /* Ends every dialog it still can within the grace time, then calls stopped(user). */
  void (*stop)(uint64_t grace_ns, void (*stopped)(void* user), void* user) TD_NOEXCEPT;
} td_signaling;

#ifdef __cplusplus
}
#endif
#endif
