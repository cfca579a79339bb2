// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Inside of merkle/: what building and reading back share.
#include "merkle/merkle.h"

// A tree with room for its kept levels, unfilled. Without leaves, log_rows >= 1. ZK_ENOMEM.
MUST_CHECK status merkle_allocate(merkle_tree *tree, const hash_ops *hash, unsigned log_rows,
                                  bool has_leaves);

// Digests in the kept levels.
size_t merkle_n_nodes(const merkle_tree *tree);
