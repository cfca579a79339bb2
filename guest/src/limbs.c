// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "limbs.h"

static bool is_one(const uint64_t *a, unsigned n)
{
    return a[0] == 1 && limbs_is_zero(a + 1, n - 1);
}

// Makes u odd by halving, and halves x with it modulo the odd m.
static void make_odd(uint64_t *u, uint64_t *x, const uint64_t *m, unsigned n)
{
    while ((u[0] & 1) == 0) {
        limbs_halve(u, 0, n);
        const uint64_t carry = (x[0] & 1) != 0 ? limbs_add(x, x, m, n) : 0;
        limbs_halve(x, carry, n);
    }
}

static void sub_mod(uint64_t *x, const uint64_t *y, const uint64_t *m, unsigned n)
{
    if (limbs_sub(x, x, y, n) != 0)
        limbs_add(x, x, m, n);
}

void limbs_inverse(uint64_t *out, const uint64_t *a, const uint64_t *m, unsigned n)
{
    uint64_t u[LIMBS_384], v[LIMBS_384], x1[LIMBS_384] = {1}, x2[LIMBS_384] = {0};
    for (unsigned i = 0; i < n; i++) {
        u[i] = a[i];
        v[i] = m[i];
    }
    make_odd(u, x1, m, n);
    while (!is_one(u, n) && !is_one(v, n)) {
        if (limbs_less(u, v, n)) {
            limbs_sub(v, v, u, n);
            sub_mod(x2, x1, m, n);
            make_odd(v, x2, m, n);
        } else {
            limbs_sub(u, u, v, n);
            sub_mod(x1, x2, m, n);
            make_odd(u, x1, m, n);
        }
    }
    const uint64_t *x = is_one(u, n) ? x1 : x2;
    for (unsigned i = 0; i < n; i++)
        out[i] = x[i];
}
