// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The prover's side of a key: the verifier's key, plus the preprocessed cells with their
// commitment and the cells of closed-form columns.
#include "base/pool.h"
#include "verifier/proof_key.h"
#include "whir/whir.h"

typedef struct prover_key {
    proof_key key;
    machine_layout preprocessed_layout;
    fe *preprocessed; // stack of the preprocessed columns, NULL without
    whir_commitment preprocessed_commitment;
    bool from_cache; // the commitment was in the cache
    fe *closed;      // cells of all closed-form columns of chips of fixed height
    size_t n_closed_cells;
    // Cells of column j of slot s, columns of kind preprocessed and closed; NULL for committed
    // ones.
    const fe *fixed_columns[MACHINE_MAX_COLUMNS]; // by machine-wide column number
} prover_key;

// Writes the preprocessed columns of a slot: columns[j] has 2^log_height zeroed cells, j counts the
// preprocessed columns of the chip.
typedef status (*preprocessed_fill)(void *arg, uint32_t slot, fe *const *columns,
                                    unsigned log_height);

// heights: of the slots with preprocessed columns, 0 elsewhere; may be NULL when there are none.
// program: see proof_key. The smallest class that holds the preprocessed columns is taken
// (test_class != 0: that one). ZK_ELIMIT when none does; ZK_EINVAL, ZK_ENOMEM, ZK_ECANCELED. The
// machine is borrowed.
MUST_CHECK status prover_key_new(prover_key *out, const machine *m, const hash_ops *hash,
                                 digest program, const uint8_t *heights, preprocessed_fill fill,
                                 void *arg, uint32_t test_class, pool *threads,
                                 const cancel_flag *cancel);
// The same with a folder in which the commitment of the preprocessed columns is kept from one
// process to the next (key_cache.h); NULL: none.
MUST_CHECK status prover_key_new_cached(prover_key *out, const machine *m, const hash_ops *hash,
                                        digest program, const uint8_t *heights,
                                        preprocessed_fill fill, void *arg, uint32_t test_class,
                                        const char *cache_folder, pool *threads,
                                        const cancel_flag *cancel);
void prover_key_clear(prover_key *k);
