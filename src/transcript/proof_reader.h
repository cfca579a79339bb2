// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Reading a proof: a sequence of little-endian 64-bit words, each a canonical field element unless
// said otherwise. Part of the circuit subset (field/fe.h): the reader hands out values in order, a
// failed requirement or a malformed word marks the whole proof refused, and reading goes on with
// zeros, so that control flow never depends on the data. The caller looks at `ok` once, at the
// end, together with proof_reader_finished: trailing words are refused too.
#include "hash/hash.h"

typedef struct proof_reader {
    const uint64_t *words;
    size_t n_words;
    size_t position;
    bool ok;
    const char *reason; // of the first refusal; a constant string, NULL while ok
} proof_reader;

static inline proof_reader proof_reader_open(const uint64_t *words, size_t n_words)
{
    return (proof_reader){.words = words, .n_words = n_words, .position = 0, .ok = true};
}

static inline void proof_reader_refuse(proof_reader *r, const char *reason)
{
    if (r->ok)
        r->reason = reason;
    r->ok = false;
}

static inline bool proof_reader_finished(const proof_reader *r)
{
    return r->position == r->n_words;
}

static inline fe proof_read_fe(proof_reader *r)
{
    if (r->position >= r->n_words) {
        proof_reader_refuse(r, "the proof ends early");
        return 0;
    }
    uint64_t element = r->words[r->position++];
    if (!fe_is_canonical(element)) {
        proof_reader_refuse(r, "a word of the proof is not below p");
        return 0;
    }
    return element;
}

static inline fe3 proof_read_fe3(proof_reader *r)
{
    fe c0 = proof_read_fe(r), c1 = proof_read_fe(r), c2 = proof_read_fe(r);
    return (fe3){{c0, c1, c2}};
}

static inline digest proof_read_digest(proof_reader *r)
{
    fe e0 = proof_read_fe(r), e1 = proof_read_fe(r), e2 = proof_read_fe(r), e3 = proof_read_fe(r);
    return (digest){{e0, e1, e2, e3}};
}

// Requirements: in the circuit these are equality constraints.
static inline void require_equal_fe(proof_reader *r, fe a, fe b, const char *reason)
{
    if (a != b)
        proof_reader_refuse(r, reason);
}

static inline void require_equal_fe3(proof_reader *r, fe3 a, fe3 b, const char *reason)
{
    if (!fe3_equal(a, b))
        proof_reader_refuse(r, reason);
}

static inline void require_equal_digest(proof_reader *r, digest a, digest b, const char *reason)
{
    if (!digest_equal(a, b))
        proof_reader_refuse(r, reason);
}

static inline void require_nonzero_fe3(proof_reader *r, fe3 a, const char *reason)
{
    if (fe3_is_zero(a))
        proof_reader_refuse(r, reason);
}

// a < 2^n_bits
static inline void require_below(proof_reader *r, fe a, unsigned n_bits, const char *reason)
{
    if (n_bits < 64 && a >> n_bits != 0)
        proof_reader_refuse(r, reason);
}
