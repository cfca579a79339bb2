// SPDX-License-Identifier: Apache-2.0 OR MIT
// zisk-checkasm [--bench] [--tier=NAME] [--filter=TEXT] [--seed=N]
// Exit status 0: every tier of this machine agrees with the scalar one.
#include "kernels/checkasm.h"

#include "base/cpu.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void (*const kernel_files[])(checkasm *) = {
    kernels_field, kernels_ntt, kernels_hash, kernels_air, kernels_whir,
};

enum {
    MAX_KERNELS = 256,
    MAX_BUFFERS = 64,
    FENCE = 8, // words
    DEFAULT_MAX_N = 80,
    BENCH_RUNS = 15,
};
#define FENCE_WORD 0xFE4CEFE4CEFE4CEFULL
#define JUNK_WORD  0x7A7A7A7A7A7A7A7AULL

typedef struct buffer {
    uint64_t *block; // heap block
    fe *data;
    size_t n;
    bool fenced;
} buffer;

struct checkasm {
    kernel kernels[MAX_KERNELS];
    size_t n_kernels;
    buffer buffers[MAX_BUFFERS];
    size_t n_buffers;
    uint64_t rng;
    // What is being checked, and whether it failed.
    const kernel *current;
    cpu_tier tier;
    size_t n;
    bool failed;
};

static void *must_alloc(size_t bytes)
{
    void *p = malloc(bytes == 0 ? 1 : bytes);
    if (p == NULL) {
        fprintf(stderr, "checkasm: out of memory\n");
        exit(2);
    }
    return p;
}

void checkasm_add(checkasm *c, kernel k)
{
    ZK_ASSERT(c->n_kernels < MAX_KERNELS);
    if (k.max_n == 0)
        k.max_n = DEFAULT_MAX_N;
    c->kernels[c->n_kernels++] = k;
}

// splitmix64
uint64_t checkasm_random(checkasm *c)
{
    uint64_t z = (c->rng += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

// Where carries, borrows and conditional subtractions change their mind.
static const uint64_t edge_values[] = {
    0,
    1,
    2,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFE,
    0xFFFFFFFF,
    0x100000000,
    0x100000001,
    1ULL << 48,
    0x7FFFFFFFFFFFFFFF,
    0x8000000000000000,
    0xFFFFFFFE00000000,
    0xFFFFFFFE00000001,
    0xFFFFFFFE00000002,
    0xFFFFFFFEFFFFFFFF,
    FE_P - 1,
    // From here on not canonical.
    FE_P,
    FE_P + 1,
    0xFFFFFFFFFFFFFFFE,
    0xFFFFFFFFFFFFFFFF,
};
enum {
    N_EDGES = sizeof edge_values / sizeof edge_values[0],
    N_CANONICAL_EDGES = N_EDGES - 4,
};

fe checkasm_element(checkasm *c)
{
    uint64_t r = checkasm_random(c);
    return r % 3 == 0 ? edge_values[r / 3 % N_CANONICAL_EDGES] : fe_from_u64(checkasm_random(c));
}

fe3 checkasm_element3(checkasm *c)
{
    return (fe3){{checkasm_element(c), checkasm_element(c), checkasm_element(c)}};
}

static buffer *new_buffer(checkasm *c, size_t before, size_t n, size_t after)
{
    ZK_ASSERT(c->n_buffers < MAX_BUFFERS);
    buffer *b = &c->buffers[c->n_buffers++];
    b->block = must_alloc((before + n + after) * sizeof(fe));
    b->data = b->block + before;
    b->n = n;
    return b;
}

fe *checkasm_input(checkasm *c, size_t n)
{
    buffer *b = new_buffer(c, checkasm_random(c) % 8, n, 0);
    b->fenced = false;
    // One buffer in eight is all edges of one kind: p - 1 everywhere drives every carry at once.
    bool flat = checkasm_random(c) % 8 == 0;
    fe value = edge_values[checkasm_random(c) % N_CANONICAL_EDGES];
    for (size_t i = 0; i < n; i++)
        b->data[i] = flat ? value : checkasm_element(c);
    return b->data;
}

uint64_t *checkasm_input_any(checkasm *c, size_t n)
{
    buffer *b = new_buffer(c, checkasm_random(c) % 8, n, 0);
    b->fenced = false;
    for (size_t i = 0; i < n; i++) {
        uint64_t r = checkasm_random(c);
        b->data[i] = r % 3 == 0 ? edge_values[r / 3 % N_EDGES] : checkasm_random(c);
    }
    return b->data;
}

fe *checkasm_output(checkasm *c, size_t n)
{
    buffer *b = new_buffer(c, FENCE + checkasm_random(c) % 8, n, FENCE);
    b->fenced = true;
    for (size_t i = 0; i < FENCE; i++)
        b->data[n + i] = b->data[-1 - (ptrdiff_t)i] = FENCE_WORD;
    for (size_t i = 0; i < n; i++)
        b->data[i] = JUNK_WORD;
    return b->data;
}

static void fail(checkasm *c, const char *what)
{
    if (!c->failed)
        printf("FAIL %s, tier %s, n = %zu: %s\n", c->current->name, cpu_tier_name(c->tier), c->n,
               what);
    c->failed = true;
}

void checkasm_true(checkasm *c, bool condition, const char *what)
{
    if (!condition)
        fail(c, what);
}

void checkasm_equal(checkasm *c, const fe *want, const fe *got, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (want[i] == got[i])
            continue;
        char text[128];
        snprintf(text, sizeof text, "word %zu is %016" PRIx64 ", scalar has %016" PRIx64, i, got[i],
                 want[i]);
        fail(c, text);
        return;
    }
}

static void check_fences_and_free(checkasm *c)
{
    for (size_t k = 0; k < c->n_buffers; k++) {
        buffer *b = &c->buffers[k];
        for (size_t i = 0; b->fenced && i < FENCE; i++)
            if (b->data[b->n + i] != FENCE_WORD || b->data[-1 - (ptrdiff_t)i] != FENCE_WORD)
                fail(c, "wrote outside its output");
        free(b->block);
    }
    c->n_buffers = 0;
}

static const void *table_of(const kernel *k, cpu_tier t)
{
    cpu_tier_force(t);
    return k->table();
}

// True when the kernel of this tier agrees with the scalar one at every length.
static bool check_kernel(checkasm *c, const kernel *k, cpu_tier t, uint64_t seed)
{
    enum { ROUNDS = 4 };
    const void *ref = table_of(k, CPU_SCALAR), *ops = table_of(k, t);
    c->current = k;
    c->tier = t;
    c->rng = seed;
    c->failed = false;
    for (int round = 0; round < ROUNDS && !c->failed; round++)
        for (c->n = 0; c->n <= k->max_n && !c->failed; c->n++) {
            k->check(c, ref, ops, c->n);
            check_fences_and_free(c);
        }
    return !c->failed;
}

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double time_calls(const kernel *k, const void *ops, size_t calls, size_t *units)
{
    *units = 0;
    double begin = cpu_ns();
    for (size_t i = 0; i < calls; i++)
        *units += k->bench(ops);
    return cpu_ns() - begin;
}

// Least of BENCH_RUNS, each of at least 200 us so that reading the clock does not show, in ns a
// unit.
static double time_kernel(const kernel *k, cpu_tier t)
{
    const void *ops = table_of(k, t);
    size_t calls = 1, units;
    while (time_calls(k, ops, calls, &units) < 200e3)
        calls *= 2;
    double best = 0;
    for (int run = 0; run < BENCH_RUNS; run++) {
        double ns = time_calls(k, ops, calls, &units) / (double)units;
        if (run == 0 || ns < best)
            best = ns;
    }
    return best;
}

static void bench_kernel(const kernel *k, cpu_tier top)
{
    printf("%-24s %10s", k->name, k->unit);
    double scalar = time_kernel(k, CPU_SCALAR);
    printf(" %10.3f", scalar);
    for (int t = CPU_AVX2; t <= (int)top; t++) {
        double ns = time_kernel(k, (cpu_tier)t);
        printf(" %10.3f %5.2fx", ns, scalar / ns);
    }
    printf("\n");
}

typedef struct options {
    bool bench;
    bool one_tier;
    cpu_tier tier;
    const char *filter;
    uint64_t seed;
} options;

static int usage(void)
{
    fprintf(stderr, "usage: zisk-checkasm [--bench] [--tier=scalar|avx2|avx512] [--filter=TEXT] "
                    "[--seed=N]\n");
    return 2;
}

static bool parse(options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (strcmp(a, "--bench") == 0) {
            o->bench = true;
        } else if (strncmp(a, "--filter=", 9) == 0) {
            o->filter = a + 9;
        } else if (strncmp(a, "--seed=", 7) == 0) {
            o->seed = strtoull(a + 7, NULL, 0);
        } else if (strncmp(a, "--tier=", 7) == 0) {
            for (int t = CPU_SCALAR; t < CPU_TIER_COUNT; t++)
                if (strcmp(a + 7, cpu_tier_name((cpu_tier)t)) == 0) {
                    o->tier = (cpu_tier)t;
                    o->one_tier = true;
                }
            if (!o->one_tier)
                return false;
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    options o = {.filter = "", .seed = 1};
    if (!parse(&o, argc, argv))
        return usage();
    cpu_tier detected = cpu_tier_detected();
    if (o.one_tier && o.tier > detected) {
        printf("SKIP tier %s: this machine offers %s at most\n", cpu_tier_name(o.tier),
               cpu_tier_name(detected));
        return 0;
    }
    checkasm *c = must_alloc(sizeof *c);
    memset(c, 0, sizeof *c);
    for (size_t i = 0; i < sizeof kernel_files / sizeof kernel_files[0]; i++)
        kernel_files[i](c);

    if (o.bench) {
        cpu_tier top = o.one_tier ? o.tier : detected;
        printf("%-24s %10s %10s %17s %17s\n", "kernel (ns a unit)", "unit", "scalar", "avx2",
               "avx512");
        for (size_t i = 0; i < c->n_kernels; i++)
            if (c->kernels[i].bench != NULL && strstr(c->kernels[i].name, o.filter) != NULL)
                bench_kernel(&c->kernels[i], top);
        free(c);
        return 0;
    }

    size_t checked = 0, failed = 0;
    for (int t = CPU_SCALAR; t < CPU_TIER_COUNT; t++) {
        if (o.one_tier && t != (int)o.tier)
            continue;
        if (t > (int)detected) {
            printf("SKIP tier %s: this machine offers %s at most\n", cpu_tier_name((cpu_tier)t),
                   cpu_tier_name(detected));
            continue;
        }
        for (size_t i = 0; i < c->n_kernels; i++) {
            if (strstr(c->kernels[i].name, o.filter) == NULL)
                continue;
            checked++;
            failed += !check_kernel(c, &c->kernels[i], (cpu_tier)t, o.seed);
        }
        printf("tier %s: done\n", cpu_tier_name((cpu_tier)t));
    }
    printf("%zu kernels x tiers checked, %zu failed (seed %" PRIu64 ")\n", checked, failed, o.seed);
    free(c);
    return failed == 0 && checked != 0 ? 0 : 1;
}
