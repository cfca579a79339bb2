// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "vm/vm_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// What stays in memory of every chunk. `packed` is NULL when the columns are in the file at
// `offset`.
typedef struct record_entry {
    vm_chunk chunk; // its arrays are NULL
    uint8_t *packed;
    uint64_t offset;
} record_entry;

struct vm_record {
    record_entry **entries;
    uint64_t n;
    uint64_t capacity;
    uint64_t memory_budget;
    uint64_t memory_bytes;
    uint64_t file_bytes;
    int file; // -1 while there is none
    char *spill_dir;
    uint8_t *scratch;
    uint64_t scratch_capacity;
};

enum { TOUCH_BYTES = 4 + 8 + 5 };

static uint64_t packed_bytes(const vm_chunk *c)
{
    return c->n_touches * TOUCH_BYTES + c->n_free_words * 8;
}

// Columns, so that each is one loop: addresses, values, low words of ts, high bytes of ts, then the
// free words.
static void pack(uint8_t *out, const vm_chunk *c)
{
    uint64_t n = c->n_touches;
    uint8_t *values = out + 4 * n;
    uint8_t *ts_low = values + 8 * n;
    uint8_t *ts_high = ts_low + 4 * n;
    for (uint64_t k = 0; k < n; k++) {
        const vm_touch *t = &c->touches[k];
        uint32_t low = (uint32_t)t->ts;
        memcpy(out + 4 * k, &t->address, 4);
        memcpy(values + 8 * k, &t->value, 8);
        memcpy(ts_low + 4 * k, &low, 4);
        ts_high[k] = (uint8_t)(t->ts >> 32); // ts < 2^VM_TS_BITS = 2^40
    }
    if (c->n_free_words != 0)
        memcpy(ts_high + n, c->free_words, 8 * c->n_free_words);
}

static void unpack(vm_touch *touches, uint64_t *free_words, const uint8_t *in, const vm_chunk *c)
{
    uint64_t n = c->n_touches;
    const uint8_t *values = in + 4 * n;
    const uint8_t *ts_low = values + 8 * n;
    const uint8_t *ts_high = ts_low + 4 * n;
    for (uint64_t k = 0; k < n; k++) {
        uint32_t low;
        memcpy(&touches[k].address, in + 4 * k, 4);
        memcpy(&touches[k].value, values + 8 * k, 8);
        memcpy(&low, ts_low + 4 * k, 4);
        touches[k].ts = (uint64_t)ts_high[k] << 32 | low;
    }
    if (c->n_free_words != 0)
        memcpy(free_words, ts_high + n, 8 * c->n_free_words);
}

status vm_record_open(vm_record **out, uint64_t memory_budget, const char *spill_dir)
{
    *out = NULL;
    vm_record *r = calloc(1, sizeof *r);
    FAIL_IF(r == NULL, ZK_ENOMEM, "no memory for a record");
    r->memory_budget = memory_budget;
    r->file = -1;
    if (spill_dir != NULL) {
        r->spill_dir = strdup(spill_dir);
        if (r->spill_dir == NULL) {
            free(r);
            FAIL(ZK_ENOMEM, "no memory for a record");
        }
    }
    *out = r;
    return ZK_OK;
}

void vm_record_close(vm_record *r)
{
    if (r == NULL)
        return;
    for (uint64_t k = 0; k < r->n; k++) {
        free(r->entries[k]->packed);
        free(r->entries[k]);
    }
    free(r->entries);
    free(r->scratch);
    free(r->spill_dir);
    if (r->file >= 0)
        close(r->file);
    free(r);
}

// Room for at least n elements of `size` bytes; contents are not kept.
static status grow(void **memory, uint64_t *capacity, uint64_t n, uint64_t size)
{
    if (*capacity >= n && *memory != NULL)
        return ZK_OK;
    uint64_t wanted = n + n / 4 + 64;
    void *larger = malloc(wanted * size);
    FAIL_IF(larger == NULL, ZK_ENOMEM, "no memory for a chunk of %llu bytes",
            (unsigned long long)(wanted * size));
    free(*memory);
    *memory = larger;
    *capacity = wanted;
    return ZK_OK;
}

// A file that has no name, so that nothing is left whatever happens.
static status open_file(vm_record *r)
{
    FAIL_IF(r->spill_dir == NULL, ZK_ELIMIT,
            "the record of the run takes more than %llu MiB of memory and has no spill folder",
            (unsigned long long)r->memory_budget >> 20);
    r->file = open(r->spill_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (r->file >= 0)
        return ZK_OK;
    // Not every file system can: a name for a moment then.
    size_t n = strlen(r->spill_dir) + sizeof "/zisk-record-XXXXXX";
    char *path = malloc(n);
    FAIL_IF(path == NULL, ZK_ENOMEM, "no memory for a path");
    strcpy(path, r->spill_dir);
    strcat(path, "/zisk-record-XXXXXX");
    r->file = mkostemp(path, O_CLOEXEC);
    int error = errno;
    if (r->file >= 0)
        unlink(path);
    free(path);
    FAIL_IF(r->file < 0, ZK_EIO, "%s: no file can be made there: %s", r->spill_dir,
            strerror(error));
    return ZK_OK;
}

static status write_file(vm_record *r, const uint8_t *data, uint64_t n)
{
    for (uint64_t at = 0; at < n;) {
        ssize_t w = pwrite(r->file, data + at, n - at, (off_t)(r->file_bytes + at));
        if (w < 0 && errno == EINTR)
            continue;
        FAIL_IF(w <= 0, ZK_EIO, "%s: the record of the run cannot be written: %s", r->spill_dir,
                strerror(errno));
        at += (uint64_t)w;
    }
    return ZK_OK;
}

static status spill(vm_record *r, record_entry *e, const vm_chunk *chunk, uint64_t bytes)
{
    if (r->file < 0)
        TRY(open_file(r));
    TRY(grow((void **)&r->scratch, &r->scratch_capacity, bytes, 1));
    pack(r->scratch, chunk);
    TRY(write_file(r, r->scratch, bytes));
    e->offset = r->file_bytes;
    r->file_bytes += bytes;
    return ZK_OK;
}

static status store(vm_record *r, record_entry *e, const vm_chunk *chunk)
{
    uint64_t bytes = packed_bytes(chunk);
    uint64_t resident = sizeof *e + sizeof e;
    if (r->memory_bytes + resident + bytes > r->memory_budget) {
        TRY(spill(r, e, chunk, bytes));
    } else {
        e->packed = malloc(bytes + 1);
        FAIL_IF(e->packed == NULL, ZK_ENOMEM, "no memory for a chunk of %llu bytes",
                (unsigned long long)bytes);
        pack(e->packed, chunk);
        resident += bytes;
    }
    r->memory_bytes += resident;
    return ZK_OK;
}

status vm_record_take(void *arg, const vm_chunk *chunk)
{
    vm_record *r = arg;
    FAIL_IF(chunk->index != r->n, ZK_EINVAL, "chunk %llu comes after %llu chunks",
            (unsigned long long)chunk->index, (unsigned long long)r->n);
    if (r->n == r->capacity) {
        uint64_t capacity = r->capacity == 0 ? 256 : 2 * r->capacity;
        record_entry **entries = realloc(r->entries, capacity * sizeof *entries);
        FAIL_IF(entries == NULL, ZK_ENOMEM, "no memory for %llu chunks",
                (unsigned long long)capacity);
        r->entries = entries;
        r->capacity = capacity;
    }
    record_entry *e = calloc(1, sizeof *e);
    FAIL_IF(e == NULL, ZK_ENOMEM, "no memory for a chunk");
    e->chunk = *chunk;
    e->chunk.touches = NULL;
    e->chunk.free_words = NULL;
    status s = store(r, e, chunk);
    if (s != ZK_OK) {
        free(e);
        return s;
    }
    r->entries[r->n++] = e;
    return ZK_OK;
}

uint64_t vm_record_chunks(const vm_record *r)
{
    return r->n;
}

uint64_t vm_record_bytes(const vm_record *r)
{
    return r->memory_bytes + r->file_bytes;
}

uint64_t vm_record_spilled_bytes(const vm_record *r)
{
    return r->file_bytes;
}

void vm_chunk_buffer_clear(vm_chunk_buffer *b)
{
    free(b->packed);
    free(b->touches);
    free(b->free_words);
    *b = (vm_chunk_buffer){0};
}

static status read_file(uint8_t *out, const vm_record *r, uint64_t offset, uint64_t n)
{
    for (uint64_t at = 0; at < n;) {
        ssize_t got = pread(r->file, out + at, n - at, (off_t)(offset + at));
        if (got < 0 && errno == EINTR)
            continue;
        FAIL_IF(got <= 0, ZK_EIO, "%s: the record of the run cannot be read back: %s", r->spill_dir,
                got < 0 ? strerror(errno) : "it is shorter than it was written");
        at += (uint64_t)got;
    }
    return ZK_OK;
}

status vm_record_get(vm_chunk *out, vm_chunk_buffer *buffer, const vm_record *r, uint64_t index)
{
    FAIL_IF(index >= r->n, ZK_EINVAL, "chunk %llu of %llu", (unsigned long long)index,
            (unsigned long long)r->n);
    const record_entry *e = r->entries[index];
    const uint8_t *packed = e->packed;
    uint64_t bytes = packed_bytes(&e->chunk);
    if (packed == NULL) {
        TRY(grow((void **)&buffer->packed, &buffer->packed_capacity, bytes, 1));
        TRY(read_file(buffer->packed, r, e->offset, bytes));
        packed = buffer->packed;
    }
    TRY(grow((void **)&buffer->touches, &buffer->touches_capacity, e->chunk.n_touches,
             sizeof *buffer->touches));
    TRY(grow((void **)&buffer->free_words, &buffer->free_capacity, e->chunk.n_free_words, 8));
    unpack(buffer->touches, buffer->free_words, packed, &e->chunk);
    *out = e->chunk;
    out->touches = buffer->touches;
    out->free_words = buffer->free_words;
    return ZK_OK;
}

const vm_rows *vm_record_rows(const vm_record *r, uint64_t index)
{
    ZK_VERIFY(index < r->n);
    return &r->entries[index]->chunk.rows;
}
