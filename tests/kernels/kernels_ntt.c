// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "kernels/checkasm.h"

#include "ntt/ntt_ops.h"

#include <stdlib.h>

static const void *table(void)
{
    return ntt_get();
}

// Shapes that reach one, two and three levels of blocks, all kinds of tails.
static void check_encode(checkasm *c, const void *ref, const void *ops, size_t n)
{
    unsigned log_n = (unsigned)(n % 13), log_blowup = (unsigned)(checkasm_random(c) % 7);
    size_t width = 1 + checkasm_random(c) % (log_n < 8 ? 70 : 10);
    if (log_n + log_blowup < 3)
        log_blowup = 3;
    if (log_n + log_blowup > 13)
        log_blowup = 1;
    const fe *in = checkasm_input(c, width << log_n);
    size_t total = width << (log_n + log_blowup);
    fe *want = checkasm_output(c, total), *got = checkasm_output(c, total);
    status a = ((const ntt_ops *)ref)->encode(want, in, log_n, log_blowup, width, NULL);
    status b = ((const ntt_ops *)ops)->encode(got, in, log_n, log_blowup, width, NULL);
    checkasm_true(c, a == ZK_OK && b == ZK_OK, "no memory");
    checkasm_equal(c, want, got, total);
}

static void check_transform(checkasm *c, const void *ref, const void *ops, size_t n)
{
    unsigned log_n = (unsigned)(n % 14);
    size_t width = 1 + checkasm_random(c) % (log_n < 8 ? 70 : 10), total = width << log_n;
    bool inverse = checkasm_random(c) % 2 == 0;
    const fe *in = checkasm_input(c, total);
    fe *want = checkasm_output(c, total), *got = checkasm_output(c, total);
    for (size_t i = 0; i < total; i++)
        want[i] = got[i] = in[i];
    status a = ((const ntt_ops *)ref)->transform(want, log_n, width, inverse, NULL);
    status b = ((const ntt_ops *)ops)->transform(got, log_n, width, inverse, NULL);
    checkasm_true(c, a == ZK_OK && b == ZK_OK, "no memory");
    checkasm_equal(c, want, got, total);
}

enum { BENCH_LOG_N = 12, BENCH_WIDTH = 16 };

static size_t bench_forward(const void *ops)
{
    static fe data[(size_t)BENCH_WIDTH << BENCH_LOG_N];
    if (data[0] == 0)
        for (size_t i = 0; i < sizeof data / sizeof data[0]; i++)
            data[i] = i * 0x9E3779B97F4A7C15ULL % FE_P + 1;
    if (((const ntt_ops *)ops)->transform(data, BENCH_LOG_N, BENCH_WIDTH, false, NULL) != ZK_OK)
        abort();
    return sizeof data / sizeof data[0] * BENCH_LOG_N / 2;
}

void kernels_ntt(checkasm *c)
{
    checkasm_add(c, (kernel){"ntt.encode", table, check_encode, 60, NULL, NULL});
    checkasm_add(c,
                 (kernel){"ntt.transform", table, check_transform, 60, bench_forward, "butterfly"});
}
