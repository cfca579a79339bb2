// SPDX-License-Identifier: Apache-2.0 OR MIT
// The verifier's half of closed.h. Circuit subset.
#include "air/closed.h"

// sum_i 2^i (a_i * ca + b_i * ca + a_i b_i * cab) over the bits of both fields.
static fe3 bitwise_at_point(const fe3 *a, const fe3 *b, unsigned bits, fe single, fe both)
{
    fe3 sum = fe3_zero();
    for (unsigned i = bits; i-- > 0;) {
        fe3 term =
            fe3_add(fe3_mul_fe(fe3_add(a[i], b[i]), single), fe3_mul_fe(fe3_mul(a[i], b[i]), both));
        sum = fe3_add(fe3_add(sum, sum), term);
    }
    return sum;
}

// sum_i weight(i) x_i prod_{j>i} (1 - x_j), weight(i) = i or 2^i.
static fe3 top_at_point(const fe3 *x, unsigned bits, bool power)
{
    fe3 sum = fe3_zero(), none_above = fe3_one();
    for (unsigned i = bits; i-- > 0;) {
        fe3 here = fe3_mul(none_above, x[i]);
        sum = fe3_add(sum, fe3_mul_fe(here, fe_const(power ? 1ULL << i : i)));
        none_above = fe3_sub(none_above, here);
    }
    return sum;
}

fe3 closed_at_point(const closed_form *f, const fe3 *point)
{
    const fe3 *a = point + f->shift, *b = point + f->shift_b;
    fe minus_one = fe_const(FE_P - 1), minus_two = fe_const(FE_P - 2);
    switch (f->kind) {
    case CLOSED_CONST:
        return fe3_from_fe(f->value);
    case CLOSED_BITS: {
        fe3 sum = fe3_zero();
        for (unsigned i = f->bits; i-- > 0;)
            sum = fe3_add(fe3_add(sum, sum), a[i]);
        return sum;
    }
    case CLOSED_AND:
        return bitwise_at_point(a, b, f->bits, fe_const(0), fe_const(1));
    case CLOSED_OR:
        return bitwise_at_point(a, b, f->bits, fe_const(1), minus_one);
    case CLOSED_XOR:
        return bitwise_at_point(a, b, f->bits, fe_const(1), minus_two);
    case CLOSED_POW2: {
        fe3 product = fe3_one();
        fe square = fe_const(2); // 2^(2^i)
        for (unsigned i = 0; i < f->bits; i++) {
            fe3 factor = fe3_add_fe(fe3_mul_fe(a[i], fe_sub(square, fe_const(1))), fe_const(1));
            product = fe3_mul(product, factor);
            square = fe_mul(square, square);
        }
        return product;
    }
    case CLOSED_MSB:
        return top_at_point(a, f->bits, false);
    case CLOSED_TOP:
        return top_at_point(a, f->bits, true);
    default:
        ZK_ASSERT(!"closed form of unknown kind");
        return fe3_zero();
    }
}
