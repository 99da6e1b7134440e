/* The plugin ABI's ground: strings, results, the one entry point, and interfaces fetched by id.
 *
 *   host ──tandem_plugin_NAME()──► td_plugin ──activate(host)──► the plugin asks the host for what it needs:
 *                                                                 host->interface(host, "tandem.loop/1")
 *   host ──plugin->interface("tandem.codec/1")──► what the plugin gives
 *
 * Rules: `size` comes first in each struct and structs grow only at their end; a changed meaning is a new id
 * ("/2"). Nothing of the C++ library, no exception and no ownership crosses: who allocates frees. What is
 * passed by pointer is borrowed until the call returns, unless its comment says otherwise.
 * Thread words: [control] the control loop; [media] any one media loop, where nothing may allocate, lock or
 * wait; [io] a pool thread; [any].
 * The same source builds into the binary and as a module tandem_NAME.so. C++ authors use sdk.hpp.
 */
#ifndef TANDEM_ABI_H
#define TANDEM_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define TD_NOEXCEPT noexcept
#else
#define TD_NOEXCEPT
#endif

#define TD_ABI_MAJOR 1
#define TD_ABI_MINOR 3

/* Text or bytes, not terminated. {NULL, 0} is empty. */
typedef struct td_str {
  const char* data;
  size_t size;
} td_str;

/* Results of ABI calls; 0 and above is success. */
enum {
  TD_OK = 0,
  TD_INVALID = -1,
  TD_NOT_FOUND = -2,
  TD_CONFLICT = -3,
  TD_DENIED = -4,
  TD_EXHAUSTED = -5,
  TD_UNAVAILABLE = -6,
  TD_TIMEOUT = -7,
  TD_UNSUPPORTED = -8,
  TD_INTERNAL = -9
};

enum { TD_LOG_DEBUG = 0, TD_LOG_INFO = 1, TD_LOG_WARN = 2, TD_LOG_ERROR = 3 };

/* What the host is to one plugin. Lives from activate to the return of deactivate. */
typedef struct td_host {
  size_t size;
  uint32_t abi_major;
  uint32_t abi_minor;

  /* [any] A host interface by id ("tandem.loop/1"), or NULL. The pointer lives as long as the host. */
  const void* (*interface)(const struct td_host* host, const char* id)TD_NOEXCEPT;

  /* [control] The plugin's own section of the configuration, [plugin.NAME], as JSON text; "{}" when absent.
   * Lives as long as the host. */
  td_str (*config)(const struct td_host* host) TD_NOEXCEPT;

  /* [control] [io] One log line under the plugin's name. Never pass a secret. */
  void (*log)(const struct td_host* host, int level, td_str line) TD_NOEXCEPT;
} td_host;

/* What a plugin is. A static table in the plugin. */
typedef struct td_plugin {
  size_t size;
  uint32_t abi_major; /* TD_ABI_MAJOR it was built against: another major is refused with both named */
  uint32_t abi_minor;
  const char* name; /* its folder's name */
  const char* version;
  const char* licence; /* SPDX */

  /* [control] Called once before anything else. Below 0: the plugin is left out, with `error` (a static or
   * plugin-owned string, set by the plugin) in the log. */
  int (*activate)(const td_host* host, const char** error) TD_NOEXCEPT;

  /* [control] Called once, last, after every object of the plugin was destroyed. */
  void (*deactivate)(void) TD_NOEXCEPT;

  /* [control & active] What the plugin gives, by id ("tandem.codec/1"), or NULL. `index` counts from 0 for
   * several of the same kind; NULL ends the count. */
  const void* (*interface)(const char* id, uint32_t index)TD_NOEXCEPT;
} td_plugin;

/* The one exported symbol of plugin NAME is `const td_plugin* tandem_plugin_NAME(void)`. */
typedef const td_plugin* (*td_entry)(void);

#ifdef __cplusplus
}
#endif
#endif
