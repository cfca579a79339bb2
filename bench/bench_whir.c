// SPDX-License-Identifier: Apache-2.0 OR MIT
// Where the time of a commitment and of its opening goes, in nanoseconds per cell of the stack.
//
//   bench_whir [--class 20|23|26]... [--threads N]... [--repeat N]
//
// Wall time and processor time of all threads, the smallest of the repetitions. The parts of an
// opening are timed on their own, on data of the same shape; "rest" is what the whole takes beyond
// them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bigmem.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "ntt/ntt.h"
#include "whir/whir.h"
#include "whir/whir_passes.h"
#include "whir/whir_verify.h"

typedef struct bench {
    const whir_params *params;
    const hash_ops *hash;
    pool *threads;
    size_t n_cells, n_rows, width;
    fe *cells, *weights_memory, *rows, *code, *table;
    whir_commitment commitment;
    whir_weight weights[2];
    fe3 z, claim;
    unsigned round; // of the parts below
    merkle_tree tree;
    proof_writer proof;
} bench;

static void check(status s)
{
    if (s != ZK_OK) {
        fprintf(stderr, "bench_whir: %s\n", status_message());
        exit(1);
    }
}

// ---- The timed parts.

static void run_encode(bench *b)
{
    if (b->commitment.code == NULL)
        check(whir_encode(&b->commitment.code, b->params, b->cells, b->threads, NULL));
    else
        check(ntt_encode(b->commitment.code, b->cells, b->params->log_stack - 6U,
                         b->params->round[0].log_inv_rate, b->width, b->threads));
}

static void run_tree(bench *b)
{
    merkle_clear(&b->commitment.tree);
    check(whir_build_tree(&b->commitment.tree, b->hash, b->commitment.code,
                          whir_log_rows(&b->params->round[0]), b->width, b->threads, NULL));
}

static void run_answer(bench *b)
{
    fe3 y;
    check(whir_ood_answer(&y, b->params, b->cells, b->z, b->threads));
}

static void run_lane_sums(bench *b)
{
    fe sums[2][3 * WHIR_MAX_ROW], *out[2] = {sums[0], sums[1]};
    check(whir_lane_sums(out, b->cells, b->n_rows, b->width, b->weights, 2, b->threads));
}

static void run_fold(bench *b)
{
    whir_fold_lanes(b->table, b->cells, b->n_rows, b->width, b->weights[0].low, b->threads);
}

static void run_later_encode(bench *b)
{
    const whir_round *r = &b->params->round[b->round];
    unsigned log_blowup =
        r->log_inv_rate < NTT_MAX_LOG_BLOWUP ? r->log_inv_rate : NTT_MAX_LOG_BLOWUP;
    check(ntt_encode(b->code, b->rows, whir_log_rows(r) - log_blowup, log_blowup,
                     whir_row_width(b->params, b->round), b->threads));
}

static void run_later_tree(bench *b)
{
    merkle_clear(&b->tree);
    check(whir_build_tree(&b->tree, b->hash, b->code, whir_log_rows(&b->params->round[b->round]),
                          whir_row_width(b->params, b->round), b->threads, NULL));
}

static void run_query_weights(bench *b)
{
    check(ntt_forward(b->code, whir_log_rows(&b->params->round[b->round - 1]) - 4, 48, b->threads));
}

// The search of 2^16 nonces, whatever is found among them: permutations in full batches.
static void run_grind(bench *b)
{
    enum { BATCH = 1024 };
    fe *states = b->code;
    for (size_t i = 0; i < (1 << 16); i += BATCH)
        b->hash->permute_many(states, BATCH);
}

// Nonces that the prover tried, from the proof.
static uint64_t nonces_tried(const bench *b)
{
    uint64_t sum = 0;
    size_t at = 0;
    for (unsigned i = 0; i < b->params->n_rounds; i++) {
        const whir_round *r = &b->params->round[i];
        at += 6UL * r->n_folds + (whir_is_last(b->params, i) ? 3UL << b->params->log_final : 7);
        sum += b->proof.words[at++] + 1;
        at += (4UL << r->log_cap) +
              r->n_queries * (whir_row_width(b->params, i) + 4 * whir_path_digests(r));
    }
    return sum;
}

static void run_open(bench *b)
{
    transcript t;
    transcript_init(&t, b->hash, 1);
    proof_writer_clear(&b->proof);
    check(whir_open(&b->commitment, b->cells, b->weights, 2, b->claim, &t, &b->proof, b->threads,
                    NULL));
    check(proof_writer_status(&b->proof));
}

static void run_verify(bench *b)
{
    static whir_scratch scratch;
    whir_result result;
    transcript t;
    transcript_init(&t, b->hash, 1);
    proof_reader r = proof_reader_open(b->proof.words, b->proof.n_words);
    whir_verify(&result, b->params, b->hash, merkle_root(&b->commitment.tree), b->claim, &t, &r,
                &scratch);
    if (!r.ok) {
        fprintf(stderr, "bench_whir: the proof was refused: %s\n", r.reason);
        exit(1);
    }
}

// ---- Table.

static unsigned n_repeat = 3;

typedef struct timing {
    double wall_ns, cpu_ns; // the smallest of each
} timing;

static timing measure(bench *b, void (*run)(bench *))
{
    timing best = {1e18, 1e18};
    for (unsigned i = 0; i < n_repeat; i++) {
        uint64_t wall = clock_monotonic_ns(), cpu = clock_process_cpu_ns();
        run(b);
        double wall_ns = (double)(clock_monotonic_ns() - wall);
        double cpu_ns = (double)(clock_process_cpu_ns() - cpu);
        best.wall_ns = wall_ns < best.wall_ns ? wall_ns : best.wall_ns;
        best.cpu_ns = cpu_ns < best.cpu_ns ? cpu_ns : best.cpu_ns;
    }
    return best;
}

static void print_row(const bench *b, const char *name, timing t)
{
    double n = (double)b->n_cells;
    printf("  %-34s %10.2f ms %9.2f ns/cell %9.2f cpu ns/cell\n", name, t.wall_ns / 1e6,
           t.wall_ns / n, t.cpu_ns / n);
}

// Times one part, prints it and adds it to *sum.
static void row(bench *b, timing *sum, const char *name, void (*run)(bench *))
{
    timing t = measure(b, run);
    print_row(b, name, t);
    sum->wall_ns += t.wall_ns;
    sum->cpu_ns += t.cpu_ns;
}

static void later_rounds(bench *b, timing *parts)
{
    char name[64];
    for (b->round = 1; b->round < b->params->n_rounds; b->round++) {
        const whir_round *r = &b->params->round[b->round];
        snprintf(name, sizeof name, "  round %u, 2^%u: transform", b->round, r->log_size);
        row(b, parts, name, run_later_encode);
        snprintf(name, sizeof name, "  round %u, 2^%u: tree", b->round, r->log_size);
        row(b, parts, name, run_later_tree);
        snprintf(name, sizeof name, "  round %u, 2^%u: query weights", b->round, r->log_size);
        row(b, parts, name, run_query_weights);
    }
}

static fe noise(uint64_t x)
{
    x *= 0x9E3779B97F4A7C15ULL;
    x ^= x >> 29;
    return fe_from_u64(x * 0xBF58476D1CE4E5B9ULL);
}

static void bench_class(unsigned id, unsigned n_threads)
{
    bench b = {.params = whir_params_shipped(id), .hash = hash_get(HASH_POSEIDON)};
    if (b.params == NULL) {
        fprintf(stderr, "bench_whir: there is no class %u\n", id);
        exit(1);
    }
    check(pool_open(&b.threads, n_threads));
    b.width = whir_row_width(b.params, 0);
    b.n_cells = (size_t)1 << b.params->log_stack;
    b.n_rows = b.n_cells / b.width;
    size_t n_low = 3 * b.width, n_high = 3 * b.n_rows, n_weights = 2 * (n_low + n_high);
    size_t n_code = 64UL << whir_log_rows(&b.params->round[1]);
    if (n_code < 3UL << whir_log_rows(&b.params->round[0]))
        n_code = 3UL << whir_log_rows(&b.params->round[0]);
    check(bigmem_alloc((void **)&b.cells, b.n_cells, sizeof(fe)));
    check(bigmem_alloc((void **)&b.weights_memory, n_weights, sizeof(fe)));
    check(bigmem_alloc((void **)&b.rows, n_high, sizeof(fe)));
    check(bigmem_alloc((void **)&b.code, n_code, sizeof(fe)));
    check(bigmem_alloc((void **)&b.table, n_high, sizeof(fe)));
    for (size_t x = 0; x < b.n_cells; x++)
        b.cells[x] = noise(x);
    b.z = (fe3){{noise(1), noise(2), noise(3)}};
    fe *low = b.weights_memory, *high = low + 2 * n_low;
    fe3 w = {{noise(4), noise(5), noise(6)}}, y;
    whir_pow_weight(low, high, b.params, b.z, b.threads);
    whir_pow_weight(low + n_low, high + n_high, b.params, w, b.threads);
    b.weights[0] = (whir_weight){low, high};
    b.weights[1] = (whir_weight){low + n_low, high + n_high};
    check(whir_ood_answer(&b.claim, b.params, b.cells, b.z, b.threads));
    check(whir_ood_answer(&y, b.params, b.cells, w, b.threads));
    b.claim = fe3_add(b.claim, y);
    b.commitment.params = b.params;

    printf("class 2^%u, %u threads, %s: transform, hash %s-%s\n", b.params->log_stack,
           pool_threads(b.threads), cpu_tier_name(cpu_tier_current()), b.hash->name, b.hash->tier);
    char name[64];
    timing commit = {0}, parts = {0}, verify = {0};
    row(&b, &commit, "commit: transform", run_encode);
    row(&b, &commit, "commit: tree", run_tree);
    row(&b, &commit, "commit: out-of-domain answer", run_answer);
    print_row(&b, "commit", commit);
    row(&b, &parts, "open: sums, two terms", run_lane_sums);
    row(&b, &parts, "open: fold of the lanes", run_fold);
    later_rounds(&b, &parts);
    timing open = measure(&b, run_open);
    timing grind = measure(&b, run_grind);
    uint64_t tried = nonces_tried(&b);
    double scale = (double)tried / (1 << 16), shared = 1.0 / pool_threads(b.threads);
    grind = (timing){grind.wall_ns * scale * shared, grind.cpu_ns * scale};
    snprintf(name, sizeof name, "open: grinding, %lu nonces", (unsigned long)tried);
    print_row(&b, name, grind);
    parts.wall_ns += grind.wall_ns;
    parts.cpu_ns += grind.cpu_ns;
    print_row(&b, "open: rest", (timing){open.wall_ns - parts.wall_ns, open.cpu_ns - parts.cpu_ns});
    print_row(&b, "open", open);
    row(&b, &verify, "verify", run_verify);
    printf("  proof %zu bytes\n", 8 * b.proof.n_words);

    proof_writer_clear(&b.proof);
    merkle_clear(&b.tree);
    whir_clear(&b.commitment);
    bigmem_free(b.cells, b.n_cells, sizeof(fe));
    bigmem_free(b.weights_memory, n_weights, sizeof(fe));
    bigmem_free(b.rows, n_high, sizeof(fe));
    bigmem_free(b.code, n_code, sizeof(fe));
    bigmem_free(b.table, n_high, sizeof(fe));
    pool_close(b.threads);
}

int main(int argc, char **argv)
{
    unsigned classes[8], threads[8];
    size_t n_classes = 0, n_threads = 0;
    for (int i = 1; i < argc; i++) {
        bool has_value = i + 1 < argc;
        if (has_value && strcmp(argv[i], "--class") == 0 && n_classes < 8)
            classes[n_classes++] = (unsigned)strtoul(argv[++i], NULL, 0);
        else if (has_value && strcmp(argv[i], "--threads") == 0 && n_threads < 8)
            threads[n_threads++] = (unsigned)strtoul(argv[++i], NULL, 0);
        else if (has_value && strcmp(argv[i], "--repeat") == 0)
            n_repeat = (unsigned)strtoul(argv[++i], NULL, 0);
        else {
            fprintf(stderr, "usage: bench_whir [--class N]... [--threads N]... [--repeat N]\n");
            return 2;
        }
    }
    if (n_classes == 0)
        classes[n_classes++] = WHIR_CLASS_20;
    if (n_threads == 0)
        threads[n_threads++] = 1;
    check(cpu_check_environment());
    for (size_t i = 0; i < n_classes; i++)
        for (size_t j = 0; j < n_threads; j++)
            bench_class(classes[i], threads[j]);
    return 0;
}
