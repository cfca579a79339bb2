// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The hint functions behind the table of precompile.h. What they return is advice: a guest checks
// it, the proof does not contain it. Parameters and results: the table in precompile.c.
#include "vm/precompile.h"

#define HINT_FUNCTION(name)                                                                        \
    MUST_CHECK status hint_##name(word_list *results, const uint64_t *params, uint64_t n_params)

HINT_FUNCTION(secp256k1_fp_inverse);
HINT_FUNCTION(secp256k1_fn_inverse);
HINT_FUNCTION(secp256k1_fp_sqrt);
HINT_FUNCTION(secp256k1_ecdsa);
HINT_FUNCTION(secp256r1_ecdsa);
HINT_FUNCTION(bn254_fp_inverse);
HINT_FUNCTION(bn254_fp2_inverse);
HINT_FUNCTION(bn254_twist_add_line);
HINT_FUNCTION(bn254_twist_double_line);
HINT_FUNCTION(bls12_381_fp_inverse);
HINT_FUNCTION(bls12_381_fp_sqrt);
HINT_FUNCTION(bls12_381_fp2_inverse);
HINT_FUNCTION(bls12_381_fp2_sqrt);
HINT_FUNCTION(bls12_381_twist_add_line);
HINT_FUNCTION(bls12_381_twist_double_line);

HINT_FUNCTION(bin_decomp);
HINT_FUNCTION(msb_pos_256);
HINT_FUNCTION(msb_pos_384);
HINT_FUNCTION(uint256_div);
HINT_FUNCTION(uint256_inverse);
HINT_FUNCTION(uint256_inverse_mod);
HINT_FUNCTION(bigint_div);
HINT_FUNCTION(input_ready);

#undef HINT_FUNCTION

// Refuses a call with fewer parameter words than `needed`; more are ignored, since words are pushed
// in blocks of fixed sizes.
MUST_CHECK status hint_expect(uint64_t n_params, uint64_t needed, const char *name);

MUST_CHECK status hint_push_words(word_list *results, const uint64_t *words, uint64_t n);
