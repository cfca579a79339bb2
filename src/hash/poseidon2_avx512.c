// SPDX-License-Identifier: Apache-2.0 OR MIT
// Poseidon2, 8 states at a time.
#include "hash/hash_constants.h"
#include "hash/hash_tiers.h"
#include "hash/states_avx512.h"

#include <string.h>

enum { GROUPS = 1, SBOX_WAYS = 8 };
#define SCALAR_OPS poseidon2_ops_scalar

#include "hash/poseidon2_kernel.inc"

const hash_ops poseidon2_ops_avx512 = {
    .id = HASH_POSEIDON2,
    .name = "poseidon2",
    .tier = "avx512",
    .permute_many = permute_many,
    .compress_many = compress_many,
    .hash_rows = hash_rows,
};
