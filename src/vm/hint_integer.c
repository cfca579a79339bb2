// SPDX-License-Identifier: Apache-2.0 OR MIT
// Hint functions on integers.
#include "vm/bignum.h"
#include "vm/hint_impl.h"

#include <stdlib.h>

status hint_expect(uint64_t n_params, uint64_t needed, const char *name)
{
    FAIL_IF(n_params < needed, ZK_EGUEST, "hint %s was called with %llu parameter words of %llu",
            name, (unsigned long long)n_params, (unsigned long long)needed);
    return ZK_OK;
}

status hint_push_words(word_list *results, const uint64_t *words, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        TRY(word_list_push(results, words[i]));
    return ZK_OK;
}

// [number of limbs, limbs] -> [number of bits, bits from the most significant one down].
status hint_bin_decomp(word_list *results, const uint64_t *params, uint64_t n_params)
{
    TRY(hint_expect(n_params, 1, "bin_decomp"));
    FAIL_IF(params[0] > n_params - 1, ZK_EGUEST,
            "hint bin_decomp: %llu limbs announced, %llu given", (unsigned long long)params[0],
            (unsigned long long)(n_params - 1));
    const uint64_t *limbs = params + 1, n = bn_length(limbs, params[0]);
    const uint64_t bits = n == 0 ? 0 : 64 * n - (uint64_t)__builtin_clzll(limbs[n - 1]);
    TRY(word_list_push(results, bits));
    for (uint64_t i = bits; i-- > 0;)
        TRY(word_list_push(results, limbs[i / 64] >> (i % 64) & 1));
    return ZK_OK;
}

// Limb and bit in it of the highest bit that is set in any of `count` numbers of n limbs.
static status msb_position(word_list *results, const uint64_t *numbers, uint64_t count, unsigned n,
                           unsigned stride, const char *name)
{
    for (unsigned limb = n; limb-- > 0;) {
        uint64_t any = 0;
        for (uint64_t i = 0; i < count; i++)
            any |= numbers[i * stride + limb];
        if (any != 0) {
            TRY(word_list_push(results, limb));
            return word_list_push(results, 63 - (uint64_t)__builtin_clzll(any));
        }
    }
    FAIL(ZK_EGUEST, "hint %s: all numbers are zero", name);
}

// [count 1 to 3, count numbers of 4 limbs] -> [limb, bit].
status hint_msb_pos_256(word_list *results, const uint64_t *params, uint64_t n_params)
{
    TRY(hint_expect(n_params, 1, "msb_pos_256"));
    FAIL_IF(params[0] < 1 || params[0] > 3, ZK_EGUEST, "hint msb_pos_256 of %llu numbers: 1 to 3",
            (unsigned long long)params[0]);
    TRY(hint_expect(n_params, 1 + 4 * params[0], "msb_pos_256"));
    return msb_position(results, params + 1, params[0], 4, 4, "msb_pos_256");
}

// [two numbers of 6 limbs, each in a block of 8] -> [limb, bit].
status hint_msb_pos_384(word_list *results, const uint64_t *params, uint64_t n_params)
{
    TRY(hint_expect(n_params, 8 + 6, "msb_pos_384"));
    return msb_position(results, params, 2, 6, 8, "msb_pos_384");
}

// [a4, b4] -> [q4, r4].
status hint_uint256_div(word_list *results, const uint64_t *params, uint64_t n_params)
{
    TRY(hint_expect(n_params, 8, "uint256_div"));
    const uint64_t *a = params, *b = params + 4, nb = bn_length(b, 4);
    uint64_t q[4] = {0}, r[4] = {0}, work[9];
    FAIL_IF(nb == 0, ZK_EGUEST, "hint uint256_div: division by zero");
    bn_divide(q, r, a, 4, b, nb, work);
    TRY(hint_push_words(results, q, 4));
    return hint_push_words(results, r, 4);
}

static status push_flagged(word_list *results, bool found, const uint64_t value[4])
{
    TRY(word_list_push(results, found));
    return hint_push_words(results, value, 4);
}

// [a4] -> [1, 1 / a mod 2^256], or zeros when a is even. Newton: x := x (2 - a x) doubles the
// number of right bits, from the three that x = a has.
status hint_uint256_inverse(word_list *results, const uint64_t *params, uint64_t n_params)
{
    TRY(hint_expect(n_params, 4, "uint256_inverse"));
    const uint64_t *a = params;
    uint64_t x[4] = {0};
    const bool found = (a[0] & 1) != 0;
    if (found)
        bn_copy(x, a, 4);
    for (unsigned bits = 3; found && bits < 256; bits *= 2) {
        static const uint64_t two[4] = {2};
        uint64_t t[8];
        bn_mul(t, a, 4, x, 4);
        bn_sub(t, two, t, 4);
        uint64_t y[8];
        bn_mul(y, x, 4, t, 4);
        bn_copy(x, y, 4);
    }
    return push_flagged(results, found, x);
}

// [a4, m4] -> [1, 1 / a mod m], or zeros when there is no inverse.
status hint_uint256_inverse_mod(word_list *results, const uint64_t *params, uint64_t n_params)
{
    TRY(hint_expect(n_params, 8, "uint256_inverse_mod"));
    const uint64_t *m = params + 4;
    uint64_t a[4], x[4] = {0};
    FAIL_IF(bn_is_zero(m, 4), ZK_EGUEST, "hint uint256_inverse_mod: modulus 0");
    bn_mod(a, params, 4, m, 4);
    const bool found = bn_inverse_mod(x, a, m, 4);
    return push_flagged(results, found, x);
}

// A number as [limbs, limb ...], filled with zeros to a multiple of 4 limbs, at least 4.
static status push_number(word_list *results, const uint64_t *a, uint64_t n)
{
    n = bn_length(a, n);
    const uint64_t padded = n == 0 ? 4 : (n + 3) / 4 * 4;
    TRY(word_list_push(results, padded));
    for (uint64_t i = 0; i < padded; i++)
        TRY(word_list_push(results, i < n ? a[i] : 0));
    return ZK_OK;
}

// [la, a, lb, b] -> quotient and remainder as push_number writes them.
status hint_bigint_div(word_list *results, const uint64_t *params, uint64_t n_params)
{
    status result = ZK_OK;
    TRY(hint_expect(n_params, 1, "bigint_div"));
    const uint64_t *a = params + 1;
    uint64_t na = params[0];
    FAIL_IF(na > n_params - 1, ZK_EGUEST, "hint bigint_div: %llu limbs announced, %llu given",
            (unsigned long long)na, (unsigned long long)(n_params - 1));
    TRY(hint_expect(n_params, na + 2, "bigint_div"));
    const uint64_t *b = a + na + 1, left = n_params - na - 2;
    FAIL_IF(b[-1] > left, ZK_EGUEST, "hint bigint_div: %llu limbs announced, %llu given",
            (unsigned long long)b[-1], (unsigned long long)left);
    const uint64_t nb = bn_length(b, b[-1]);
    FAIL_IF(nb == 0, ZK_EGUEST, "hint bigint_div: division by zero");
    na = bn_length(a, na);
    if (na < nb) {
        TRY(push_number(results, NULL, 0));
        return push_number(results, a, na);
    }
    const uint64_t nq = na - nb + 1, n_work = na + nb + 1;
    uint64_t *memory = malloc((nq + nb + n_work) * sizeof *memory);
    FAIL_IF(memory == NULL, ZK_ENOMEM, "no memory to divide %llu limbs", (unsigned long long)na);
    uint64_t *q = memory, *r = q + nq, *work = r + nb;
    bn_divide(q, r, a, na, b, nb, work);
    TRY_OUT(push_number(results, q, nq));
    TRY_OUT(push_number(results, r, nb));
out:
    free(memory);
    return result;
}

// Asks whether input has arrived up to an address: the whole file is there from the start.
status hint_input_ready(word_list *results, const uint64_t *params, uint64_t n_params)
{
    (void)results;
    (void)params;
    (void)n_params;
    return ZK_OK;
}
