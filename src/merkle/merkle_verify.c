// SPDX-License-Identifier: Apache-2.0 OR MIT
// The checking half: no heap, no libc.
#include "merkle/merkle.h"

static digest digest_zero(void)
{
    digest d;
    for (unsigned i = 0; i < HASH_DIGEST; i++)
        d.e[i] = fe_const(0);
    return d;
}

static bool digest_is_canonical(digest d)
{
    return fe_is_canonical(d.e[0]) && fe_is_canonical(d.e[1]) && fe_is_canonical(d.e[2]) &&
           fe_is_canonical(d.e[3]);
}

bool merkle_verify(const hash_ops *hash, digest root, unsigned log_rows, uint64_t *indices,
                   digest *leaf, size_t n_indices, const digest *path, size_t n_path)
{
    if (n_indices == 0 || log_rows > MERKLE_MAX_LOG_ROWS || indices[n_indices - 1] >> log_rows != 0)
        return false;
    for (size_t i = 0; i < n_indices; i++)
        if (!digest_is_canonical(leaf[i]) || (i > 0 && indices[i - 1] >= indices[i]))
            return false;
    for (size_t i = 0; i < n_path; i++)
        if (!digest_is_canonical(path[i]))
            return false;

    size_t used = 0, n = n_indices;
    for (unsigned level = 0; level + 1 < merkle_levels(log_rows); level++) {
        unsigned shift = merkle_step_is_binary(log_rows, level) ? 1 : 2;
        size_t n_parents = 0;
        for (size_t i = 0; i < n;) {
            uint64_t parent = indices[i] >> shift;
            digest children[4] = {digest_zero(), digest_zero(), digest_zero(), digest_zero()};
            for (unsigned c = 0; c < 1U << shift; c++) {
                if (i < n && indices[i] == (parent << shift) + c)
                    children[c] = leaf[i++];
                else if (used < n_path)
                    children[c] = path[used++];
                else
                    return false;
            }
            // At least one child was consumed, so n_parents < i: nothing unread is overwritten.
            leaf[n_parents] = hash_node(hash, children);
            indices[n_parents++] = parent;
        }
        n = n_parents;
    }
    return used == n_path && digest_equal(leaf[0], root);
}

size_t merkle_path_length(unsigned log_rows, unsigned cap_level)
{
    size_t n = 0;
    for (unsigned level = 0; level < cap_level; level++)
        n += merkle_step_is_binary(log_rows, level) ? 1 : 3;
    return n;
}

unsigned merkle_cap_level(unsigned log_rows, size_t n_queries)
{
    unsigned best = merkle_levels(log_rows) - 1;
    size_t best_size = SIZE_MAX;
    for (unsigned level = merkle_levels(log_rows); level-- > 0;) {
        size_t size = ((size_t)1 << merkle_level_log_nodes(log_rows, level)) +
                      n_queries * merkle_path_length(log_rows, level);
        if (size < best_size) {
            best = level;
            best_size = size;
        }
    }
    return best;
}

// ---- Circuit subset from here on.

// The node that the bits name, low bit first. Nodes come in one by one and meet as the carries of
// a binary counter do: pending[k] is the choice among the last complete 2^k of them.
static digest select_node(const digest *nodes, unsigned log_nodes, const fe *bits)
{
    digest pending[MERKLE_MAX_LOG_ROWS + 1];
    for (size_t i = 0; i < (size_t)1 << log_nodes; i++) {
        digest d = nodes[i];
        unsigned k = 0;
        for (; i >> k & 1; k++)
            d = digest_select(bits[k], d, pending[k]);
        pending[k] = d;
    }
    return pending[log_nodes];
}

digest merkle_cap_root(const hash_ops *hash, const digest *cap, unsigned log_rows,
                       unsigned cap_level)
{
    // As in select_node, with carries of the tree's arity.
    digest pending[MERKLE_MAX_LEVELS][4];
    unsigned n_pending[MERKLE_MAX_LEVELS] = {0};
    unsigned top = merkle_levels(log_rows) - 1;
    for (size_t i = 0; i < (size_t)1 << merkle_level_log_nodes(log_rows, cap_level); i++) {
        digest d = cap[i];
        unsigned level = cap_level;
        for (; level < top; level++) {
            unsigned arity = merkle_step_is_binary(log_rows, level) ? 2 : 4;
            pending[level][n_pending[level]++] = d;
            if (n_pending[level] < arity)
                break;
            for (unsigned c = arity; c < 4; c++)
                pending[level][c] = digest_zero();
            d = hash_node(hash, pending[level]);
            n_pending[level] = 0;
        }
        if (level == top)
            pending[top][0] = d;
    }
    return pending[top][0];
}

// x at place b = b0 + 2 b1 among its siblings s[0..2]. The pair that x falls into, (0, 1) or
// (2, 3), is x and one sibling in an order given by b0; b1 says which pair.
static void place_child(digest children[4], digest x, const digest s[3], fe b0, fe b1)
{
    digest partner = digest_select(b1, s[2], s[0]);
    digest low = digest_select(b0, partner, x);
    digest high = digest_select(b0, x, partner);
    children[0] = digest_select(b1, s[0], low);
    children[1] = digest_select(b1, s[1], high);
    children[2] = digest_select(b1, low, s[1]);
    children[3] = digest_select(b1, high, s[2]);
}

bool merkle_verify_path(const hash_ops *hash, const digest *cap, unsigned log_rows,
                        unsigned cap_level, digest leaf, const fe *bits, const digest *path)
{
    for (unsigned level = 0; level < cap_level; level++) {
        digest children[4];
        if (merkle_step_is_binary(log_rows, level)) {
            children[0] = digest_select(*bits, *path, leaf);
            children[1] = digest_select(*bits, leaf, *path);
            children[2] = children[3] = digest_zero();
            bits += 1;
            path += 1;
        } else {
            place_child(children, leaf, path, bits[0], bits[1]);
            bits += 2;
            path += 3;
        }
        leaf = hash_node(hash, children);
    }
    return digest_equal(leaf, select_node(cap, merkle_level_log_nodes(log_rows, cap_level), bits));
}
