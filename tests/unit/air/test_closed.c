// SPDX-License-Identifier: Apache-2.0 OR MIT
// Closed-form columns: the value at a point is the multilinear extension of the row function, for
// all forms over small indices.
#include "unit/test.h"

#include "air/closed.h"

// The multilinear extension of 2^n cells, by binding variables from the lowest up.
static fe3 extension(const closed_form *form, const fe3 *point, unsigned n)
{
    static fe3 t[1 << 10];
    for (uint64_t i = 0; i < 1ULL << n; i++)
        t[i] = fe3_from_fe(closed_row(form, i));
    for (unsigned v = 0; v < n; v++)
        for (uint64_t i = 0; i < 1ULL << (n - v - 1); i++)
            t[i] = fe3_add(t[2 * i], fe3_mul(point[v], fe3_sub(t[2 * i + 1], t[2 * i])));
    return t[0];
}

static uint64_t check_form(const closed_form *form, unsigned n, test_rng *r)
{
    if (!closed_is_valid(form, n))
        return 0;
    fe3 point[10];
    for (unsigned v = 0; v < n; v++)
        for (int k = 0; k < 3; k++)
            point[v].c[k] = fe_from_u64(test_rng_u64(r));
    assert_true(fe3_equal(closed_at_point(form, point), extension(form, point, n)));
    // On the cube itself the extension is the cell.
    uint64_t row = test_rng_u64(r) & ((1ULL << n) - 1);
    for (unsigned v = 0; v < n; v++)
        point[v] = fe3_from_fe(row >> v & 1);
    assert_true(fe3_equal(closed_at_point(form, point), fe3_from_fe(closed_row(form, row))));
    return 1;
}

static void test_extension(void **state)
{
    (void)state;
    test_rng r = test_rng_new(0xC105ED);
    uint64_t n_checked = 0;
    for (unsigned n = 1; n <= 8; n++)
        for (closed_kind kind = CLOSED_BITS; kind < CLOSED_KIND_COUNT; kind++)
            for (unsigned bits = 1; bits <= n; bits++)
                for (unsigned a = 0; a <= n; a++)
                    for (unsigned b = 0; b <= n; b++) {
                        bool binary = kind == CLOSED_AND || kind == CLOSED_OR || kind == CLOSED_XOR;
                        if (!binary && b > 0)
                            break;
                        closed_form form = closed_binary(kind, a, b, bits);
                        n_checked += check_form(&form, n, &r);
                    }
    assert_true(n_checked > 700);
    closed_form constant = closed_constant(FE_P - 5);
    assert_int_equal(check_form(&constant, 4, &r), 1);
}

// The row functions against their meaning, on all rows of 10 bits.
static void test_rows(void **state)
{
    (void)state;
    for (uint64_t row = 0; row < 1 << 10; row++) {
        uint64_t a = row & 31, b = row >> 5;
        closed_form f = closed_binary(CLOSED_AND, 0, 5, 5);
        assert_int_equal(closed_row(&f, row), a & b);
        f.kind = CLOSED_OR;
        assert_int_equal(closed_row(&f, row), a | b);
        f.kind = CLOSED_XOR;
        assert_int_equal(closed_row(&f, row), a ^ b);
        f = closed_unary(CLOSED_BITS, 5, 5);
        assert_int_equal(closed_row(&f, row), b);
        f = closed_unary(CLOSED_POW2, 0, 5);
        assert_int_equal(closed_row(&f, row), 1ULL << a);
        f = closed_unary(CLOSED_MSB, 0, 10);
        closed_form top = closed_unary(CLOSED_TOP, 0, 10), all = closed_index(10);
        if (row > 0) { // row 2^b + v stands for (b, v): the table of all ranges
            uint64_t width = closed_row(&f, row);
            assert_true(row >> width == 1);
            assert_int_equal(closed_row(&top, row), 1ULL << width);
            assert_true(closed_row(&all, row) - closed_row(&top, row) < 1ULL << width);
        } else {
            assert_int_equal(closed_row(&f, 0), 0);
            assert_int_equal(closed_row(&top, 0), 0);
        }
    }
    fe cells[16];
    closed_form f = closed_binary(CLOSED_XOR, 0, 5, 5);
    closed_fill(cells, &f, 100, 16);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(cells[i], closed_row(&f, 100 + i));
    closed_form large = closed_unary(CLOSED_POW2, 0, 8); // 2^255 mod p
    assert_int_equal(closed_row(&large, 255), fe_pow(2, 255));
}

static void test_validity(void **state)
{
    (void)state;
    static const struct {
        closed_form form;
        unsigned n;
        bool valid;
    } cases[] = {
        {{.kind = CLOSED_BITS, .bits = 8}, 8, true},
        {{.kind = CLOSED_BITS, .bits = 9}, 8, false},
        {{.kind = CLOSED_BITS, .bits = 0}, 8, false},
        {{.kind = CLOSED_BITS, .bits = 4, .shift = 5}, 8, false},
        {{.kind = CLOSED_BITS, .bits = 200, .shift = 100}, 26, false},
        {{.kind = CLOSED_AND, .bits = 4, .shift = 4, .shift_b = 0}, 8, true},
        {{.kind = CLOSED_AND, .bits = 4, .shift = 4, .shift_b = 1}, 8, false},
        {{.kind = CLOSED_AND, .bits = 4, .shift = 0, .shift_b = 5}, 8, false},
        {{.kind = CLOSED_CONST, .value = FE_P}, 8, false},
        {{.kind = CLOSED_CONST, .value = 1}, 8, true},
        {{.kind = CLOSED_KIND_COUNT, .bits = 1}, 8, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(closed_is_valid(&cases[i].form, cases[i].n), cases[i].valid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extension),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_validity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
