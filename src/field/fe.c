// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "field/fe.h"

fe fe_pow(fe a, uint64_t exponent)
{
    fe result = 1;
    for (; exponent != 0; exponent >>= 1) {
        if (exponent & 1)
            result = fe_mul(result, a);
        a = fe_sqr(a);
    }
    return result;
}

static fe sqr_times(fe a, unsigned n)
{
    while (n-- > 0)
        a = fe_sqr(a);
    return a;
}

// a^(p - 2), p - 2 = (2^31 - 1) 2^33 + (2^32 - 1), by 63 squarings and 9 products. With
// t(k) = a^(2^k - 1): t(j + k) = t(j)^(2^k) t(k).
fe fe_inv(fe a)
{
    fe t2 = fe_mul(fe_sqr(a), a);
    fe t3 = fe_mul(fe_sqr(t2), a);
    fe t6 = fe_mul(sqr_times(t3, 3), t3);
    fe t12 = fe_mul(sqr_times(t6, 6), t6);
    fe t24 = fe_mul(sqr_times(t12, 12), t12);
    fe t30 = fe_mul(sqr_times(t24, 6), t6);
    fe t31 = fe_mul(fe_sqr(t30), a);
    fe t32 = fe_mul(fe_sqr(t31), a);
    return fe_mul(sqr_times(t31, 33), t32);
}

fe fe_root_of_unity(unsigned log_order)
{
    ZK_ASSERT(log_order <= FE_TWO_ADICITY);
    return fe_pow(FE_GENERATOR, (FE_P - 1) >> log_order);
}

fe3 fe3_pow(fe3 a, uint64_t exponent)
{
    fe3 result = fe3_one();
    for (; exponent != 0; exponent >>= 1) {
        if (exponent & 1)
            result = fe3_mul(result, a);
        a = fe3_sqr(a);
    }
    return result;
}

// a^-1 = a' a'' / N(a) with the conjugates a' = a^p, a'' = a^(p^2) and the norm N(a) = a a' a''
// in F. The product a' a'' has the closed form of the adjugate of multiplication by a:
// (a0^2 - 2 a1 a2, 2 a2^2 - a0 a1, a1^2 - a0 a2).
fe3 fe3_inv(fe3 a)
{
    fe b0 = fe_sub(fe_sqr(a.c[0]), fe_double(fe_mul(a.c[1], a.c[2])));
    fe b1 = fe_sub(fe_double(fe_sqr(a.c[2])), fe_mul(a.c[0], a.c[1]));
    fe b2 = fe_sub(fe_sqr(a.c[1]), fe_mul(a.c[0], a.c[2]));
    fe norm = fe_add(fe_mul(a.c[0], b0), fe_double(fe_add(fe_mul(a.c[1], b2), fe_mul(a.c[2], b1))));
    return fe3_mul_fe((fe3){{b0, b1, b2}}, fe_inv(norm));
}
