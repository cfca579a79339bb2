// SPDX-License-Identifier: Apache-2.0 OR MIT
// zisk-bench [--tier=NAME] [--filter=TEXT]
#include "bench.h"

#include "base/cpu.h"
#include "base/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static void (*const row_files[])(bench *) = {
    bench_field,
    bench_ntt,
    bench_vm,
    bench_hash,
};

enum {
    MAX_ROWS = 128,
    MAX_MATRICES = 16,
    MAX_RUNS = 25,
    HUGE_PAGE = 2 << 20,
};
#define RUN_NS  2e6 // shorter kernels are called several times a run
#define TIER_NS 2e9 // enough runs, at least two

struct bench {
    bench_row rows[MAX_ROWS];
    size_t n_rows;
};

static void *matrices[MAX_MATRICES];
static size_t n_matrices;

void bench_add(bench *b, bench_row row)
{
    ZK_ASSERT(b->n_rows < MAX_ROWS);
    b->rows[b->n_rows++] = row;
}

fe *bench_matrix(size_t n)
{
    ZK_ASSERT(n_matrices < MAX_MATRICES);
    size_t bytes = (n * sizeof(fe) + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    fe *p = aligned_alloc(HUGE_PAGE, bytes);
    if (p == NULL) {
        fprintf(stderr, "zisk-bench: no memory for %zu MiB\n", bytes >> 20);
        exit(1);
    }
    madvise(p, bytes, MADV_HUGEPAGE); // a wish; small pages only cost time
    uint64_t x = 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 0x5851F42D4C957F2DULL + 0x14057B7EF767814FULL;
        p[i] = fe_from_u64(x ^ x >> 29);
    }
    matrices[n_matrices++] = p;
    return p;
}

static double now_ns(unsigned threads)
{
    struct timespec t;
    clock_gettime(threads > 1 ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

// Least time a unit, in ns.
static double measure(const bench_row *r, struct pool *p, cpu_tier t)
{
    cpu_tier_force(t);
    double first = now_ns(r->threads);
    r->run(p); // faults the pages in, and says how long a run is
    double one = now_ns(r->threads) - first;
    size_t calls = one < RUN_NS ? (size_t)(RUN_NS / (one + 1)) + 1 : 1;
    double best = 0, spent = 0;
    for (int i = 0; i < MAX_RUNS && (i < 2 || spent < TIER_NS); i++) {
        double units = 0, begin = now_ns(r->threads);
        for (size_t c = 0; c < calls; c++)
            units += r->run(p);
        double ns = now_ns(r->threads) - begin;
        spent += ns;
        if (i == 0 || ns / units < best)
            best = ns / units;
    }
    return best;
}

static void print_row(const bench_row *r, cpu_tier top, bool one_tier)
{
    pool *p = NULL;
    if (r->threads > 1 && pool_open(&p, r->threads) != ZK_OK) {
        fprintf(stderr, "zisk-bench: %s\n", status_message());
        exit(1);
    }
    printf("%-34s %-11s %2u", r->name, r->unit, r->threads);
    double scalar = 0;
    for (int t = CPU_SCALAR; t < CPU_TIER_COUNT; t++) {
        // Several threads are a question to the best tier only.
        bool wanted = one_tier || r->threads > 1 ? t == (int)top : t <= (int)top;
        if (!wanted) {
            printf(" %9s %6s", "-", "");
            continue;
        }
        double ns = measure(r, p, (cpu_tier)t);
        if (t == CPU_SCALAR)
            scalar = ns;
        printf(" %9.3f", ns * r->scale);
        if (scalar != 0 && t != CPU_SCALAR)
            printf(" %5.2fx", scalar / ns);
        else
            printf(" %6s", "");
        fflush(stdout);
    }
    printf("  %s\n", r->goal);
    pool_close(p);
}

static void release_matrices(void)
{
    while (n_matrices > 0)
        free(matrices[--n_matrices]);
}

static int usage(void)
{
    fprintf(stderr, "usage: zisk-bench [--tier=scalar|avx2|avx512] [--filter=TEXT]\n");
    return 2;
}

int main(int argc, char **argv)
{
    const char *filter = "";
    cpu_tier top = cpu_tier_detected();
    bool one_tier = false;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--filter=", 9) == 0) {
            filter = argv[i] + 9;
        } else if (strncmp(argv[i], "--tier=", 7) == 0) {
            for (int t = CPU_SCALAR; t < CPU_TIER_COUNT; t++)
                if (strcmp(argv[i] + 7, cpu_tier_name((cpu_tier)t)) == 0) {
                    top = (cpu_tier)t;
                    one_tier = true;
                }
            if (!one_tier)
                return usage();
        } else {
            return usage();
        }
    }
    if (top > cpu_tier_detected()) {
        printf("this machine offers %s at most\n", cpu_tier_name(cpu_tier_detected()));
        return 0;
    }
    static bench b;
    for (size_t i = 0; i < sizeof row_files / sizeof row_files[0]; i++)
        row_files[i](&b);
    printf("%-34s %-11s %2s %9s %6s %9s %6s %9s %6s  %s\n", "kernel", "unit", "T", "scalar", "",
           "avx2", "", "avx512", "", "goal");
    for (size_t i = 0; i < b.n_rows; i++)
        if (strstr(b.rows[i].name, filter) != NULL) {
            if (b.rows[i].prepare != NULL)
                b.rows[i].prepare();
            print_row(&b.rows[i], top, one_tier);
            release_matrices();
        }
    return 0;
}
