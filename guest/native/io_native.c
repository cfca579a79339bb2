// SPDX-License-Identifier: Apache-2.0 OR MIT
// zkvm_io.h on files, so that a guest program compiles natively for tests and debuggers.
//
//   ZISK_INPUT=FILE      input file of records, as `zisk run -i FILE` takes it
//   ZISK_RAW_INPUT=FILE  one record with the file's bytes, as `zisk run --raw-input FILE`
//   neither              one record with what standard input holds
//   ZISK_OUTPUT=FILE     receives the 256 bytes of public output at any exit, failures included
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zkvm_io.h"

static struct {
    uint8_t *records; // as in the machine: length, bytes, padding to 8, ...; then a zero word
    size_t size;      // without that zero word
    size_t cursor;
} in;

static struct {
    uint8_t bytes[ZKVM_OUTPUT_BYTES];
    size_t written;
} out;

static _Noreturn void fail(const char *what, const char *name)
{
    fprintf(stderr, "guest: %s %s\n", what, name);
    exit(1);
}

static void store_output(void)
{
    const char *name = getenv("ZISK_OUTPUT");
    if (name == NULL)
        return;
    FILE *f = fopen(name, "wb");
    if (f == NULL || fwrite(out.bytes, 1, sizeof out.bytes, f) != sizeof out.bytes ||
        fclose(f) != 0)
        fprintf(stderr, "guest: cannot write %s\n", name);
}

// Appends the whole of f to in.records.
static void slurp(FILE *f, const char *name)
{
    size_t room = 1 << 16;
    for (;;) {
        in.records = realloc(in.records, in.size + room + 16);
        if (in.records == NULL)
            fail("no memory for", name);
        const size_t n = fread(in.records + in.size, 1, room, f);
        in.size += n;
        if (n < room)
            break;
        room *= 2;
    }
    if (ferror(f) != 0)
        fail("cannot read", name);
}

__attribute__((constructor)) static void load(void)
{
    const char *records = getenv("ZISK_INPUT"), *raw = getenv("ZISK_RAW_INPUT");
    const char *name = records != NULL ? records : raw != NULL ? raw : "standard input";
    atexit(store_output);
    FILE *f = records != NULL || raw != NULL ? fopen(name, "rb") : stdin;
    if (f == NULL)
        fail("cannot open", name);
    if (records != NULL) {
        slurp(f, name);
        if (in.size % 8 != 0)
            fail("length is not a multiple of 8:", name);
    } else {
        in.size = 8;
        in.records = malloc(8 + 16);
        if (in.records == NULL)
            fail("no memory for", name);
        slurp(f, name);
        const uint64_t length = in.size - 8;
        memcpy(in.records, &length, 8);
        memset(in.records + in.size, 0, 8);
        in.size = (in.size + 7) & ~(size_t)7;
    }
    memset(in.records + in.size, 0, 8);
    if (f != stdin)
        fclose(f);
}

// Returns the offset of the record after the one at `offset`.
static size_t record_at(const uint8_t **buf, size_t *size, size_t offset)
{
    uint64_t length = 0;
    if (offset < in.size)
        memcpy(&length, in.records + offset, 8);
    if (offset < in.size && length > in.size - offset - 8)
        fail("input ends inside of", "a record");
    *buf = in.records + offset + 8;
    *size = length;
    return offset < in.size ? offset + 8 + ((length + 7) & ~7ULL) : offset;
}

void read_input(const uint8_t **buf, size_t *size)
{
    record_at(buf, size, 0);
}

void zisk_read_record(const uint8_t **buf, size_t *size)
{
    in.cursor = record_at(buf, size, in.cursor);
}

void write_output(const uint8_t *output, size_t size)
{
    if (size > sizeof out.bytes - out.written)
        abort();
    if (size > 0)
        memcpy(out.bytes + out.written, output, size);
    out.written += size;
}
