// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "sumcheck/zerocheck_kernels.h"

#include "field/lanes_avx512.h"

#define TIER(name) name##_avx512
#define TIER_TABLE zerocheck_ops_avx512
#define TAIL       zerocheck_ops_scalar
#include "sumcheck/zerocheck_kernels.inc"
