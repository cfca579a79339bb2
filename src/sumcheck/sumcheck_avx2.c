// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "sumcheck/sumcheck_kernels.h"

#include "field/lanes_avx2.h"

#define TIER(name) name##_avx2
#define TIER_TABLE sumcheck_ops_avx2
#define TAIL       sumcheck_ops_scalar
#include "sumcheck/sumcheck_kernels.inc"
