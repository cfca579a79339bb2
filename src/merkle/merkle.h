// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Merkle trees of arity 4 whose leaves are the rows of a row-major matrix [n_rows][width].
//
// n_rows = 2^log_rows, log_rows <= MERKLE_MAX_LOG_ROWS. Level 0 is the leaves. Levels go up by a
// factor of 4; if log_rows is odd the root has two children, compressed as (left, right, 0, 0).
// Shape (log_rows, width, hash) is never read from a proof: the caller fixes it, and a root means
// something only together with it. Since all leaves lie at the same known depth, and a node is
// named by its path from the root, neither length nor position needs to be hashed.
//
// Two ways to open rows:
//  - a set: each distinct row once, in increasing order, then the sibling digests that cannot be
//    computed from what is known, level by level from the leaves, in increasing node order. This
//    order is canonical: exactly one encoding per set and tree. Smallest; what is hashed depends
//    on the indices.
//  - capped single paths: every row with a path of its own up to a level, the cap, whose nodes are
//    sent once. What is hashed does not depend on the indices: for verifiers that become circuits.
#include "hash/hash.h"

struct pool; // base/pool.h; NULL means the calling thread

enum { MERKLE_MAX_LOG_ROWS = 40, MERKLE_MAX_LEVELS = 1 + (MERKLE_MAX_LOG_ROWS + 1) / 2 };

typedef struct merkle_tree {
    const hash_ops *hash;
    unsigned log_rows;
    bool has_leaves;                        // level 0 present?
    digest *nodes;                          // the kept levels, lowest first, root last
    size_t level_offset[MERKLE_MAX_LEVELS]; // of each level in nodes; meaningful for kept levels
    unsigned n_levels;                      // number of levels including leaves and root
} merkle_tree;

static inline unsigned merkle_levels(unsigned log_rows)
{
    return 1 + (log_rows + 1) / 2;
}

// Does the step from `level` to the one above it join two nodes instead of four?
static inline bool merkle_step_is_binary(unsigned log_rows, unsigned level)
{
    return 2 * level + 1 == log_rows;
}

static inline unsigned merkle_level_log_nodes(unsigned log_rows, unsigned level)
{
    return 2 * level < log_rows ? log_rows - 2 * level : 0;
}

// Builds the tree over rows[n_rows][width]. Allocates; ZK_ENOMEM. The rows are not kept.
MUST_CHECK status merkle_build(merkle_tree *tree, const hash_ops *hash, const fe *rows,
                               unsigned log_rows, size_t width, struct pool *threads);
// As merkle_build from leaf digests already computed (consumed by copy).
MUST_CHECK status merkle_build_from_leaves(merkle_tree *tree, const hash_ops *hash,
                                           const digest *leaves, unsigned log_rows,
                                           struct pool *threads);
// As merkle_build_from_leaves from the nodes of level 1, copied: the tree that merkle_drop_leaves
// leaves of a tree with these nodes. log_rows >= 2.
MUST_CHECK status merkle_build_above(merkle_tree *tree, const hash_ops *hash, const digest *nodes,
                                     unsigned log_rows, struct pool *threads);
void merkle_clear(merkle_tree *tree); // also on a zeroed or cleared tree
digest merkle_root(const merkle_tree *tree);

// Frees level 0. Opening needs it again only at the siblings of opened rows, which are then
// recomputed from the matrix. A tree of one row keeps its only node.
void merkle_drop_leaves(merkle_tree *tree);

// Spill file of the kept levels: header (magic, version, hash id, log_rows, has_leaves, number of
// digests), digests, checksum; all little-endian. The checksum finds every single damaged byte; it
// is no defence against a forger. ZK_EIO. Writing replaces the file; one that failed is removed.
MUST_CHECK status merkle_write(const merkle_tree *tree, const char *path);
// ZK_EPARSE for a file that is damaged or of another hash, ZK_EIO, ZK_ENOMEM. *tree is cleared on
// failure.
MUST_CHECK status merkle_read(merkle_tree *tree, const hash_ops *hash, const char *path);

// Upper bound of the digests in a path set for n_indices indices.
size_t merkle_path_bound(unsigned log_rows, size_t n_indices);

// Writes the sibling digests for the strictly increasing `indices` to path; *n_path is set.
// `rows` is needed (same matrix) when leaves were dropped, else may be NULL. 1 <= n_indices.
// ZK_EINVAL for indices out of order or range or for rows that are needed and missing; ZK_ENOMEM.
MUST_CHECK status merkle_open(const merkle_tree *tree, const fe *rows, size_t width,
                              const uint64_t *indices, size_t n_indices, digest *path,
                              size_t *n_path);

// Checks opened rows against the root. leaf[i] = hash_row of row indices[i]; indices strictly
// increasing and < 2^log_rows. `leaf` and `indices` are used as scratch and destroyed. Returns true
// when the indices are in order, all digests canonical, exactly all path digests are used and the
// root agrees; false for n_indices = 0. No heap, no libc.
bool merkle_verify(const hash_ops *hash, digest root, unsigned log_rows, uint64_t *indices,
                   digest *leaf, size_t n_indices, const digest *path, size_t n_path);

// ---- Capped single paths.

// The level at which a cap for n_queries single paths takes the fewest digests in total; of two
// equal ones the higher. The root's level when n_queries is small.
unsigned merkle_cap_level(unsigned log_rows, size_t n_queries);

// Digests of one path from a leaf up to (not including) the cap: 3 a step, 1 for a binary step.
size_t merkle_path_length(unsigned log_rows, unsigned cap_level);

// The nodes of the cap in order, 2^merkle_level_log_nodes of them; inside the tree. The level must
// be a kept one.
const digest *merkle_cap(const merkle_tree *tree, unsigned cap_level);

// The path of one row: from the leaves up, the siblings of each step in child order;
// merkle_path_length digests. `rows` and errors as in merkle_open.
MUST_CHECK status merkle_open_path(const merkle_tree *tree, const fe *rows, size_t width,
                                   uint64_t index, unsigned cap_level, digest *path);

// The following two are written in the circuit subset (field/fe.h). All digests canonical.

// Root over a cap.
digest merkle_cap_root(const hash_ops *hash, const digest *cap, unsigned log_rows,
                       unsigned cap_level);

// Checks one opened row: leaf = hash_row of it; bits[i] = bit i of its index, i < log_rows, each 0
// or 1; path of merkle_path_length digests.
bool merkle_verify_path(const hash_ops *hash, const digest *cap, unsigned log_rows,
                        unsigned cap_level, digest leaf, const fe *bits, const digest *path);
