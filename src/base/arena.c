// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "base/arena.h"

#include "base/bigmem.h"

#include <stdint.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

// Blocks double from the first size to the largest, unless one allocation asks for more.
enum { FIRST_BLOCK_BYTES = 64 << 10, LARGEST_BLOCK_BYTES = 64 << 20 };

// One cache line of header, then the memory.
struct arena_block {
    _Alignas(ARENA_ALIGNMENT) arena_block *next;
    size_t capacity; // bytes after the header
    size_t used;     // multiple of ARENA_ALIGNMENT
};

_Static_assert(sizeof(arena_block) == ARENA_ALIGNMENT, "the memory after the header is aligned");

static uint8_t *block_memory(arena_block *b)
{
    return (uint8_t *)(b + 1);
}

void arena_init(arena *a, size_t limit_bytes)
{
    *a = (arena){.limit = limit_bytes == 0 ? SIZE_MAX : limit_bytes};
}

void arena_clear(arena *a)
{
    for (arena_block *b = a->first, *next; b != NULL; b = next) {
        next = b->next;
        size_t bytes = sizeof *b + b->capacity;
        ASAN_UNPOISON_MEMORY_REGION(b, bytes); // the system may hand these addresses out again
        bigmem_free(b, bytes, 1);
    }
    *a = (arena){.limit = a->limit};
}

// Puts a block with room for `bytes` behind the current one and makes it current.
static status add_block(arena *a, size_t bytes)
{
    size_t total = FIRST_BLOCK_BYTES;
    if (a->current != NULL)
        total = 2 * (a->current->capacity + sizeof(arena_block));
    if (total > LARGEST_BLOCK_BYTES)
        total = LARGEST_BLOCK_BYTES;
    size_t needed = bytes + sizeof(arena_block);
    size_t left = a->limit - a->reserved;
    FAIL_IF(needed > left, ZK_ELIMIT, "an arena limited to %zu bytes holds %zu and needs %zu more",
            a->limit, a->reserved, needed);
    if (total < needed)
        total = needed;
    if (total > left)
        total = left & ~(size_t)(ARENA_ALIGNMENT - 1);
    arena_block *b;
    TRY(bigmem_alloc((void **)&b, total, 1));
    *b = (arena_block){.capacity = total - sizeof *b};
    ASAN_POISON_MEMORY_REGION(block_memory(b), b->capacity);
    a->reserved += total;
    if (a->current == NULL) {
        a->first = b;
    } else {
        b->next = a->current->next;
        a->current->next = b;
    }
    a->current = b;
    return ZK_OK;
}

static bool fits(const arena_block *b, size_t bytes)
{
    return b != NULL && b->capacity - b->used >= bytes;
}

status arena_alloc(void **out, arena *a, size_t n, size_t item_bytes)
{
    size_t bytes;
    *out = NULL;
    FAIL_IF(__builtin_mul_overflow(n, item_bytes, &bytes) || bytes > SIZE_MAX / 4, ZK_ENOMEM,
            "no memory for %zu items of %zu bytes", n, item_bytes);
    // At least one line, so that two allocations never share an address.
    size_t rounded = bytes == 0 ? ARENA_ALIGNMENT
                                : (bytes + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
    if (!fits(a->current, rounded)) {
        arena_block *kept = a->current == NULL ? NULL : a->current->next;
        if (fits(kept, rounded))
            a->current = kept;
        else
            TRY(add_block(a, rounded));
    }
    arena_block *b = a->current;
    *out = block_memory(b) + b->used;
    ASAN_UNPOISON_MEMORY_REGION(*out, bytes);
    b->used += rounded;
    return ZK_OK;
}

arena_mark arena_save(const arena *a)
{
    return (arena_mark){a->current, a->current == NULL ? 0 : a->current->used};
}

void arena_rewind(arena *a, arena_mark mark)
{
    // A mark of an arena that had no block yet means its very beginning.
    arena_block *target = mark.block == NULL ? a->first : mark.block;
    if (target == NULL)
        return;
    for (arena_block *b = target; b != NULL; b = b->next) {
        size_t keep = b == target ? mark.used : 0;
        ZK_VERIFY(keep <= b->used);
        b->used = keep;
        ASAN_POISON_MEMORY_REGION(block_memory(b) + keep, b->capacity - keep);
    }
    a->current = target;
}

void arena_reset(arena *a)
{
    arena_rewind(a, (arena_mark){NULL, 0});
}
