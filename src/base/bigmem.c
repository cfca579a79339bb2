// SPDX-License-Identifier: Apache-2.0 OR MIT
// Large blocks are cut from extents: free address ranges, kept sorted and joined with their
// neighbours, whatever calls of mmap they came from (a part of a mapping can be unmapped).
#include "base/bigmem.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum { SMALL_PAGE = 4096, MAX_EXTENTS = 512 };

typedef struct extent {
    char *at;
    size_t bytes;
} extent;

typedef struct heap {
    pthread_mutex_t mutex;
    extent free[MAX_EXTENTS]; // ascending, no two adjacent
    size_t n_free;
    bigmem_usage usage;
} heap;

static heap the_heap = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) & ~(unit - 1);
}

// ---- The system --------------------------------------------------------------------------------

static void unmap(char *at, size_t bytes)
{
    ASAN_UNPOISON_MEMORY_REGION(at, bytes); // whoever maps the range next finds it clean
    munmap(at, bytes);
}

// Maps one huge page more than asked for and returns the ends that alignment leaves over.
static char *map_aligned(size_t bytes)
{
    void *mapped = mmap(NULL, bytes + BIGMEM_HUGE_PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED)
        return NULL;
    char *p = mapped;
    size_t head = (size_t)(-(uintptr_t)p & (BIGMEM_HUGE_PAGE - 1));
    if (head != 0)
        munmap(p, head);
    munmap(p + head + bytes, BIGMEM_HUGE_PAGE - head);
    (void)madvise(p + head, bytes, MADV_HUGEPAGE); // advice: a kernel without it refuses
    return p + head;
}

// ---- Extents, under the mutex ------------------------------------------------------------------

static void remove_extent(heap *h, size_t i)
{
    memmove(&h->free[i], &h->free[i + 1], (--h->n_free - i) * sizeof h->free[0]);
}

static void keep(heap *h, char *at, size_t bytes)
{
    size_t i = 0;
    while (i < h->n_free && h->free[i].at < at)
        i++;
    bool joins_left = i > 0 && h->free[i - 1].at + h->free[i - 1].bytes == at;
    bool joins_right = i < h->n_free && at + bytes == h->free[i].at;
    if (!joins_left && !joins_right && h->n_free == MAX_EXTENTS) {
        unmap(at, bytes);
        return;
    }
    ASAN_POISON_MEMORY_REGION(at, bytes);
    h->usage.kept += bytes;
    if (joins_left) {
        h->free[i - 1].bytes += bytes;
        if (joins_right) {
            h->free[i - 1].bytes += h->free[i].bytes;
            remove_extent(h, i);
        }
    } else if (joins_right) {
        h->free[i] = (extent){at, bytes + h->free[i].bytes};
    } else {
        memmove(&h->free[i + 1], &h->free[i], (h->n_free++ - i) * sizeof h->free[0]);
        h->free[i] = (extent){at, bytes};
    }
}

// The smallest extent that holds the block, or n_free.
static size_t smallest_fit(const heap *h, size_t bytes)
{
    size_t best = h->n_free;
    for (size_t i = 0; i < h->n_free; i++)
        if (h->free[i].bytes >= bytes &&
            (best == h->n_free || h->free[i].bytes < h->free[best].bytes))
            best = i;
    return best;
}

static char *take(heap *h, size_t i, size_t bytes)
{
    extent *e = &h->free[i];
    char *at = e->at;
    e->at += bytes;
    e->bytes -= bytes;
    if (e->bytes == 0)
        remove_extent(h, i);
    h->usage.kept -= bytes;
    ASAN_UNPOISON_MEMORY_REGION(at, bytes);
    return at;
}

// Unmaps the smallest extents, the least useful ones, until at most `most` bytes are kept.
static void shrink(heap *h, size_t most)
{
    while (h->usage.kept > most) {
        size_t i = smallest_fit(h, 1), excess = h->usage.kept - most;
        size_t bytes = h->free[i].bytes < excess ? h->free[i].bytes : excess;
        unmap(take(h, i, bytes), bytes);
    }
}

// ---- Blocks ------------------------------------------------------------------------------------

// *fresh tells that the block is all zero.
static char *large_alloc(size_t bytes, bool *fresh)
{
    heap *h = &the_heap;
    pthread_mutex_lock(&h->mutex);
    bigmem_usage *u = &h->usage;
    size_t i = smallest_fit(h, bytes);
    char *at;
    *fresh = i == h->n_free;
    u->in_use += bytes;
    if (!*fresh) {
        at = take(h, i, bytes);
    } else {
        size_t peak = u->in_use > u->peak ? u->in_use : u->peak;
        shrink(h, peak - u->in_use);
        at = map_aligned(bytes);
        if (at == NULL) {
            shrink(h, 0);
            at = map_aligned(bytes);
        }
        if (at == NULL)
            u->in_use -= bytes;
        else
            u->mapped += bytes;
    }
    if (u->in_use > u->peak)
        u->peak = u->in_use;
    pthread_mutex_unlock(&h->mutex);
    return at;
}

static void large_free(char *at, size_t bytes)
{
    heap *h = &the_heap;
    pthread_mutex_lock(&h->mutex);
    ZK_VERIFY(h->usage.in_use >= bytes);
    h->usage.in_use -= bytes;
    keep(h, at, bytes);
    pthread_mutex_unlock(&h->mutex);
}

static status alloc(void **out, size_t n, size_t item_bytes, bool zeroed)
{
    size_t bytes;
    *out = NULL;
    // The margin keeps the rounding below free of overflow.
    FAIL_IF(__builtin_mul_overflow(n, item_bytes, &bytes) || bytes > SIZE_MAX / 2, ZK_ENOMEM,
            "no memory for %zu items of %zu bytes", n, item_bytes);
    if (bytes == 0)
        return ZK_OK;
    bool fresh = false;
    void *p = bytes < BIGMEM_HUGE_PAGE ? aligned_alloc(SMALL_PAGE, round_up(bytes, SMALL_PAGE))
                                       : large_alloc(round_up(bytes, BIGMEM_HUGE_PAGE), &fresh);
    FAIL_IF(p == NULL, ZK_ENOMEM, "the system gave no memory for a block of %zu KiB: %m",
            bytes >> 10);
    if (zeroed && !fresh)
        memset(p, 0, bytes);
    *out = p;
    return ZK_OK;
}

status bigmem_alloc(void **out, size_t n, size_t item_bytes)
{
    return alloc(out, n, item_bytes, true);
}

status bigmem_alloc_dirty(void **out, size_t n, size_t item_bytes)
{
    return alloc(out, n, item_bytes, false);
}

void bigmem_free(void *block, size_t n, size_t item_bytes)
{
    size_t bytes = n * item_bytes;
    if (block == NULL)
        return;
    if (bytes < BIGMEM_HUGE_PAGE)
        free(block);
    else
        large_free(block, round_up(bytes, BIGMEM_HUGE_PAGE));
}

void bigmem_trim(void)
{
    heap *h = &the_heap;
    pthread_mutex_lock(&h->mutex);
    shrink(h, 0);
    h->usage.peak = h->usage.in_use;
    pthread_mutex_unlock(&h->mutex);
}

bigmem_usage bigmem_usage_now(void)
{
    heap *h = &the_heap;
    pthread_mutex_lock(&h->mutex);
    bigmem_usage usage = h->usage;
    pthread_mutex_unlock(&h->mutex);
    return usage;
}
