// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "field/lanes_scalar.h"

#include "air/program_kernels.inc"

const air_ops air_ops_scalar = AIR_OPS_OF("scalar");
