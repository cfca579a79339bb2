// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Stands in for field/fe.h when the verifier is compiled for recording: the same names and memory
// layout, but
//  - an fe is a struct. Code outside the circuit subset (operators, branches or indexing on field
//    values) does not compile;
//  - every operation is counted and becomes part of the trace. Values are still computed.
// Only what the circuit subset uses is here.
#include "base/assumptions.h"
#include "base/status.h"

typedef struct fe {
    uint64_t v;
} fe;
typedef struct fe3 {
    fe c[3];
} fe3;
_Static_assert(sizeof(fe) == 8 && _Alignof(fe) == 8, "the layout of the real type");

#define FE_P           0xFFFFFFFF00000001ULL
#define FE_TWO_ADICITY 32

typedef enum record_op {
    RECORD_CONST,
    RECORD_ADD,
    RECORD_MUL, // of two elements of F, with or without an addition
    RECORD_SELECT,
    RECORD_BITS,
    RECORD_EQUAL,
    RECORD_EXT_ADD,
    RECORD_EXT_MUL,   // K times K
    RECORD_MIXED_MUL, // K times F
    RECORD_EXT_SELECT,
    RECORD_PERMUTATION,
    RECORD_INPUT,   // a word is read
    RECORD_REQUIRE, // something must hold
    RECORD_OP_COUNT
} record_op;

// Appends an operation to the trace; `detail` is what a circuit would have to know of it.
void record(record_op op, uint64_t detail);

static inline uint64_t raw_add(uint64_t a, uint64_t b)
{
    return (uint64_t)(((unsigned __int128)a + b) % FE_P);
}

static inline uint64_t raw_mul(uint64_t a, uint64_t b)
{
    return (uint64_t)((unsigned __int128)a * b % FE_P);
}

static inline uint64_t raw_neg(uint64_t a)
{
    return a == 0 ? 0 : FE_P - a;
}

static inline bool fe_is_canonical(fe a)
{
    return a.v < FE_P;
}

static inline fe fe_const(uint64_t a)
{
    record(RECORD_CONST, a);
    return (fe){a};
}

static inline fe fe_add(fe a, fe b)
{
    record(RECORD_ADD, 0);
    return (fe){raw_add(a.v, b.v)};
}

static inline fe fe_sub(fe a, fe b)
{
    record(RECORD_ADD, 1);
    return (fe){raw_add(a.v, raw_neg(b.v))};
}

static inline fe fe_double(fe a)
{
    record(RECORD_ADD, 2);
    return (fe){raw_add(a.v, a.v)};
}

static inline fe fe_mul(fe a, fe b)
{
    record(RECORD_MUL, 0);
    return (fe){raw_mul(a.v, b.v)};
}

static inline fe fe_sqr(fe a)
{
    record(RECORD_MUL, 1);
    return (fe){raw_mul(a.v, a.v)};
}

static inline fe fe_mul_add(fe a, fe b, fe c)
{
    record(RECORD_MUL, 2);
    return (fe){raw_add(raw_mul(a.v, b.v), c.v)};
}

static inline fe fe_select(fe bit, fe if_one, fe if_zero)
{
    record(RECORD_SELECT, 0);
    return bit.v != 0 ? if_one : if_zero;
}

static inline void fe_to_bits(fe *bits, fe a, unsigned n)
{
    record(RECORD_BITS, n);
    for (unsigned i = 0; i < n; i++)
        bits[i] = (fe){a.v >> i & 1};
}

static inline fe fe_equal_bit(fe a, fe b)
{
    record(RECORD_EQUAL, 0);
    return (fe){a.v == b.v};
}

// A constant: w of order 2^log_order, as the real function finds it.
fe fe_root_of_unity(unsigned log_order);

static inline fe3 fe3_zero(void)
{
    return (fe3){{{0}, {0}, {0}}};
}

static inline fe3 fe3_one(void)
{
    return (fe3){{{1}, {0}, {0}}};
}

static inline fe3 fe3_from_fe(fe a)
{
    return (fe3){{a, {0}, {0}}};
}

static inline fe3 fe3_add(fe3 a, fe3 b)
{
    record(RECORD_EXT_ADD, 0);
    for (int i = 0; i < 3; i++)
        a.c[i].v = raw_add(a.c[i].v, b.c[i].v);
    return a;
}

static inline fe3 fe3_sub(fe3 a, fe3 b)
{
    record(RECORD_EXT_ADD, 1);
    for (int i = 0; i < 3; i++)
        a.c[i].v = raw_add(a.c[i].v, raw_neg(b.c[i].v));
    return a;
}

static inline fe3 fe3_add_fe(fe3 a, fe b)
{
    record(RECORD_EXT_ADD, 2);
    a.c[0].v = raw_add(a.c[0].v, b.v);
    return a;
}

static inline fe3 fe3_mul_fe(fe3 a, fe b)
{
    record(RECORD_MIXED_MUL, 0);
    for (int i = 0; i < 3; i++)
        a.c[i].v = raw_mul(a.c[i].v, b.v);
    return a;
}

static inline fe3 fe3_select(fe bit, fe3 if_one, fe3 if_zero)
{
    record(RECORD_EXT_SELECT, 0);
    return bit.v != 0 ? if_one : if_zero;
}

static inline fe3 fe3_mul(fe3 a, fe3 b)
{
    record(RECORD_EXT_MUL, 0);
    uint64_t t[5] = {0};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            t[i + j] = raw_add(t[i + j], raw_mul(a.c[i].v, b.c[j].v));
    return (fe3){
        {{raw_add(t[0], raw_add(t[3], t[3]))}, {raw_add(t[1], raw_add(t[4], t[4]))}, {t[2]}}};
}

static inline fe3 fe3_sqr(fe3 a)
{
    return fe3_mul(a, a);
}
