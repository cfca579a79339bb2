// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "merkle/merkle.h"

#include "base/bigmem.h"
#include "base/pool.h"
#include "merkle/merkle_alloc.h"

#include <stdlib.h>
#include <string.h>

// A block of rows is hashed up to BLOCK_TOP while its digests are in the cache; the levels above,
// 1/64 of the leaves and less, follow level by level. At BLOCK_TOP a block still has 16 nodes: no
// batch is shorter than a vector kernel likes.
enum { BLOCK_ROWS = 1024, BLOCK_TOP = 3, NODE_GRAIN = 64 };

status merkle_allocate(merkle_tree *tree, const hash_ops *hash, unsigned log_rows, bool has_leaves)
{
    ZK_ASSERT(log_rows <= MERKLE_MAX_LOG_ROWS);
    *tree = (merkle_tree){
        .hash = hash,
        .log_rows = log_rows,
        .has_leaves = has_leaves,
        .n_levels = merkle_levels(log_rows),
    };
    size_t n = 0;
    for (unsigned level = has_leaves ? 0 : 1; level < tree->n_levels; level++) {
        tree->level_offset[level] = n;
        n += (size_t)1 << merkle_level_log_nodes(log_rows, level);
    }
    FAIL_IF(bigmem_new(&tree->nodes, n) != ZK_OK, ZK_ENOMEM,
            "no memory for a Merkle tree of 2^%u rows (%zu MiB); choose a smaller instance class",
            log_rows, n * sizeof(digest) >> 20);
    return ZK_OK;
}

size_t merkle_n_nodes(const merkle_tree *tree)
{
    return tree->level_offset[tree->n_levels - 1] + 1;
}

typedef struct build {
    const merkle_tree *tree;
    const fe *rows; // NULL: level 0 is there already
    size_t width;
    unsigned level; // to fill, in fill_nodes
} build;

static void fill_nodes(const build *b, unsigned level, size_t begin, size_t end)
{
    const merkle_tree *t = b->tree;
    t->hash->compress_many(t->nodes + t->level_offset[level] + begin,
                           t->nodes[t->level_offset[level - 1] + 4 * begin].e, end - begin);
}

static void fill_blocks(void *arg, size_t begin, size_t end)
{
    const build *b = arg;
    const merkle_tree *t = b->tree;
    size_t n_rows = (size_t)1 << t->log_rows;
    for (size_t block = begin; block < end; block++) {
        size_t first = block * BLOCK_ROWS;
        size_t last = first + BLOCK_ROWS < n_rows ? first + BLOCK_ROWS : n_rows;
        if (b->rows != NULL)
            t->hash->hash_rows(t->nodes + first, b->rows + first * b->width, last - first,
                               b->width);
        for (unsigned level = 1; level <= BLOCK_TOP && 2 * level <= t->log_rows; level++)
            fill_nodes(b, level, first >> 2 * level, last >> 2 * level);
    }
}

static void fill_level(void *arg, size_t begin, size_t end)
{
    const build *b = arg;
    fill_nodes(b, b->level, begin, end);
}

static void fill_tree(build *b, pool *threads)
{
    const merkle_tree *t = b->tree;
    size_t n_rows = (size_t)1 << t->log_rows;
    pool_for(threads, (n_rows + BLOCK_ROWS - 1) / BLOCK_ROWS, 1, fill_blocks, b);
    for (b->level = BLOCK_TOP + 1; 2 * b->level <= t->log_rows; b->level++)
        pool_for(threads, n_rows >> 2 * b->level, NODE_GRAIN, fill_level, b);
    if (t->log_rows % 2 != 0) {
        const digest *top = t->nodes + t->level_offset[t->n_levels - 2];
        digest children[4] = {top[0], top[1]};
        t->nodes[t->level_offset[t->n_levels - 1]] = hash_node(t->hash, children);
    }
}

status merkle_build(merkle_tree *tree, const hash_ops *hash, const fe *rows, unsigned log_rows,
                    size_t width, pool *threads)
{
    TRY(merkle_allocate(tree, hash, log_rows, true));
    build b = {.tree = tree, .rows = rows, .width = width};
    fill_tree(&b, threads);
    return ZK_OK;
}

status merkle_build_from_leaves(merkle_tree *tree, const hash_ops *hash, const digest *leaves,
                                unsigned log_rows, pool *threads)
{
    TRY(merkle_allocate(tree, hash, log_rows, true));
    memcpy(tree->nodes, leaves, sizeof(digest) << log_rows);
    build b = {.tree = tree};
    fill_tree(&b, threads);
    return ZK_OK;
}

status merkle_build_above(merkle_tree *tree, const hash_ops *hash, const digest *nodes,
                          unsigned log_rows, pool *threads)
{
    ZK_ASSERT(log_rows >= 2);
    merkle_tree upper;
    TRY(merkle_build_from_leaves(&upper, hash, nodes, log_rows - 2, threads));
    // The same digests, each a level higher.
    *tree = (merkle_tree){.hash = hash,
                          .log_rows = log_rows,
                          .nodes = upper.nodes,
                          .n_levels = merkle_levels(log_rows)};
    ZK_ASSERT(tree->n_levels == upper.n_levels + 1);
    memcpy(tree->level_offset + 1, upper.level_offset, upper.n_levels * sizeof(size_t));
    return ZK_OK;
}

void merkle_clear(merkle_tree *tree)
{
    if (tree->nodes != NULL)
        bigmem_free(tree->nodes, merkle_n_nodes(tree), sizeof *tree->nodes);
    *tree = (merkle_tree){0};
}

digest merkle_root(const merkle_tree *tree)
{
    return tree->nodes[tree->level_offset[tree->n_levels - 1]];
}

void merkle_drop_leaves(merkle_tree *tree)
{
    if (!tree->has_leaves || tree->n_levels == 1)
        return;
    size_t n_leaves = tree->level_offset[1];
    size_t n_nodes = merkle_n_nodes(tree), n_rest = n_nodes - n_leaves;
    digest *rest;
    if (bigmem_new(&rest, n_rest) != ZK_OK)
        return; // the tree stays whole: larger than needed, as good
    memcpy(rest, tree->nodes + n_leaves, n_rest * sizeof(digest));
    bigmem_free(tree->nodes, n_nodes, sizeof(digest));
    tree->nodes = rest;
    for (unsigned level = 1; level < tree->n_levels; level++)
        tree->level_offset[level] -= n_leaves;
    tree->has_leaves = false;
}

size_t merkle_path_bound(unsigned log_rows, size_t n_indices)
{
    // k known nodes of a level of N have at most min(3 k, N - k) siblings, largest at k = N / 4.
    size_t bound = 0;
    for (unsigned level = 0; level + 1 < merkle_levels(log_rows); level++) {
        if (merkle_step_is_binary(log_rows, level))
            return bound + 1;
        size_t quarter = (size_t)1 << (merkle_level_log_nodes(log_rows, level) - 2);
        bound += 3 * (n_indices < quarter ? n_indices : quarter);
    }
    return bound;
}

// The children of `parent` (at level + 1). Level 0 comes from the rows when it was dropped.
static void read_children(digest children[4], const merkle_tree *tree, const fe *rows, size_t width,
                          unsigned level, uint64_t parent)
{
    size_t arity = merkle_step_is_binary(tree->log_rows, level) ? 2 : 4;
    if (level == 0 && !tree->has_leaves)
        tree->hash->hash_rows(children, rows + parent * arity * width, arity, width);
    else
        memcpy(children, tree->nodes + tree->level_offset[level] + parent * arity,
               arity * sizeof(digest));
}

static status check_opening(const merkle_tree *tree, const fe *rows, const uint64_t *indices,
                            size_t n_indices)
{
    FAIL_IF(n_indices == 0, ZK_EINVAL, "no row to open; name at least one");
    for (size_t i = 0; i < n_indices; i++) {
        FAIL_IF(indices[i] >> tree->log_rows != 0, ZK_EINVAL,
                "row %llu is not one of the 2^%u of the tree", (unsigned long long)indices[i],
                tree->log_rows);
        FAIL_IF(i > 0 && indices[i - 1] >= indices[i], ZK_EINVAL,
                "rows to open are not in increasing order; sort them and drop repetitions");
    }
    FAIL_IF(!tree->has_leaves && rows == NULL, ZK_EINVAL,
            "the leaves of this tree were dropped; give the rows");
    return ZK_OK;
}

status merkle_open(const merkle_tree *tree, const fe *rows, size_t width, const uint64_t *indices,
                   size_t n_indices, digest *path, size_t *n_path)
{
    TRY(check_opening(tree, rows, indices, n_indices));
    uint64_t *known = malloc(n_indices * sizeof *known);
    FAIL_IF(known == NULL, ZK_ENOMEM, "no memory to open %zu rows", n_indices);
    memcpy(known, indices, n_indices * sizeof *known);

    size_t n = n_indices;
    *n_path = 0;
    for (unsigned level = 0; level + 1 < tree->n_levels; level++) {
        unsigned shift = merkle_step_is_binary(tree->log_rows, level) ? 1 : 2;
        size_t n_parents = 0;
        for (size_t i = 0; i < n;) {
            uint64_t parent = known[i] >> shift;
            digest children[4];
            read_children(children, tree, rows, width, level, parent);
            for (unsigned c = 0; c < 1U << shift; c++) {
                if (i < n && known[i] == (parent << shift) + c)
                    i++;
                else
                    path[(*n_path)++] = children[c];
            }
            known[n_parents++] = parent;
        }
        n = n_parents;
    }
    free(known);
    return ZK_OK;
}

const digest *merkle_cap(const merkle_tree *tree, unsigned cap_level)
{
    ZK_ASSERT(cap_level < tree->n_levels && (cap_level > 0 || tree->has_leaves));
    return tree->nodes + tree->level_offset[cap_level];
}

status merkle_open_path(const merkle_tree *tree, const fe *rows, size_t width, uint64_t index,
                        unsigned cap_level, digest *path)
{
    ZK_ASSERT(cap_level < tree->n_levels);
    TRY(check_opening(tree, rows, &index, 1));
    for (unsigned level = 0; level < cap_level; level++) {
        unsigned shift = merkle_step_is_binary(tree->log_rows, level) ? 1 : 2;
        digest children[4];
        read_children(children, tree, rows, width, level, index >> shift);
        for (unsigned c = 0; c < 1U << shift; c++)
            if (c != (index & ((1U << shift) - 1)))
                *path++ = children[c];
        index >>= shift;
    }
    return ZK_OK;
}
