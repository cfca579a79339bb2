// SPDX-License-Identifier: Apache-2.0 OR MIT
// A Merkle opening that was changed in any way is refused. The first byte chooses the tree, the
// next eight the rows; the rest changes the words of the opening, three bytes a change: which word,
// which bit, and whether the number of path digests changes.
#include "merkle/merkle.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_LOG_ROWS = 5, MAX_ROWS = 1 << MAX_LOG_ROWS, MAX_PATH = 40 };

typedef struct opening {
    digest root;
    uint64_t indices[MAX_ROWS];
    digest leaf[MAX_ROWS], path[MAX_PATH];
    uint64_t n_path;
} opening;

static bool accepts(opening o, unsigned log_rows, size_t n) // by value: it is used up
{
    return o.n_path <= MAX_PATH && merkle_verify(hash_get(HASH_POSEIDON2), o.root, log_rows,
                                                 o.indices, o.leaf, n, o.path, o.n_path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t rows;
    if (size < 1 + sizeof rows)
        return 0;
    unsigned log_rows = data[0] % (MAX_LOG_ROWS + 1);
    memcpy(&rows, data + 1, sizeof rows);

    digest leaves[MAX_ROWS] = {{{0}}};
    for (size_t i = 0; i < MAX_ROWS; i++)
        leaves[i].e[i % 4] = i + 1;
    merkle_tree tree;
    opening good = {0};
    size_t n = 0, n_path;
    for (uint64_t i = 0; i < 1ULL << log_rows; i++)
        if (rows >> i & 1 || (i == 0 && rows == 0)) {
            good.indices[n] = i;
            good.leaf[n++] = leaves[i];
        }
    if (n == 0)
        return 0;
    if (merkle_build_from_leaves(&tree, hash_get(HASH_POSEIDON2), leaves, log_rows, NULL) !=
            ZK_OK ||
        merkle_open(&tree, NULL, 1, good.indices, n, good.path, &n_path) != ZK_OK)
        abort();
    good.root = merkle_root(&tree);
    good.n_path = n_path;
    merkle_clear(&tree);
    if (n_path > merkle_path_bound(log_rows, n) || !accepts(good, log_rows, n))
        abort();

    // Words in use: what lies behind the ends of the arrays says nothing.
    opening bad = good;
    for (size_t at = 1 + sizeof rows; at + 3 <= size; at += 3) {
        uint64_t bit = 1ULL << (data[at + 1] % 64), which = data[at];
        uint64_t *words[4] = {bad.root.e, bad.indices, bad.leaf[0].e, bad.path[0].e};
        size_t lengths[4] = {4, n, 4 * n, 4 * n_path};
        if (lengths[which % 4] != 0)
            words[which % 4][which / 4 % lengths[which % 4]] ^= bit;
        if (data[at + 2] % 8 == 0)
            bad.n_path = data[at + 2] / 8;
    }
    // The only row of a tree is its root: the same change to both is an honest opening.
    bool canonical = true;
    for (int k = 0; k < HASH_DIGEST; k++)
        canonical = canonical && fe_is_canonical(bad.root.e[k]);
    if (log_rows == 0 && canonical && digest_equal(bad.root, bad.leaf[0]))
        good.root = good.leaf[0] = bad.root;
    bool changed = memcmp(&good, &bad, sizeof good) != 0;
    if (accepts(bad, log_rows, n) == changed)
        abort();
    return 0;
}
