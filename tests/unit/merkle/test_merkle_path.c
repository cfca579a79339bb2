// SPDX-License-Identifier: Apache-2.0 OR MIT
// Capped single paths.
#include "world.h"

enum { MAX_PATH = 3 * MERKLE_MAX_LEVELS };

typedef struct single {
    digest cap[1024];
    digest leaf;
    fe bits[MERKLE_MAX_LOG_ROWS];
    digest path[MAX_PATH];
} single;

static single open_single(const world *w, uint64_t index, unsigned cap_level)
{
    single s = {.leaf = world_leaf(w, index)};
    memcpy(s.cap, merkle_cap(&w->tree, cap_level),
           sizeof(digest) << merkle_level_log_nodes(w->log_rows, cap_level));
    fe_to_bits(s.bits, index, w->log_rows);
    assert_int_equal(merkle_open_path(&w->tree, w->rows, w->width, index, cap_level, s.path),
                     ZK_OK);
    return s;
}

static bool accepts(const world *w, unsigned cap_level, const single *s)
{
    return merkle_verify_path(w->hash, s->cap, w->log_rows, cap_level, s->leaf, s->bits, s->path);
}

// Every row of every tree up to 2^6 rows, every cap: accepted for its index, refused for every
// other one; the cap hashes to the root.
static void every_row_every_cap(void **state)
{
    (void)state;
    for (unsigned log_rows = 0; log_rows <= 6; log_rows++) {
        world w = world_new(HASH_POSEIDON, log_rows, 3, NULL);
        for (unsigned cap_level = 0; cap_level < merkle_levels(log_rows); cap_level++) {
            assert_true(digest_equal(
                merkle_cap_root(w.hash, merkle_cap(&w.tree, cap_level), log_rows, cap_level),
                merkle_root(&w.tree)));
            for (uint64_t row = 0; row < w.n_rows; row++) {
                single s = open_single(&w, row, cap_level);
                assert_true(accepts(&w, cap_level, &s));
                for (unsigned bit = 0; bit < log_rows; bit++) {
                    single other = s;
                    other.bits[bit] = 1 - s.bits[bit];
                    assert_false(accepts(&w, cap_level, &other));
                }
            }
        }
        world_clear(&w);
    }
}

static void any_changed_bit_is_refused(void **state)
{
    (void)state;
    for (unsigned log_rows = 4; log_rows <= 5; log_rows++) {
        world w = world_new(HASH_POSEIDON, log_rows, 3, NULL);
        for (unsigned cap_level = 0; cap_level < merkle_levels(log_rows); cap_level++) {
            const uint64_t row = 11;
            single good = open_single(&w, row, cap_level);
            size_t n_path = merkle_path_length(log_rows, cap_level);
            // A change may leave the canonical range; then there is nothing to check here.
            for (unsigned bit = 0; bit < 256; bit++) {
                uint64_t flip = 1ULL << (bit % 64);
                unsigned e = bit / 64;
                for (size_t i = 0; i < n_path; i++) {
                    single s = good;
                    s.path[i].e[e] ^= flip;
                    if (fe_is_canonical(s.path[i].e[e]))
                        assert_false(accepts(&w, cap_level, &s));
                }
                single s = good;
                s.leaf.e[e] ^= flip;
                if (fe_is_canonical(s.leaf.e[e]))
                    assert_false(accepts(&w, cap_level, &s));
                // The node of the cap above the row must agree; the others belong to the root.
                unsigned log_cap = merkle_level_log_nodes(log_rows, cap_level);
                for (size_t i = 0; i < (size_t)1 << log_cap; i++) {
                    s = good;
                    s.cap[i].e[e] ^= flip;
                    if (!fe_is_canonical(s.cap[i].e[e]))
                        continue;
                    bool above = i == row >> (log_rows - log_cap);
                    assert_int_equal(accepts(&w, cap_level, &s), !above);
                    assert_false(digest_equal(merkle_cap_root(w.hash, s.cap, log_rows, cap_level),
                                              merkle_root(&w.tree)));
                }
            }
        }
        world_clear(&w);
    }
}

static void dropped_leaves_and_large_shapes(void **state)
{
    (void)state;
    for (unsigned log_rows = 1; log_rows <= 11; log_rows++) {
        world w = world_new(HASH_POSEIDON2, log_rows, 17, NULL);
        single kept[4];
        uint64_t rows[4] = {0, w.n_rows - 1, w.n_rows / 3, w.n_rows / 2};
        unsigned cap_level = log_rows > 2 ? merkle_levels(log_rows) - 2 : 1;
        for (int i = 0; i < 4; i++)
            kept[i] = open_single(&w, rows[i], cap_level);
        merkle_drop_leaves(&w.tree);
        for (int i = 0; i < 4; i++) {
            single dropped = open_single(&w, rows[i], cap_level);
            assert_memory_equal(&kept[i], &dropped, sizeof dropped);
            assert_true(accepts(&w, cap_level, &dropped));
        }
        digest path[MAX_PATH];
        assert_int_equal(merkle_open_path(&w.tree, w.rows, 17, w.n_rows, cap_level, path),
                         ZK_EINVAL);
        assert_int_equal(merkle_open_path(&w.tree, NULL, 17, 0, cap_level, path), ZK_EINVAL);
        world_clear(&w);
    }
}

// Against all levels tried one by one.
static void cap_level_is_the_cheapest(void **state)
{
    (void)state;
    assert_int_equal(merkle_path_length(4, 2), 6);
    assert_int_equal(merkle_path_length(5, 2), 6);
    assert_int_equal(merkle_path_length(5, 3), 7);
    for (unsigned log_rows = 0; log_rows <= 20; log_rows++) {
        for (size_t n_queries = 0; n_queries <= 200; n_queries += 10) {
            unsigned chosen = merkle_cap_level(log_rows, n_queries);
            size_t cost[MERKLE_MAX_LEVELS];
            for (unsigned level = 0; level < merkle_levels(log_rows); level++)
                cost[level] = ((size_t)1 << merkle_level_log_nodes(log_rows, level)) +
                              n_queries * merkle_path_length(log_rows, level);
            for (unsigned level = 0; level < merkle_levels(log_rows); level++)
                assert_true(level > chosen ? cost[chosen] < cost[level]
                                           : cost[chosen] <= cost[level]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_every_cap),
        cmocka_unit_test(any_changed_bit_is_refused),
        cmocka_unit_test(dropped_leaves_and_large_shapes),
        cmocka_unit_test(cap_level_is_the_cheapest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
