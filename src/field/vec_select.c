// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "base/cpu.h"
#include "field/vec.h"

const vec_ops *vec_get(void)
{
    switch (cpu_tier_current()) {
    case CPU_AVX512:
        return &vec_ops_avx512;
    case CPU_AVX2:
        return &vec_ops_avx2;
    default:
        return &vec_ops_scalar;
    }
}
