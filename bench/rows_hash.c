// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "bench.h"

#include "hash/hash.h"
#include "merkle/merkle.h"

#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 1024, LOG_ROWS = 20, WIDTH = 64 };

static fe *data;

static void prepare_states(void)
{
    data = bench_matrix((size_t)BATCH * HASH_WIDTH);
}

static double permute(hash_id id, size_t n)
{
    hash_get(id)->permute_many(data, n);
    return (double)n;
}

static double poseidon(struct pool *p)
{
    (void)p;
    return permute(HASH_POSEIDON, BATCH);
}

static double poseidon_one(struct pool *p)
{
    (void)p;
    return permute(HASH_POSEIDON, 1);
}

static double poseidon2(struct pool *p)
{
    (void)p;
    return permute(HASH_POSEIDON2, BATCH);
}

static void prepare_rows(void)
{
    data = bench_matrix((size_t)WIDTH << LOG_ROWS);
}

static double commit(struct pool *p)
{
    merkle_tree tree;
    if (merkle_build(&tree, hash_get(HASH_POSEIDON), data, LOG_ROWS, WIDTH, p) != ZK_OK) {
        fprintf(stderr, "zisk-bench: %s\n", status_message());
        exit(1);
    }
    merkle_clear(&tree);
    return 1;
}

void bench_hash(bench *b)
{
    bench_add(
        b, (bench_row){"poseidon, batch", "ns/perm", 1, "700 (450)", 1, prepare_states, poseidon});
    bench_add(
        b, (bench_row){"poseidon, one by one", "ns/perm", 1, "", 1, prepare_states, poseidon_one});
    bench_add(b, (bench_row){"poseidon2, batch", "ns/perm", 1, "", 1, prepare_states, poseidon2});
    bench_add(b, (bench_row){"merkle commit 2^20 x 64", "ms", 1e-6, "", 1, prepare_rows, commit});
    bench_add(b, (bench_row){"merkle commit 2^20 x 64", "ms", 1e-6, "1.8x of one thread", 2,
                             prepare_rows, commit});
}
