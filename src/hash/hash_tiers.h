// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Inside of hash/: the tables of the tiers, and what tiers share. hash_select.c chooses.
#include "hash/hash.h"

extern const hash_ops poseidon_ops_scalar;
extern const hash_ops poseidon_ops_avx2;
extern const hash_ops poseidon_ops_avx512;
extern const hash_ops poseidon2_ops_scalar;
extern const hash_ops poseidon2_ops_avx2;
extern const hash_ops poseidon2_ops_avx512;

// The permutations by their definition (hash_definition.c), for tests.
void poseidon_by_definition(fe s[HASH_WIDTH]);
void poseidon2_by_definition(fe s[HASH_WIDTH]);

// hash_ops.hash_rows over a tier's compress_many: rows are cut into chunks, the digests of the
// chunks of a block of rows are the (shorter) rows of the next level. All scratch is on the stack.
void hash_rows_by_chunks(void (*compress_many)(digest *out, const fe *in, size_t n), digest *out,
                         const fe *in, size_t n, size_t width);
