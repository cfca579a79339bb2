// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "base/cpu.h"
#include "hash/hash_tiers.h"

const hash_ops *hash_get(hash_id id)
{
    static const hash_ops *const poseidon[CPU_TIER_COUNT] = {
        [CPU_SCALAR] = &poseidon_ops_scalar,
        [CPU_AVX2] = &poseidon_ops_avx2,
        [CPU_AVX512] = &poseidon_ops_avx512,
    };
    static const hash_ops *const poseidon2[CPU_TIER_COUNT] = {
        [CPU_SCALAR] = &poseidon2_ops_scalar,
        [CPU_AVX2] = &poseidon2_ops_avx2,
        [CPU_AVX512] = &poseidon2_ops_avx512,
    };
    switch (id) {
    case HASH_POSEIDON:
        return poseidon[cpu_tier_current()];
    case HASH_POSEIDON2:
        return poseidon2[cpu_tier_current()];
    }
    return NULL;
}
