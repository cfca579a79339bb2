// SPDX-License-Identifier: Apache-2.0 OR MIT
// Vectors that stay in L1 or L2; ns an element.
#include "bench.h"

#include "field/vec.h"

enum { N = 1024, COLUMNS = 64 };

static fe *a, *b, *out;

static void prepare(void)
{
    a = bench_matrix(COLUMNS * N);
    b = bench_matrix(3 * N);
    out = bench_matrix(3 * N);
}

static double mul(struct pool *p)
{
    (void)p;
    vec_get()->mul(out, a, b, N);
    return N;
}

static double mul3(struct pool *p)
{
    (void)p;
    vec_get()->mul3(out, N, a, N, b, N, N);
    return N;
}

static double lincomb(struct pool *p)
{
    (void)p;
    const fe *cols[COLUMNS];
    fe3 coefs[COLUMNS];
    for (size_t j = 0; j < COLUMNS; j++) {
        cols[j] = a + j * N;
        coefs[j] = (fe3){{b[3 * j], b[3 * j + 1], b[3 * j + 2]}};
    }
    vec_get()->lincomb(out, N, cols, coefs, COLUMNS, N, false);
    return COLUMNS * N;
}

static double dot3(struct pool *p)
{
    (void)p;
    fe3 d = vec_get()->dot3(a, N, b, N, N);
    out[0] = d.c[0];
    return N;
}

static double fold(struct pool *p)
{
    (void)p;
    const fe3 r = {{b[0], b[1], b[2]}};
    vec_get()->fold_low(out, N, a, 2 * N, r, N);
    return N;
}

static double inverse(struct pool *p)
{
    (void)p;
    vec_get()->batch_inverse(out, a, N);
    return N;
}

static double inverse3(struct pool *p)
{
    (void)p;
    vec_get()->batch_inverse3(out, N, a, N, N);
    return N;
}

void bench_field(bench *t)
{
    bench_add(t, (bench_row){"vector mul in F", "ns", 1, "0.6", 1, prepare, mul});
    bench_add(t, (bench_row){"vector mul in K", "ns", 1, "4.5", 1, prepare, mul3});
    bench_add(t, (bench_row){"linear combination, 64 columns", "ns/term", 1, "0.62", 1, prepare,
                             lincomb});
    bench_add(t, (bench_row){"dot product in K", "ns/term", 1, "", 1, prepare, dot3});
    bench_add(t, (bench_row){"fold in K", "ns/output", 1, "", 1, prepare, fold});
    bench_add(t, (bench_row){"batch inverse in F", "ns", 1, "", 1, prepare, inverse});
    bench_add(t, (bench_row){"batch inverse in K", "ns", 1, "9.9", 1, prepare, inverse3});
}
