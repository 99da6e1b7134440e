/* tandem.loop/1: the control loop, given by the host: time, timers, work off the loop, and the native loop
 * for libraries that want to run on it. Everything here is [control] unless it says otherwise.
 */
#ifndef TANDEM_LOOP_H
#define TANDEM_LOOP_H

#include "tandem/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TD_LOOP_ID "tandem.loop/1"

enum { TD_READABLE = 1, TD_WRITABLE = 2 };

typedef struct td_loop {
  size_t size;
  const td_host* host;

  /* Monotonic nanoseconds, and UTC microseconds since 1970. On a counted clock in tests. */
  uint64_t (*now_ns)(const struct td_loop*) TD_NOEXCEPT;
  uint64_t (*wall_us)(const struct td_loop*) TD_NOEXCEPT;

  /* Calls fire(user) once after delay_ns. Never 0. */
  uint64_t (*timer_start)(const struct td_loop*, uint64_t delay_ns, void (*fire)(void* user),
                          void* user) TD_NOEXCEPT;
  /* Unknown, fired and zero ids are ignored. */
  void (*timer_cancel)(const struct td_loop*, uint64_t id) TD_NOEXCEPT;

  /* Runs work(user) on a pool thread [io], then done(user) on [control]. One `lane` above 0 runs its items
   * one after the other, in order (a database connection is a lane); lane 0 runs them side by side.
   * TD_EXHAUSTED when the queue is full: neither is called then. */
  int (*work)(const struct td_loop*, uint32_t lane, void (*work)(void* user), void (*done)(void* user),
              void* user) TD_NOEXCEPT;

  /* [any] Runs fn(user) on [control] soon. TD_EXHAUSTED when the queue is full. */
  int (*post)(const struct td_loop*, void (*fn)(void* user), void* user) TD_NOEXCEPT;

  /* Calls ready(user, events) whenever `fd` is ready for one of `events` (TD_READABLE, TD_WRITABLE). The fd
   * stays the caller's; unwatch before closing it. Returns an id, never 0. Not on a counted clock. */
  uint64_t (*watch)(const struct td_loop*, int fd, int events, void (*ready)(void* user, int events),
                    void* user) TD_NOEXCEPT;
  void (*watch_change)(const struct td_loop*, uint64_t id, int events) TD_NOEXCEPT;
  void (*unwatch)(const struct td_loop*, uint64_t id) TD_NOEXCEPT;

  /* The native loop (a uv_loop_t*), for libraries with a libuv integration of their own; NULL on a counted
   * clock. Whoever puts handles on it closes them before deactivate returns. */
  void* (*native)(const struct td_loop*)TD_NOEXCEPT;
} td_loop;

#ifdef __cplusplus
}
#endif
#endif
