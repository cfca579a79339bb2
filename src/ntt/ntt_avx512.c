// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "field/lanes_avx512.h"

#define NTT_TABLE ntt_ops_avx512
#define NTT_NAME  "avx512"
#include "ntt/ntt_block.inc"
