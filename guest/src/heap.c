// SPDX-License-Identifier: Apache-2.0 OR MIT
// malloc by size classes: four for each power of two (at most 25 % waste), a free list for each,
// new blocks from the end of the heap in use. Constant time, no search, no merging: a guest runs
// once, and every step of it is proved.
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern char __heap_bottom[], __heap_top[]; // linker script

// Just before what the caller holds. `base` is where the class's block starts; it lies further
// back only for alignments above 16.
typedef struct header {
    uint64_t class;
    struct free_block *base;
} header;

typedef struct free_block {
    struct free_block *next;
} free_block;

enum { MAX_CLASS = 4 + 4 * 26, SMALL_BYTES = 64 }; // largest class: 8 << 29, above all of RAM

static free_block *free_lists[MAX_CLASS];
static char *heap_end;

// Classes 0 to 3 hold 16, 32, 48, 64 bytes; then 5, 6, 7, 8 times 2^k for k = 4, 5, ...
static uint64_t class_bytes(uint64_t class)
{
    return class < 4 ? 16 * (class + 1) : (5 + class % 4) << (class / 4 + 3);
}

// Smallest class of at least `bytes`, 1 <= bytes <= 2^32.
static uint64_t class_of(uint64_t bytes)
{
    if (bytes <= SMALL_BYTES)
        return (bytes - 1) / 16;
    const unsigned k = 61 - (unsigned)__builtin_clzl(bytes - 1); // 4 <= (bytes - 1) >> k <= 7
    return 4 * (k - 4) + 4 + ((bytes - 1) >> k) - 4;
}

// *fresh: the block was never used, so it is zero.
static void *allocate(uint64_t bytes, uint64_t alignment, bool *fresh)
{
    const uint64_t room = (uint64_t)(__heap_top - __heap_bottom);
    if (bytes > room || alignment > room) {
        errno = ENOMEM;
        return NULL;
    }
    const uint64_t slack = alignment > 16 ? alignment : 0;
    const uint64_t class = class_of(bytes + slack + sizeof(header));
    free_block *base = free_lists[class];
    *fresh = base == NULL;
    if (base != NULL) {
        free_lists[class] = base->next;
    } else {
        if (heap_end == NULL)
            heap_end = __heap_bottom;
        if (class_bytes(class) > (uint64_t)(__heap_top - heap_end)) {
            errno = ENOMEM;
            return NULL;
        }
        base = (free_block *)heap_end;
        heap_end += class_bytes(class);
    }
    uintptr_t p = (uintptr_t)base + sizeof(header);
    if (slack != 0)
        p = (p + alignment - 1) & -alignment;
    ((header *)p)[-1] = (header){class, base};
    return (void *)p;
}

static uint64_t usable_bytes(const void *p)
{
    const header *h = (const header *)p - 1;
    return class_bytes(h->class) - (uint64_t)((const char *)p - (const char *)h->base);
}

void *malloc(size_t bytes)
{
    bool fresh;
    return allocate(bytes, 16, &fresh);
}

void free(void *p)
{
    if (p == NULL)
        return;
    const header h = ((const header *)p)[-1];
    h.base->next = free_lists[h.class];
    free_lists[h.class] = h.base;
}

void *calloc(size_t count, size_t bytes)
{
    size_t total;
    bool fresh;
    if (__builtin_mul_overflow(count, bytes, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    void *p = allocate(total, 16, &fresh);
    if (p != NULL && !fresh)
        memset(p, 0, total);
    return p;
}

void *realloc(void *p, size_t bytes)
{
    if (p == NULL)
        return malloc(bytes);
    if (bytes <= usable_bytes(p))
        return p;
    void *q = malloc(bytes);
    if (q == NULL)
        return NULL;
    memcpy(q, p, usable_bytes(p));
    free(p);
    return q;
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    bool fresh;
    if (alignment == 0 || (alignment & (alignment - 1)) != 0) {
        errno = EINVAL;
        return NULL;
    }
    return allocate(bytes, alignment, &fresh);
}
