// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "field/lanes_scalar.h"

#define VEC_TABLE vec_ops_scalar
#define VEC_NAME  "scalar"
#include "field/vec.inc"
