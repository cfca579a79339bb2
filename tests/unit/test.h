// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What every cmocka test includes, in the order that cmocka 1.1 needs.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// How many times longer a test waits before it gives up: sanitizers make everything slower.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_PATIENCE 10
#else
#define TEST_PATIENCE 1
#endif

// Seeded pseudo-random numbers (splitmix64): tests print the seed, TEST_SEED replays it.
typedef struct test_rng {
    uint64_t s;
} test_rng;

static inline test_rng test_rng_new(uint64_t fallback_seed)
{
    const char *env = getenv("TEST_SEED");
    uint64_t seed = env != NULL ? strtoull(env, NULL, 0) : fallback_seed;
    return (test_rng){seed};
}

static inline uint64_t test_rng_u64(test_rng *r)
{
    uint64_t z = (r->s += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}
