/* tandem.stage/1: a node of a session's graph, given by a plugin: one PCM stream in, the same stream out,
 * and notes about what it heard. Detectors, filters, gain controls.
 *
 * Created on [control], processed on exactly one [media] loop at a time, destroyed on [control].
 */
#ifndef TANDEM_STAGE_H
#define TANDEM_STAGE_H

#include "tandem/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TD_STAGE_ID "tandem.stage/1"

typedef struct td_stage td_stage; /* the plugin's own */

/* What a stage noticed. `kind` belongs to the stage: for "dtmf" it is the ASCII digit. */
typedef struct td_stage_note {
  int32_t kind;
  int32_t value;      /* for "dtmf": the digit's level in dBm0 */
  uint32_t at_sample; /* offset into the frame in which it was noticed */
  uint32_t length_ms; /* for "dtmf": how long, 0 when it has just begun */
} td_stage_note;

typedef struct td_stage_type {
  size_t size;
  const char* name;         /* "dtmf" */
  uint32_t latency_samples; /* what it adds, 0 for a detector */

  /* [control] `options` is JSON text. NULL: bad options or out of memory. */
  td_stage* (*create)(uint32_t sample_rate, td_str options)TD_NOEXCEPT;
  void (*destroy)(td_stage*) TD_NOEXCEPT;
  /* [media] Reads and may rewrite `pcm` (mono) in place. Writes up to `capacity` notes, returns how many. */
  uint32_t (*process)(td_stage*, int16_t* pcm, uint32_t samples, td_stage_note* notes,
                      uint32_t capacity) TD_NOEXCEPT;
} td_stage_type;

#ifdef __cplusplus
}
#endif
#endif
