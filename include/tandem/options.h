/* tandem.options/1: what a plugin says about its section [plugin.NAME] of the configuration without being
 * activated, so that `tandem check` names each wrong key with file and line before anything starts.
 *
 *   host ──check(section)──► plugin ──wrong(key, expected, found)──► host        once for each mistake
 *
 * Given through td_plugin.interface, which for this id may be called before activate. A plugin that gives
 * none has its section checked when it starts. Thread: [control].
 */
#ifndef TANDEM_OPTIONS_H
#define TANDEM_OPTIONS_H

#include "tandem/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TD_OPTIONS_ID "tandem.options/1"

/* `key` within the section ("port"); empty: the section itself. `found` never repeats a secret. The texts are
 * borrowed until the call returns. */
typedef void (*td_wrong_option_fn)(void* user, td_str key, td_str expected, td_str found);

typedef struct td_options {
  size_t size;
  /* `section`: JSON as td_host.config gives it. Asks only whether the values can be right: opens no file and
   * no socket, changes nothing. What it lets pass may still be refused by activate, for what the machine has.
   */
  void (*check)(td_str section, td_wrong_option_fn wrong, void* user) TD_NOEXCEPT;
} td_options;

#ifdef __cplusplus
}
#endif
#endif
