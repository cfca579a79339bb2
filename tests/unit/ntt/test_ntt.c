// SPDX-License-Identifier: Apache-2.0 OR MIT
// The transforms against evaluation by Horner and the schoolbook product, in every tier that this
// machine has; the laws that hold at any size.
#include "unit/test.h"

#include "base/cpu.h"
#include "base/pool.h"
#include "ntt/ntt.h"

static test_rng rng;

static fe random_fe(void)
{
    static const fe edges[] = {0, 1, FE_P - 1, 0xFFFFFFFF, 0x100000000, FE_P - 2};
    uint64_t r = test_rng_u64(&rng);
    return r % 5 == 0 ? edges[r / 5 % 6] : fe_from_u64(test_rng_u64(&rng));
}

static fe *random_matrix(size_t rows, size_t width)
{
    fe *m = malloc(rows * width * sizeof(fe));
    assert_non_null(m);
    for (size_t i = 0; i < rows * width; i++)
        m[i] = random_fe();
    return m;
}

static fe *copy_matrix(const fe *m, size_t rows, size_t width)
{
    fe *r = malloc(rows * width * sizeof(fe));
    assert_non_null(r);
    memcpy(r, m, rows * width * sizeof(fe));
    return r;
}

// Value at x of the polynomial whose coefficients are column c of m[n][width].
static fe horner(const fe *m, size_t n, size_t width, size_t c, fe x)
{
    fe v = 0;
    for (size_t i = n; i-- > 0;)
        v = fe_mul_add(v, x, m[i * width + c]);
    return v;
}

static void for_each_tier(void (*check)(void))
{
    for (int t = CPU_SCALAR; t <= (int)cpu_tier_detected(); t++) {
        cpu_tier_force((cpu_tier)t);
        check();
    }
    cpu_tier_force(cpu_tier_detected());
}

static void check_encode(unsigned log_n, unsigned log_blowup, size_t width, pool *p)
{
    size_t n = (size_t)1 << log_n, big_n = n << log_blowup;
    fe *in = random_matrix(n, width), *out = random_matrix(big_n, width);
    assert_int_equal(ntt_encode(out, in, log_n, log_blowup, width, p), ZK_OK);
    fe root = fe_root_of_unity(log_n + log_blowup);
    // Every value of small code words, samples of large ones.
    size_t step = big_n <= 256 ? 1 : big_n / 64 + 1;
    for (size_t i = 0; i < big_n; i += step)
        for (size_t c = 0; c < width; c += width <= 16 ? 1 : 7)
            assert_int_equal(out[i * width + c], horner(in, n, width, c, fe_pow(root, i)));
    free(in);
    free(out);
}

static void encode_all_small_shapes(void)
{
    static const size_t widths[] = {1, 2, 3, 7, 8, 9, 16, 24, 48};
    for (unsigned log_n = 0; log_n <= 7; log_n++)
        for (unsigned log_blowup = 0; log_blowup <= NTT_MAX_LOG_BLOWUP; log_blowup++)
            for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++)
                if (log_n + log_blowup >= 3 && log_n + log_blowup <= 9)
                    check_encode(log_n, log_blowup, widths[w], NULL);
}

static void encode_larger_shapes(void)
{
    check_encode(10, 1, 8, NULL);
    check_encode(10, 2, 64, NULL);
    check_encode(11, 1, 5, NULL);
    check_encode(12, 3, 16, NULL);
    check_encode(13, 1, 1, NULL);
    check_encode(9, 6, 3, NULL);
    check_encode(8, 1, 128, NULL);
    check_encode(15, 1, 9, NULL);
}

static void test_encode_is_evaluation(void **state)
{
    (void)state;
    for_each_tier(encode_all_small_shapes);
    for_each_tier(encode_larger_shapes);
}

static void forward_is_evaluation(void)
{
    for (unsigned log_n = 0; log_n <= 14; log_n++) {
        size_t n = (size_t)1 << log_n, width = 1 + log_n % 10;
        fe *in = random_matrix(n, width), *out = copy_matrix(in, n, width);
        assert_int_equal(ntt_forward(out, log_n, width, NULL), ZK_OK);
        fe root = fe_root_of_unity(log_n);
        for (size_t i = 0; i < n; i += n / 64 + 1)
            for (size_t c = 0; c < width; c++)
                assert_int_equal(out[i * width + c], horner(in, n, width, c, fe_pow(root, i)));
        free(in);
        free(out);
    }
}

static void inverse_undoes_forward(void)
{
    static const size_t widths[] = {1, 3, 8, 11, 64, 192};
    for (unsigned log_n = 0; log_n <= 13; log_n++) {
        size_t n = (size_t)1 << log_n, width = widths[log_n % 6];
        fe *in = random_matrix(n, width), *data = copy_matrix(in, n, width);
        assert_int_equal(ntt_forward(data, log_n, width, NULL), ZK_OK);
        assert_int_equal(ntt_inverse(data, log_n, width, NULL), ZK_OK);
        assert_memory_equal(data, in, n * width * sizeof(fe));
        assert_int_equal(ntt_inverse(data, log_n, width, NULL), ZK_OK);
        assert_int_equal(ntt_forward(data, log_n, width, NULL), ZK_OK);
        assert_memory_equal(data, in, n * width * sizeof(fe));
        free(in);
        free(data);
    }
}

static void test_forward_and_inverse(void **state)
{
    (void)state;
    for_each_tier(forward_is_evaluation);
    for_each_tier(inverse_undoes_forward);
}

// NTT(a + s b) = NTT(a) + s NTT(b)
static void linearity(void)
{
    for (unsigned log_n = 3; log_n <= 12; log_n += 3) {
        size_t n = (size_t)1 << log_n, width = 10, cells = n * width;
        fe *a = random_matrix(n, width), *b = random_matrix(n, width), *sum = copy_matrix(a, n, 10);
        fe s = random_fe();
        for (size_t i = 0; i < cells; i++)
            sum[i] = fe_mul_add(s, b[i], a[i]);
        assert_int_equal(ntt_forward(a, log_n, width, NULL), ZK_OK);
        assert_int_equal(ntt_forward(b, log_n, width, NULL), ZK_OK);
        assert_int_equal(ntt_forward(sum, log_n, width, NULL), ZK_OK);
        for (size_t i = 0; i < cells; i++)
            assert_int_equal(sum[i], fe_mul_add(s, b[i], a[i]));
        free(a);
        free(b);
        free(sum);
    }
}

// The pointwise product of transforms is the transform of the cyclic convolution.
static void convolution(void)
{
    enum { LOG_N = 9, N = 1 << LOG_N };
    fe *a = random_matrix(N, 1), *b = random_matrix(N, 1);
    static fe product[N];
    memset(product, 0, sizeof product);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            product[(i + j) % N] = fe_mul_add(a[i], b[j], product[(i + j) % N]);
    assert_int_equal(ntt_forward(a, LOG_N, 1, NULL), ZK_OK);
    assert_int_equal(ntt_forward(b, LOG_N, 1, NULL), ZK_OK);
    for (size_t i = 0; i < N; i++)
        a[i] = fe_mul(a[i], b[i]);
    assert_int_equal(ntt_inverse(a, LOG_N, 1, NULL), ZK_OK);
    assert_memory_equal(a, product, sizeof product);
    free(a);
    free(b);
}

static void test_laws(void **state)
{
    (void)state;
    for_each_tier(linearity);
    for_each_tier(convolution);
}

// Same bytes out of every tier and every number of threads.
static void test_tiers_and_threads_agree(void **state)
{
    (void)state;
    static const struct {
        unsigned log_n, log_blowup;
        size_t width;
    } shapes[] = {{3, 1, 48}, {10, 1, 64}, {11, 2, 13}, {13, 1, 192}, {14, 4, 3}, {16, 1, 8}};
    pool *p;
    assert_int_equal(pool_open(&p, 3), ZK_OK);
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        unsigned log_n = shapes[s].log_n, log_blowup = shapes[s].log_blowup;
        size_t n = (size_t)1 << log_n, big_n = n << log_blowup, w = shapes[s].width;
        fe *in = random_matrix(n, w), *want = random_matrix(big_n, w),
           *got = random_matrix(big_n, w);
        cpu_tier_force(CPU_SCALAR);
        assert_int_equal(ntt_encode(want, in, log_n, log_blowup, w, NULL), ZK_OK);
        fe *want_inverse = copy_matrix(in, n, w);
        assert_int_equal(ntt_inverse(want_inverse, log_n, w, NULL), ZK_OK);
        for (int t = CPU_SCALAR; t <= (int)cpu_tier_detected(); t++) {
            cpu_tier_force((cpu_tier)t);
            for (int threads = 0; threads < 2; threads++) {
                memset(got, 0xFF, big_n * w * sizeof(fe));
                pool *with = threads ? p : NULL;
                assert_int_equal(ntt_encode(got, in, log_n, log_blowup, w, with), ZK_OK);
                assert_memory_equal(got, want, big_n * w * sizeof(fe));
                memcpy(got, in, n * w * sizeof(fe));
                assert_int_equal(ntt_inverse(got, log_n, w, with), ZK_OK);
                assert_memory_equal(got, want_inverse, n * w * sizeof(fe));
            }
        }
        free(in);
        free(want);
        free(got);
        free(want_inverse);
    }
    cpu_tier_force(cpu_tier_detected());
    pool_close(p);
}

static void test_bad_shapes_are_refused(void **state)
{
    (void)state;
    fe a[8] = {0}, b[8] = {0};
    assert_int_equal(ntt_encode(a, b, 3, NTT_MAX_LOG_BLOWUP + 1, 1, NULL), ZK_EINVAL);
    assert_int_equal(ntt_encode(a, b, 32, 1, 1, NULL), ZK_EINVAL);
    assert_int_equal(ntt_encode(a, b, UINT32_MAX, 1, 1, NULL), ZK_EINVAL);
    assert_int_equal(ntt_encode(a, b, 1, 1, 1, NULL), ZK_EINVAL);
    assert_int_equal(ntt_encode(a, b, 3, 0, 0, NULL), ZK_EINVAL);
    assert_int_equal(ntt_encode(a, b, 20, 1, SIZE_MAX / 8, NULL), ZK_EINVAL);
    assert_int_equal(ntt_forward(a, 33, 1, NULL), ZK_EINVAL);
    assert_int_equal(ntt_forward(a, 3, 0, NULL), ZK_EINVAL);
    assert_int_equal(ntt_inverse(a, UINT32_MAX, 1, NULL), ZK_EINVAL);
    assert_int_equal(ntt_inverse(a, 30, (size_t)1 << 40, NULL), ZK_EINVAL);
}

int main(void)
{
    rng = test_rng_new(0x4E5454);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode_is_evaluation),
        cmocka_unit_test(test_forward_and_inverse),
        cmocka_unit_test(test_laws),
        cmocka_unit_test(test_tiers_and_threads_agree),
        cmocka_unit_test(test_bad_shapes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
