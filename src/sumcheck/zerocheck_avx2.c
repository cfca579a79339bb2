// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "sumcheck/zerocheck_kernels.h"

#include "field/lanes_avx2.h"

#define TIER(name) name##_avx2
#define TIER_TABLE zerocheck_ops_avx2
#define TAIL       zerocheck_ops_scalar
#include "sumcheck/zerocheck_kernels.inc"
