// SPDX-License-Identifier: Apache-2.0 OR MIT
// Precompiles on curve points and on quadratic extensions. Both operands are read before the first
// one is overwritten with the result, so they may be the same or overlap.
#include "vm/bignum.h"
#include "vm/curve.h"
#include "vm/precompile_impl.h"

enum { SLOT_SECOND = SLOT_OPERAND, SLOT_FIRST };

// A point or an element of F_p^2: two numbers of the field.
typedef struct pair {
    uint64_t l[2 * CURVE_MAX_LIMBS];
} pair;

static status read_pairs(pair *first, pair *second, uint64_t *target, vm_port *port,
                         const call_args *args, unsigned n)
{
    uint64_t block[2];
    TRY(port_read(port, block, SLOT_BLOCK, args->pointer, 2));
    TRY(port_read(port, second->l, SLOT_SECOND, block[1], 2 * n));
    TRY(port_peek(port, first->l, block[0], 2 * n));
    *target = block[0];
    return ZK_OK;
}

static status add(vm_port *port, const call_args *args, const curve *c)
{
    pair p1, p2;
    uint64_t target = 0;
    TRY(read_pairs(&p1, &p2, &target, port, args, c->field->n));
    TRY(curve_add(p1.l, p1.l, p2.l, c));
    return port_write(port, p1.l, SLOT_FIRST, target, 2 * c->field->n);
}

static status twice(vm_port *port, const call_args *args, const curve *c)
{
    pair p;
    TRY(port_peek(port, p.l, args->pointer, 2 * c->field->n));
    TRY(curve_double(p.l, p.l, c));
    return port_write(port, p.l, SLOT_BLOCK, args->pointer, 2 * c->field->n);
}

static status fp2(vm_port *port, const call_args *args, const prime_field *f,
                  void (*operation)(uint64_t *out, const uint64_t *a, const uint64_t *b,
                                    const prime_field *f))
{
    pair a, b;
    uint64_t target = 0;
    TRY(read_pairs(&a, &b, &target, port, args, f->n));
    fp2_reduce(a.l, a.l, f);
    fp2_reduce(b.l, b.l, f);
    operation(a.l, a.l, b.l, f);
    return port_write(port, a.l, SLOT_FIRST, target, 2 * f->n);
}

#define DEFINE(name, call)                                                                         \
    status precompile_##name(vm_port *port, const call_args *args, uint64_t *result)               \
    {                                                                                              \
        (void)result;                                                                              \
        return call;                                                                               \
    }

DEFINE(secp256k1_add, add(port, args, &curve_secp256k1))
DEFINE(secp256k1_double, twice(port, args, &curve_secp256k1))
DEFINE(secp256r1_add, add(port, args, &curve_secp256r1))
DEFINE(secp256r1_double, twice(port, args, &curve_secp256r1))
DEFINE(bn254_add, add(port, args, &curve_bn254))
DEFINE(bn254_double, twice(port, args, &curve_bn254))
DEFINE(bn254_fp2_add, fp2(port, args, &field_bn254, fp2_add))
DEFINE(bn254_fp2_sub, fp2(port, args, &field_bn254, fp2_sub))
DEFINE(bn254_fp2_mul, fp2(port, args, &field_bn254, fp2_mul))
DEFINE(bls12_381_add, add(port, args, &curve_bls12_381))
DEFINE(bls12_381_double, twice(port, args, &curve_bls12_381))
DEFINE(bls12_381_fp2_add, fp2(port, args, &field_bls12_381, fp2_add))
DEFINE(bls12_381_fp2_sub, fp2(port, args, &field_bls12_381, fp2_sub))
DEFINE(bls12_381_fp2_mul, fp2(port, args, &field_bls12_381, fp2_mul))
