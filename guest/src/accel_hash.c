// SPDX-License-Identifier: Apache-2.0 OR MIT
// Keccak-256, SHA-256 and BLAKE2's F over one step each, which is a precompile or plain C.
#include "zkvm_accelerators.h"

#include <string.h>

#if ZISK_PRECOMPILES

#include "zisk_precompiles.h"

static void keccakf(uint64_t state[25])
{
    zisk_keccakf(state);
}

static void sha256_compress(uint64_t state[4], const uint64_t block[8])
{
    zisk_sha256f(state, block);
}

static void blake2b_round(uint64_t v[16], const uint64_t m[16], unsigned index)
{
    zisk_blake2b_round(v, m, index);
}

#else

static uint64_t rotl64(uint64_t x, unsigned n)
{
    return n == 0 ? x : x << n | x >> (64 - n);
}

static uint32_t rotr32(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

// FIPS 202, 3.2 and 3.3. rho and pi in one walk over the lanes.
static void keccakf(uint64_t a[25])
{
    static const uint64_t iota[24] = {
        0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
        0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
        0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
        0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
        0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
        0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
    };
    static const uint8_t offset[24] = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                       27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};
    static const uint8_t lane[24] = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                     15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};
    for (unsigned round = 0; round < 24; round++) {
        uint64_t c[5];
        for (unsigned x = 0; x < 5; x++)
            c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
        for (unsigned x = 0; x < 5; x++) {
            const uint64_t d = c[(x + 4) % 5] ^ rotl64(c[(x + 1) % 5], 1);
            for (unsigned y = 0; y < 25; y += 5)
                a[y + x] ^= d;
        }
        uint64_t moved = a[1];
        for (unsigned i = 0; i < 24; i++) {
            const uint64_t t = a[lane[i]];
            a[lane[i]] = rotl64(moved, offset[i]);
            moved = t;
        }
        for (unsigned y = 0; y < 25; y += 5) {
            const uint64_t r0 = a[y], r1 = a[y + 1], r2 = a[y + 2], r3 = a[y + 3], r4 = a[y + 4];
            a[y] = r0 ^ (~r1 & r2);
            a[y + 1] = r1 ^ (~r2 & r3);
            a[y + 2] = r2 ^ (~r3 & r4);
            a[y + 3] = r3 ^ (~r4 & r0);
            a[y + 4] = r4 ^ (~r0 & r1);
        }
        a[0] ^= iota[round];
    }
}

// FIPS 180-4, 6.2.2. The constants: first 32 bits of the fractional parts of the cube roots of the
// first 64 primes.
static void sha256_compress(uint64_t state_words[4], const uint64_t block_words[8])
{
    static const uint32_t k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
        0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
        0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
        0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
        0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
        0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
        0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
        0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
        0xc67178f2,
    };
    uint32_t w[16], s[8], r[8];
    memcpy(s, state_words, sizeof s);
    memcpy(r, s, sizeof r);
    for (unsigned i = 0; i < 16; i++)
        w[i] = __builtin_bswap32((uint32_t)(block_words[i / 2] >> 32 * (i % 2)));
    for (unsigned i = 0; i < 64; i++) {
        if (i >= 16) {
            const uint32_t x = w[(i - 15) & 15], y = w[(i - 2) & 15];
            w[i & 15] += (rotr32(x, 7) ^ rotr32(x, 18) ^ x >> 3) + w[(i - 7) & 15] +
                         (rotr32(y, 17) ^ rotr32(y, 19) ^ y >> 10);
        }
        const uint32_t t1 = r[7] + (rotr32(r[4], 6) ^ rotr32(r[4], 11) ^ rotr32(r[4], 25)) +
                            ((r[4] & r[5]) ^ (~r[4] & r[6])) + k[i] + w[i & 15];
        const uint32_t t2 = (rotr32(r[0], 2) ^ rotr32(r[0], 13) ^ rotr32(r[0], 22)) +
                            ((r[0] & r[1]) ^ (r[0] & r[2]) ^ (r[1] & r[2]));
        r[7] = r[6], r[6] = r[5], r[5] = r[4], r[4] = r[3] + t1;
        r[3] = r[2], r[2] = r[1], r[1] = r[0], r[0] = t1 + t2;
    }
    for (unsigned i = 0; i < 8; i++)
        s[i] += r[i];
    memcpy(state_words, s, sizeof s);
}

// RFC 7693, 3.1.
static void blake2b_g(uint64_t v[16], unsigned a, unsigned b, unsigned c, unsigned d, uint64_t x,
                      uint64_t y)
{
    v[a] += v[b] + x;
    v[d] = rotl64(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = rotl64(v[b] ^ v[c], 40);
    v[a] += v[b] + y;
    v[d] = rotl64(v[d] ^ v[a], 48);
    v[c] += v[d];
    v[b] = rotl64(v[b] ^ v[c], 1);
}

static void blake2b_round(uint64_t v[16], const uint64_t m[16], unsigned index)
{
    static const uint8_t sigma[10][16] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
        {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
        {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
        {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
        {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
        {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
        {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
        {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
        {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
        {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
    };
    const uint8_t *s = sigma[index];
    for (unsigned i = 0; i < 4; i++)
        blake2b_g(v, i, 4 + i, 8 + i, 12 + i, m[s[2 * i]], m[s[2 * i + 1]]);
    for (unsigned i = 0; i < 4; i++)
        blake2b_g(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]],
                  m[s[9 + 2 * i]]);
}

#endif

zkvm_status zkvm_keccak256(const uint8_t *data, size_t len, zkvm_keccak256_hash *output)
{
    enum { RATE_WORDS = 17, RATE = 8 * RATE_WORDS };
    uint64_t state[25] = {0}, block[RATE_WORDS];
    for (; len >= RATE; len -= RATE, data += RATE) {
        memcpy(block, data, RATE);
        for (unsigned i = 0; i < RATE_WORDS; i++)
            state[i] ^= block[i];
        keccakf(state);
    }
    memset(block, 0, sizeof block);
    if (len > 0)
        memcpy(block, data, len);
    ((uint8_t *)block)[len] = 0x01;
    block[RATE_WORDS - 1] |= 1ULL << 63;
    for (unsigned i = 0; i < RATE_WORDS; i++)
        state[i] ^= block[i];
    keccakf(state);
    memcpy(output->data, state, sizeof output->data);
    return ZKVM_EOK;
}

zkvm_status zkvm_sha256(const uint8_t *data, size_t len, zkvm_sha256_hash *output)
{
    // Two 32-bit words to a 64-bit one, the first in the lower half.
    uint64_t state[4] = {0xbb67ae856a09e667, 0xa54ff53a3c6ef372, 0x9b05688c510e527f,
                         0x5be0cd191f83d9ab};
    uint64_t block[16];
    const uint64_t bits = (uint64_t)len * 8;
    for (; len >= 64; len -= 64, data += 64) {
        memcpy(block, data, 64);
        sha256_compress(state, block);
    }
    const unsigned words = len < 56 ? 8 : 16;
    memset(block, 0, sizeof block);
    if (len > 0)
        memcpy(block, data, len);
    ((uint8_t *)block)[len] = 0x80;
    block[words - 1] = __builtin_bswap64(bits);
    sha256_compress(state, block);
    if (words == 16)
        sha256_compress(state, block + 8);
    for (unsigned i = 0; i < 4; i++) {
        const uint64_t swapped = __builtin_bswap64(state[i]);
        const uint64_t word = swapped >> 32 | swapped << 32;
        memcpy(output->data + 8 * i, &word, 8);
    }
    return ZKVM_EOK;
}

zkvm_status zkvm_blake2f(uint32_t rounds, zkvm_blake2f_state *h, const zkvm_blake2f_message *m,
                         const zkvm_blake2f_offset *t, uint8_t f)
{
    // The fractional parts of the square roots of the first 8 primes.
    static const uint64_t iv[8] = {
        0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
        0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
    };
    uint64_t v[16], message[16], state[8], offset[2];
    if (f > 1)
        return ZKVM_EFAIL;
    memcpy(state, h->data, sizeof state);
    memcpy(message, m->data, sizeof message);
    memcpy(offset, t->data, sizeof offset);
    memcpy(v, state, sizeof state);
    memcpy(v + 8, iv, sizeof iv);
    v[12] ^= offset[0];
    v[13] ^= offset[1];
    v[14] ^= f != 0 ? ~0ULL : 0;
    for (uint32_t i = 0; i < rounds; i++)
        blake2b_round(v, message, i % 10);
    for (unsigned i = 0; i < 8; i++)
        state[i] ^= v[i] ^ v[i + 8];
    memcpy(h->data, state, sizeof state);
    return ZKVM_EOK;
}
