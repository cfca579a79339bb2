// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "field/lanes_avx512.h"

#define VEC_TABLE vec_ops_avx512
#define VEC_NAME  "avx512"
#include "field/vec.inc"
