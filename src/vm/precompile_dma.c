// SPDX-License-Identifier: Apache-2.0 OR MIT
// Copies, comparisons and fills of byte ranges. Ranges are any, memory is 8-byte words: a range
// costs one access for each word that it touches, and a destination keeps the bytes around it.
#include "vm/precompile_impl.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLOT_FIRST_RANGE = VM_CALL_SLOT_MEMORY,
    SLOT_SECOND_RANGE,
    PIECE_WORDS = 512,
};

// An empty range may lie anywhere.
static status check_range(uint64_t address, uint64_t count)
{
    FAIL_IF(count > 0 && (address >> 32 != 0 || count > (1ULL << 32) - address), ZK_EGUEST,
            "range of %llu bytes at 0x%llx leaves the address space", (unsigned long long)count,
            (unsigned long long)address);
    return ZK_OK;
}

// The words of a range that is read. Most calls copy a few bytes: those stay on the stack.
typedef struct range_words {
    uint64_t local[PIECE_WORDS];
    uint64_t *words; // local or on the heap
    uint64_t *heap;  // freed by the caller, also after a failure
    unsigned skip;   // where in the words the range starts
} range_words;

static const uint8_t *range_bytes(const range_words *r)
{
    return (const uint8_t *)r->words + r->skip;
}

// Reads piece by piece, so that a range outside memory is refused before room for all of it is
// taken.
static status read_range(range_words *r, vm_port *port, unsigned slot, uint64_t address,
                         uint64_t count)
{
    r->heap = NULL;
    r->words = r->local;
    r->skip = address & 7;
    TRY(check_range(address, count));
    const uint64_t n = count == 0 ? 0 : (r->skip + count + 7) / 8;
    uint64_t have = 0, room = PIECE_WORDS;
    while (have < n) {
        const uint64_t piece = n - have < PIECE_WORDS ? n - have : PIECE_WORDS;
        if (have + piece > room) {
            room *= 2;
            uint64_t *grown = realloc(r->heap, room * sizeof *grown);
            FAIL_IF(grown == NULL, ZK_ENOMEM, "no memory to copy %llu bytes",
                    (unsigned long long)count);
            if (r->heap == NULL)
                memcpy(grown, r->local, have * sizeof *grown);
            r->words = r->heap = grown;
        }
        TRY(port_read(port, r->words + have, slot, (address & ~7ULL) + 8 * have, piece));
        have += piece;
    }
    return ZK_OK;
}

// Where the bytes of a destination come from, in order.
typedef struct byte_source {
    status (*take)(struct byte_source *s, uint8_t *out, uint64_t count);
    vm_port *port;       // input words
    const uint8_t *next; // copies
    uint64_t word;       // input words: the one under way
    unsigned left;       // and its bytes not taken yet
    uint8_t fill;        // fills
} byte_source;

static status write_range(vm_port *port, unsigned slot, uint64_t address, uint64_t count,
                          byte_source *source)
{
    uint64_t words[PIECE_WORDS];
    TRY(check_range(address, count));
    while (count > 0) {
        const uint64_t base = address & ~7ULL, skip = address & 7;
        const uint64_t room = sizeof words - skip, bytes = count < room ? count : room;
        const uint64_t n = (skip + bytes + 7) / 8;
        if (skip != 0)
            TRY(port_peek(port, words, base, 1));
        if ((skip + bytes) % 8 != 0)
            TRY(port_peek(port, words + n - 1, base + 8 * (n - 1), 1));
        TRY(source->take(source, (uint8_t *)words + skip, bytes));
        TRY(port_write(port, words, slot, base, n));
        address += bytes;
        count -= bytes;
    }
    return ZK_OK;
}

static status take_copy(byte_source *s, uint8_t *out, uint64_t count)
{
    memcpy(out, s->next, count);
    s->next += count;
    return ZK_OK;
}

static status take_fill(byte_source *s, uint8_t *out, uint64_t count)
{
    memset(out, s->fill, count);
    return ZK_OK;
}

static status take_input(byte_source *s, uint8_t *out, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (s->left == 0) {
            TRY(port_next_free(s->port, &s->word));
            s->left = 8;
        }
        out[i] = (uint8_t)s->word;
        s->word >>= 8;
        s->left--;
    }
    return ZK_OK;
}

// Copies count bytes from src to dst as if through a buffer: overlap is allowed.
status precompile_memcpy(vm_port *port, const call_args *args, uint64_t *result)
{
    (void)result;
    range_words src;
    status s = read_range(&src, port, SLOT_FIRST_RANGE, args->src, args->count);
    if (s == ZK_OK) {
        byte_source source = {.take = take_copy, .next = range_bytes(&src)};
        s = write_range(port, SLOT_SECOND_RANGE, args->dst, args->count, &source);
    }
    free(src.heap);
    TRY(s);
    return ZK_OK;
}

// Result: at the first difference, the byte of dst less that of src; 0 when there is none. All
// words of both ranges are read, whatever they hold.
status precompile_memcmp(vm_port *port, const call_args *args, uint64_t *result)
{
    range_words dst, src;
    src.heap = NULL;
    status s = read_range(&dst, port, SLOT_FIRST_RANGE, args->dst, args->count);
    if (s == ZK_OK)
        s = read_range(&src, port, SLOT_SECOND_RANGE, args->src, args->count);
    if (s == ZK_OK && args->count > 0) {
        const uint8_t *a = range_bytes(&dst), *b = range_bytes(&src);
        uint64_t i = 0;
        while (i + 1 < args->count && a[i] == b[i])
            i++;
        *result = (uint64_t)a[i] - b[i];
    }
    free(dst.heap);
    free(src.heap);
    TRY(s);
    return ZK_OK;
}

// Copies ceil(count / 8) free words, the results of a hint call, to dst.
status precompile_inputcpy(vm_port *port, const call_args *args, uint64_t *result)
{
    (void)result;
    byte_source source = {.take = take_input, .port = port};
    return write_range(port, SLOT_FIRST_RANGE, args->dst, args->count, &source);
}

status precompile_memset(vm_port *port, const call_args *args, uint64_t *result)
{
    (void)result;
    byte_source source = {.take = take_fill, .fill = args->fill};
    return write_range(port, SLOT_FIRST_RANGE, args->dst, args->count, &source);
}
