// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "field/lanes_avx2.h"

#define WHIR_TABLE whir_ops_avx2
#define WHIR_TIER  "avx2"
#include "whir/whir_kernels.inc"
