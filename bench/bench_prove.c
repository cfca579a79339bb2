// SPDX-License-Identifier: Apache-2.0 OR MIT
// The whole proof of one instance of the benchmark chip (20 columns, 18 interactions, degree 3;
// rows 2^16 to 2^20 in class 2^26): commitment, GKR, zerocheck, opening, then verification.
//
//   bench_prove [--class 20|23|26]... [--threads N]... [--repeat N]
//
// Wall time of the first proof, which touches its memory for the first time, and the smallest wall
// and processor time over all repetitions; nanoseconds per committed cell and per interaction.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/bigmem.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "prover/instance.h"
#include "toys/toys.h"
#include "verifier/job_verify.h"

enum { BENCH_CHIPS = 5, BENCH_COLUMNS = 20, BENCH_INTERACTIONS = 18 };

typedef enum stage { COMMIT, GKR, ZEROCHECK, OPENING, PROOF, VERIFY, STAGE_COUNT } stage;

static const char *const stage_names[STAGE_COUNT] = {
    "commit", "gkr", "zerocheck", "opening", "proof, all of it", "verify"};

typedef struct timing {
    double first_wall, wall, cpu; // seconds
} timing;

static unsigned n_repeat = 2;

static void check(status s)
{
    if (s != ZK_OK) {
        fprintf(stderr, "bench_prove: %s\n", status_message());
        exit(1);
    }
}

// Heights of the slots: each chip is there twice, in descending order of height.
static const uint8_t heights_26[] = {20, 20, 19, 18, 17, 17, 16, 16, 16, 0};
static const uint8_t heights_23[] = {17, 17, 16, 15, 14, 14, 13, 13, 13, 0};
static const uint8_t heights_20[] = {14, 14, 13, 12, 11, 11, 10, 10, 10, 0};

typedef struct bench {
    chip *chips[BENCH_CHIPS];
    machine m;
    prover_key key;
    instance in;
    uint64_t n_cells, n_leaves;
    timing times[STAGE_COUNT];
} bench;

static void note(bench *b, stage s, bool first, double wall, double cpu)
{
    timing *t = &b->times[s];
    if (first)
        *t = (timing){wall, wall, cpu};
    t->wall = wall < t->wall ? wall : t->wall;
    t->cpu = cpu < t->cpu ? cpu : t->cpu;
}

static void open_bench(bench *b, uint32_t class_id, pool *threads)
{
    machine_init(&b->m, "bench");
    for (int i = 0; i < BENCH_CHIPS; i++) {
        char name[24];
        snprintf(name, sizeof name, "bench%d", i);
        check(toy_bench_chip(&b->chips[i], name));
        check(machine_add(&b->m, b->chips[i]));
        check(machine_add(&b->m, b->chips[i]));
    }
    digest program = {{1, 2, 3, 4}};
    check(prover_key_new(&b->key, &b->m, hash_get(HASH_POSEIDON), program, NULL, NULL, NULL, 0,
                         threads, NULL));
    instance_header header = {.class_id = class_id};
    memcpy(header.log_heights,
           class_id == WHIR_CLASS_26   ? heights_26
           : class_id == WHIR_CLASS_23 ? heights_23
                                       : heights_20,
           sizeof heights_26);
    check(instance_new(&b->in, &b->key, &header));
    for (uint32_t s = 0; s < b->m.n_slots; s++) {
        unsigned h = header.log_heights[s];
        if (h == 0)
            continue;
        fe *rows;
        size_t n = (size_t)1 << h, n_all = n * BENCH_COLUMNS;
        check(bigmem_new(&rows, n_all));
        toy_bench_fill(rows, h, s + 1);
        for (uint32_t j = 0; j < BENCH_COLUMNS; j++)
            memcpy(instance_column(&b->in, s, j), rows + j * n, n * sizeof *rows);
        bigmem_free(rows, n_all, sizeof *rows);
        b->n_cells += n_all;
        b->n_leaves += n * BENCH_INTERACTIONS;
    }
}

static void close_bench(bench *b)
{
    instance_clear(&b->in);
    prover_key_clear(&b->key);
    for (int i = 0; i < BENCH_CHIPS; i++)
        chip_free(b->chips[i]);
}

static size_t prove_once(bench *b, bool first, pool *threads)
{
    static instance_scratch scratch;
    whir_commitment commitment = {0};
    contribution own;
    proof_writer proof;
    proof_writer_init(&proof);
    uint64_t wall = clock_monotonic_ns(), cpu = clock_process_cpu_ns();
    check(instance_commit(&own, &commitment, &b->in, 0, threads, NULL));
    double commit_wall = (double)(clock_monotonic_ns() - wall) / NS_PER_SECOND;
    double commit_cpu = (double)(clock_process_cpu_ns() - cpu) / NS_PER_SECOND;
    digest challenge = job_challenge(&b->key.key, NULL, 0, &own, 1);
    instance_times t;
    check(instance_prove(&proof, &b->in, &commitment, challenge, &own, threads, NULL, &t));
    note(b, PROOF, first, (double)(clock_monotonic_ns() - wall) / NS_PER_SECOND,
         (double)(clock_process_cpu_ns() - cpu) / NS_PER_SECOND);
    note(b, COMMIT, first, commit_wall, commit_cpu);
    note(b, GKR, first, t.gkr, t.gkr_cpu);
    note(b, ZEROCHECK, first, t.zerocheck, t.zerocheck_cpu);
    note(b, OPENING, first, t.opening, t.opening_cpu);
    whir_clear(&commitment);

    wall = clock_monotonic_ns();
    cpu = clock_process_cpu_ns();
    job_statement statement = {.key = &b->key.key};
    job_verifier v;
    job_verifier_open(&v, &statement, &own, 1, &scratch);
    (void)job_verifier_add(&v, proof.words, proof.n_words);
    if (!job_verifier_finish(&v)) {
        fprintf(stderr, "bench_prove: the proof was refused: %s\n", v.reason);
        exit(1);
    }
    note(b, VERIFY, first, (double)(clock_monotonic_ns() - wall) / NS_PER_SECOND,
         (double)(clock_process_cpu_ns() - cpu) / NS_PER_SECOND);
    size_t bytes = 8 * proof.n_words;
    proof_writer_clear(&proof);
    return bytes;
}

static void bench_class(uint32_t class_id, unsigned n_threads)
{
    bench b = {0};
    pool *threads;
    check(pool_open(&threads, n_threads));
    open_bench(&b, class_id, threads);
    size_t bytes = 0;
    for (unsigned i = 0; i < n_repeat; i++)
        bytes = prove_once(&b, i == 0, threads);

    double cells = (double)b.n_cells, leaves = (double)b.n_leaves;
    printf("class 2^%u, %u threads, %s, hash %s-%s: %.1f M cells, %.1f M interactions\n",
           b.in.params->log_stack, pool_threads(threads), cpu_tier_name(cpu_tier_current()),
           b.key.key.hash->name, b.key.key.hash->tier, cells / 1e6, leaves / 1e6);
    printf("  %-18s %12s %9s %9s %12s %18s\n", "", "first wall s", "wall s", "cpu s", "cpu ns/cell",
           "cpu ns/interaction");
    for (int s = 0; s < STAGE_COUNT; s++) {
        const timing *t = &b.times[s];
        printf("  %-18s %12.4f %9.4f %9.4f %12.2f %18.2f\n", stage_names[s], t->first_wall, t->wall,
               t->cpu, t->cpu * 1e9 / cells, t->cpu * 1e9 / leaves);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double gib = 1024.0 * 1024.0 * 1024.0;
    printf("  proof %zu bytes; peak memory so far %.2f GiB, of which large blocks %.2f GiB\n",
           bytes, (double)usage.ru_maxrss * 1024 / gib, (double)bigmem_usage_now().peak / gib);
    close_bench(&b);
    bigmem_trim();
    pool_close(threads);
}

int main(int argc, char **argv)
{
    uint32_t classes[8];
    unsigned threads[8];
    size_t n_classes = 0, n_threads = 0;
    for (int i = 1; i < argc; i++) {
        unsigned value = i + 1 < argc ? (unsigned)strtoul(argv[i + 1], NULL, 0) : 0;
        bool is_class = value == WHIR_CLASS_20 || value == WHIR_CLASS_23 || value == WHIR_CLASS_26;
        if (strcmp(argv[i], "--class") == 0 && is_class && n_classes < 8)
            classes[n_classes++] = value;
        else if (strcmp(argv[i], "--threads") == 0 && value > 0 && n_threads < 8)
            threads[n_threads++] = value;
        else if (strcmp(argv[i], "--repeat") == 0 && value > 0)
            n_repeat = value;
        else {
            fprintf(stderr, "usage: bench_prove [--class 20|23|26]... [--threads N]... "
                            "[--repeat N]\n");
            return 2;
        }
        i++;
    }
    if (n_classes == 0)
        classes[n_classes++] = WHIR_CLASS_26;
    if (n_threads == 0) {
        threads[n_threads++] = 1;
        threads[n_threads++] = 2;
    }
    check(cpu_check_environment());
    for (size_t i = 0; i < n_classes; i++)
        for (size_t j = 0; j < n_threads; j++)
            bench_class(classes[i], threads[j]);
    return 0;
}
