// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "field/lanes_avx512.h"

#define WHIR_TABLE whir_ops_avx512
#define WHIR_TIER  "avx512"
#include "whir/whir_kernels.inc"
