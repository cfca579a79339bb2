// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Stands in for transcript/proof_reader.h when the verifier is compiled for recording: words of a
// proof are inputs, requirements are constraints.
#include "hash/hash.h"

typedef struct proof_reader {
    const uint64_t *words;
    size_t n_words;
    size_t position;
    bool ok;
    const char *reason;
} proof_reader;

static inline void proof_reader_refuse(proof_reader *r, const char *reason)
{
    if (r->ok)
        r->reason = reason;
    r->ok = false;
}

static inline fe proof_read_fe(proof_reader *r)
{
    record(RECORD_INPUT, 0);
    uint64_t word = r->position < r->n_words ? r->words[r->position] : FE_P;
    r->position++;
    if (word < FE_P)
        return (fe){word};
    proof_reader_refuse(r, "the proof ends early, or a word is not below p");
    return (fe){0};
}

static inline fe3 proof_read_fe3(proof_reader *r)
{
    fe c0 = proof_read_fe(r), c1 = proof_read_fe(r), c2 = proof_read_fe(r);
    return (fe3){{c0, c1, c2}};
}

static inline digest proof_read_digest(proof_reader *r)
{
    digest d;
    for (int i = 0; i < HASH_DIGEST; i++)
        d.e[i] = proof_read_fe(r);
    return d;
}

static inline void require_equal_fe(proof_reader *r, fe a, fe b, const char *reason)
{
    record(RECORD_REQUIRE, 1);
    if (a.v != b.v)
        proof_reader_refuse(r, reason);
}

static inline void require_equal_fe3(proof_reader *r, fe3 a, fe3 b, const char *reason)
{
    record(RECORD_REQUIRE, 3);
    for (int i = 0; i < 3; i++)
        if (a.c[i].v != b.c[i].v)
            proof_reader_refuse(r, reason);
}

static inline void require_equal_digest(proof_reader *r, digest a, digest b, const char *reason)
{
    if (!digest_equal(a, b))
        proof_reader_refuse(r, reason);
}

static inline void require_nonzero_fe3(proof_reader *r, fe3 a, const char *reason)
{
    record(RECORD_REQUIRE, 5);
    if ((a.c[0].v | a.c[1].v | a.c[2].v) == 0)
        proof_reader_refuse(r, reason);
}

static inline void require_below(proof_reader *r, fe a, unsigned n_bits, const char *reason)
{
    record(RECORD_REQUIRE, 100 + n_bits);
    if (n_bits < 64 && a.v >> n_bits != 0)
        proof_reader_refuse(r, reason);
}
