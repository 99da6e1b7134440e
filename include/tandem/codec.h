/* tandem.codec/1: a codec, given by a plugin (and by the core itself for G.711: no private door).
 * Sources: RFC 3551 (payload types, clock rates), RFC 4566 fmtp.
 *
 * An encoder turns PCM into one RTP payload, a decoder the reverse. Both are created on [control], used on
 * exactly one [media] loop at a time, destroyed on [control]. PCM is int16, interleaved when channels == 2,
 * at `sample_rate`.
 */
#ifndef TANDEM_CODEC_H
#define TANDEM_CODEC_H

#include "tandem/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TD_CODEC_ID "tandem.codec/1"

typedef struct td_encoder td_encoder; /* the plugin's own */
typedef struct td_decoder td_decoder;

typedef struct td_codec {
  size_t size;
  const char* name;         /* encoding name as in a=rtpmap: "PCMU", "G722", "opus" */
  int32_t static_type;      /* RFC 3551 static payload type, or -1 for dynamic */
  uint32_t clock_rate;      /* of the RTP timestamp and of a=rtpmap: G722 says 8000 */
  uint32_t sample_rate;     /* of the PCM: G722 says 16000 */
  uint32_t rtpmap_channels; /* what a=rtpmap says: opus says 2 */
  uint32_t channels;        /* of the PCM */
  uint32_t frame_samples;   /* PCM samples per channel of the smallest encodable unit; ptime is a multiple */
  uint32_t max_payload;     /* bytes, at the largest ptime of 60 ms */
  const char* default_fmtp; /* what we offer in a=fmtp, or "" */

  /* [any] 1 when the two fmtp strings can work together (an empty one means the defaults), else 0. */
  int (*fmtp_compatible)(td_str ours, td_str theirs) TD_NOEXCEPT;

  /* [control] `fmtp` is the peer's, which the encoder must honour. NULL: out of memory or bad fmtp. */
  td_encoder* (*create_encoder)(td_str fmtp)TD_NOEXCEPT;
  void (*destroy_encoder)(td_encoder*) TD_NOEXCEPT;
  /* [media] `samples` per channel, a multiple of frame_samples, at most 60 ms. Bytes written to `out`
   * (capacity at least max_payload), 0 for nothing to send (DTX), below 0 on error. */
  int32_t (*encode)(td_encoder*, const int16_t* pcm, uint32_t samples, uint8_t* out,
                    uint32_t capacity) TD_NOEXCEPT;

  /* [control] `fmtp` is ours, which the peer honours. */
  td_decoder* (*create_decoder)(td_str fmtp)TD_NOEXCEPT;
  void (*destroy_decoder)(td_decoder*) TD_NOEXCEPT;
  /* [media] One payload into PCM. Samples per channel written (at most `capacity` per channel), below 0 when
   * the payload is not one of this codec's: it is then counted and treated as lost. Never trusts `payload`.
   */
  int32_t (*decode)(td_decoder*, const uint8_t* payload, uint32_t bytes, int16_t* pcm,
                    uint32_t capacity) TD_NOEXCEPT;
  /* [media] Makes up `samples` for a lost packet. 0: the codec has no concealment of its own, the host's is
   * used. */
  int32_t (*conceal)(td_decoder*, int16_t* pcm, uint32_t samples) TD_NOEXCEPT;
  /* [any] Duration of a payload in samples per channel at sample_rate, without decoding; below 0 when
   * invalid. */
  int32_t (*payload_samples)(const uint8_t* payload, uint32_t bytes) TD_NOEXCEPT;

  /* From here on since ABI 1.1: a table that ends before is taken as one that has none of it. May be NULL. */

  /* [media] The packet before `next` was lost: makes its last `samples` from the redundancy that `next`
   * carries (in-band FEC). Samples per channel written: all of `samples`, or 0 when there is no redundancy,
   * and then nothing has changed. To be called before `next` itself is decoded. Never trusts `next`. */
  int32_t (*recover)(td_decoder*, const uint8_t* next, uint32_t bytes, int16_t* pcm,
                     uint32_t samples) TD_NOEXCEPT;

  /* [media] A payload that the peer of this encoder sent: what it asks of us (AMR's mode request) holds from
   * the next packet on. Never trusts `payload`. */
  void (*feedback)(td_encoder*, const uint8_t* payload, uint32_t bytes) TD_NOEXCEPT;
  /* [any] What our a=fmtp says in the answer to an offer with `theirs`, given what we would offer. Bytes
   * written to `out`, below 0 on error. NULL: `ours`, whatever they say. */
  int32_t (*answer_fmtp)(td_str ours, td_str theirs, char* out, uint32_t capacity) TD_NOEXCEPT;
  /* [any] 1 when packets that honour `from` may go as they are to a peer that says `to`. NULL:
   * fmtp_compatible decides. */
  int (*relayable)(td_str from, td_str to) TD_NOEXCEPT;
  uint32_t max_ptime_ms; /* the longest packet that we send, 10 to 60; 0: 60 */

  /* From here on since ABI 1.2, as above. */

  /* [any] 1 when the sender says with this payload that it is silent until its next one (SID, DTX): what does
   * not come then is no loss, and conceal() makes the noise of the pause. NULL: never. */
  int (*pauses)(const uint8_t* payload, uint32_t bytes) TD_NOEXCEPT;
  /* [media] Of what `parts` say one after the other: `samples` per channel from the `from`th on, as one
   * payload, without decoding. Bytes written to `out`, 0 when these cannot be cut or joined like this. NULL:
   * never. Never trusts the parts. */
  int32_t (*repacket)(const td_str* parts, uint32_t count, uint32_t from, uint32_t samples, uint8_t* out,
                      uint32_t capacity) TD_NOEXCEPT;
} td_codec;

#ifdef __cplusplus
}
#endif
#endif
