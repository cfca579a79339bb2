// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "hash/hash.h"

#include "hash/hash_tiers.h"

#include <string.h>

void hash_permute(const hash_ops *ops, fe state[HASH_WIDTH])
{
    ops->permute_many(state, 1);
}

digest hash_compress(const hash_ops *ops, const fe in[HASH_WIDTH])
{
    digest out;
    ops->compress_many(&out, in, 1);
    return out;
}

digest hash_node(const hash_ops *ops, const digest children[HASH_ARITY])
{
    fe in[HASH_WIDTH];
    for (unsigned i = 0; i < HASH_WIDTH; i++)
        in[i] = children[i / HASH_DIGEST].e[i % HASH_DIGEST];
    return hash_compress(ops, in);
}

digest hash_row(const hash_ops *ops, const fe *row, size_t width)
{
    digest out;
    ops->hash_rows(&out, row, 1, width);
    return out;
}

// The rate is overwritten block by block; the last block is filled up with zeros.
static digest sponge(const hash_ops *ops, fe state[HASH_WIDTH], size_t n_elements,
                     fe (*element)(const void *source, size_t index), const void *source)
{
    size_t at = 0;
    do {
        for (unsigned i = 0; i < HASH_RATE; i++, at++)
            state[i] = at < n_elements ? element(source, at) : 0;
        hash_permute(ops, state);
    } while (at < n_elements);
    return (digest){{state[0], state[1], state[2], state[3]}};
}

typedef struct byte_source {
    const unsigned char *data;
    size_t n_bytes;
} byte_source;

enum { ELEMENT_BYTES = 7 };

static fe byte_element(const void *source, size_t index)
{
    const byte_source *s = source;
    size_t at = index * ELEMENT_BYTES;
    uint64_t v = 0;
    for (size_t i = 0; i < ELEMENT_BYTES && at + i <= s->n_bytes; i++)
        v |= (uint64_t)(at + i == s->n_bytes ? 1 : s->data[at + i]) << (8 * i);
    return v;
}

digest hash_bytes(const hash_ops *ops, uint64_t domain, const void *data, size_t n_bytes)
{
    byte_source source = {data, n_bytes};
    fe state[HASH_WIDTH] = {[12] = fe_from_u64(n_bytes), [13] = fe_from_u64(domain)};
    return sponge(ops, state, n_bytes / ELEMENT_BYTES + 1, byte_element, &source);
}

static fe array_element(const void *source, size_t index)
{
    return ((const fe *)source)[index];
}

digest hash_elements(const hash_ops *ops, uint64_t domain, const fe *data, size_t n)
{
    fe state[HASH_WIDTH] = {[12] = fe_from_u64(n), [13] = fe_from_u64(domain), [14] = 1};
    return sponge(ops, state, n, array_element, data);
}

void hash_rows_by_chunks(void (*compress_many)(digest *out, const fe *in, size_t n), digest *out,
                         const fe *in, size_t n, size_t width)
{
    enum { BLOCK_CHUNKS = HASH_MAX_ROW_WIDTH / HASH_WIDTH };
    ZK_ASSERT(width >= 1 && width <= HASH_MAX_ROW_WIDTH);
    _Alignas(64) fe padded[BLOCK_CHUNKS * HASH_WIDTH];
    _Alignas(64) digest level[BLOCK_CHUNKS];

    size_t chunks = (width + HASH_WIDTH - 1) / HASH_WIDTH;
    size_t block_rows = BLOCK_CHUNKS / chunks;
    for (size_t row = 0; row < n; row += block_rows) {
        size_t rows = n - row < block_rows ? n - row : block_rows;
        const fe *source = in + row * width;
        size_t w = width;
        for (;;) {
            chunks = (w + HASH_WIDTH - 1) / HASH_WIDTH;
            if (w % HASH_WIDTH != 0) {
                size_t padded_width = chunks * HASH_WIDTH;
                for (size_t r = 0; r < rows; r++) {
                    memcpy(padded + r * padded_width, source + r * w, w * sizeof(fe));
                    memset(padded + r * padded_width + w, 0, (padded_width - w) * sizeof(fe));
                }
                source = padded;
            }
            if (chunks == 1) {
                compress_many(out + row, source, rows);
                break;
            }
            compress_many(level, source, rows * chunks);
            source = level[0].e;
            w = chunks * HASH_DIGEST;
        }
    }
}
