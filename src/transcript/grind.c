// SPDX-License-Identifier: Apache-2.0 OR MIT
// The parts of a transcript that compute on values: indices as numbers, proof of work.
#include "base/pool.h"
#include "transcript/transcript.h"

#include <string.h>

enum { MAX_BITS = 32, LOG_MAX_NONCE = 40, BATCH = 64 };
static const uint64_t max_nonce = 1ULL << LOG_MAX_NONCE;

void transcript_squeeze_indices(transcript *t, unsigned log_bound, uint64_t *indices, size_t n)
{
    ZK_VERIFY(log_bound <= 32);
    for (size_t i = 0; i < n; i++)
        indices[i] = transcript_squeeze_fe(t) & ((1ULL << log_bound) - 1);
}

bool transcript_check_nonce(transcript *t, unsigned bits, uint64_t nonce)
{
    ZK_ASSERT(bits <= MAX_BITS);
    bool valid = nonce < (bits == 0 ? 1 : max_nonce);
    fe low[MAX_BITS];
    transcript_nonce_bits(t, valid ? nonce : 0, bits, low);
    for (unsigned i = 0; i < bits; i++)
        valid &= low[i] == 0;
    return valid;
}

// One window of nonces, searched by several threads. `found` only decreases; when all ranges are
// done it is the smallest valid nonce of the window, whoever came first.
typedef struct search {
    const hash_ops *hash;
    fe input[HASH_WIDTH]; // of the permutation that gives the tested element, nonce missing
    unsigned nonce_position;
    unsigned bits;
    uint64_t first; // nonce of index 0
    atomic_uint_least64_t found;
} search;

static void search_range(void *arg, size_t begin, size_t end)
{
    search *s = arg;
    _Alignas(64) fe states[BATCH * HASH_WIDTH];
    for (size_t at = begin; at < end; at += BATCH) {
        size_t n = end - at < BATCH ? end - at : BATCH;
        uint64_t first = s->first + at;
        if (first > atomic_load_explicit(&s->found, memory_order_relaxed))
            return;
        for (size_t i = 0; i < n; i++) {
            memcpy(states + i * HASH_WIDTH, s->input, sizeof s->input);
            states[i * HASH_WIDTH + s->nonce_position] = first + i;
        }
        s->hash->permute_many(states, n);
        for (size_t i = 0; i < n; i++) {
            if ((states[i * HASH_WIDTH] & ((1ULL << s->bits) - 1)) != 0)
                continue;
            uint64_t best = atomic_load_explicit(&s->found, memory_order_relaxed);
            while (first + i < best &&
                   !atomic_compare_exchange_weak_explicit(
                       &s->found, &best, first + i, memory_order_relaxed, memory_order_relaxed))
                ;
            return;
        }
    }
}

status transcript_grind(transcript *t, unsigned bits, pool *threads, uint64_t *nonce)
{
    FAIL_IF(bits > MAX_BITS, ZK_EINVAL, "%u bits of grinding asked for; at most %d are possible",
            bits, MAX_BITS);
    // Absorbing a marker in place of the nonce shows where the nonce is written; the last step
    // before the permutation of the squeeze is repeated here by hand.
    transcript probe = *t;
    const fe zero = 0;
    transcript_absorb_fe(&probe, LABEL_NONCE, &zero, 1);
    search s = {
        .hash = t->hash,
        .nonce_position = probe.position - 1,
        .bits = bits,
    };
    memcpy(s.input, probe.state, sizeof s.input);
    memset(s.input + probe.position, 0, (HASH_RATE - probe.position) * sizeof(fe));
    s.input[HASH_RATE] = fe_add(s.input[HASH_RATE], 1);
    atomic_init(&s.found, max_nonce);

    // Windows grow to 2^20 nonces, so that few bits cost little and many keep all threads busy.
    for (size_t window = 1024; s.first < max_nonce; s.first += window) {
        if (window < (size_t)1 << 20 && s.first > 0)
            window *= 2;
        window = window < max_nonce - s.first ? window : (size_t)(max_nonce - s.first);
        pool_for(threads, window, BATCH, search_range, &s);
        uint64_t found = atomic_load(&s.found);
        if (found < max_nonce) {
            *nonce = found;
            bool valid = transcript_check_nonce(t, bits, found);
            FAIL_IF(!valid, ZK_EINTERNAL, "grinding found nonce %llu, which does not check",
                    (unsigned long long)found);
            return ZK_OK;
        }
    }
    FAIL(ZK_ELIMIT, "no nonce below 2^%d gives %u zero bits", LOG_MAX_NONCE, bits);
}
