// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The tables of the tiers; chosen from by program.c alone.
#include "air/program.h"

extern const air_ops air_ops_scalar;
extern const air_ops air_ops_avx2;
extern const air_ops air_ops_avx512;

// Ends a tier's file, after program_kernels.inc.
#define AIR_OPS_OF(tier_name)                                                                      \
    {                                                                                              \
        .tier = tier_name, .eval_base = eval_base, .eval_extension = eval_extension,               \
        .fraction = fraction, .linear_base = linear_base, .linear_extension = linear_extension     \
    }
