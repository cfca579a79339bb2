// SPDX-License-Identifier: Apache-2.0 OR MIT
// F and K against arithmetic by 128-bit remainder, the laws on all pairs and triples of edge
// values, and the facts about p that the header relies on.
#include "unit/test.h"

#include "field/fe.h"

static const fe edges[] = {
    0,
    1,
    2,
    3,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFE,
    0xFFFFFFFF,
    0x100000000,
    0x100000001,
    1ULL << 48,
    0x7FFFFFFFFFFFFFFF,
    0x8000000000000000,
    0xFFFFFFFE00000000,
    0xFFFFFFFE00000001,
    0xFFFFFFFEFFFFFFFF,
    FE_P - 3,
    FE_P - 2,
    FE_P - 1,
    0x123456789ABCDEF0,
    0xDEADBEEFCAFEBABE,
};
enum { N_EDGES = sizeof edges / sizeof edges[0] };

typedef unsigned __int128 u128;

static test_rng rng;

static fe random_fe(void)
{
    uint64_t r = test_rng_u64(&rng);
    return r % 4 == 0 ? edges[r / 4 % N_EDGES] : fe_from_u64(test_rng_u64(&rng));
}

static fe3 random_fe3(void)
{
    return (fe3){{random_fe(), random_fe(), random_fe()}};
}

static void assert_fe3_equal(fe3 a, fe3 b)
{
    assert_true(fe3_equal(a, b));
}

static void check_pair(fe a, fe b)
{
    assert_int_equal(fe_add(a, b), (fe)(((u128)a + b) % FE_P));
    assert_int_equal(fe_sub(a, b), (fe)(((u128)a + FE_P - b) % FE_P));
    assert_int_equal(fe_mul(a, b), (fe)((u128)a * b % FE_P));
    assert_int_equal(fe_neg(a), (fe)((FE_P - a) % FE_P));
    assert_int_equal(fe_double(a), fe_add(a, a));
    assert_int_equal(fe_sqr(a), fe_mul(a, a));
}

static void test_fe_matches_remainder(void **state)
{
    (void)state;
    for (int i = 0; i < N_EDGES; i++)
        for (int j = 0; j < N_EDGES; j++) {
            check_pair(edges[i], edges[j]);
            for (int k = 0; k < N_EDGES; k++)
                assert_int_equal(fe_mul_add(edges[i], edges[j], edges[k]),
                                 (fe)(((u128)edges[i] * edges[j] + edges[k]) % FE_P));
        }
    for (int i = 0; i < 200000; i++)
        check_pair(random_fe(), random_fe());
}

static void test_reduce128(void **state)
{
    (void)state;
    static const uint64_t words[] = {
        0,        1,    0xFFFFFFFF, 0x100000000,    0xFFFFFFFE00000001, 0xFFFFFFFEFFFFFFFF,
        FE_P - 1, FE_P, FE_P + 1,   UINT64_MAX - 1, UINT64_MAX};
    enum { N = sizeof words / sizeof words[0] };
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            u128 x = (u128)words[i] << 64 | words[j];
            assert_int_equal(fe_reduce128(x), (fe)(x % FE_P));
        }
    for (int i = 0; i < 200000; i++) {
        u128 x = (u128)test_rng_u64(&rng) << 64 | test_rng_u64(&rng);
        assert_int_equal(fe_reduce128(x), (fe)(x % FE_P));
    }
    assert_int_equal(fe_from_u64(FE_P), 0);
    assert_int_equal(fe_from_u64(UINT64_MAX), 0xFFFFFFFE);
    assert_true(fe_is_canonical(FE_P - 1));
    assert_false(fe_is_canonical(FE_P));
}

static void check_inverse(fe a)
{
    assert_int_equal(fe_mul(a, fe_inv(a)), a == 0 ? 0 : 1);
    assert_int_equal(fe_inv(a), fe_pow(a, FE_P - 2));
}

static void test_inverse_and_powers(void **state)
{
    (void)state;
    for (int i = 0; i < N_EDGES; i++) {
        check_inverse(edges[i]);
        assert_int_equal(fe_pow(edges[i], FE_P), edges[i]);
    }
    for (int i = 0; i < 2000; i++)
        check_inverse(random_fe());
    assert_int_equal(fe_pow(0, 0), 1);
    fe a = random_fe(), power = 1;
    for (uint64_t e = 0; e < 100; e++, power = fe_mul(power, a))
        assert_int_equal(fe_pow(a, e), power);
}

static void test_roots_of_unity(void **state)
{
    (void)state;
    // 7 generates F*: no (p - 1)/q-th power is 1; p - 1 = 2^32 3 5 17 257 65537.
    static const uint64_t factors[] = {2, 3, 5, 17, 257, 65537};
    assert_int_equal(FE_P - 1, (1ULL << 32) * 3 * 5 * 17 * 257 * 65537);
    for (int i = 0; i < 6; i++)
        assert_int_not_equal(fe_pow(FE_GENERATOR, (FE_P - 1) / factors[i]), 1);
    assert_int_equal(fe_root_of_unity(0), 1);
    for (unsigned k = 1; k <= FE_TWO_ADICITY; k++) {
        assert_int_equal(fe_sqr(fe_root_of_unity(k)), fe_root_of_unity(k - 1));
        assert_int_equal(fe_pow(fe_root_of_unity(k), 1ULL << (k - 1)), FE_P - 1);
    }
    // Roots of order up to 64 are powers of two: the transforms shift.
    assert_int_equal(fe_root_of_unity(6), fe_pow(2, 39));
}

static void check_laws(fe3 a, fe3 b, fe3 c)
{
    assert_fe3_equal(fe3_mul(a, b), fe3_mul(b, a));
    assert_fe3_equal(fe3_mul(fe3_mul(a, b), c), fe3_mul(a, fe3_mul(b, c)));
    assert_fe3_equal(fe3_mul(a, fe3_add(b, c)), fe3_add(fe3_mul(a, b), fe3_mul(a, c)));
    assert_fe3_equal(fe3_sub(fe3_add(a, b), b), a);
    assert_fe3_equal(fe3_add(a, fe3_neg(a)), fe3_zero());
    assert_fe3_equal(fe3_mul(a, fe3_one()), a);
    assert_fe3_equal(fe3_sqr(a), fe3_mul(a, a));
    assert_fe3_equal(fe3_mul_fe(a, b.c[0]), fe3_mul(a, fe3_from_fe(b.c[0])));
    assert_fe3_equal(fe3_add_fe(a, b.c[0]), fe3_add(a, fe3_from_fe(b.c[0])));
    assert_fe3_equal(fe3_mul(a, fe3_inv(a)), fe3_is_zero(a) ? fe3_zero() : fe3_one());
}

static void test_fe3_laws(void **state)
{
    (void)state;
    // All elements with coefficients in a small set that has carries, and random ones.
    static const fe few[] = {0, 1, FE_P - 1, 0xFFFFFFFF};
    for (int i = 0; i < 64; i++)
        for (int j = 0; j < 64; j++) {
            fe3 a = {{few[i & 3], few[i >> 2 & 3], few[i >> 4]}};
            fe3 b = {{few[j & 3], few[j >> 2 & 3], few[j >> 4]}};
            check_laws(a, b, random_fe3());
        }
    for (int i = 0; i < 5000; i++)
        check_laws(random_fe3(), random_fe3(), random_fe3());
}

// x^3 - 2 has no root: 2 is no cube, that is 2^((p - 1)/3) != 1; a cubic without a root is
// irreducible. And x x x = 2, x^p = (2^32 - 1) x.
static void test_extension_is_a_field(void **state)
{
    (void)state;
    assert_int_equal((FE_P - 1) % 3, 0);
    assert_int_not_equal(fe_pow(2, (FE_P - 1) / 3), 1);
    fe3 x = {{0, 1, 0}};
    assert_fe3_equal(fe3_mul(x, fe3_sqr(x)), fe3_from_fe(2));
    assert_fe3_equal(fe3_pow(x, FE_P), (fe3){{0, 0xFFFFFFFF, 0}});
    // a^(p^3) = a
    for (int i = 0; i < 20; i++) {
        fe3 a = random_fe3();
        assert_fe3_equal(fe3_pow(fe3_pow(fe3_pow(a, FE_P), FE_P), FE_P), a);
    }
}

int main(void)
{
    rng = test_rng_new(0xFE);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fe_matches_remainder),
        cmocka_unit_test(test_reduce128),
        cmocka_unit_test(test_inverse_and_powers),
        cmocka_unit_test(test_roots_of_unity),
        cmocka_unit_test(test_fe3_laws),
        cmocka_unit_test(test_extension_is_a_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
