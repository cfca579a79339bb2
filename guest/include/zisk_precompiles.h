// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Direct access to the machine's precompiles, hint functions and free input, for guest code that
// wants more than zkvm_accelerators.h. Exists in guests only; whether a precompile can be proved
// is told by `zisk run`.
//
// Numbers are little-endian arrays of 64-bit limbs. All operands and parameter blocks are aligned
// to 8 bytes. Results may alias operands: a call reads everything before it writes.
#include <stdint.h>

#define ZISK_CALL(csr, pointer)                                                                    \
    __asm__ volatile("csrs %0, %1" : : "i"(csr), "r"(pointer) : "memory")

// In place: the state of Keccak-f[1600], word 5 y + x is lane (x, y).
static inline void zisk_keccakf(uint64_t state[25])
{
    ZISK_CALL(0x800, state);
}

// dh : dl = a b + c.
static inline void zisk_arith256(uint64_t dl[4], uint64_t dh[4], const uint64_t a[4],
                                 const uint64_t b[4], const uint64_t c[4])
{
    const void *const block[] = {a, b, c, dl, dh};
    ZISK_CALL(0x801, block);
}

// d = (a b + c) mod m, for m != 0.
static inline void zisk_arith256_mod(uint64_t d[4], const uint64_t a[4], const uint64_t b[4],
                                     const uint64_t c[4], const uint64_t m[4])
{
    const void *const block[] = {a, b, c, m, d};
    ZISK_CALL(0x802, block);
}

// The same with 384-bit numbers.
static inline void zisk_arith384_mod(uint64_t d[6], const uint64_t a[6], const uint64_t b[6],
                                     const uint64_t c[6], const uint64_t m[6])
{
    const void *const block[] = {a, b, c, m, d};
    ZISK_CALL(0x80b, block);
}

// SHA-256 compression: state as eight 32-bit words in memory order, 64 bytes of message as they
// are.
static inline void zisk_sha256f(uint64_t state[4], const uint64_t input[8])
{
    const void *const block[] = {state, input};
    ZISK_CALL(0x805, block);
}

// One BLAKE2b round with SIGMA[index], index 0 to 9, on the working vector.
static inline void zisk_blake2b_round(uint64_t vector[16], const uint64_t message[16],
                                      uint64_t index)
{
    const uint64_t block[] = {index, (uint64_t)vector, (uint64_t)message};
    ZISK_CALL(0x819, block);
}

// Affine points, x then y. Addition wants different x; neither operand may be infinity. A call
// outside that domain ends the program as a failed execution.
typedef struct zisk_point256 {
    uint64_t x[4], y[4];
} zisk_point256;
typedef struct zisk_point384 {
    uint64_t x[6], y[6];
} zisk_point384;

#define ZISK_CURVE(name, point, add_csr, double_csr)                                               \
    static inline void zisk_##name##_add(point *p1, const point *p2) /* p1 += p2 */                \
    {                                                                                              \
        const void *const block[] = {p1, p2};                                                      \
        ZISK_CALL(add_csr, block);                                                                 \
    }                                                                                              \
    static inline void zisk_##name##_double(point *p) /* p += p */                                 \
    {                                                                                              \
        ZISK_CALL(double_csr, p);                                                                  \
    }
ZISK_CURVE(secp256k1, zisk_point256, 0x803, 0x804)
ZISK_CURVE(bn254, zisk_point256, 0x806, 0x807)
ZISK_CURVE(bls12_381, zisk_point384, 0x80c, 0x80d)
ZISK_CURVE(secp256r1, zisk_point256, 0x817, 0x818)
#undef ZISK_CURVE

// ---- Hints: values that the prover may choose freely. Check every one before using it. ----

// Pushes n words as parameters; n is one of 1, 2, 4, 8, 12, 16, 20, 24, 28, 32, 48, 64, 80, 96,
// 128, 256 and k its place in that list.
#define ZISK_HINT_WORDS(k, pointer) ZISK_CALL(0x8f0 + (k), pointer)
#define ZISK_HINT_WORD(value)       ZISK_CALL(0x8f0, value)
#define ZISK_HINT_CALL(id)                                                                         \
    __asm__ volatile("csrwi %0, %1" : : "i"(0x8c0 + (id) / 32), "i"((id) % 32) : "memory")

// The next result word of the last hint call.
static inline uint64_t zisk_hint_result(void)
{
    uint64_t word;
    __asm__ volatile("csrr %0, 0xffe" : "=r"(word) : : "memory");
    return word;
}
