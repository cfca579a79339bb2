// SPDX-License-Identifier: Apache-2.0 OR MIT
// A reader driven by the input over the input: a read gives the bytes that are there or fails and
// takes nothing. Each byte is a choice of operation, and at the same time data.
#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

static void demand(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    byte_reader r = reader_new(data, size);
    for (size_t step = 0; step < size; step++) {
        uint8_t choice = data[step];
        size_t n = choice >> 3;
        const uint8_t *before = r.at;
        size_t left = reader_left(&r);
        uint64_t words[32];
        const uint8_t *view = before;
        byte_reader part;
        size_t wanted = n, count;
        status s;
        switch (choice & 7) {
        case 0:
            wanted = 1;
            s = reader_u8((uint8_t *)words, &r);
            break;
        case 1:
            wanted = 2;
            s = reader_u16((uint16_t *)words, &r);
            break;
        case 2:
            wanted = 4;
            s = reader_u32((uint32_t *)words, &r);
            break;
        case 3:
            wanted = 8;
            s = reader_u64(words, &r);
            break;
        case 4:
            wanted = 8 * n;
            s = reader_u64s(words, &r, n);
            break;
        case 5:
            s = reader_view(&view, &r, n);
            memset(words, 0, sizeof words);
            if (s == ZK_OK && n != 0)
                memcpy(words, view, n);
            break;
        case 6:
            s = reader_slice(&part, &r, n);
            demand(reader_left(&part) == (s == ZK_OK ? n : 0));
            if (s == ZK_OK)
                demand(reader_copy(words, &part, n) == ZK_OK && reader_finish(&part) == ZK_OK);
            break;
        default:
            // A count is believed only when its items are there.
            wanted = 4;
            s = reader_count(&count, &r, 1 << 20, n + 1, "items");
            demand(s != ZK_OK || (count <= reader_left(&r) / (n + 1) && count <= 1 << 20));
            demand(s == ZK_OK || r.at == before);
            if (s != ZK_OK)
                continue;
            memcpy(words, before, 4);
        }
        demand((s == ZK_OK) == (wanted <= left));
        demand(r.at == before + (s == ZK_OK ? wanted : 0) && r.end == data + size);
        demand(s != ZK_OK || wanted == 0 || memcmp(words, before, wanted) == 0);
    }
    demand((reader_finish(&r) == ZK_OK) == (reader_left(&r) == 0));
    return 0;
}
