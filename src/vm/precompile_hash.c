// SPDX-License-Identifier: Apache-2.0 OR MIT
// Precompiles that are one step of a hash function.
#include "vm/precompile_impl.h"

#include <string.h>

enum { SLOT_INPUT = SLOT_OPERAND, SLOT_STATE };

static uint64_t rotl64(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static uint32_t rotr32(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

// ---- Keccak-f[1600] (FIPS 202, 3.2 and 3.3); lane (x, y) is word 5 y + x ----

static void keccak_f(uint64_t a[25])
{
    static const uint64_t iota[24] = {
        0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
        0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
        0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
        0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
        0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
        0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
    };
    // rho's offsets, at the word that the lane comes from; lane 0 is not turned.
    static const uint8_t rho[25] = {0,  1,  62, 28, 27, 36, 44, 6,  55, 20, 3,  10, 43,
                                    25, 39, 41, 45, 15, 21, 8,  18, 2,  61, 56, 14};
    for (unsigned round = 0; round < 24; round++) {
        uint64_t c[5], b[25];
#pragma GCC unroll 5
        for (unsigned x = 0; x < 5; x++)
            c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
#pragma GCC unroll 5
        for (unsigned x = 0; x < 5; x++) {
            const uint64_t d = c[(x + 4) % 5] ^ rotl64(c[(x + 1) % 5], 1);
#pragma GCC unroll 5
            for (unsigned y = 0; y < 5; y++) { // theta, rho, and pi: (x, y) goes to (y, 2 x + 3 y)
                const uint64_t lane = a[5 * y + x] ^ d;
                const unsigned turn = rho[5 * y + x];
                b[5 * ((2 * x + 3 * y) % 5) + y] = turn == 0 ? lane : rotl64(lane, turn);
            }
        }
#pragma GCC unroll 5
        for (unsigned y = 0; y < 25; y += 5)
#pragma GCC unroll 5
            for (unsigned x = 0; x < 5; x++)
                a[y + x] = b[y + x] ^ (~b[y + (x + 1) % 5] & b[y + (x + 2) % 5]);
        a[0] ^= iota[round];
    }
}

status precompile_keccakf(vm_port *port, const call_args *args, uint64_t *result)
{
    (void)result;
    uint64_t state[25];
    TRY(port_peek(port, state, args->pointer, 25));
    keccak_f(state);
    return port_write(port, state, SLOT_BLOCK, args->pointer, 25);
}

// ---- SHA-256 compression (FIPS 180-4, 6.2.2) ----

// The constants are the first 32 bits of the fractional parts of the cube roots of the first 64
// primes.
static void sha256_f(uint32_t state[8], const uint8_t block[64])
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
    uint32_t w[64], s[8];
    for (unsigned i = 0; i < 16; i++) {
        uint32_t word;
        memcpy(&word, block + 4 * i, 4);
        w[i] = __builtin_bswap32(word);
    }
    for (unsigned i = 16; i < 64; i++) {
        const uint32_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + (rotr32(x, 7) ^ rotr32(x, 18) ^ x >> 3) + w[i - 7] +
               (rotr32(y, 17) ^ rotr32(y, 19) ^ y >> 10);
    }
    memcpy(s, state, sizeof s);
    for (unsigned i = 0; i < 64; i++) {
        const uint32_t t1 = s[7] + (rotr32(s[4], 6) ^ rotr32(s[4], 11) ^ rotr32(s[4], 25)) +
                            ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
        const uint32_t t2 = (rotr32(s[0], 2) ^ rotr32(s[0], 13) ^ rotr32(s[0], 22)) +
                            ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        s[7] = s[6], s[6] = s[5], s[5] = s[4], s[4] = s[3] + t1;
        s[3] = s[2], s[2] = s[1], s[1] = s[0], s[0] = t1 + t2;
    }
    for (unsigned i = 0; i < 8; i++)
        state[i] += s[i];
}

// The state is eight 32-bit words in memory order; the message is 64 bytes in memory order.
status precompile_sha256f(vm_port *port, const call_args *args, uint64_t *result)
{
    (void)result;
    uint64_t block[2], input[8], state[4];
    TRY(port_read(port, block, SLOT_BLOCK, args->pointer, 2));
    TRY(port_read(port, input, SLOT_INPUT, block[1], 8));
    TRY(port_peek(port, state, block[0], 4));
    uint32_t s[8];
    memcpy(s, state, sizeof s);
    sha256_f(s, (const uint8_t *)input);
    memcpy(state, s, sizeof s);
    return port_write(port, state, SLOT_STATE, block[0], 4);
}

// ---- BLAKE2b round (RFC 7693, 3.1 and 3.2) ----

static void blake2b_mix(uint64_t v[16], unsigned a, unsigned b, unsigned c, unsigned d, uint64_t x,
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

// Columns, then diagonals, of the working vector, with the message words in the order of row
// `index` of SIGMA.
status precompile_blake2b_round(vm_port *port, const call_args *args, uint64_t *result)
{
    (void)result;
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
    enum { INDEX, STATE, INPUT, BLOCK };
    uint64_t block[BLOCK], m[16], v[16];
    TRY(port_read(port, block, SLOT_BLOCK, args->pointer, BLOCK));
    FAIL_IF(block[INDEX] > 9, ZK_EGUEST, "blake2b round with index %llu: it is 0 to 9",
            (unsigned long long)block[INDEX]);
    TRY(port_read(port, m, SLOT_INPUT, block[INPUT], 16));
    TRY(port_peek(port, v, block[STATE], 16));
    const uint8_t *s = sigma[block[INDEX]];
    for (unsigned i = 0; i < 4; i++)
        blake2b_mix(v, i, 4 + i, 8 + i, 12 + i, m[s[2 * i]], m[s[2 * i + 1]]);
    for (unsigned i = 0; i < 4; i++)
        blake2b_mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]],
                    m[s[9 + 2 * i]]);
    return port_write(port, v, SLOT_STATE, block[STATE], 16);
}
