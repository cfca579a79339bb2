// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "field/lanes_scalar.h"

#define WHIR_TABLE whir_ops_scalar
#define WHIR_TIER  "scalar"
#include "whir/whir_kernels.inc"
