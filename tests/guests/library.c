// SPDX-License-Identifier: Apache-2.0 OR MIT
// A guest that tries what the SDK brings: start-up, thread-local variables, constructors, memory
// functions at all alignments, the heap, formatted text. Returns the number of the failed check;
// natively the C library of the machine has to pass the same checks.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zkvm_io.h"

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return __LINE__ & 0x7f;                                                                \
    } while (0)

static _Thread_local volatile int tls_data = 77;
static _Thread_local volatile int tls_zero;
static volatile int constructed;

__attribute__((constructor)) static void construct(void)
{
    constructed = 5;
}

// Step of the loops over places and sizes: 1 tries all, more makes the run short enough to prove.
#ifndef LIBRARY_STEP
#define LIBRARY_STEP 1
#endif

enum { AREA = 160 };

static uint64_t rng_state = 1;

static uint8_t random_byte(void)
{
    rng_state = rng_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint8_t)(rng_state >> 56);
}

// Compares a memory function with the byte loop that defines it, over a whole area so that bytes
// before and after the range are seen too.
static int check_memory(void)
{
    static uint8_t area[AREA], expected[AREA], other[AREA];
    void *(*volatile copy)(void *, const void *, size_t) = memcpy;
    void *(*volatile move)(void *, const void *, size_t) = memmove;
    void *(*volatile set)(void *, int, size_t) = memset;
    int (*volatile compare)(const void *, const void *, size_t) = memcmp;
    for (size_t to = 0; to < 9; to += LIBRARY_STEP) {
        for (size_t from = 0; from < 24; from += from < 9 ? LIBRARY_STEP : 5) {
            for (size_t n = 0; n < 100; n += n < 35 ? LIBRARY_STEP : 13) {
                for (size_t i = 0; i < AREA; i++) {
                    area[i] = expected[i] = random_byte();
                    other[i] = random_byte();
                }
                for (size_t i = 0; i < n; i++)
                    expected[to + i] = other[from + i];
                CHECK(copy(area + to, other + from, n) == area + to);
                for (size_t i = 0; i < AREA; i++)
                    CHECK(area[i] == expected[i]);

                for (size_t i = 0; i < AREA; i++)
                    area[i] = (uint8_t)i;
                for (size_t i = 0; i < AREA; i++)
                    expected[i] = i >= to && i < to + n ? (uint8_t)(i - to + from) : (uint8_t)i;
                CHECK(move(area + to, area + from, n) == area + to);
                for (size_t i = 0; i < AREA; i++)
                    CHECK(area[i] == expected[i]);

                for (size_t i = 0; i < n; i++)
                    expected[to + i] = 0xa5;
                CHECK(set(area + to, 0xa5, n) == area + to);
                for (size_t i = 0; i < AREA; i++)
                    CHECK(area[i] == expected[i]);

                for (size_t i = 0; i < n; i++)
                    area[to + i] = other[from + i] = random_byte();
                CHECK(compare(area + to, other + from, n) == 0);
                if (n > 0) {
                    other[from + n - 1] = (uint8_t)(area[to + n - 1] ^ 0x80);
                    const int sign = area[to + n - 1] < other[from + n - 1] ? -1 : 1;
                    CHECK(compare(area + to, other + from, n) * sign > 0);
                    CHECK(compare(area + to, other + from, n - 1) == 0);
                }
            }
        }
        char *s = (char *)area + to;
        for (size_t n = 0; n < 40; n++) {
            memset(s, 'x', n);
            s[n] = '\0';
            s[n + 1] = 'y';
            CHECK(strlen(s) == n);
        }
    }
    return 0;
}

static int check_heap(void)
{
    enum { BLOCKS = 200 };
    static uint8_t *blocks[BLOCKS];
    static size_t sizes[BLOCKS];
    void *(*volatile allocate)(size_t) = malloc;
    for (int round = 0; round < 3000 / LIBRARY_STEP; round++) {
        const size_t i = random_byte() % BLOCKS;
        for (size_t k = 0; k < sizes[i]; k += 7)
            CHECK(blocks[i][k] == (uint8_t)(i + k));
        const size_t size = random_byte() % 8 == 0 ? 37u * random_byte() : random_byte();
        if (blocks[i] != NULL && round % 3 == 0) {
            blocks[i] = realloc(blocks[i], size + 1);
            CHECK(blocks[i] != NULL);
            for (size_t k = 0; k < sizes[i] && k < size; k += 7)
                CHECK(blocks[i][k] == (uint8_t)(i + k));
        } else if (round % 3 == 1) {
            free(blocks[i]);
            blocks[i] = calloc(size + 1, 1);
            CHECK(blocks[i] != NULL);
            for (size_t k = 0; k <= size; k++)
                CHECK(blocks[i][k] == 0);
        } else {
            free(blocks[i]);
            blocks[i] = allocate(size + 1);
            CHECK(blocks[i] != NULL);
        }
        CHECK(((uintptr_t)blocks[i] & 15) == 0);
        sizes[i] = size;
        for (size_t k = 0; k <= size; k++)
            blocks[i][k] = (uint8_t)(i + k);
    }
    void *p = aligned_alloc(4096, 8192);
    CHECK(p != NULL && ((uintptr_t)p & 4095) == 0);
    memset(p, 1, 8192);
    free(p);
#ifndef __SANITIZE_ADDRESS__ // which stops the program instead
    errno = 0;
    CHECK(allocate(SIZE_MAX / 2) == NULL && errno == ENOMEM);
    volatile size_t huge = SIZE_MAX / 2;
    CHECK(calloc(huge, 3) == NULL);
#endif
    return 0;
}

static int check_streams(void)
{
    FILE *volatile all = NULL;
    CHECK(fflush(all) == 0 && fflush(stdout) == 0 && fflush(stderr) == 0);
    CHECK(getchar() == EOF);
    CHECK(putchar('>') == '>' && fputs(" ", stdout) >= 0);
    CHECK(fflush(all) == 0);
    return 0;
}

int main(void)
{
    CHECK(tls_data == 77 && tls_zero == 0);
    tls_zero = 3;
    CHECK(tls_zero == 3 && constructed == 5);
    int failed = check_memory();
    if (failed == 0)
        failed = check_heap();
    if (failed == 0)
        failed = check_streams();
    if (failed != 0)
        return failed;
    char text[100];
    int n = snprintf(text, sizeof text, "%lu %lld %#x %5s|%-4d|%c %08lx", 1UL << 63, -5LL, 0xabcu,
                     "hey", 12, 'z', 0x1234UL);
    CHECK(n > 0 && strtol("-0x7f", NULL, 0) == -127);
    write_output((const uint8_t *)text, (size_t)n);
    printf("%s\n", text);
    return 0;
}
