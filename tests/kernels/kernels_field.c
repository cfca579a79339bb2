// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "kernels/checkasm.h"

#include "field/vec.h"

typedef const vec_ops *vec;

static const void *table(void)
{
    return vec_get();
}

// A K-vector in a buffer of its own: planes of n elements and some room.
typedef struct planes {
    fe *p;
    size_t stride, words;
} planes;

static planes planes_of(checkasm *c, size_t n, fe *(*make)(checkasm *, size_t))
{
    size_t stride = n + checkasm_random(c) % 5;
    size_t words = 2 * stride + n;
    return (planes){make(c, words), stride, words};
}

static planes input3(checkasm *c, size_t n)
{
    return planes_of(c, n, checkasm_input);
}

// Two outputs of one shape: for the scalar tier and for the one under test.
typedef struct outputs {
    fe *want, *got;
    size_t stride, words;
} outputs;

static outputs output3(checkasm *c, size_t n)
{
    planes w = planes_of(c, n, checkasm_output);
    return (outputs){w.p, checkasm_output(c, w.words), w.stride, w.words};
}

// The words between the planes are junk and must stay so: compared with the rest.
static void equal3(checkasm *c, outputs o)
{
    checkasm_equal(c, o.want, o.got, o.words);
}

// The same starting values in both outputs.
static void preset3(checkasm *c, outputs o)
{
    for (size_t i = 0; i < o.words; i++)
        o.want[i] = o.got[i] = checkasm_element(c);
}

#define CHECK_BASE(op, call)                                                                       \
    static void check_##op(checkasm *c, const void *ref, const void *ops, size_t n)                \
    {                                                                                              \
        const fe *x = checkasm_input(c, n), *y = checkasm_input(c, n), *z = checkasm_input(c, n);  \
        fe s = checkasm_element(c), t = checkasm_element(c);                                       \
        fe *want = checkasm_output(c, n), *got = checkasm_output(c, n), *out = want;               \
        (void)x, (void)y, (void)z, (void)s, (void)t;                                               \
        ((vec)ref)->op call;                                                                       \
        out = got;                                                                                 \
        ((vec)ops)->op call;                                                                       \
        checkasm_equal(c, want, got, n);                                                           \
    }

CHECK_BASE(add, (out, x, y, n))
CHECK_BASE(sub, (out, x, y, n))
CHECK_BASE(mul, (out, x, y, n))
CHECK_BASE(mul_add, (out, x, y, z, n))
CHECK_BASE(scale, (out, x, s, n))
CHECK_BASE(batch_inverse, (out, x, n))
CHECK_BASE(powers, (out, s, t, n))

#define CHECK_EXT(op, call)                                                                        \
    static void check_##op(checkasm *c, const void *ref, const void *ops, size_t n)                \
    {                                                                                              \
        planes x = input3(c, n), y = input3(c, n);                                                 \
        const fe *z = checkasm_input(c, n), *pairs = checkasm_input(c, 2 * n);                     \
        planes x2 = input3(c, 2 * n);                                                              \
        fe3 s = checkasm_element3(c), t = checkasm_element3(c);                                    \
        outputs o = output3(c, n);                                                                 \
        (void)x, (void)y, (void)z, (void)pairs, (void)x2, (void)s, (void)t;                        \
        preset3(c, o);                                                                             \
        fe *out = o.want;                                                                          \
        ((vec)ref)->op call;                                                                       \
        out = o.got;                                                                               \
        ((vec)ops)->op call;                                                                       \
        equal3(c, o);                                                                              \
    }

CHECK_EXT(add3, (out, o.stride, x.p, x.stride, y.p, y.stride, n))
CHECK_EXT(sub3, (out, o.stride, x.p, x.stride, y.p, y.stride, n))
CHECK_EXT(mul3, (out, o.stride, x.p, x.stride, y.p, y.stride, n))
CHECK_EXT(mul3_fe, (out, o.stride, x.p, x.stride, z, n))
CHECK_EXT(scale3, (out, o.stride, x.p, x.stride, s, n))
CHECK_EXT(add_scaled3, (out, o.stride, x.p, x.stride, s, n))
CHECK_EXT(batch_inverse3, (out, o.stride, x.p, x.stride, n))
CHECK_EXT(powers3, (out, o.stride, s, t, n))
CHECK_EXT(fold_low_fe, (out, o.stride, pairs, s, n))
CHECK_EXT(fold_high_fe, (out, o.stride, pairs, s, n))
CHECK_EXT(fold_low, (out, o.stride, x2.p, x2.stride, s, n))
CHECK_EXT(fold_high, (out, o.stride, x2.p, x2.stride, s, n))

// In place, as vec.h allows.
static void check_in_place(checkasm *c, const void *ref, const void *ops, size_t n)
{
    fe3 r = checkasm_element3(c);
    outputs o = output3(c, 2 * n);
    preset3(c, o);
    ((vec)ref)->fold_low(o.want, o.stride, o.want, o.stride, r, n);
    ((vec)ops)->fold_low(o.got, o.stride, o.got, o.stride, r, n);
    equal3(c, o);
    ((vec)ref)->fold_high(o.want, o.stride, o.want, o.stride, r, n);
    ((vec)ops)->fold_high(o.got, o.stride, o.got, o.stride, r, n);
    equal3(c, o);
    ((vec)ref)->mul3(o.want, o.stride, o.want, o.stride, o.want, o.stride, n);
    ((vec)ops)->mul3(o.got, o.stride, o.got, o.stride, o.got, o.stride, n);
    equal3(c, o);
}

static void check_dots(checkasm *c, const void *ref, const void *ops, size_t n)
{
    // Once a round a length with several reductions of the accumulators.
    if (n == 80)
        n = 6000 + checkasm_random(c) % 9;
    const fe *z = checkasm_input(c, n);
    planes x = input3(c, n), y = input3(c, n);
    fe3 a = ((vec)ref)->dot_fe(z, x.p, x.stride, n), b = ((vec)ops)->dot_fe(z, x.p, x.stride, n);
    checkasm_equal(c, a.c, b.c, 3);
    a = ((vec)ref)->dot3(x.p, x.stride, y.p, y.stride, n);
    b = ((vec)ops)->dot3(x.p, x.stride, y.p, y.stride, n);
    checkasm_equal(c, a.c, b.c, 3);
}

static void check_lincomb(checkasm *c, const void *ref, const void *ops, size_t n)
{
    enum { MAX_COLS = 72 };
    const fe *cols[MAX_COLS];
    fe3 coefs[MAX_COLS];
    size_t n_cols = checkasm_random(c) % (MAX_COLS + 1), distinct = n_cols < 20 ? n_cols : 20;
    for (size_t j = 0; j < n_cols; j++) {
        cols[j] = j < distinct ? checkasm_input(c, n) : cols[j % distinct];
        coefs[j] = checkasm_element3(c);
    }
    outputs o = output3(c, n);
    preset3(c, o);
    bool accumulate = checkasm_random(c) % 2;
    ((vec)ref)->lincomb(o.want, o.stride, cols, coefs, n_cols, n, accumulate);
    ((vec)ops)->lincomb(o.got, o.stride, cols, coefs, n_cols, n, accumulate);
    equal3(c, o);
}

static void check_tables(checkasm *c, const void *ref, const void *ops, size_t n)
{
    unsigned k = (unsigned)(n % 9);
    fe3 point[8], scale = checkasm_element3(c);
    for (unsigned i = 0; i < k; i++)
        point[i] = checkasm_element3(c);
    outputs o = output3(c, (size_t)1 << k);
    ((vec)ref)->eq_table(o.want, o.stride, scale, point, k);
    ((vec)ops)->eq_table(o.got, o.stride, scale, point, k);
    equal3(c, o);
    ((vec)ref)->pow_table(o.want, o.stride, scale, point, k);
    ((vec)ops)->pow_table(o.got, o.stride, scale, point, k);
    equal3(c, o);
}

// One length for all benches: four vectors of it stay in L1.
enum { N = 512, COLS = 32 };
static fe bench_a[3 * N * 2], bench_b[3 * N * 2], bench_out[3 * N * 2];
static fe bench_cols[COLS][N / 4];

static void fill(void)
{
    if (bench_a[0] != 0)
        return;
    for (size_t i = 0; i < sizeof bench_a / sizeof bench_a[0]; i++) {
        bench_a[i] = fe_mul(i + 1, 0x9E3779B97F4A7C15ULL);
        bench_b[i] = fe_mul(i + 1, 0xD1342543DE82EF95ULL);
    }
    for (size_t j = 0; j < COLS; j++)
        for (size_t i = 0; i < N / 4; i++)
            bench_cols[j][i] = fe_mul(j * N + i + 1, 0x9E3779B97F4A7C15ULL);
}

#define BENCH(op, units, call)                                                                     \
    static size_t bench_##op(const void *ops)                                                      \
    {                                                                                              \
        const fe *a = bench_a, *b = bench_b;                                                       \
        fe *out = bench_out;                                                                       \
        const fe3 s = {{0x123456789ABCDEF, 0xFEDCBA987654321, 0x1F2E3D4C5B6A798}};                 \
        fill();                                                                                    \
        (void)a, (void)b, (void)out, (void)s;                                                      \
        ((vec)ops)->op call;                                                                       \
        return units;                                                                              \
    }

BENCH(add, N, (out, a, b, N))
BENCH(mul, N, (out, a, b, N))
BENCH(mul_add, N, (out, a, b, a, N))
BENCH(batch_inverse, 3 * N, (out, a, 3 * N))
BENCH(mul3, N, (out, N, a, N, b, N, N))
BENCH(mul3_fe, N, (out, N, a, N, b, N))
BENCH(scale3, N, (out, N, a, N, s, N))
BENCH(add_scaled3, N, (out, N, a, N, s, N))
BENCH(batch_inverse3, 2 * N, (out, 2 * N, a, 2 * N, 2 * N))
BENCH(dot_fe, N, (b, a, N, N))
BENCH(dot3, N, (b, N, a, N, N))
BENCH(fold_low_fe, N, (out, N, a, s, N))
BENCH(fold_low, N, (out, N, a, 2 * N, s, N))
BENCH(fold_high, N, (out, N, a, 2 * N, s, N))
BENCH(powers3, N, (out, N, s, s, N))

static size_t bench_lincomb(const void *ops)
{
    const fe *cols[COLS];
    fe3 coefs[COLS];
    fill();
    for (size_t j = 0; j < COLS; j++) {
        cols[j] = bench_cols[j];
        coefs[j] = (fe3){{bench_a[j], bench_b[j], bench_a[j + COLS]}};
    }
    ((vec)ops)->lincomb(bench_out, N, cols, coefs, COLS, N / 4, false);
    return COLS * N / 4;
}

static size_t bench_eq_table(const void *ops)
{
    fe3 point[9];
    fill();
    for (size_t i = 0; i < 9; i++)
        point[i] = (fe3){{bench_a[i], bench_b[i], bench_a[i + 9]}};
    ((vec)ops)->eq_table(bench_out, N, fe3_one(), point, 9);
    return N;
}

void kernels_field(checkasm *c)
{
#define ADD(op) checkasm_add(c, (kernel){"vec." #op, table, check_##op, 0, NULL, NULL})
#define ADD_BENCH(op, unit)                                                                        \
    checkasm_add(c, (kernel){"vec." #op, table, check_##op, 0, bench_##op, unit})
    ADD_BENCH(add, "element");
    ADD(sub);
    ADD_BENCH(mul, "element");
    ADD_BENCH(mul_add, "element");
    ADD(scale);
    checkasm_add(c, (kernel){"vec.batch_inverse", table, check_batch_inverse, 2600,
                             bench_batch_inverse, "element"});
    ADD(powers);
    ADD(add3);
    ADD(sub3);
    ADD_BENCH(mul3, "element");
    ADD_BENCH(mul3_fe, "element");
    ADD_BENCH(scale3, "element");
    ADD_BENCH(add_scaled3, "element");
    checkasm_add(c, (kernel){"vec.batch_inverse3", table, check_batch_inverse3, 1100,
                             bench_batch_inverse3, "element"});
    ADD_BENCH(powers3, "element");
    checkasm_add(c, (kernel){"vec.lincomb", table, check_lincomb, 0, bench_lincomb, "term"});
    checkasm_add(c, (kernel){"vec.dot_fe", table, check_dots, 0, bench_dot_fe, "term"});
    checkasm_add(c, (kernel){"vec.dot3", table, check_dots, 0, bench_dot3, "term"});
    ADD_BENCH(fold_low_fe, "output");
    ADD(fold_high_fe);
    ADD_BENCH(fold_low, "output");
    ADD_BENCH(fold_high, "output");
    ADD(in_place);
    checkasm_add(c, (kernel){"vec.eq_table", table, check_tables, 0, bench_eq_table, "output"});
}
