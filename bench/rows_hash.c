// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "bench.h"

#include "merkle/merkle.h"

#include <stdio.h>
#include <stdlib.h>

enum { N_STATES = 1024, LOG_ROWS = 20, WIDTH = 64 };

static fe *states, *rows;

static void prepare_states(void)
{
    states = bench_matrix((size_t)N_STATES * HASH_WIDTH);
}

static double poseidon(struct pool *p)
{
    (void)p;
    hash_get(HASH_POSEIDON)->permute_many(states, N_STATES);
    return N_STATES;
}

static double poseidon2(struct pool *p)
{
    (void)p;
    hash_get(HASH_POSEIDON2)->permute_many(states, N_STATES);
    return N_STATES;
}

static void prepare_rows(void)
{
    rows = bench_matrix((size_t)WIDTH << LOG_ROWS);
}

static double commit(unsigned log_rows, struct pool *p)
{
    merkle_tree tree = {0};
    if (merkle_build(&tree, hash_get(HASH_POSEIDON), rows, log_rows, WIDTH, p) != ZK_OK) {
        fprintf(stderr, "zisk-bench: %s\n", status_message());
        exit(1);
    }
    merkle_clear(&tree);
    return (double)((size_t)1 << log_rows);
}

static double commit_small(struct pool *p)
{
    return commit(LOG_ROWS - 6, p);
}

static double commit_large(struct pool *p)
{
    return commit(LOG_ROWS, p);
}

void bench_hash(bench *b)
{
    bench_add(b,
              (bench_row){"Poseidon, width 16, many", "ns", 1, "700", 1, prepare_states, poseidon});
    bench_add(b,
              (bench_row){"Poseidon2, width 16, many", "ns", 1, "", 1, prepare_states, poseidon2});
    bench_add(
        b, (bench_row){"Merkle commit 2^14 x 64", "ns/row", 1, "", 1, prepare_rows, commit_small});
    bench_add(
        b, (bench_row){"Merkle commit 2^14 x 64", "ns/row", 1, "", 2, prepare_rows, commit_small});
    bench_add(
        b, (bench_row){"Merkle commit 2^20 x 64", "ns/row", 1, "", 2, prepare_rows, commit_large});
}
