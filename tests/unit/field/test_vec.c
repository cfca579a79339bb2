// SPDX-License-Identifier: Apache-2.0 OR MIT
// The scalar vector operations against their definitions, element by element. The other tiers are
// compared with the scalar one by zisk-checkasm.
#include "unit/test.h"

#include "field/vec.h"

enum { N = 37, S = N + 3 }; // a length and a stride that no tier likes

static test_rng rng;
static fe a[3 * S * 2], b[3 * S * 2], out[3 * S * 2];
static const vec_ops *ops = &vec_ops_scalar;

static fe random_fe(void)
{
    uint64_t r = test_rng_u64(&rng);
    return r % 8 == 0 ? 0 : r % 8 == 1 ? FE_P - 1 : fe_from_u64(test_rng_u64(&rng));
}

static fe3 random_fe3(void)
{
    return (fe3){{random_fe(), random_fe(), random_fe()}};
}

static fe3 at(const fe *p, size_t stride, size_t i)
{
    return (fe3){{p[i], p[stride + i], p[2 * stride + i]}};
}

static int fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof a / sizeof a[0]; i++) {
        a[i] = random_fe();
        b[i] = random_fe();
        out[i] = random_fe();
    }
    return 0;
}

static void test_base(void **state)
{
    (void)state;
    fe s = random_fe(), t = random_fe();
#define EACH(call, expected)                                                                       \
    ops->call;                                                                                     \
    for (size_t i = 0; i < N; i++)                                                                 \
    assert_int_equal(out[i], expected)
    EACH(add(out, a, b, N), fe_add(a[i], b[i]));
    EACH(sub(out, a, b, N), fe_sub(a[i], b[i]));
    EACH(mul(out, a, b, N), fe_mul(a[i], b[i]));
    EACH(mul_add(out, a, b, b + N, N), fe_add(fe_mul(a[i], b[i]), b[N + i]));
    EACH(scale(out, a, s, N), fe_mul(a[i], s));
    EACH(batch_inverse(out, a, N), fe_inv(a[i]));
    EACH(powers(out, s, t, N), fe_mul(s, fe_pow(t, i)));
#undef EACH
}

static void test_extension(void **state)
{
    (void)state;
    fe3 s = random_fe3(), t = random_fe3();
    fe old[sizeof out / sizeof out[0]];
#define EACH(call, expected)                                                                       \
    memcpy(old, out, sizeof out);                                                                  \
    ops->call;                                                                                     \
    for (size_t i = 0; i < N; i++)                                                                 \
        assert_true(fe3_equal(at(out, S, i), expected));                                           \
    assert_int_equal(out[N], old[N])
    EACH(add3(out, S, a, S, b, S, N), fe3_add(at(a, S, i), at(b, S, i)));
    EACH(sub3(out, S, a, S, b, S, N), fe3_sub(at(a, S, i), at(b, S, i)));
    EACH(mul3(out, S, a, S, b, S, N), fe3_mul(at(a, S, i), at(b, S, i)));
    EACH(mul3_fe(out, S, a, S, b, N), fe3_mul_fe(at(a, S, i), b[i]));
    EACH(scale3(out, S, a, S, s, N), fe3_mul(at(a, S, i), s));
    EACH(add_scaled3(out, S, a, S, s, N), fe3_add(at(old, S, i), fe3_mul(at(a, S, i), s)));
    EACH(batch_inverse3(out, S, a, S, N), fe3_inv(at(a, S, i)));
    EACH(powers3(out, S, s, t, N), fe3_mul(s, fe3_pow(t, i)));
    const fe *cols[3] = {a, b, a + N};
    const fe3 coefs[3] = {random_fe3(), random_fe3(), random_fe3()};
#define SUM                                                                                        \
    fe3_add(fe3_mul_fe(coefs[0], a[i]),                                                            \
            fe3_add(fe3_mul_fe(coefs[1], b[i]), fe3_mul_fe(coefs[2], a[N + i])))
    EACH(lincomb(out, S, cols, coefs, 3, N, false), SUM);
    EACH(lincomb(out, S, cols, coefs, 3, N, true), fe3_add(at(old, S, i), SUM));
    EACH(lincomb(out, S, cols, coefs, 0, N, true), at(old, S, i));
    EACH(lincomb(out, S, cols, coefs, 0, N, false), fe3_zero());
#undef SUM
#undef EACH
}

static void test_dots(void **state)
{
    (void)state;
    fe3 base = fe3_zero(), both = fe3_zero();
    for (size_t i = 0; i < N; i++) {
        base = fe3_add(base, fe3_mul_fe(at(b, S, i), a[i]));
        both = fe3_add(both, fe3_mul(at(a, S, i), at(b, S, i)));
    }
    assert_true(fe3_equal(ops->dot_fe(a, b, S, N), base));
    assert_true(fe3_equal(ops->dot3(a, S, b, S, N), both));
    assert_true(fe3_is_zero(ops->dot3(a, S, b, S, 0)));
}

// lo + r (hi - lo)
static fe3 between(fe3 lo, fe3 hi, fe3 r)
{
    return fe3_add(lo, fe3_mul(r, fe3_sub(hi, lo)));
}

static void test_folds(void **state)
{
    (void)state;
    enum { T = 2 * S };
    fe3 r = random_fe3();
    ops->fold_low_fe(out, S, a, r, N);
    for (size_t i = 0; i < N; i++)
        assert_true(
            fe3_equal(at(out, S, i), between(fe3_from_fe(a[2 * i]), fe3_from_fe(a[2 * i + 1]), r)));
    ops->fold_high_fe(out, S, a, r, N);
    for (size_t i = 0; i < N; i++)
        assert_true(fe3_equal(at(out, S, i), between(fe3_from_fe(a[i]), fe3_from_fe(a[N + i]), r)));
    ops->fold_low(out, S, a, T, r, N);
    for (size_t i = 0; i < N; i++)
        assert_true(fe3_equal(at(out, S, i), between(at(a, T, 2 * i), at(a, T, 2 * i + 1), r)));
    ops->fold_high(out, S, a, T, r, N);
    for (size_t i = 0; i < N; i++)
        assert_true(fe3_equal(at(out, S, i), between(at(a, T, i), at(a, T, N + i), r)));
}

static void test_tables(void **state)
{
    (void)state;
    enum { K = 5 };
    fe3 point[K], scale = random_fe3();
    for (unsigned k = 0; k <= K; k++) {
        for (unsigned i = 0; i < k; i++)
            point[i] = random_fe3();
        ops->eq_table(out, S, scale, point, k);
        ops->pow_table(b, S, scale, point, k);
        for (size_t x = 0; x < (size_t)1 << k; x++) {
            fe3 eq = scale, pw = scale;
            for (unsigned i = 0; i < k; i++) {
                bool bit = x >> i & 1;
                eq = fe3_mul(eq, bit ? point[i] : fe3_sub(fe3_one(), point[i]));
                pw = bit ? fe3_mul(pw, point[i]) : pw;
            }
            assert_true(fe3_equal(at(out, S, x), eq));
            assert_true(fe3_equal(at(b, S, x), pw));
        }
    }
}

int main(void)
{
    rng = test_rng_new(0x7EC);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_base, fill),   cmocka_unit_test_setup(test_extension, fill),
        cmocka_unit_test_setup(test_dots, fill),   cmocka_unit_test_setup(test_folds, fill),
        cmocka_unit_test_setup(test_tables, fill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
