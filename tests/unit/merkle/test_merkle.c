// SPDX-License-Identifier: Apache-2.0 OR MIT
// Building, and opening of sets of rows.
#include "world.h"

#include "base/pool.h"

enum { MAX_OPEN = 64, MAX_PATH = 600 };

typedef struct opening {
    uint64_t indices[MAX_OPEN];
    digest leaf[MAX_OPEN];
    size_t n;
    digest path[MAX_PATH];
    size_t n_path;
} opening;

static opening open_rows(const world *w, const uint64_t *indices, size_t n)
{
    opening o = {.n = n};
    assert_true(merkle_path_bound(w->log_rows, n) <= MAX_PATH);
    for (size_t i = 0; i < n; i++) {
        o.indices[i] = indices[i];
        o.leaf[i] = world_leaf(w, indices[i]);
    }
    assert_int_equal(merkle_open(&w->tree, w->rows, w->width, indices, n, o.path, &o.n_path),
                     ZK_OK);
    assert_true(o.n_path <= merkle_path_bound(w->log_rows, n));
    return o;
}

// Takes the opening by value: verification destroys it.
static bool accepts(const world *w, opening o)
{
    return merkle_verify(w->hash, merkle_root(&w->tree), w->log_rows, o.indices, o.leaf, o.n,
                         o.path, o.n_path);
}

// Every shape up to 2^11 rows, both parities, widths below, at and above a chunk.
static void root_follows_the_definition(void **state)
{
    (void)state;
    pool *two;
    assert_int_equal(pool_open(&two, 2), ZK_OK);
    static const size_t widths[] = {1, 16, 21};
    for (unsigned log_rows = 0; log_rows <= 11; log_rows++) {
        for (size_t k = 0; k < 3; k++) {
            world w = world_new(HASH_POSEIDON, log_rows, widths[k], k == 1 ? two : NULL);
            digest root = merkle_root(&w.tree);
            if (log_rows <= 8 || k == 1)
                assert_true(digest_equal(root, world_root_by_definition(&w)));

            merkle_tree again;
            assert_int_equal(
                merkle_build_from_leaves(&again, w.hash, merkle_cap(&w.tree, 0), log_rows, two),
                ZK_OK);
            assert_true(digest_equal(root, merkle_root(&again)));
            merkle_clear(&again);
            if (log_rows >= 2) { // as if the leaves had been dropped
                assert_int_equal(
                    merkle_build_above(&again, w.hash, merkle_cap(&w.tree, 1), log_rows, two),
                    ZK_OK);
                merkle_drop_leaves(&w.tree);
                assert_false(again.has_leaves);
                assert_int_equal(again.n_levels, w.tree.n_levels);
                for (unsigned level = 1; level < again.n_levels; level++)
                    assert_memory_equal(again.nodes + again.level_offset[level],
                                        w.tree.nodes + w.tree.level_offset[level],
                                        sizeof(digest) << merkle_level_log_nodes(log_rows, level));
                merkle_clear(&again);
            }
            world_clear(&w);
        }
    }
    pool_close(two);
}

// All non-empty sets of rows of trees of 1 to 8 rows: the opening is accepted, and refused with a
// digest too few, one too many, or with leaf and path digest exchanged.
static void every_set_of_a_small_tree(void **state)
{
    (void)state;
    for (unsigned log_rows = 0; log_rows <= 3; log_rows++) {
        world w = world_new(HASH_POSEIDON, log_rows, 3, NULL);
        for (unsigned set = 1; set < 1U << (1U << log_rows); set++) {
            uint64_t indices[8];
            size_t n = 0;
            for (unsigned i = 0; i < 1U << log_rows; i++)
                if (set >> i & 1)
                    indices[n++] = i;
            opening o = open_rows(&w, indices, n);
            assert_true(accepts(&w, o));
            opening longer = o;
            longer.path[longer.n_path++] = o.leaf[0];
            assert_false(accepts(&w, longer));
            if (o.n_path > 0) {
                opening shorter = o;
                shorter.n_path--;
                assert_false(accepts(&w, shorter));
                opening exchanged = o;
                exchanged.path[0] = o.leaf[0];
                exchanged.leaf[0] = o.path[0];
                assert_false(accepts(&w, exchanged));
            }
        }
        world_clear(&w);
    }
}

// Every bit of every leaf, path digest and index, and of the root.
static void any_changed_bit_is_refused(void **state)
{
    (void)state;
    for (unsigned log_rows = 3; log_rows <= 4; log_rows++) {
        world w = world_new(HASH_POSEIDON2, log_rows, 5, NULL);
        const uint64_t indices[] = {1, 2, 6};
        opening good = open_rows(&w, indices, 3);
        assert_true(accepts(&w, good));
        for (size_t i = 0; i < good.n; i++) {
            for (unsigned bit = 0; bit < 256; bit++) {
                opening o = good;
                o.leaf[i].e[bit / 64] ^= 1ULL << (bit % 64);
                assert_false(accepts(&w, o));
            }
            for (unsigned bit = 0; bit < 64; bit++) {
                opening o = good;
                o.indices[i] ^= 1ULL << bit;
                assert_false(accepts(&w, o));
            }
        }
        for (size_t i = 0; i < good.n_path; i++) {
            for (unsigned bit = 0; bit < 256; bit++) {
                opening o = good;
                o.path[i].e[bit / 64] ^= 1ULL << (bit % 64);
                assert_false(accepts(&w, o));
            }
        }
        for (unsigned bit = 0; bit < 256; bit++) {
            opening o = good;
            digest root = merkle_root(&w.tree);
            root.e[bit / 64] ^= 1ULL << (bit % 64);
            assert_false(
                merkle_verify(w.hash, root, log_rows, o.indices, o.leaf, o.n, o.path, o.n_path));
        }
        world_clear(&w);
    }
}

// The same residue in another representation would give two encodings of one opening.
static void non_canonical_digests_are_refused(void **state)
{
    (void)state;
    const hash_ops *hash = hash_get(HASH_POSEIDON);
    digest leaves[4] = {{{1, 2, 3, 4}}, {{5, 6, 7, 8}}, {{9, 10, 11, 12}}, {{13, 14, 15, 16}}};
    digest root = hash_node(hash, leaves);
    for (uint64_t at = 0; at < 4; at++) // the leaf; the others are its path
        for (int where = -1; where < 4; where++) {
            digest leaf = leaves[at], path[3];
            uint64_t index = at;
            for (uint64_t i = 0, n = 0; i < 4; i++)
                if (i != at)
                    path[n++] = leaves[i];
            if (where == 0)
                leaf.e[3] += FE_P;
            else if (where > 0)
                path[where - 1].e[3] += FE_P;
            bool ok = merkle_verify(hash, root, 2, &index, &leaf, 1, path, 3);
            assert_int_equal(ok, where < 0);
        }
}

// Indices that would stand for another row, or hide a row from the root.
static void indices_cannot_be_written_otherwise(void **state)
{
    (void)state;
    const hash_ops *hash = hash_get(HASH_POSEIDON);
    digest leaves[4] = {{{1, 2, 3, 4}}, {{5, 6, 7, 8}}, {{9, 10, 11, 12}}, {{13, 14, 15, 16}}};
    digest root = hash_node(hash, leaves), path[6];
    memcpy(path, leaves, 3 * sizeof *path);
    memcpy(path + 3, leaves, 3 * sizeof *path);
    for (uint64_t shift = 0; shift <= 40; shift += 4) { // row 3, and 3 with higher bits
        uint64_t index = shift == 0 ? 3 : 3 | 1ULL << shift;
        digest leaf = leaves[3];
        assert_int_equal(merkle_verify(hash, root, 2, &index, &leaf, 1, path, 3), shift == 0);
    }
    // The same row twice, each with a path of its own: only one of them would be looked at.
    uint64_t twice[2] = {3, 3};
    digest pair[2] = {leaves[3], {{77, 0, 0, 0}}};
    assert_false(merkle_verify(hash, root, 2, twice, pair, 2, path, 6));
    uint64_t none[1] = {0}; // no row at all, the root in the place of a leaf
    pair[0] = root;
    assert_false(merkle_verify(hash, root, 0, none + 1, pair, 0, path, 0));
}

static void bad_index_sets_are_refused(void **state)
{
    (void)state;
    world w = world_new(HASH_POSEIDON, 4, 2, NULL);
    digest path[MAX_PATH];
    size_t n_path;
    static const uint64_t bad[][2] = {{3, 3}, {4, 3}, {3, 16}, {UINT64_MAX, 3}};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(merkle_open(&w.tree, NULL, 2, bad[i], 2, path, &n_path), ZK_EINVAL);
        opening o = open_rows(&w, (const uint64_t[]){3, 4}, 2);
        memcpy(o.indices, bad[i], sizeof bad[i]);
        assert_false(accepts(&w, o));
    }
    assert_int_equal(merkle_open(&w.tree, NULL, 2, bad[0], 0, path, &n_path), ZK_EINVAL);
    opening none = {0};
    assert_false(accepts(&w, none));
    none.path[0] = merkle_root(&w.tree);
    none.n_path = 1;
    assert_false(accepts(&w, none));

    merkle_drop_leaves(&w.tree);
    assert_int_equal(merkle_open(&w.tree, NULL, 2, (const uint64_t[]){3}, 1, path, &n_path),
                     ZK_EINVAL);
    world_clear(&w);
}

// Random sets in all shapes; the same opening after the leaves were dropped.
static void dropped_leaves_give_the_same_opening(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(7);
    for (unsigned log_rows = 0; log_rows <= 11; log_rows++) {
        world w = world_new(HASH_POSEIDON, log_rows, 20, NULL);
        uint64_t indices[MAX_OPEN];
        size_t n = 0;
        for (uint64_t i = 0; i < w.n_rows && n < 40; i++)
            if (test_rng_u64(&rng) % w.n_rows < 30)
                indices[n++] = i;
        if (n == 0)
            indices[n++] = w.n_rows - 1;
        opening kept = open_rows(&w, indices, n);
        assert_true(accepts(&w, kept));
        digest root = merkle_root(&w.tree);
        merkle_drop_leaves(&w.tree);
        assert_true(digest_equal(root, merkle_root(&w.tree)));
        opening dropped = open_rows(&w, indices, n);
        assert_memory_equal(&kept, &dropped, sizeof kept);
        merkle_drop_leaves(&w.tree);
        assert_true(accepts(&w, open_rows(&w, indices, n)));
        world_clear(&w);
    }
}

static void thread_count_does_not_matter(void **state)
{
    (void)state;
    for (unsigned log_rows = 10; log_rows <= 13; log_rows += 3) {
        world one = world_new(HASH_POSEIDON, log_rows, 4, NULL);
        for (unsigned n_threads = 2; n_threads <= 7; n_threads += 5) {
            pool *threads;
            assert_int_equal(pool_open(&threads, n_threads), ZK_OK);
            world many = world_new(HASH_POSEIDON, log_rows, 4, threads);
            size_t n = one.tree.level_offset[one.tree.n_levels - 1] + 1;
            assert_memory_equal(one.tree.nodes, many.tree.nodes, n * sizeof(digest));
            world_clear(&many);
            pool_close(threads);
        }
        world_clear(&one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(root_follows_the_definition),
        cmocka_unit_test(every_set_of_a_small_tree),
        cmocka_unit_test(any_changed_bit_is_refused),
        cmocka_unit_test(non_canonical_digests_are_refused),
        cmocka_unit_test(bad_index_sets_are_refused),
        cmocka_unit_test(indices_cannot_be_written_otherwise),
        cmocka_unit_test(dropped_leaves_give_the_same_opening),
        cmocka_unit_test(thread_count_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
