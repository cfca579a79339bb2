// SPDX-License-Identifier: Apache-2.0 OR MIT
// The ladder: which tier's kernels run.
#include "base/cpu.h"
#include "sumcheck/gkr_kernels.h"
#include "sumcheck/zerocheck_kernels.h"

const gkr_ops *gkr_ops_get(void)
{
    const gkr_ops *ops = &gkr_ops_scalar;
    cpu_tier tier = cpu_tier_current();
    if (tier >= CPU_AVX2)
        ops = &gkr_ops_avx2;
    if (tier >= CPU_AVX512)
        ops = &gkr_ops_avx512;
    return ops;
}

const zerocheck_ops *zerocheck_ops_get(void)
{
    const zerocheck_ops *ops = &zerocheck_ops_scalar;
    cpu_tier tier = cpu_tier_current();
    if (tier >= CPU_AVX2)
        ops = &zerocheck_ops_avx2;
    if (tier >= CPU_AVX512)
        ops = &zerocheck_ops_avx512;
    return ops;
}
