// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "sumcheck/gkr_kernels.h"

#include "field/lanes_scalar.h"

#define TIER(name) name##_scalar
#define TIER_TABLE gkr_ops_scalar
#define TAIL       gkr_ops_scalar
#include "sumcheck/gkr_kernels.inc"
