// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "field/lanes_avx2.h"

#include "air/program_kernels.inc"

const air_ops air_ops_avx2 = AIR_OPS_OF("avx2");
