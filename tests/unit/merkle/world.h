// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// A matrix with its tree, for the tests of merkle/.
#include "unit/test.h"

#include "merkle/merkle.h"

typedef struct world {
    const hash_ops *hash;
    unsigned log_rows;
    size_t n_rows, width;
    fe *rows;
    merkle_tree tree;
} world;

static inline world world_new(hash_id id, unsigned log_rows, size_t width, struct pool *threads)
{
    world w = {hash_get(id), log_rows, (size_t)1 << log_rows, width, NULL, {0}};
    test_rng rng = test_rng_new(1000 * log_rows + width);
    w.rows = malloc(w.n_rows * width * sizeof(fe));
    for (size_t i = 0; i < w.n_rows * width; i++)
        w.rows[i] = fe_from_u64(test_rng_u64(&rng));
    assert_int_equal(merkle_build(&w.tree, w.hash, w.rows, log_rows, width, threads), ZK_OK);
    return w;
}

static inline void world_clear(world *w)
{
    merkle_clear(&w->tree);
    free(w->rows);
}

static inline digest world_leaf(const world *w, uint64_t row)
{
    return hash_row(w->hash, w->rows + row * w->width, w->width);
}

// The root by its definition, level by level, one node at a time.
static inline digest world_root_by_definition(const world *w)
{
    digest *level = malloc(w->n_rows * sizeof *level);
    for (size_t i = 0; i < w->n_rows; i++)
        level[i] = world_leaf(w, i);
    for (size_t n = w->n_rows; n > 1;) {
        size_t arity = n == 2 ? 2 : 4;
        for (size_t i = 0; i < n / arity; i++) {
            digest children[4] = {{{0}}};
            memcpy(children, level + i * arity, arity * sizeof(digest));
            level[i] = hash_node(w->hash, children);
        }
        n /= arity;
    }
    digest root = level[0];
    free(level);
    return root;
}
