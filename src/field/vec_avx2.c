// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "field/lanes_avx2.h"

#define VEC_TABLE vec_ops_avx2
#define VEC_NAME  "avx2"
#include "field/vec.inc"
