// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Merkle trees of arity 4 whose leaves are the rows of a row-major matrix [n_rows][width].
//
// n_rows = 2^log_rows. Levels go up by a factor of 4; if log_rows is odd the top level has two
// children, compressed as (left, right, 0, 0). Shape (log_rows, width, hash) is never read from a
// proof: the caller fixes it, and a root means something only together with it.
//
// Opening of a set of rows: each distinct row once, in increasing order, then the sibling digests
// that cannot be computed from what is known, level by level from the leaves, in increasing node
// order. This order is canonical: exactly one encoding per set and tree.
#include "hash/hash.h"

struct pool; // base/pool.h; NULL means the calling thread

typedef struct merkle_tree {
    const hash_ops *hash;
    unsigned log_rows;
    bool has_leaves;     // level 0 present?
    digest *nodes;       // level 0 (leaf digests) first, then each level up, root last
    size_t level_offset[36]; // of each level in nodes; meaningful for kept levels
    unsigned n_levels;   // number of levels including leaves and root
} merkle_tree;

// Builds the tree over rows[n_rows][width]. Allocates; ZK_ENOMEM. The rows are not kept.
MUST_CHECK status merkle_build(merkle_tree *tree, const hash_ops *hash, const fe *rows,
                               unsigned log_rows, size_t width, struct pool *pool);
// As merkle_build from leaf digests already computed (consumed by copy).
MUST_CHECK status merkle_build_from_leaves(merkle_tree *tree, const hash_ops *hash,
                                           const digest *leaves, unsigned log_rows,
                                           struct pool *pool);
void merkle_clear(merkle_tree *tree);
digest merkle_root(const merkle_tree *tree);

// Frees level 0. Opening needs it again only at the siblings of opened rows, which
// merkle_open recomputes from the matrix.
void merkle_drop_leaves(merkle_tree *tree);

// Spill file of the kept levels: header (magic, version, hash id, log_rows, has_leaves), digests,
// checksum. Reading checks all of them: ZK_EPARSE for a damaged file, ZK_EIO.
MUST_CHECK status merkle_write(const merkle_tree *tree, const char *path);
MUST_CHECK status merkle_read(merkle_tree *tree, const hash_ops *hash, const char *path);

// Upper bound of the digests in a path set for n_indices indices.
size_t merkle_path_bound(unsigned log_rows, size_t n_indices);

// Writes the sibling digests for the strictly increasing `indices` to path; *n_path is set.
// `rows` is needed (same matrix) when leaves were dropped, else may be NULL.
MUST_CHECK status merkle_open(const merkle_tree *tree, const fe *rows, size_t width,
                              const uint64_t *indices, size_t n_indices, digest *path,
                              size_t *n_path);

// Checks opened rows against the root. leaf[i] = hash_row of row indices[i]; indices strictly
// increasing and < 2^log_rows. scratch: n_indices digests + n_indices uint64_t are overwritten
// (`leaf` and `indices` themselves are used as scratch and destroyed). Returns true when exactly
// all path digests are used and the root agrees. No heap, no libc.
bool merkle_verify(const hash_ops *hash, digest root, unsigned log_rows, uint64_t *indices,
                   digest *leaf, size_t n_indices, const digest *path, size_t n_path);
