// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "recorder.h"

#include <stdio.h>
#include <stdlib.h>

static recording current;

void record(record_op op, uint64_t detail)
{
    uint64_t h = current.trace ^ (detail * RECORD_OP_COUNT + op + 1);
    h *= 0x9E3779B97F4A7C15ULL;
    current.trace = h ^ h >> 29;
    current.n_operations++;
    current.count[op]++;
}

_Noreturn void zk_panic(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    abort();
}

fe fe_root_of_unity(unsigned log_order)
{
    uint64_t root = 1, square = 7;
    for (uint64_t e = (FE_P - 1) >> log_order; e != 0; e >>= 1) {
        if (e & 1)
            root = raw_mul(root, square);
        square = raw_mul(square, square);
    }
    return fe_const(root);
}

bool digest_equal(digest a, digest b)
{
    record(RECORD_REQUIRE, 4);
    bool equal = true;
    for (int i = 0; i < HASH_DIGEST; i++)
        equal = equal && a.e[i].v == b.e[i].v;
    return equal;
}

void hash_permute(const hash_ops *ops, fe state[HASH_WIDTH])
{
    record(RECORD_PERMUTATION, 0);
    ops->permute_many(state, 1);
}

digest hash_compress(const hash_ops *ops, const fe in[HASH_WIDTH])
{
    record(RECORD_PERMUTATION, 1);
    digest out;
    ops->compress_many(&out, in, 1);
    return out;
}

digest hash_node(const hash_ops *ops, const digest children[HASH_ARITY])
{
    fe in[HASH_WIDTH];
    for (unsigned i = 0; i < HASH_WIDTH; i++)
        in[i] = children[i / HASH_DIGEST].e[i % HASH_DIGEST];
    return hash_compress(ops, in);
}

digest hash_row(const hash_ops *ops, const fe *row, size_t width)
{
    for (size_t w = width; w > 0;) {
        size_t chunks = (w + HASH_WIDTH - 1) / HASH_WIDTH;
        for (size_t i = 0; i < chunks; i++)
            record(RECORD_PERMUTATION, 1);
        w = chunks == 1 ? 0 : chunks * HASH_DIGEST;
    }
    digest out;
    ops->hash_rows(&out, row, 1, width);
    return out;
}

void recorder_run(recording *out, instance_sum *sum, const proof_key *key,
                  const whir_params *params, bool preprocessed, const digest *challenge,
                  const bus_challenge *bus, const contribution_elements *c, const uint64_t *words,
                  size_t n_words, instance_scratch *scratch)
{
    current = (recording){0};
    proof_reader reader = {.words = words, .n_words = n_words, .ok = true};
    instance_verify(sum, key, params, preprocessed, *challenge, *bus, c, &reader, scratch);
    current.permutations = current.count[RECORD_PERMUTATION];
    current.extension_products = current.count[RECORD_EXT_MUL];
    current.mixed_products = current.count[RECORD_MIXED_MUL];
    current.base_products = current.count[RECORD_MUL];
    current.selects = current.count[RECORD_SELECT] + current.count[RECORD_EXT_SELECT];
    current.inputs = current.count[RECORD_INPUT];
    current.accepted = reader.ok && reader.position == n_words;
    current.reason = reader.reason;
    *out = current;
}
