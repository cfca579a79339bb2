// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Stands in for hash/hash.h when the verifier is compiled for recording.
#include "field/fe.h"

enum { HASH_WIDTH = 16, HASH_RATE = 12, HASH_DIGEST = 4, HASH_ARITY = 4 };

typedef enum hash_id { HASH_POSEIDON = 1, HASH_POSEIDON2 = 2 } hash_id;

typedef struct digest {
    fe e[HASH_DIGEST];
} digest;

// Layout of the real table: its functions are called through it.
typedef struct hash_ops {
    hash_id id;
    const char *name, *tier;
    void (*permute_many)(fe *states, size_t n);
    void (*compress_many)(digest *out, const fe *in, size_t n);
    void (*hash_rows)(digest *out, const fe *in, size_t n, size_t width);
} hash_ops;

// For requirements only: what comes of it decides about nothing but acceptance.
bool digest_equal(digest a, digest b);

static inline digest digest_select(fe bit, digest if_one, digest if_zero)
{
    digest d;
    for (unsigned i = 0; i < HASH_DIGEST; i++)
        d.e[i] = fe_select(bit, if_one.e[i], if_zero.e[i]);
    return d;
}

void hash_permute(const hash_ops *ops, fe state[HASH_WIDTH]);
digest hash_compress(const hash_ops *ops, const fe in[HASH_WIDTH]);
digest hash_node(const hash_ops *ops, const digest children[HASH_ARITY]);
digest hash_row(const hash_ops *ops, const fe *row, size_t width);
