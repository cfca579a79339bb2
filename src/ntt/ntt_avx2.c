// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "field/lanes_avx2.h"

#define NTT_TABLE ntt_ops_avx2
#define NTT_NAME  "avx2"
#include "ntt/ntt_block.inc"
