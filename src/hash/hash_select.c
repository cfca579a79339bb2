// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "hash/hash_tiers.h"

const hash_ops *hash_get(hash_id id)
{
    switch (id) {
    case HASH_POSEIDON:
        return &poseidon_ops_scalar;
    case HASH_POSEIDON2:
        return &poseidon2_ops_scalar;
    }
    return NULL;
}
