// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "sumcheck/eq.h"

#include <stdlib.h>

#include "field/vec.h"

// Walks the bits of count from the top: where a bit is set, all indices that agree above and have
// a zero there are below count; their eq values add up to the product of the factors above times
// (1 - r_i), the free bits adding up to 1.
fe3 eq_prefix_sum(const fe3 *r, unsigned n, uint64_t count)
{
    ZK_VERIFY(count <= (uint64_t)1 << n);
    if (count == (uint64_t)1 << n)
        return fe3_one();
    fe3 sum = fe3_zero(), above = fe3_one();
    for (unsigned i = n; i-- > 0;) {
        fe3 one = fe3_mul(above, r[i]);
        fe3 zero = fe3_sub(above, one);
        if ((count >> i) & 1) {
            sum = fe3_add(sum, zero);
            above = one;
        } else {
            above = zero;
        }
    }
    return sum;
}

status eq_split_new(eq_split *e, unsigned n, unsigned max_low)
{
    unsigned n_low = n < max_low ? n : max_low;
    *e = (eq_split){.max_low = max_low};
    e->low = malloc(3 * sizeof(fe) << n_low);
    e->high = malloc(3 * sizeof(fe) << (n - n_low));
    if (e->low == NULL || e->high == NULL) {
        eq_split_free(e);
        FAIL(ZK_ENOMEM, "no memory for eq tables of 2^%u entries", n);
    }
    return ZK_OK;
}

void eq_split_free(eq_split *e)
{
    free(e->low);
    free(e->high);
    *e = (eq_split){0};
}

void eq_split_set(eq_split *e, const fe3 *r, unsigned n)
{
    e->n_low = n < e->max_low ? n : e->max_low;
    e->n_high = n - e->n_low;
    const vec_ops *vec = vec_get();
    vec->eq_table(e->low, (size_t)1 << e->n_low, fe3_one(), r, e->n_low);
    vec->eq_table(e->high, (size_t)1 << e->n_high, fe3_one(), r + e->n_low, e->n_high);
}
