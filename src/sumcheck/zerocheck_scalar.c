// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "sumcheck/zerocheck_kernels.h"

#include "field/lanes_scalar.h"

#define TIER(name) name##_scalar
#define TIER_TABLE zerocheck_ops_scalar
#define TAIL       zerocheck_ops_scalar
#include "sumcheck/zerocheck_kernels.inc"
