// SPDX-License-Identifier: Apache-2.0 OR MIT
// Poseidon2 (eprint 2023/323) of width 16 over Goldilocks, x^7, 8 full and 22 partial rounds, with
// the constants of HorizenLabs/poseidon2 (poseidon2_instance_goldilocks.rs) and pil2-proofman. The
// round constants are the output of a generator and made on first use; the machine does not depend
// on the prover's hash, which happens to have this permutation too.
#include "vm/precompile_impl.h"

#include <pthread.h>
#include <string.h>

enum { WIDTH = 16, HALF_FULL_ROUNDS = 4, PARTIAL_ROUNDS = 22 };
enum { CONSTANTS = 2 * HALF_FULL_ROUNDS * WIDTH + PARTIAL_ROUNDS };

static const uint64_t P = 0xffffffff00000001; // 2^64 - 2^32 + 1

// Any a, b; the result is canonical. 2^64 = 2^32 - 1 and 2^96 = -1 modulo P.
static uint64_t mul(uint64_t a, uint64_t b)
{
    const unsigned __int128 x = (unsigned __int128)a * b;
    const uint64_t low = (uint64_t)x, high = (uint64_t)(x >> 64);
    const uint64_t top = high >> 32, middle = (high & 0xffffffff) * 0xffffffff;
    uint64_t r = low - top;
    if (low < top)
        r -= 0xffffffff;
    const uint64_t sum = r + middle;
    r = sum < middle ? sum + 0xffffffff : sum;
    return r >= P ? r - P : r;
}

// a, b < P.
static uint64_t add(uint64_t a, uint64_t b)
{
    const uint64_t s = a + b;
    return s < a || s >= P ? s - P : s;
}

static uint64_t power7(uint64_t x)
{
    const uint64_t x2 = mul(x, x);
    return mul(mul(x2, x2), mul(x2, x));
}

// ---- Round constants: the Grain LFSR of the Poseidon paper (eprint 2019/458, appendix E) ----

static uint64_t constants[CONSTANTS];
static pthread_once_t constants_once = PTHREAD_ONCE_INIT;

typedef struct grain {
    uint8_t bits[80];
} grain;

static unsigned grain_step(grain *g)
{
    uint8_t *b = g->bits;
    const uint8_t next = b[62] ^ b[51] ^ b[38] ^ b[23] ^ b[13] ^ b[0];
    memmove(b, b + 1, 79);
    b[79] = next;
    return next;
}

// Self-shrinking: of two bits the second one counts if the first one is 1.
static unsigned grain_bit(grain *g)
{
    for (;;) {
        const unsigned keep = grain_step(g), bit = grain_step(g);
        if (keep != 0)
            return bit;
    }
}

static void make_constants(void)
{
    // Prime field, power S-box, 64 bits an element, width, full rounds, partial rounds, then ones.
    static const struct {
        unsigned value, bits;
    } parameters[] = {
        {1, 2}, {0, 4}, {64, 12}, {WIDTH, 12}, {2 * HALF_FULL_ROUNDS, 10}, {PARTIAL_ROUNDS, 10}};
    grain g;
    unsigned n = 0;
    for (unsigned i = 0; i < sizeof parameters / sizeof parameters[0]; i++)
        for (unsigned bit = parameters[i].bits; bit-- > 0;)
            g.bits[n++] = parameters[i].value >> bit & 1;
    while (n < 80)
        g.bits[n++] = 1;
    for (unsigned i = 0; i < 160; i++)
        grain_step(&g);
    for (unsigned i = 0; i < CONSTANTS;) {
        uint64_t v = 0;
        for (unsigned bit = 0; bit < 64; bit++)
            v = v << 1 | grain_bit(&g);
        if (v < P)
            constants[i++] = v;
    }
}

// ---- The permutation ----

// circ(2 M4, M4, M4, M4): M4 on each group of four, then every group gets the sum of all groups.
static void outer_matrix(uint64_t s[WIDTH])
{
    static const uint64_t m4[4][4] = {{5, 7, 1, 3}, {4, 6, 1, 1}, {1, 3, 5, 7}, {1, 1, 4, 6}};
    uint64_t t[WIDTH], sum[4] = {0};
    for (unsigned i = 0; i < WIDTH; i++) {
        t[i] = 0;
        for (unsigned j = 0; j < 4; j++)
            t[i] = add(t[i], mul(m4[i % 4][j], s[i / 4 * 4 + j]));
        sum[i % 4] = add(sum[i % 4], t[i]);
    }
    for (unsigned i = 0; i < WIDTH; i++)
        s[i] = add(t[i], sum[i % 4]);
}

// The matrix of ones plus a diagonal.
static void inner_matrix(uint64_t s[WIDTH])
{
    static const uint64_t diagonal[WIDTH] = {
        0xde9b91a467d6afc0, 0xc5f16b9c76a9be17, 0x0ab0fef2d540ac55, 0x3001d27009d05773,
        0xed23b1f906d3d9eb, 0x5ce73743cba97054, 0x1c3bab944af4ba24, 0x2faa105854dbafae,
        0x53ffb3ae6d421a10, 0xbcda9df8884ba396, 0xfc1273e4a31807bb, 0xc77952573d5142c0,
        0x56683339a819b85e, 0x328fcbd8f0ddc8eb, 0xb5101e303fce9cb7, 0x774487b8c40089bb,
    };
    uint64_t sum = 0;
    for (unsigned i = 0; i < WIDTH; i++)
        sum = add(sum, s[i]);
    for (unsigned i = 0; i < WIDTH; i++)
        s[i] = add(mul(s[i], diagonal[i]), sum);
}

static const uint64_t *full_rounds(uint64_t s[WIDTH], const uint64_t *c)
{
    for (unsigned r = 0; r < HALF_FULL_ROUNDS; r++) {
        for (unsigned i = 0; i < WIDTH; i++)
            s[i] = power7(add(s[i], *c++));
        outer_matrix(s);
    }
    return c;
}

// In place on 16 words, which are taken modulo P and come out canonical.
status precompile_poseidon2(vm_port *port, const call_args *args, uint64_t *result)
{
    (void)result;
    uint64_t s[WIDTH];
    pthread_once(&constants_once, make_constants);
    TRY(port_peek(port, s, args->pointer, WIDTH));
    for (unsigned i = 0; i < WIDTH; i++)
        s[i] = s[i] >= P ? s[i] - P : s[i];
    outer_matrix(s);
    const uint64_t *c = full_rounds(s, constants);
    for (unsigned r = 0; r < PARTIAL_ROUNDS; r++) {
        s[0] = power7(add(s[0], *c++));
        inner_matrix(s);
    }
    full_rounds(s, c);
    return port_write(port, s, SLOT_BLOCK, args->pointer, WIDTH);
}
