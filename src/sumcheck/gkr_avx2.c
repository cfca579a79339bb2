// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "sumcheck/gkr_kernels.h"

#include "field/lanes_avx2.h"

#define TIER(name) name##_avx2
#define TIER_TABLE gkr_ops_avx2
#define TAIL       gkr_ops_scalar
#include "sumcheck/gkr_kernels.inc"
