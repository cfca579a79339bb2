// SPDX-License-Identifier: Apache-2.0 OR MIT
// Decompresses an LZ4 block (the format of lz4/doc/lz4_Block_format.md) and checks the result.
//
// Input: size of the data (4 bytes), CRC-32 of the data (4 bytes, the polynomial of IEEE 802.3),
// both little-endian, then the block. Output: the same two numbers, once they are found true.
// Exit codes: 1 input too short, 2 data over 64 MiB, 3 malformed block, 4 wrong size, 5 wrong CRC.
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "zkvm_io.h"

enum { MAX_DATA_BYTES = 64 << 20, MIN_MATCH = 4 };

// Adds the bytes that extend a length of 15: all are 255 but the last. False at the end of input
// or when the length exceeds what any valid block could need.
static bool read_length(size_t *length, const uint8_t **at, const uint8_t *end)
{
    uint8_t byte;
    do {
        if (*at == end || *length > MAX_DATA_BYTES)
            return false;
        byte = *(*at)++;
        *length += byte;
    } while (byte == 255);
    return true;
}

// Returns the number of bytes written, or -1 for a malformed block or one that needs more room.
static long decompress(uint8_t *out, size_t room, const uint8_t *block, size_t size)
{
    const uint8_t *at = block, *end = block + size;
    size_t written = 0;
    while (at < end) {
        const uint8_t token = *at++;
        size_t literals = token >> 4;
        if (literals == 15 && !read_length(&literals, &at, end))
            return -1;
        if (literals > (size_t)(end - at) || literals > room - written)
            return -1;
        memcpy(out + written, at, literals);
        written += literals;
        at += literals;
        if (at == end) // the last sequence has no match, and nothing else may end the block
            return (long)written;

        if (end - at < 2)
            return -1;
        const size_t offset = at[0] | (size_t)at[1] << 8;
        at += 2;
        size_t match = token & 15;
        if (match == 15 && !read_length(&match, &at, end))
            return -1;
        match += MIN_MATCH;
        if (offset == 0 || offset > written || match > room - written)
            return -1;
        if (offset >= match) {
            memcpy(out + written, out + written - offset, match);
            written += match;
        } else { // the match overlaps itself: a repeating pattern
            for (; match > 0; match--, written++)
                out[written] = out[written - offset];
        }
    }
    return -1;
}

static uint32_t crc32(const uint8_t *data, size_t size)
{
    static uint32_t table[256];
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t r = i;
        for (int bit = 0; bit < 8; bit++)
            r = r >> 1 ^ (0xedb88320u & -(r & 1));
        table[i] = r;
    }
    uint32_t crc = ~0u;
    for (size_t i = 0; i < size; i++)
        crc = crc >> 8 ^ table[(uint8_t)crc ^ data[i]];
    return ~crc;
}

int main(void)
{
    const uint8_t *input;
    size_t size;
    uint32_t head[2]; // size, CRC
    read_input(&input, &size);
    if (size < sizeof head)
        return 1;
    memcpy(head, input, sizeof head);
    if (head[0] > MAX_DATA_BYTES)
        return 2;
    uint8_t *data = malloc(head[0] + 1);
    if (data == NULL)
        abort();
    const long n = decompress(data, head[0], input + sizeof head, size - sizeof head);
    int problem = 0;
    if (n < 0)
        problem = 3;
    else if (n != (long)head[0])
        problem = 4;
    else if (crc32(data, head[0]) != head[1])
        problem = 5;
    free(data);
    if (problem == 0)
        write_output((const uint8_t *)head, sizeof head);
    return problem;
}
