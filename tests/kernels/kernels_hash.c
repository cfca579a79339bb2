// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "kernels/checkasm.h"

#include "hash/hash.h"

#include <string.h>

static const void *table_poseidon(void)
{
    return hash_get(HASH_POSEIDON);
}

static const void *table_poseidon2(void)
{
    return hash_get(HASH_POSEIDON2);
}

static void check_permute(checkasm *c, const void *ref, const void *ops, size_t n)
{
    const fe *in = checkasm_input(c, n * HASH_WIDTH);
    fe *want = checkasm_output(c, n * HASH_WIDTH), *got = checkasm_output(c, n * HASH_WIDTH);
    memcpy(want, in, n * HASH_WIDTH * sizeof(fe));
    memcpy(got, in, n * HASH_WIDTH * sizeof(fe));
    ((const hash_ops *)ref)->permute_many(want, n);
    ((const hash_ops *)ops)->permute_many(got, n);
    checkasm_equal(c, want, got, n * HASH_WIDTH);
}

// To a place of its own, and over its input.
static void check_compress(checkasm *c, const void *ref, const void *ops, size_t n)
{
    const fe *in = checkasm_input(c, n * HASH_WIDTH);
    fe *want = checkasm_output(c, n * HASH_DIGEST), *got = checkasm_output(c, n * HASH_DIGEST);
    fe *over = checkasm_output(c, n * HASH_WIDTH);
    memcpy(over, in, n * HASH_WIDTH * sizeof(fe));
    ((const hash_ops *)ref)->compress_many((digest *)want, in, n);
    ((const hash_ops *)ops)->compress_many((digest *)got, in, n);
    ((const hash_ops *)ops)->compress_many((digest *)over, over, n);
    checkasm_equal(c, want, got, n * HASH_DIGEST);
    checkasm_equal(c, want, over, n * HASH_DIGEST);
    checkasm_equal(c, in + n * HASH_DIGEST, over + n * HASH_DIGEST, n * (HASH_WIDTH - HASH_DIGEST));
}

static void check_rows(checkasm *c, const void *ref, const void *ops, size_t n)
{
    size_t width = 1 + checkasm_random(c) % 80, rows = n / (1 + width / 16);
    const fe *in = checkasm_input(c, rows * width);
    fe *want = checkasm_output(c, rows * HASH_DIGEST),
       *got = checkasm_output(c, rows * HASH_DIGEST);
    ((const hash_ops *)ref)->hash_rows((digest *)want, in, rows, width);
    ((const hash_ops *)ops)->hash_rows((digest *)got, in, rows, width);
    checkasm_equal(c, want, got, rows * HASH_DIGEST);
}

enum { BENCH_N = 256, BENCH_WIDTH = 64 };
static fe bench_data[BENCH_N * BENCH_WIDTH];

static fe *bench_input(void)
{
    for (size_t i = 0; bench_data[0] == 0 && i < BENCH_N * BENCH_WIDTH; i++)
        bench_data[BENCH_N * BENCH_WIDTH - 1 - i] = i * 0x9E3779B97F4A7C15ULL % FE_P + 1;
    return bench_data;
}

static size_t bench_permute(const void *ops)
{
    ((const hash_ops *)ops)->permute_many(bench_input(), BENCH_N);
    return BENCH_N;
}

static size_t bench_permute_one(const void *ops)
{
    ((const hash_ops *)ops)->permute_many(bench_input(), 1);
    return 1;
}

static size_t bench_rows(const void *ops)
{
    static digest out[BENCH_N];
    ((const hash_ops *)ops)->hash_rows(out, bench_input(), BENCH_N, BENCH_WIDTH);
    return BENCH_N * BENCH_WIDTH;
}

void kernels_hash(checkasm *c)
{
    checkasm_add(c, (kernel){"poseidon.permute", table_poseidon, check_permute, 26, bench_permute,
                             "permutation"});
    checkasm_add(c, (kernel){"poseidon.permute_one", table_poseidon, check_permute, 1,
                             bench_permute_one, "permutation"});
    checkasm_add(c, (kernel){"poseidon.compress", table_poseidon, check_compress, 26, NULL, NULL});
    checkasm_add(
        c, (kernel){"poseidon.hash_rows", table_poseidon, check_rows, 40, bench_rows, "element"});
    checkasm_add(c, (kernel){"poseidon2.permute", table_poseidon2, check_permute, 26, bench_permute,
                             "permutation"});
    checkasm_add(c,
                 (kernel){"poseidon2.compress", table_poseidon2, check_compress, 26, NULL, NULL});
    checkasm_add(c, (kernel){"poseidon2.hash_rows", table_poseidon2, check_rows, 40, NULL, NULL});
}
