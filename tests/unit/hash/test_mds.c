// SPDX-License-Identifier: Apache-2.0 OR MIT
// That the matrix of Poseidon is MDS: all square minors, 601,080,389 of them, are not 0.
//
// A walk over the sets of rows, in which a set is its parent with one more row below; the minors of
// a set over all sets of columns follow from the parent's by expansion along that row. Shifting
// rows and columns alike changes nothing in a circulant matrix, so sets with row 0 are enough.
#include "unit/test.h"

#include <stdlib.h>

#include "hash/hash_constants.h"

enum { N = HASH_WIDTH, SETS = 1 << N };

typedef struct walk {
    uint64_t entry[N][N];
    uint16_t *sets[N + 1]; // of columns, by their number
    size_t n_sets[N + 1];
    fe *minors[N + 1]; // by set of columns, for the rows on the path
    uint64_t n_zero, n_minors;
} walk;

static void add_row(walk *w, unsigned row, unsigned depth)
{
    const fe *above = w->minors[depth - 1];
    for (size_t i = 0; i < w->n_sets[depth]; i++) {
        unsigned columns = w->sets[depth][i];
        // Entries are small: neither sum leaves 128 bits. Signs alternate from the last column on.
        unsigned __int128 sum[2] = {0, 0};
        unsigned sign = 0;
        for (unsigned left = columns; left != 0; sign ^= 1) {
            unsigned c = 31U - (unsigned)__builtin_clz(left);
            left ^= 1U << c;
            sum[sign] += (unsigned __int128)w->entry[row][c] * above[columns ^ 1U << c];
        }
        fe minor = fe_sub(fe_reduce128(sum[0]), fe_reduce128(sum[1]));
        w->minors[depth][columns] = minor;
        w->n_zero += minor == 0;
    }
    w->n_minors += w->n_sets[depth];
    for (unsigned next = row + 1; next < N; next++)
        add_row(w, next, depth + 1);
}

// Minors with row 0 that are 0, of the circulant matrix with this first column.
static uint64_t zero_minors(const fe column[N], uint64_t *n_minors)
{
    walk w = {0};
    for (unsigned i = 0; i < N; i++)
        for (unsigned j = 0; j < N; j++)
            w.entry[i][j] = column[(i + N - j) % N];
    for (unsigned k = 0; k <= N; k++) {
        w.sets[k] = malloc(SETS * sizeof *w.sets[k]);
        w.minors[k] = malloc(SETS * sizeof *w.minors[k]);
        assert_true(w.sets[k] != NULL && w.minors[k] != NULL);
    }
    for (unsigned set = 0; set < SETS; set++) {
        unsigned k = (unsigned)__builtin_popcount(set);
        w.sets[k][w.n_sets[k]++] = (uint16_t)set;
    }
    w.minors[0][0] = 1;
    add_row(&w, 0, 1);
    for (unsigned k = 0; k <= N; k++) {
        free(w.sets[k]);
        free(w.minors[k]);
    }
    *n_minors = w.n_minors;
    return w.n_zero;
}

static void all_minors_of_the_matrix(void **state)
{
    (void)state;
    uint64_t n;
    assert_int_equal(zero_minors(poseidon_mds_column, &n), 0);
    assert_int_equal(n, 300540195); // C(31, 15): sets of rows with row 0, as many columns
}

// One entry changed so that one minor of two rows is 0: found, with its shifts.
static void a_zero_minor_is_found(void **state)
{
    (void)state;
    fe column[N];
    memcpy(column, poseidon_mds_column, sizeof column);
    column[2] = fe_mul(fe_sqr(column[1]), fe_inv(column[0])); // (c0, c1; c1, c2)
    assert_true(column[2] < 1 << 20);
    uint64_t n;
    assert_true(zero_minors(column, &n) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_minors_of_the_matrix),
        cmocka_unit_test(a_zero_minor_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
