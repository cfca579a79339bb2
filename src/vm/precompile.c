// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "vm/precompile.h"

#include "vm/hint_impl.h"
#include "vm/precompile_impl.h"

#include <stddef.h>

// name, layout, chip, CSR, form, slots, function. A parameter block is read at slot 3, the operands
// follow at slots 4, 5, ... in the order of the block unless the layout names another one; what
// has no block starts at slot 3. "In place" is one access a word.
const vm_precompile vm_precompiles[] = {
    {"keccakf", "state[25] in place", NULL, 0x800, CALL_POINTER, 4, precompile_keccakf},
    {"arith256", "{*a, *b, *c, *dl, *dh}: dh : dl = a b + c", NULL, 0x801, CALL_POINTER, 9,
     precompile_arith256},
    {"arith256_mod", "{*a, *b, *c, *m, *d}: d = (a b + c) mod m", NULL, 0x802, CALL_POINTER, 9,
     precompile_arith256_mod},
    {"secp256k1_add", "{*p1, *p2}: p2 read, p1 := p1 + p2", NULL, 0x803, CALL_POINTER, 6,
     precompile_secp256k1_add},
    {"secp256k1_dbl", "p[8] in place: p := p + p", NULL, 0x804, CALL_POINTER, 4,
     precompile_secp256k1_double},
    {"sha256f", "{*state[4], *input[8]}: input read, state in place", NULL, 0x805, CALL_POINTER, 6,
     precompile_sha256f},
    {"bn254_add", "{*p1, *p2}: p2 read, p1 := p1 + p2", NULL, 0x806, CALL_POINTER, 6,
     precompile_bn254_add},
    {"bn254_dbl", "p[8] in place: p := p + p", NULL, 0x807, CALL_POINTER, 4,
     precompile_bn254_double},
    {"bn254_fp2_add", "{*a, *b}: b read, a := a + b", NULL, 0x808, CALL_POINTER, 6,
     precompile_bn254_fp2_add},
    {"bn254_fp2_sub", "{*a, *b}: b read, a := a - b", NULL, 0x809, CALL_POINTER, 6,
     precompile_bn254_fp2_sub},
    {"bn254_fp2_mul", "{*a, *b}: b read, a := a b", NULL, 0x80a, CALL_POINTER, 6,
     precompile_bn254_fp2_mul},
    {"arith384_mod", "{*a, *b, *c, *m, *d}: d = (a b + c) mod m", NULL, 0x80b, CALL_POINTER, 9,
     precompile_arith384_mod},
    {"bls12_381_add", "{*p1, *p2}: p2 read, p1 := p1 + p2", NULL, 0x80c, CALL_POINTER, 6,
     precompile_bls12_381_add},
    {"bls12_381_dbl", "p[12] in place: p := p + p", NULL, 0x80d, CALL_POINTER, 4,
     precompile_bls12_381_double},
    {"bls12_381_fp2_add", "{*a, *b}: b read, a := a + b", NULL, 0x80e, CALL_POINTER, 6,
     precompile_bls12_381_fp2_add},
    {"bls12_381_fp2_sub", "{*a, *b}: b read, a := a - b", NULL, 0x80f, CALL_POINTER, 6,
     precompile_bls12_381_fp2_sub},
    {"bls12_381_fp2_mul", "{*a, *b}: b read, a := a b", NULL, 0x810, CALL_POINTER, 6,
     precompile_bls12_381_fp2_mul},
    {"add256", "{*a, *b, carry in, *c}: c = a + b + carry in, rd = carry out", NULL, 0x811,
     CALL_RESULT, 8, precompile_add256},
    {"poseidon2", "state[16] in place", NULL, 0x812, CALL_POINTER, 4, precompile_poseidon2},
    {"memcpy", "src read, dst written", NULL, 0x813, CALL_MEMCPY, 5, precompile_memcpy},
    {"memcmp", "dst read, src read, rd = difference", NULL, 0x814, CALL_MEMCMP, 6,
     precompile_memcmp},
    {"inputcpy", "dst written", NULL, 0x815, CALL_INPUT, 4, precompile_inputcpy},
    {"memset", "dst written", NULL, 0x816, CALL_MEMSET, 4, precompile_memset},
    {"secp256r1_add", "{*p1, *p2}: p2 read, p1 := p1 + p2", NULL, 0x817, CALL_POINTER, 6,
     precompile_secp256r1_add},
    {"secp256r1_dbl", "p[8] in place: p := p + p", NULL, 0x818, CALL_POINTER, 4,
     precompile_secp256r1_double},
    {"blake2b_round", "{index, *state[16], *input[16]}: input read, state in place", NULL, 0x819,
     CALL_POINTER, 6, precompile_blake2b_round},
};
const unsigned vm_precompile_count = sizeof vm_precompiles / sizeof vm_precompiles[0];

_Static_assert(sizeof vm_precompiles / sizeof vm_precompiles[0] <= VM_PRECOMPILE_MAX,
               "counters are arrays of VM_PRECOMPILE_MAX");

const vm_hint vm_hints[] = {
    {"secp256k1_fp_inverse", 1, hint_secp256k1_fp_inverse},
    {"secp256k1_fn_inverse", 2, hint_secp256k1_fn_inverse},
    {"secp256k1_fp_sqrt", 3, hint_secp256k1_fp_sqrt},
    {"secp256k1_ecdsa", 4, hint_secp256k1_ecdsa},
    {"secp256r1_ecdsa", 5, hint_secp256r1_ecdsa},
    {"bn254_fp_inverse", 6, hint_bn254_fp_inverse},
    {"bn254_fp2_inverse", 7, hint_bn254_fp2_inverse},
    {"bn254_twist_add_line", 8, hint_bn254_twist_add_line},
    {"bn254_twist_double_line", 9, hint_bn254_twist_double_line},
    {"bls12_381_fp_inverse", 10, hint_bls12_381_fp_inverse},
    {"bls12_381_fp_sqrt", 11, hint_bls12_381_fp_sqrt},
    {"bls12_381_fp2_inverse", 12, hint_bls12_381_fp2_inverse},
    {"bls12_381_fp2_sqrt", 13, hint_bls12_381_fp2_sqrt},
    {"bls12_381_twist_add_line", 14, hint_bls12_381_twist_add_line},
    {"bls12_381_twist_double_line", 15, hint_bls12_381_twist_double_line},
    {"bin_decomp", 16, hint_bin_decomp},
    {"msb_pos_256", 17, hint_msb_pos_256},
    {"msb_pos_384", 18, hint_msb_pos_384},
    {"uint256_div", 19, hint_uint256_div},
    {"uint256_inverse", 20, hint_uint256_inverse},
    {"uint256_inverse_mod", 21, hint_uint256_inverse_mod},
    {"bigint_div", 22, hint_bigint_div},
    {"input_ready", 23, hint_input_ready},
};
const unsigned vm_hint_count = sizeof vm_hints / sizeof vm_hints[0];

int precompile_find(uint16_t csr)
{
    for (unsigned i = 0; i < vm_precompile_count; i++)
        if (vm_precompiles[i].csr == csr)
            return (int)i;
    return -1;
}

const vm_hint *hint_find(uint16_t id)
{
    for (unsigned i = 0; i < vm_hint_count; i++)
        if (vm_hints[i].id == id)
            return &vm_hints[i];
    return NULL;
}
