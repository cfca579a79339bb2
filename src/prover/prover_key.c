// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "prover/prover_key.h"

#include "air/closed.h"
#include "base/bigmem.h"
#include "prover/key_cache.h"

static const uint32_t shipped_classes[] = {WHIR_CLASS_FIXED_14, WHIR_CLASS_FIXED_17,
                                           WHIR_CLASS_FIXED_20, WHIR_CLASS_FIXED_23, WHIR_CLASS_26};

// The tallest table that the program fixes.
static unsigned preprocessed_log_height(const prover_key *k)
{
    unsigned most = 0;
    for (uint32_t s = 0; s < k->key.machine->n_slots; s++)
        if (k->key.preprocessed_heights[s] > most)
            most = k->key.preprocessed_heights[s];
    return most;
}

static status layout_preprocessed(prover_key *k, uint32_t test_class)
{
    const machine *m = k->key.machine;
    const uint8_t *heights = k->key.preprocessed_heights;
    size_t n_shipped = sizeof shipped_classes / sizeof *shipped_classes;
    unsigned tallest = preprocessed_log_height(k);
    for (size_t i = 0; i < n_shipped; i++) {
        uint32_t class_id = test_class != 0 ? test_class : shipped_classes[i];
        const whir_params *params = whir_params_any(class_id);
        FAIL_IF(params == NULL, ZK_EINVAL, "parameter class %u does not exist", class_id);
        bool last = test_class != 0 || i + 1 == n_shipped;
        unsigned most = instance_max_log_height(params);
        if (tallest > most) { // too tall for the set, however few cells there are
            FAIL_IF(last, ZK_ELIMIT,
                    "the program is too large: one of its tables has 2^%u rows, the most is 2^%u",
                    tallest, most);
            continue;
        }
        TRY(machine_layout_preprocessed(&k->preprocessed_layout, m, heights, most,
                                        params->log_stack));
        k->key.preprocessed_class = class_id;
        if (k->preprocessed_layout.log_stack == params->log_stack)
            return ZK_OK;
        FAIL_IF(last, ZK_ELIMIT,
                "the program is too large: its preprocessed columns need 2^%u cells, the most is "
                "2^%u",
                k->preprocessed_layout.log_stack, params->log_stack);
    }
    return ZK_OK;
}

static status commit_preprocessed(prover_key *k, const char *cache, pool *threads,
                                  const cancel_flag *cancel)
{
    if (cache != NULL)
        TRY(key_cache_load(&k->from_cache, k, cache, threads, cancel));
    if (k->from_cache)
        return ZK_OK;
    TRY(whir_commit(&k->preprocessed_commitment, whir_params_any(k->key.preprocessed_class),
                    k->key.hash, k->preprocessed, threads, cancel));
    if (cache != NULL)
        key_cache_store(k, cache);
    return ZK_OK;
}

static status fill_preprocessed(prover_key *k, preprocessed_fill fill, void *arg)
{
    const machine *m = k->key.machine;
    const whir_params *params = whir_params_any(k->key.preprocessed_class);
    void *block;
    TRY(bigmem_alloc(&block, (size_t)1 << params->log_stack, sizeof(fe)));
    k->preprocessed = block;
    for (uint32_t s = 0; s < m->n_slots; s++) {
        const chip *c = m->slots[s].c;
        fe *columns[CHIP_MAX_COLUMNS];
        if (c->n_preprocessed == 0)
            continue;
        for (uint32_t j = 0; j < c->n_preprocessed; j++) {
            columns[j] = k->preprocessed + layout_column(&k->preprocessed_layout, s, j);
            k->fixed_columns[m->slots[s].first_column + c->n_committed + j] = columns[j];
        }
        TRY(fill(arg, s, columns, k->key.preprocessed_heights[s]));
    }
    return ZK_OK;
}

static status fill_closed(prover_key *k)
{
    const machine *m = k->key.machine;
    for (uint32_t s = 0; s < m->n_slots; s++)
        k->n_closed_cells += (size_t)m->slots[s].c->n_closed << m->slots[s].c->fixed_log_height;
    void *block;
    TRY(bigmem_alloc(&block, k->n_closed_cells, sizeof(fe)));
    k->closed = block;
    fe *next = k->closed;
    for (uint32_t s = 0; s < m->n_slots; s++) {
        const chip *c = m->slots[s].c;
        for (uint32_t j = c->n_committed + c->n_preprocessed; j < c->n_columns; j++) {
            size_t height = (size_t)1 << c->fixed_log_height;
            closed_fill(next, &c->columns[j].closed, 0, height);
            k->fixed_columns[m->slots[s].first_column + j] = next;
            next += height;
        }
    }
    return ZK_OK;
}

status prover_key_new(prover_key *out, const machine *m, const hash_ops *hash, digest program,
                      const uint8_t *heights, preprocessed_fill fill, void *arg,
                      uint32_t test_class, pool *threads, const cancel_flag *cancel)
{
    return prover_key_new_cached(out, m, hash, program, heights, fill, arg, test_class, NULL,
                                 threads, cancel);
}

status prover_key_new_cached(prover_key *out, const machine *m, const hash_ops *hash,
                             digest program, const uint8_t *heights, preprocessed_fill fill,
                             void *arg, uint32_t test_class, const char *cache_folder,
                             pool *threads, const cancel_flag *cancel)
{
    status result = ZK_OK;
    *out = (prover_key){.key = {.machine = m, .hash = hash, .program = program}};
    bool any = false;
    for (uint32_t s = 0; s < m->n_slots; s++)
        any = any || m->slots[s].c->n_preprocessed > 0;
    if (any) {
        FAIL_OUT_IF(heights == NULL || fill == NULL, ZK_EINVAL,
                    "machine %s has preprocessed columns, but nothing fills them", m->name);
        for (uint32_t s = 0; s < m->n_slots; s++)
            out->key.preprocessed_heights[s] = heights[s];
        TRY_OUT(layout_preprocessed(out, test_class));
        TRY_OUT(fill_preprocessed(out, fill, arg));
        TRY_OUT(commit_preprocessed(out, cache_folder, threads, cancel));
        out->key.preprocessed_root = merkle_root(&out->preprocessed_commitment.tree);
    }
    TRY_OUT(fill_closed(out));
    TRY_OUT(proof_key_seal(&out->key));
out:
    if (result != ZK_OK)
        prover_key_clear(out);
    return result;
}

void prover_key_clear(prover_key *k)
{
    if (k->preprocessed != NULL) {
        const whir_params *params = whir_params_any(k->key.preprocessed_class);
        bigmem_free(k->preprocessed, (size_t)1 << params->log_stack, sizeof(fe));
    }
    whir_clear(&k->preprocessed_commitment);
    bigmem_free(k->closed, k->n_closed_cells, sizeof(fe));
    *k = (prover_key){0};
}
