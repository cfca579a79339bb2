// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "whir/whir_kernels.h"

#include "base/cpu.h"

const whir_ops *whir_ops_current(void)
{
    switch (cpu_tier_current()) {
    case CPU_AVX512:
        return &whir_ops_avx512;
    case CPU_AVX2:
        return &whir_ops_avx2;
    default:
        return &whir_ops_scalar;
    }
}
