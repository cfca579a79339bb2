// SPDX-License-Identifier: Apache-2.0 OR MIT
// Code words of 2^K rows, K the argument of the program, in every vector tier: sampled values
// against Horner, and the inverse against the coefficients.
#include "unit/test.h"

#include "base/cpu.h"
#include "base/pool.h"
#include "ntt/ntt.h"

enum { WIDTH = 2, SAMPLES = 3 };

static unsigned log_rows;

static fe cell(size_t i)
{
    return fe_mul(fe_from_u64(i + 1), 0x9E3779B97F4A7C15ULL);
}

static fe horner(const fe *m, size_t n, size_t c, fe x)
{
    fe v = 0;
    for (size_t i = n; i-- > 0;)
        v = fe_mul_add(v, x, m[i * WIDTH + c]);
    return v;
}

static void check_tier(fe *in, fe *out, pool *p)
{
    unsigned log_n = log_rows - 1; // rate 1/2
    size_t n = (size_t)1 << log_n, big_n = 2 * n;
    assert_int_equal(ntt_encode(out, in, log_n, 1, WIDTH, p), ZK_OK);
    fe root = fe_root_of_unity(log_rows);
    for (size_t s = 0; s < SAMPLES; s++) {
        size_t i = (s * 0x9E3779B97F4A7C15ULL + s) % big_n, c = s % WIDTH;
        assert_int_equal(out[i * WIDTH + c], horner(in, n, c, fe_pow(root, i)));
    }
    // The code word of size 2 n is the transform of the coefficients and n zeros.
    assert_int_equal(ntt_inverse(out, log_rows, WIDTH, p), ZK_OK);
    assert_memory_equal(out, in, n * WIDTH * sizeof(fe));
    for (size_t i = n * WIDTH; i < big_n * WIDTH; i++)
        if (out[i] != 0)
            fail_msg("coefficient %zu above the degree is not zero", i);
}

static void test_large(void **state)
{
    (void)state;
    size_t rows = (size_t)1 << log_rows;
    fe *in = malloc(rows / 2 * WIDTH * sizeof(fe)), *out = malloc(rows * WIDTH * sizeof(fe));
    assert_true(in != NULL && out != NULL);
    for (size_t i = 0; i < rows / 2 * WIDTH; i++)
        in[i] = cell(i);
    pool *p;
    assert_int_equal(pool_open(&p, 2), ZK_OK);
    if (cpu_tier_detected() == CPU_SCALAR)
        check_tier(in, out, p);
    for (int t = CPU_AVX2; t <= (int)cpu_tier_detected(); t++) {
        cpu_tier_force((cpu_tier)t);
        check_tier(in, out, p);
    }
    pool_close(p);
    free(in);
    free(out);
}

int main(int argc, char **argv)
{
    log_rows = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    if (log_rows < 4 || log_rows > 28) {
        fprintf(stderr, "usage: %s K, 4 <= K <= 28\n", argv[0]);
        return 2;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_large)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
