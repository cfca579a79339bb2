// SPDX-License-Identifier: Apache-2.0 OR MIT
// Precompiles on integers of 256 and 384 bits.
#include "vm/bignum.h"
#include "vm/precompile_impl.h"

// dh : dl = a b + c. When dl and dh overlap, dh is what stays.
status precompile_arith256(vm_port *port, const call_args *args, uint64_t *result)
{
    (void)result;
    enum { A, B, C, DL, DH, BLOCK };
    uint64_t block[BLOCK], a[4], b[4], c[8] = {0}, d[8];
    TRY(port_read(port, block, SLOT_BLOCK, args->pointer, BLOCK));
    TRY(port_read(port, a, SLOT_OPERAND + A, block[A], 4));
    TRY(port_read(port, b, SLOT_OPERAND + B, block[B], 4));
    TRY(port_read(port, c, SLOT_OPERAND + C, block[C], 4));
    bn_mul(d, a, 4, b, 4);
    bn_add(d, d, c, 8); // (2^256 - 1)^2 + 2^256 - 1 < 2^512
    TRY(port_write(port, d, SLOT_OPERAND + DL, block[DL], 4));
    return port_write(port, d + 4, SLOT_OPERAND + DH, block[DH], 4);
}

// d = (a b + c) mod m.
static status arith_mod(vm_port *port, const call_args *args, unsigned n, const char *name)
{
    enum { A, B, C, M, D, BLOCK };
    uint64_t block[BLOCK], in[4][BN_MAX_LIMBS], d[BN_MAX_LIMBS];
    TRY(port_read(port, block, SLOT_BLOCK, args->pointer, BLOCK));
    for (unsigned i = A; i <= M; i++)
        TRY(port_read(port, in[i], SLOT_OPERAND + i, block[i], n));
    FAIL_IF(bn_is_zero(in[M], n), ZK_EGUEST, "%s with modulus 0", name);
    bn_mul_add_mod(d, in[A], in[B], in[C], in[M], n);
    return port_write(port, d, SLOT_OPERAND + D, block[D], n);
}

status precompile_arith256_mod(vm_port *port, const call_args *args, uint64_t *result)
{
    (void)result;
    return arith_mod(port, args, 4, "arith256_mod");
}

status precompile_arith384_mod(vm_port *port, const call_args *args, uint64_t *result)
{
    (void)result;
    return arith_mod(port, args, 6, "arith384_mod");
}

// c = a + b + carry in; the result register gets the carry out.
status precompile_add256(vm_port *port, const call_args *args, uint64_t *result)
{
    enum { A, B, CARRY_IN, C, BLOCK };
    uint64_t block[BLOCK], a[4], b[4], c[4];
    TRY(port_read(port, block, SLOT_BLOCK, args->pointer, BLOCK));
    FAIL_IF(block[CARRY_IN] > 1, ZK_EGUEST, "add256 with carry in %llu: it is 0 or 1",
            (unsigned long long)block[CARRY_IN]);
    TRY(port_read(port, a, SLOT_OPERAND, block[A], 4));
    TRY(port_read(port, b, SLOT_OPERAND + 1, block[B], 4));
    const uint64_t in[4] = {block[CARRY_IN]};
    uint64_t carry = bn_add(c, a, b, 4);
    carry += bn_add(c, c, in, 4); // at most one of the two carries
    TRY(port_write(port, c, SLOT_OPERAND + 2, block[C], 4));
    *result = carry;
    return ZK_OK;
}
