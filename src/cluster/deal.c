// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "cluster/deal.h"

status deal_range(plan_range *out, const uint64_t *weights, size_t n, uint32_t first,
                  uint32_t count, uint32_t of)
{
    FAIL_IF(of == 0 || first > of || count > of - first, ZK_EINVAL,
            "units %u to %llu of %u are not units of the job", first,
            (unsigned long long)first + count, of);
    uint64_t sum = 0;
    for (size_t k = 0; k < n; k++)
        FAIL_IF(weights[k] == 0 || __builtin_add_overflow(sum, weights[k], &sum), ZK_EINVAL,
                "instance %zu of the plan has no weight, or one out of range", k);
    *out = (plan_range){n, n};
    uint64_t before = 0;
    bool begun = false;
    for (size_t k = 0; k < n; k++) {
        // of < 2^32 and the middle is below 2^65: the product fits.
        unsigned __int128 middle = 2 * (unsigned __int128)before + weights[k];
        uint64_t unit = (uint64_t)(middle * of / (2 * (unsigned __int128)sum));
        before += weights[k];
        if (!begun && unit >= first) {
            out->begin = k;
            begun = true;
        }
        if (unit >= (uint64_t)first + count) {
            out->end = k;
            break;
        }
    }
    return ZK_OK;
}
