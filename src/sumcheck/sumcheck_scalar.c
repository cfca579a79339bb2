// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "sumcheck/sumcheck_kernels.h"

#include "field/lanes_scalar.h"

#define TIER(name) name##_scalar
#define TIER_TABLE sumcheck_ops_scalar
#define TAIL       sumcheck_ops_scalar
#include "sumcheck/sumcheck_kernels.inc"
