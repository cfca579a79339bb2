// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "base/bigmem.h"

#include <stdint.h>
#include <sys/mman.h>

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) & ~(unit - 1);
}

// What a block of `bytes` occupies: whole pages, huge ones when it is large.
static size_t mapped_bytes(size_t bytes)
{
    return round_up(bytes, bytes >= BIGMEM_HUGE_PAGE ? BIGMEM_HUGE_PAGE : 4096);
}

static void *map_pages(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

// Maps one huge page more than asked for and returns the ends that alignment leaves over.
static void *map_huge_aligned(size_t bytes)
{
    char *p = map_pages(bytes + BIGMEM_HUGE_PAGE);
    if (p == NULL)
        return NULL;
    size_t head = (size_t)(-(uintptr_t)p & (BIGMEM_HUGE_PAGE - 1));
    if (head != 0)
        munmap(p, head);
    munmap(p + head + bytes, BIGMEM_HUGE_PAGE - head);
    return p + head;
}

status bigmem_alloc(void **out, size_t n, size_t item_bytes)
{
    size_t bytes;
    *out = NULL;
    // The margin keeps the rounding below free of overflow.
    FAIL_IF(__builtin_mul_overflow(n, item_bytes, &bytes) || bytes > SIZE_MAX / 2, ZK_ENOMEM,
            "no memory for %zu items of %zu bytes", n, item_bytes);
    if (bytes == 0)
        return ZK_OK;
    size_t mapped = mapped_bytes(bytes);
    void *p = bytes >= BIGMEM_HUGE_PAGE ? map_huge_aligned(mapped) : map_pages(mapped);
    FAIL_IF(p == NULL, ZK_ENOMEM, "the system gave no memory for a block of %zu MiB: %m",
            mapped >> 20);
    if (bytes >= BIGMEM_HUGE_PAGE)
        (void)madvise(p, mapped, MADV_HUGEPAGE); // advice: a kernel without it refuses
    *out = p;
    return ZK_OK;
}

void bigmem_free(void *block, size_t n, size_t item_bytes)
{
    if (block != NULL)
        munmap(block, mapped_bytes(n * item_bytes));
}
