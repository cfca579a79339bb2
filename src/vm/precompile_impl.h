// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The functions behind the table of precompile.h, one for each row; operand layouts are in the
// table, semantics in the files that define them.
#include "vm/precompile.h"

#define PRECOMPILE_FUNCTION(name)                                                                  \
    MUST_CHECK status precompile_##name(vm_port *port, const call_args *args, uint64_t *result)

PRECOMPILE_FUNCTION(keccakf);
PRECOMPILE_FUNCTION(sha256f);
PRECOMPILE_FUNCTION(poseidon2);
PRECOMPILE_FUNCTION(blake2b_round);

PRECOMPILE_FUNCTION(arith256);
PRECOMPILE_FUNCTION(arith256_mod);
PRECOMPILE_FUNCTION(arith384_mod);
PRECOMPILE_FUNCTION(add256);

PRECOMPILE_FUNCTION(secp256k1_add);
PRECOMPILE_FUNCTION(secp256k1_double);
PRECOMPILE_FUNCTION(secp256r1_add);
PRECOMPILE_FUNCTION(secp256r1_double);
PRECOMPILE_FUNCTION(bn254_add);
PRECOMPILE_FUNCTION(bn254_double);
PRECOMPILE_FUNCTION(bn254_fp2_add);
PRECOMPILE_FUNCTION(bn254_fp2_sub);
PRECOMPILE_FUNCTION(bn254_fp2_mul);
PRECOMPILE_FUNCTION(bls12_381_add);
PRECOMPILE_FUNCTION(bls12_381_double);
PRECOMPILE_FUNCTION(bls12_381_fp2_add);
PRECOMPILE_FUNCTION(bls12_381_fp2_sub);
PRECOMPILE_FUNCTION(bls12_381_fp2_mul);

PRECOMPILE_FUNCTION(memcpy);
PRECOMPILE_FUNCTION(memcmp);
PRECOMPILE_FUNCTION(inputcpy);
PRECOMPILE_FUNCTION(memset);

#undef PRECOMPILE_FUNCTION

// Words of the parameter block and of the operands lie at consecutive slots from here on.
enum { SLOT_BLOCK = VM_CALL_SLOT_MEMORY, SLOT_OPERAND };
