// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "sumcheck/sumcheck_kernels.h"

#include "field/lanes_avx512.h"

#define TIER(name) name##_avx512
#define TIER_TABLE sumcheck_ops_avx512
#define TAIL       sumcheck_ops_scalar
#include "sumcheck/sumcheck_kernels.inc"
