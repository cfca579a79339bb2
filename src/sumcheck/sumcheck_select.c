// SPDX-License-Identifier: Apache-2.0 OR MIT
// The ladder: which tier's kernels run.
#include "base/cpu.h"
#include "sumcheck/sumcheck_kernels.h"

const sumcheck_ops *sumcheck_ops_get(void)
{
    const sumcheck_ops *ops = &sumcheck_ops_scalar;
    cpu_tier tier = cpu_tier_current();
    if (tier >= CPU_AVX2)
        ops = &sumcheck_ops_avx2;
    if (tier >= CPU_AVX512)
        ops = &sumcheck_ops_avx512;
    return ops;
}
