// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "wrapped_transcript.h"

uint32_t dropped_labels;
squeeze_log squeezed;
static transcript_label last_label;

static bool dropped(transcript_label label)
{
    last_label = label;
    return dropped_labels >> label & 1;
}

#define WRAP_ABSORB(name, ...)                                                                     \
    void __real_##name(transcript *t, transcript_label label, __VA_ARGS__);                        \
    void __wrap_##name(transcript *t, transcript_label label, __VA_ARGS__);                        \
    void __wrap_##name(transcript *t, transcript_label label, __VA_ARGS__)

WRAP_ABSORB(transcript_absorb_fe, const fe *data, size_t n)
{
    if (!dropped(label))
        __real_transcript_absorb_fe(t, label, data, n);
}

WRAP_ABSORB(transcript_absorb_fe3, const fe3 *data, size_t n)
{
    if (!dropped(label))
        __real_transcript_absorb_fe3(t, label, data, n);
}

WRAP_ABSORB(transcript_absorb_digest, digest d)
{
    if (!dropped(label))
        __real_transcript_absorb_digest(t, label, d);
}

WRAP_ABSORB(transcript_absorb_u64, uint64_t value)
{
    if (!dropped(label))
        __real_transcript_absorb_u64(t, label, value);
}

fe3 __real_transcript_squeeze_fe3(transcript *t);
fe3 __wrap_transcript_squeeze_fe3(transcript *t);
fe3 __wrap_transcript_squeeze_fe3(transcript *t)
{
    fe3 value = __real_transcript_squeeze_fe3(t);
    if (squeezed.n < MAX_SQUEEZED) {
        squeezed.value[squeezed.n] = value;
        squeezed.after[squeezed.n++] = last_label;
    }
    return value;
}

void __real_transcript_nonce_bits(transcript *t, fe nonce, unsigned n_bits, fe *bits);
void __wrap_transcript_nonce_bits(transcript *t, fe nonce, unsigned n_bits, fe *bits);
void __wrap_transcript_nonce_bits(transcript *t, fe nonce, unsigned n_bits, fe *bits)
{
    if (dropped(LABEL_NONCE))
        transcript_squeeze_index_bits(t, n_bits, bits);
    else
        __real_transcript_nonce_bits(t, nonce, n_bits, bits);
}

// Where nonces are forgotten, no search helps: the work shows by luck or not at all.
status __real_transcript_grind(transcript *t, unsigned bits, struct pool *threads, uint64_t *nonce);
status __wrap_transcript_grind(transcript *t, unsigned bits, struct pool *threads, uint64_t *nonce);
status __wrap_transcript_grind(transcript *t, unsigned bits, struct pool *threads, uint64_t *nonce)
{
    fe low[64];
    if (!dropped(LABEL_NONCE))
        return __real_transcript_grind(t, bits, threads, nonce);
    *nonce = 0;
    transcript_nonce_bits(t, 0, bits, low);
    return ZK_OK;
}
