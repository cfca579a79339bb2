// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Shared by the sumcheck tests: random elements, a transcript to start from, evaluation of a
// multilinear extension by its definition.
#include "unit/test.h"

#include "sumcheck/eq.h"
#include "transcript/transcript.h"

static inline fe random_fe(test_rng *r)
{
    return fe_from_u64(test_rng_u64(r));
}

static inline fe3 random_fe3(test_rng *r)
{
    fe a = random_fe(r), b = random_fe(r), c = random_fe(r);
    return (fe3){{a, b, c}};
}

static inline transcript start_transcript(void)
{
    transcript t;
    transcript_init(&t, hash_get(HASH_POSEIDON), 77);
    return t;
}

static inline void assert_fe3_equal(fe3 a, fe3 b)
{
    for (int k = 0; k < 3; k++)
        assert_int_equal(a.c[k], b.c[k]);
}

static inline fe3 eq_at(const fe3 *r, unsigned n, uint64_t x)
{
    fe3 product = fe3_one();
    for (unsigned i = 0; i < n; i++)
        product = fe3_mul(product, (x >> i) & 1 ? r[i] : fe3_sub(fe3_one(), r[i]));
    return product;
}

static inline fe3 extension_of_base(const fe *table, const fe3 *r, unsigned n)
{
    fe3 sum = fe3_zero();
    for (uint64_t x = 0; x < (uint64_t)1 << n; x++)
        sum = fe3_add(sum, fe3_mul_fe(eq_at(r, n, x), table[x]));
    return sum;
}
