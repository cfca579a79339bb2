// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The algebraic hash, reached through one table of batched operations. Nothing outside hash/
// knows a permutation; a hash id is part of every key and header.
//
// A permutation P acts on 16 field elements. Two modes:
//  - compression 16 -> 4 with feed-forward: hash_compress(x) = trunc4(P(x) + x). Used for tree
//    nodes (four digests to one) and for the chunks of a Merkle leaf. Without the feed-forward it
//    would be invertible: there is no capacity.
//  - duplex sponge, rate 12 (elements 0..11), capacity 4 (elements 12..15): transcript and
//    byte strings.
#include "field/fe.h"

enum { HASH_WIDTH = 16, HASH_RATE = 12, HASH_DIGEST = 4, HASH_ARITY = 4 };
enum { HASH_MAX_ROW_WIDTH = 4096 };

typedef enum hash_id {
    HASH_POSEIDON = 1,  // the original of 2019 (eprint 2019/458), x^7, 8 full + 22 partial rounds
    HASH_POSEIDON2 = 2, // eprint 2023/323, x^7, 8 full + 22 partial rounds
} hash_id;

typedef struct digest {
    fe e[HASH_DIGEST];
} digest;

static inline bool digest_equal(digest a, digest b)
{
    return ((a.e[0] ^ b.e[0]) | (a.e[1] ^ b.e[1]) | (a.e[2] ^ b.e[2]) | (a.e[3] ^ b.e[3])) == 0;
}

static inline digest digest_select(fe bit, digest if_one, digest if_zero)
{
    digest d;
    for (unsigned i = 0; i < HASH_DIGEST; i++)
        d.e[i] = fe_select(bit, if_one.e[i], if_zero.e[i]);
    return d;
}

// Batched operations; all buffers canonical, all may be called from any thread.
typedef struct hash_ops {
    hash_id id;
    const char *name; // "poseidon", "poseidon2"
    const char *tier; // "scalar", "avx2", "avx512"

    // states[i * 16 .. +15] := P(states[i]), i < n, in place.
    void (*permute_many)(fe *states, size_t n);

    // out[i] := compression of in[i * 16 .. +15], i < n. out may be the start of in.
    void (*compress_many)(digest *out, const fe *in, size_t n);

    // Leaves: out[i] := leaf digest of the row in[i * width .. +width-1], i < n.
    // 1 <= width <= HASH_MAX_ROW_WIDTH. A row is cut into chunks of 16 (the last one padded with
    // zeros); each chunk is compressed to 4 elements; the digests of the chunks are the row of the
    // next level, until one digest is left. A row of up to 16 elements is one compression. The
    // width is fixed by the caller's parameters and therefore known to whoever verifies: no length
    // is encoded, so digests of rows of different widths must never be compared.
    void (*hash_rows)(digest *out, const fe *in, size_t n, size_t width);
} hash_ops;

// The table for `id` on this machine's best tier (honours ZISK_CPU); NULL for an unknown id.
const hash_ops *hash_get(hash_id id);

// Single-shot helpers over the table.
void hash_permute(const hash_ops *ops, fe state[HASH_WIDTH]);
digest hash_compress(const hash_ops *ops, const fe in[HASH_WIDTH]);
digest hash_node(const hash_ops *ops, const digest children[HASH_ARITY]);
digest hash_row(const hash_ops *ops, const fe *row, size_t width);

// Sponge over a byte string of any length: padded with 0x01 and zeros to a multiple of 7 bytes
// (so that every element is < 2^56 and the padding is unambiguous), 7 bytes little-endian an
// element, rate 12, the number of bytes in capacity element 12 of the initial state and the domain
// separator `domain` in capacity element 13.
digest hash_bytes(const hash_ops *ops, uint64_t domain, const void *data, size_t n_bytes);

// The same over field elements: element count in state 12, domain in state 13, 1 in state 14.
digest hash_elements(const hash_ops *ops, uint64_t domain, const fe *data, size_t n);
