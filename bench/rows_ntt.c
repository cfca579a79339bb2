// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "bench.h"

#include "ntt/ntt.h"

#include <stdio.h>
#include <stdlib.h>

enum { LOG_N = 20, WIDTH = 64 };

static fe *in, *out;

static void prepare(void)
{
    in = bench_matrix((size_t)WIDTH << LOG_N);
    out = bench_matrix((size_t)WIDTH << (LOG_N + 1));
}

static double encode(unsigned log_blowup, struct pool *p)
{
    if (ntt_encode(out, in, LOG_N, log_blowup, WIDTH, p) != ZK_OK) {
        fprintf(stderr, "zisk-bench: %s\n", status_message());
        exit(1);
    }
    return WIDTH;
}

static double forward(struct pool *p)
{
    return encode(0, p);
}

static double encode_half(struct pool *p)
{
    return encode(1, p);
}

void bench_ntt(bench *b)
{
    bench_add(b, (bench_row){"ntt 2^20 x 64", "ms/column", 1e-6, "7.5", 1, prepare, forward});
    bench_add(b, (bench_row){"ntt 2^20 x 64", "ms/column", 1e-6, "", 2, prepare, forward});
    bench_add(b, (bench_row){"encode 2^20 x 64 at rate 1/2", "ms/column", 1e-6, "15", 1, prepare,
                             encode_half});
    bench_add(b, (bench_row){"encode 2^20 x 64 at rate 1/2", "ms/column", 1e-6, "", 2, prepare,
                             encode_half});
}
