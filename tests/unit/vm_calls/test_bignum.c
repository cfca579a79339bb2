// SPDX-License-Identifier: Apache-2.0 OR MIT
// vm/bignum.h against GMP, on numbers that are random or made of runs of ones and zeros.
#include "unit/test.h"

#include <gmp.h>

#include "vm/bignum.h"

// Random limbs; often long runs of equal bits, where carries and estimates go wrong.
static void pick(uint64_t *out, unsigned n, test_rng *rng)
{
    const uint64_t kind = test_rng_u64(rng) % 4;
    for (unsigned i = 0; i < n; i++)
        out[i] = kind == 0 ? test_rng_u64(rng) : 0;
    if (kind != 0) {
        bool bit = kind == 1;
        for (unsigned i = 0; i < 64 * n; i++) {
            out[i / 64] |= (uint64_t)bit << (i % 64);
            if (test_rng_u64(rng) % 50 == 0)
                bit = !bit;
        }
    }
    if (kind == 3) // short
        for (unsigned i = (unsigned)(test_rng_u64(rng) % n); i < n; i++)
            out[i] = 0;
}

static void to_mpz(mpz_t out, const uint64_t *a, unsigned n)
{
    mpz_import(out, n, -1, 8, 0, 0, a);
}

static void assert_mpz(const mpz_t expected, const uint64_t *a, unsigned n)
{
    uint64_t limbs[64] = {0};
    assert_true(mpz_sgn(expected) >= 0 && mpz_sizeinbase(expected, 2) <= 64 * n);
    mpz_export(limbs, NULL, -1, 8, 0, 0, expected);
    assert_memory_equal(a, limbs, 8 * n);
}

static void test_sums_and_products(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(1);
    mpz_t x, y, z, top;
    mpz_inits(x, y, z, top, NULL);
    for (int round = 0; round < 3000; round++) {
        const unsigned n = 1 + (unsigned)(test_rng_u64(&rng) % 8);
        uint64_t a[8], b[8], sum[9], product[16];
        pick(a, n, &rng);
        pick(b, n, &rng);
        to_mpz(x, a, n);
        to_mpz(y, b, n);
        mpz_add(z, x, y);
        sum[n] = bn_add(sum, a, b, n);
        assert_mpz(z, sum, n + 1);
        mpz_sub(z, x, y);
        const uint64_t borrow = bn_sub(sum, a, b, n);
        assert_int_equal(borrow, mpz_sgn(z) < 0);
        assert_int_equal(bn_compare(a, b, n), mpz_sgn(z));
        mpz_set_ui(top, 1);
        mpz_mul_2exp(top, top, 64 * n);
        mpz_mod(z, z, top);
        assert_mpz(z, sum, n);
        mpz_mul(z, x, y);
        bn_mul(product, a, n, b, n);
        assert_mpz(z, product, 2 * n);
        assert_int_equal(bn_length(a, n), (mpz_sizeinbase(x, 2) + 63) / 64 - (mpz_sgn(x) == 0));
    }
    mpz_clears(x, y, z, top, NULL);
}

static void test_division(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(2);
    mpz_t x, y, q, r;
    mpz_inits(x, y, q, r, NULL);
    for (int round = 0; round < 5000; round++) {
        const unsigned na = 1 + (unsigned)(test_rng_u64(&rng) % 14);
        uint64_t a[14], b[14], quotient[14], remainder[14], work[29];
        pick(a, na, &rng);
        pick(b, na, &rng);
        const unsigned nb = (unsigned)bn_length(b, na);
        if (nb == 0)
            continue;
        bn_divide(quotient, remainder, a, na, b, nb, work);
        to_mpz(x, a, na);
        to_mpz(y, b, nb);
        mpz_tdiv_qr(q, r, x, y);
        assert_mpz(q, quotient, na - nb + 1);
        assert_mpz(r, remainder, nb);
    }
    mpz_clears(x, y, q, r, NULL);
}

// The estimate of a quotient digit is one or two too large for about 2 in 2^64 random inputs; these
// are made so that it is (TAOCP 2, 4.3.1, exercises 21 and 22).
static void test_division_corrections(void **state)
{
    (void)state;
    const uint64_t top = 1ULL << 63, max = ~0ULL;
    static const struct {
        unsigned na, nb;
    } sizes[] = {{4, 3}, {3, 2}, {5, 3}};
    const uint64_t limbs[] = {0, 1, top - 1, top, top + 1, max - 1, max};
    enum { L = sizeof limbs / sizeof limbs[0] };
    mpz_t x, y, q, r;
    mpz_inits(x, y, q, r, NULL);
    for (unsigned s = 0; s < 2; s++) {
        const unsigned na = sizes[s].na, nb = sizes[s].nb;
        unsigned long cases = 1;
        for (unsigned i = 0; i < na + nb; i++)
            cases *= L;
        for (unsigned long c = 0; c < cases; c += 1 + c % 3) {
            uint64_t v[8], quotient[8], remainder[8], work[16];
            unsigned long digits = c;
            for (unsigned i = 0; i < na + nb; i++, digits /= L)
                v[i] = limbs[digits % L];
            if (v[na + nb - 1] == 0)
                continue;
            bn_divide(quotient, remainder, v, na, v + na, nb, work);
            to_mpz(x, v, na);
            to_mpz(y, v + na, nb);
            mpz_tdiv_qr(q, r, x, y);
            assert_mpz(q, quotient, na - nb + 1);
            assert_mpz(r, remainder, nb);
        }
    }
    mpz_clears(x, y, q, r, NULL);
}

static void test_modular(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(3);
    mpz_t x, y, z, m, e;
    mpz_inits(x, y, z, m, e, NULL);
    unsigned inverses = 0, refusals = 0;
    for (int round = 0; round < 3000; round++) {
        const unsigned n = round % 2 == 0 ? 4 : 6;
        uint64_t a[6], b[6], c[6], mod[6], out[6];
        pick(a, n, &rng);
        pick(b, n, &rng);
        pick(c, n, &rng);
        pick(mod, n, &rng);
        if (bn_is_zero(mod, n))
            continue;
        to_mpz(x, a, n);
        to_mpz(y, b, n);
        to_mpz(z, c, n);
        to_mpz(m, mod, n);
        bn_mul_add_mod(out, a, b, c, mod, n);
        mpz_addmul(z, x, y);
        mpz_mod(z, z, m);
        assert_mpz(z, out, n);

        bn_mod(a, a, n, mod, n);
        bn_mod(b, b, n, mod, n);
        to_mpz(x, a, n);
        to_mpz(y, b, n);
        bn_add_mod(out, a, b, mod, n);
        mpz_add(z, x, y);
        mpz_mod(z, z, m);
        assert_mpz(z, out, n);
        bn_sub_mod(out, a, b, mod, n);
        mpz_sub(z, x, y);
        mpz_mod(z, z, m);
        assert_mpz(z, out, n);
        if (round % 10 == 0) {
            to_mpz(e, c, n);
            bn_power_mod(out, a, c, mod, n);
            mpz_powm(z, x, e, m);
            assert_mpz(z, out, n);
        }
        if (mpz_cmp_ui(m, 1) == 0)
            continue;
        const bool exists = mpz_invert(z, x, m) != 0;
        memset(out, 0xee, sizeof out);
        assert_int_equal(bn_inverse_mod(out, a, mod, n), exists);
        if (exists) {
            assert_mpz(z, out, n);
            inverses++;
        } else {
            assert_int_equal(out[0], 0xeeeeeeeeeeeeeeee);
            refusals++;
        }
    }
    assert_true(inverses > 300 && refusals > 300);
    mpz_clears(x, y, z, m, e, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_and_products),
        cmocka_unit_test(test_division),
        cmocka_unit_test(test_division_corrections),
        cmocka_unit_test(test_modular),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
