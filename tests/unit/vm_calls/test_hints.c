// SPDX-License-Identifier: Apache-2.0 OR MIT
// The hint functions against GMP and OpenSSL.
#include "unit/test.h"

#include <gmp.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "vm/precompile.h"

static const char *const SECP256K1_P =
    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f";
static const char *const SECP256K1_N =
    "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
static const char *const BN254_P =
    "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47";
static const char *const BLS12_381_P =
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffff"
    "aaab";

static word_list results;
static uint64_t params[400];

static status call(unsigned id, uint64_t n_params)
{
    // A copy of the exact size, so that a read past the end is seen by the address sanitizer.
    uint64_t *exact = malloc(8 * n_params + 1);
    assert_non_null(exact);
    memcpy(exact, params, 8 * n_params);
    word_list_clear(&results);
    const status s = hint_find((uint16_t)id)->execute(&results, exact, n_params);
    free(exact);
    return s;
}

static void random_params(uint64_t n, test_rng *rng)
{
    for (uint64_t i = 0; i < n; i++)
        params[i] = test_rng_u64(rng);
}

static void get(mpz_t out, const uint64_t *words, unsigned n)
{
    mpz_import(out, n, -1, 8, 0, 0, words);
}

static void put(uint64_t *words, unsigned n, const mpz_t in)
{
    memset(words, 0, 8 * n);
    assert_true(mpz_sizeinbase(in, 2) <= 64 * n);
    mpz_export(words, NULL, -1, 8, 0, 0, in);
}

static void test_prime_inverses(void **state)
{
    (void)state;
    const struct {
        unsigned id, n, pushed;
        const char *p;
    } cases[] = {{1, 4, 4, SECP256K1_P},
                 {2, 4, 4, SECP256K1_N},
                 {6, 4, 4, BN254_P},
                 {10, 6, 8, BLS12_381_P}};
    test_rng rng = test_rng_new(1);
    mpz_t p, x, y;
    mpz_inits(p, x, y, NULL);
    for (size_t i = 0; i < 4; i++) {
        mpz_set_str(p, cases[i].p, 16);
        for (int round = 0; round < 50; round++) {
            random_params(8, &rng);
            get(x, params, cases[i].n);
            assert_int_equal(call(cases[i].id, cases[i].pushed), ZK_OK);
            assert_int_equal(results.n, cases[i].n);
            get(y, results.words, cases[i].n);
            assert_true(mpz_cmp(y, p) < 0);
            mpz_mul(y, y, x);
            mpz_mod(y, y, p);
            assert_int_equal(mpz_cmp_ui(y, 1), 0);
        }
        memset(params, 0, 64);
        assert_int_equal(call(cases[i].id, cases[i].pushed), ZK_EGUEST);
        put(params, cases[i].n, p);
        assert_int_equal(call(cases[i].id, cases[i].pushed), ZK_EGUEST);
        assert_int_equal(call(cases[i].id, cases[i].n - 1), ZK_EGUEST);
    }
    mpz_clears(p, x, y, NULL);
}

static void test_prime_roots(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(2);
    mpz_t p, x, y;
    mpz_inits(p, x, y, NULL);
    for (unsigned id = 3; id <= 11; id += 8) {
        const unsigned n = id == 3 ? 4 : 6;
        unsigned squares = 0;
        mpz_set_str(p, id == 3 ? SECP256K1_P : BLS12_381_P, 16);
        for (int round = 0; round < 60; round++) {
            random_params(8, &rng);
            if (id == 3)
                params[4] = (uint64_t)round & 1;
            get(x, params, n);
            mpz_mod(x, x, p);
            assert_int_equal(call(id, id == 3 ? 5 : 8), ZK_OK);
            assert_int_equal(results.n, 1 + n);
            get(y, results.words + 1, n);
            assert_true(mpz_cmp(y, p) < 0);
            const bool square = mpz_legendre(x, p) == 1;
            assert_int_equal(results.words[0], square);
            if (square && id == 3)
                assert_int_equal(mpz_odd_p(y) != 0, round & 1);
            if (!square)
                mpz_mul_ui(x, x, id == 3 ? 3 : 2);
            mpz_mul(y, y, y);
            assert_true(mpz_congruent_p(y, x, p));
            squares += square;
        }
        assert_in_range(squares, 10, 50);
        memset(params, 0, 64);
        params[4] = id == 3; // zero has one root, whatever the parity
        assert_int_equal(call(id, id == 3 ? 5 : 8), ZK_OK);
        assert_int_equal(results.words[0], 1);
        for (unsigned i = 1; i <= n; i++)
            assert_int_equal(results.words[i], 0);
    }
    mpz_clears(p, x, y, NULL);
}

// ---- F_p^2 with GMP: re + im i ----

typedef struct fp2 {
    mpz_t re, im;
} fp2;

static void fp2_mul(fp2 *out, const fp2 *a, const fp2 *b, const mpz_t p)
{
    mpz_t re, im;
    mpz_inits(re, im, NULL);
    mpz_mul(re, a->re, b->re);
    mpz_submul(re, a->im, b->im);
    mpz_mul(im, a->re, b->im);
    mpz_addmul(im, a->im, b->re);
    mpz_mod(out->re, re, p);
    mpz_mod(out->im, im, p);
    mpz_clears(re, im, NULL);
}

static void fp2_get(fp2 *out, const uint64_t *words, unsigned n, const mpz_t p)
{
    get(out->re, words, n);
    get(out->im, words + n, n);
    mpz_mod(out->re, out->re, p);
    mpz_mod(out->im, out->im, p);
}

static bool fp2_equal(const fp2 *a, const fp2 *b)
{
    return mpz_cmp(a->re, b->re) == 0 && mpz_cmp(a->im, b->im) == 0;
}

static void test_fp2_inverses_and_roots(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(3);
    mpz_t p;
    fp2 x, y, unit, factor;
    mpz_inits(p, x.re, x.im, y.re, y.im, NULL);
    mpz_init_set_ui(unit.re, 1);
    mpz_init_set_ui(unit.im, 0);
    mpz_init_set_ui(factor.re, 1);
    mpz_init_set_ui(factor.im, 1);
    for (unsigned id = 7; id <= 12; id += 5) {
        const unsigned n = id == 7 ? 4 : 6;
        mpz_set_str(p, id == 7 ? BN254_P : BLS12_381_P, 16);
        for (int round = 0; round < 30; round++) {
            random_params(2 * n, &rng);
            if (round % 3 == 1)
                memset(params + n, 0, 8 * n);
            if (round % 3 == 2)
                memset(params, 0, 8 * n);
            fp2_get(&x, params, n, p);
            assert_int_equal(call(id, 2 * n), ZK_OK);
            assert_int_equal(results.n, 2 * n);
            fp2_get(&y, results.words, n, p);
            fp2_mul(&y, &y, &x, p);
            assert_true(fp2_equal(&y, &unit));
        }
        memset(params, 0, 16 * n);
        assert_int_equal(call(id, 2 * n), ZK_EGUEST);
        assert_int_equal(call(id, 2 * n - 1), ZK_EGUEST);
    }
    unsigned squares = 0;
    for (int round = 0; round < 40; round++) {
        random_params(16, &rng);
        if (round % 4 == 1)
            memset(params + 6, 0, 48);
        if (round % 4 == 2)
            memset(params, 0, 48);
        if (round % 4 == 3) { // surely a square
            fp2_get(&x, params, 6, p);
            fp2_mul(&x, &x, &x, p);
            put(params, 6, x.re);
            put(params + 6, 6, x.im);
        }
        fp2_get(&x, params, 6, p);
        assert_int_equal(call(13, 16), ZK_OK);
        assert_int_equal(results.n, 13);
        fp2_get(&y, results.words + 1, 6, p);
        fp2_mul(&y, &y, &y, p);
        if (results.words[0] == 0)
            fp2_mul(&x, &x, &factor, p);
        assert_true(fp2_equal(&x, &y));
        assert_true(round % 4 == 0 || results.words[0] == 1); // elements of F_p are squares, too
        squares += results.words[0] == 1;
    }
    assert_in_range(squares, 31, 39); // 1 + i is no square, so the flag cannot be always 1
    mpz_clears(p, x.re, x.im, y.re, y.im, unit.re, unit.im, factor.re, factor.im, NULL);
}

// lambda (x2 - x1) = y2 - y1, or 2 y lambda = 3 x^2; mu = y1 - lambda x1.
static void test_lines(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(4);
    mpz_t p;
    fp2 v[6], left, right;
    mpz_inits(p, left.re, left.im, right.re, right.im, NULL);
    for (unsigned i = 0; i < 6; i++)
        mpz_inits(v[i].re, v[i].im, NULL);
    const unsigned ids[] = {8, 9, 14, 15};
    for (unsigned c = 0; c < 4; c++) {
        const unsigned n = ids[c] < 10 ? 4 : 6;
        const bool tangent = c % 2 == 1;
        mpz_set_str(p, n == 4 ? BN254_P : BLS12_381_P, 16);
        for (int round = 0; round < 20; round++) {
            const unsigned n_params = tangent ? 4 * n : 8 * n;
            random_params(n_params, &rng);
            for (unsigned i = 0; i < n_params / (2 * n); i++) // x1, y1, x2, y2
                fp2_get(&v[i], params + 2 * n * i, n, p);
            assert_int_equal(call(ids[c], n_params), ZK_OK);
            assert_int_equal(results.n, 4 * n);
            fp2_get(&v[4], results.words, n, p);
            fp2_get(&v[5], results.words + 2 * n, n, p);
            if (tangent) {
                fp2_mul(&left, &v[4], &v[1], p);
                mpz_mul_ui(left.re, left.re, 2);
                mpz_mul_ui(left.im, left.im, 2);
                fp2_mul(&right, &v[0], &v[0], p);
                mpz_mul_ui(right.re, right.re, 3);
                mpz_mul_ui(right.im, right.im, 3);
            } else {
                mpz_sub(right.re, v[2].re, v[0].re);
                mpz_sub(right.im, v[2].im, v[0].im);
                fp2_mul(&left, &v[4], &right, p);
                mpz_sub(right.re, v[3].re, v[1].re);
                mpz_sub(right.im, v[3].im, v[1].im);
            }
            assert_true(mpz_congruent_p(left.re, right.re, p));
            assert_true(mpz_congruent_p(left.im, right.im, p));
            fp2_mul(&left, &v[4], &v[0], p);
            mpz_add(left.re, left.re, v[5].re);
            mpz_add(left.im, left.im, v[5].im);
            assert_true(mpz_congruent_p(left.re, v[1].re, p));
            assert_true(mpz_congruent_p(left.im, v[1].im, p));
            assert_int_equal(call(ids[c], n_params - 1), ZK_EGUEST);
        }
        memset(params, 0, sizeof params); // a vertical line
        assert_int_equal(call(ids[c], 8 * n), ZK_EGUEST);
    }
    for (unsigned i = 0; i < 6; i++)
        mpz_clears(v[i].re, v[i].im, NULL);
    mpz_clears(p, left.re, left.im, right.re, right.im, NULL);
}

static void store_point(uint64_t *out, const EC_GROUP *g, const EC_POINT *p)
{
    BIGNUM *x = BN_new(), *y = BN_new();
    assert_true(EC_POINT_get_affine_coordinates(g, p, x, y, NULL));
    assert_true(BN_bn2lebinpad(x, (uint8_t *)out, 32) > 0);
    assert_true(BN_bn2lebinpad(y, (uint8_t *)(out + 4), 32) > 0);
    BN_free(x), BN_free(y);
}

static void test_ecdsa(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(5);
    for (unsigned id = 4; id <= 5; id++) {
        EC_GROUP *g = EC_GROUP_new_by_curve_name(id == 4 ? NID_secp256k1 : NID_X9_62_prime256v1);
        const BIGNUM *order = EC_GROUP_get0_order(g);
        BN_CTX *c = BN_CTX_new();
        EC_POINT *key = EC_POINT_new(g), *sum = EC_POINT_new(g);
        BIGNUM *z = BN_new(), *r = BN_new(), *s = BN_new(), *k = BN_new();
        for (int round = 0; round < 8; round++) {
            uint64_t expected[8] = {0};
            random_params(20, &rng);
            BN_set_word(k, round < 2 ? 1 : test_rng_u64(&rng)); // the generator itself, twice
            assert_true(EC_POINT_mul(g, key, k, NULL, NULL, c));
            store_point(params, g, key);
            if (round == 1) { // u1 = -u2: infinity
                BN_lebin2bn((const uint8_t *)(params + 12), 32, r);
                BN_nnmod(r, r, order, c);
                BN_sub(z, order, r);
                BN_bn2lebinpad(z, (uint8_t *)(params + 8), 32);
            }
            BN_lebin2bn((const uint8_t *)(params + 8), 32, z);
            BN_lebin2bn((const uint8_t *)(params + 12), 32, r);
            BN_lebin2bn((const uint8_t *)(params + 16), 32, s);
            assert_non_null(BN_mod_inverse(s, s, order, c));
            assert_true(BN_mod_mul(z, z, s, order, c));
            assert_true(BN_mod_mul(r, r, s, order, c));
            assert_true(EC_POINT_mul(g, sum, z, key, r, c));
            assert_int_equal(EC_POINT_is_at_infinity(g, sum), round == 1);
            if (round != 1)
                store_point(expected, g, sum);
            assert_int_equal(call(id, 20), ZK_OK);
            assert_int_equal(results.n, 8);
            assert_memory_equal(results.words, expected, 64);
        }
        memset(params + 16, 0, 32);
        assert_int_equal(call(id, 20), ZK_EGUEST);
        assert_int_equal(call(id, 19), ZK_EGUEST);
        BN_free(z), BN_free(r), BN_free(s), BN_free(k);
        EC_POINT_free(key), EC_POINT_free(sum);
        BN_CTX_free(c);
        EC_GROUP_free(g);
    }
}

// ---- Integers ----

static void test_bits(void **state)
{
    (void)state;
    const uint64_t number[] = {2, 0x8000000000000001, 5};
    memcpy(params, number, sizeof number);
    assert_int_equal(call(16, 3), ZK_OK);
    assert_int_equal(results.n, 1 + 67);
    assert_int_equal(results.words[0], 67);
    for (unsigned i = 0; i < 67; i++) { // 101 1000...0001
        const bool set = i == 0 || i == 2 || i == 3 || i == 66;
        assert_int_equal(results.words[1 + i], set);
    }
    params[0] = 3;
    assert_int_equal(call(16, 3), ZK_EGUEST);
    params[0] = ~0ULL;
    assert_int_equal(call(16, 3), ZK_EGUEST);
    assert_int_equal(call(16, 0), ZK_EGUEST);

    test_rng rng = test_rng_new(6);
    for (int round = 0; round < 500; round++) {
        const bool wide = round % 2 == 0;
        const unsigned count = wide ? 2 : 1 + (unsigned)(test_rng_u64(&rng) % 3);
        const unsigned n = wide ? 6 : 4, stride = wide ? 8 : 4;
        int top = -1;
        memset(params, 0, sizeof params);
        params[0] = count;
        uint64_t *numbers = params + !wide;
        for (unsigned i = 0; i < count; i++) {
            const int bits = (int)(test_rng_u64(&rng) % (64 * n + 1));
            for (int b = 0; b < bits; b++)
                if (b == bits - 1 || test_rng_u64(&rng) % 2 == 0)
                    numbers[i * stride + (unsigned)b / 64] |= 1ULL << (b % 64);
            top = bits - 1 > top ? bits - 1 : top;
        }
        const status s = call(wide ? 18 : 17, wide ? 16 : 1 + 4 * count);
        assert_int_equal(s, top < 0 ? ZK_EGUEST : ZK_OK);
        if (top >= 0) {
            assert_int_equal(results.n, 2);
            assert_int_equal(results.words[0], top / 64);
            assert_int_equal(results.words[1], top % 64);
        }
        if (!wide)
            assert_int_equal(call(17, 4 * count), ZK_EGUEST);
    }
    params[0] = 4;
    assert_int_equal(call(17, 17), ZK_EGUEST);
}

static void test_integers(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(7);
    mpz_t a, b, q, r, m;
    mpz_inits(a, b, q, r, m, NULL);
    for (int round = 0; round < 300; round++) {
        random_params(8, &rng);
        for (unsigned i = 4 + (unsigned)round % 4 + 1; i < 8; i++)
            params[i] = 0;
        get(a, params, 4);
        get(b, params + 4, 4);
        assert_int_equal(call(19, 8), ZK_OK);
        assert_int_equal(results.n, 8);
        mpz_tdiv_qr(q, r, a, b);
        get(m, results.words, 4);
        assert_int_equal(mpz_cmp(m, q), 0);
        get(m, results.words + 4, 4);
        assert_int_equal(mpz_cmp(m, r), 0);

        assert_int_equal(call(21, 8), ZK_OK);
        assert_int_equal(results.n, 5);
        const bool exists = mpz_cmp_ui(b, 1) > 0 && mpz_invert(q, a, b) != 0;
        assert_int_equal(results.words[0], exists);
        get(m, results.words + 1, 4);
        assert_int_equal(mpz_cmp(m, q) == 0 || !exists, 1);
        assert_int_equal(mpz_sgn(m) == 0, !exists);

        assert_int_equal(call(20, 4), ZK_OK);
        assert_int_equal(results.n, 5);
        assert_int_equal(results.words[0], params[0] & 1);
        get(m, results.words + 1, 4);
        mpz_mul(m, m, a);
        mpz_fdiv_r_2exp(m, m, 256);
        assert_int_equal(mpz_cmp_ui(m, params[0] & 1), 0);
    }
    memset(params + 4, 0, 32);
    assert_int_equal(call(19, 8), ZK_EGUEST);
    assert_int_equal(call(21, 8), ZK_EGUEST);
    assert_int_equal(call(19, 7), ZK_EGUEST);
    assert_int_equal(call(20, 3), ZK_EGUEST);
    assert_int_equal(call(23, 1), ZK_OK);
    assert_int_equal(results.n, 0);
    mpz_clears(a, b, q, r, m, NULL);
}

static void test_bigint_div(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(8);
    mpz_t a, b, q, r, x;
    mpz_inits(a, b, q, r, x, NULL);
    for (int round = 0; round < 300; round++) {
        const unsigned na = (unsigned)(test_rng_u64(&rng) % 40);
        const unsigned nb = 1 + (unsigned)(test_rng_u64(&rng) % 30);
        random_params(na + nb + 2, &rng);
        params[0] = na;
        params[na + 1] = nb;
        if (round % 3 == 0) { // leading zeros
            params[na] = na > 0 ? 0 : params[na];
            params[na + nb + 1] = nb > 1 ? 0 : params[na + nb + 1];
        }
        get(a, params + 1, na);
        get(b, params + na + 2, nb);
        mpz_tdiv_qr(q, r, a, b);
        assert_int_equal(call(22, na + nb + 2), ZK_OK);
        const uint64_t lq = results.words[0], lr = results.words[1 + lq];
        assert_int_equal(results.n, 2 + lq + lr);
        assert_true(lq >= 4 && lq % 4 == 0 && lr >= 4 && lr % 4 == 0);
        assert_true(lq < 4 + (mpz_sizeinbase(q, 2) + 63) / 64);
        get(x, results.words + 1, (unsigned)lq);
        assert_int_equal(mpz_cmp(x, q), 0);
        get(x, results.words + 2 + lq, (unsigned)lr);
        assert_int_equal(mpz_cmp(x, r), 0);

        assert_int_equal(call(22, na + nb + 1), ZK_EGUEST);
        assert_int_equal(call(22, na + 1), ZK_EGUEST);
        params[na + 1] = ~0ULL;
        assert_int_equal(call(22, na + nb + 2), ZK_EGUEST);
        params[na + 1] = 0; // a divisor of no limbs
        assert_int_equal(call(22, na + nb + 2), ZK_EGUEST);
        params[0] = ~0ULL;
        assert_int_equal(call(22, na + nb + 2), ZK_EGUEST);
    }
    assert_int_equal(call(22, 0), ZK_EGUEST);
    mpz_clears(a, b, q, r, x, NULL);
}

// Whatever a guest pushes, a call ends in results or in ZK_EGUEST, within its own parameters (which
// have an allocation of their exact size).
static void test_hostile_parameters(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(9);
    unsigned refused = 0, done = 0;
    for (unsigned i = 0; i < vm_hint_count; i++) {
        const bool slow = vm_hints[i].id == 4 || vm_hints[i].id == 5 || vm_hints[i].id == 13;
        for (int round = 0; round < (slow ? 60 : 600); round++) {
            const uint64_t n = test_rng_u64(&rng) % 50;
            for (uint64_t k = 0; k < n; k++) {
                const uint64_t r = test_rng_u64(&rng);
                params[k] = r % 4 == 0 ? 0 : r % 4 == 1 ? ~0ULL : r % 4 == 2 ? r >> 58 : r;
            }
            const status s = call(vm_hints[i].id, n);
            assert_true(s == ZK_OK || s == ZK_EGUEST);
            refused += s == ZK_EGUEST;
            done += s == ZK_OK;
        }
    }
    assert_true(refused > 1000 && done > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prime_inverses),
        cmocka_unit_test(test_prime_roots),
        cmocka_unit_test(test_fp2_inverses_and_roots),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_ecdsa),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_bigint_div),
        cmocka_unit_test(test_hostile_parameters),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    word_list_clear(&results);
    return failed;
}
