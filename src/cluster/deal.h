// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Which instances of a plan belong to which compute units.
//
// A job runs over `of` units, and each worker holds a contiguous range of them. Coordinator and
// workers compute the cut on their own from the plan's weights, so it is a pure function of whole
// numbers: instance i belongs to the unit that holds the middle of its stretch when the weights are
// laid end to end and divided into `of` equal parts,
//
//     unit(i) = floor(of * (2 (w_0 + ... + w_(i-1)) + w_i) / (2 W)),    W the sum of all weights.
//
// So every instance has exactly one unit, ranges of units get contiguous ranges of instances, and a
// range's weight is off its fair part by at most the weight of its two outermost instances.
#include "base/status.h"

#include <stdint.h>

// Instances [begin, end).
typedef struct plan_range {
    size_t begin, end;
} plan_range;

// The instances of the units [first, first + count) of `of`. ZK_EINVAL when `of` is 0 or the units
// do not lie within it, when a weight is 0 or the weights sum up to 2^64 or more.
MUST_CHECK status deal_range(plan_range *out, const uint64_t *weights, size_t n, uint32_t first,
                             uint32_t count, uint32_t of);
