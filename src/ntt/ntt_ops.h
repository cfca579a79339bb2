// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The tiers behind ntt.h: one row of function pointers a tier, chosen by ntt_get(). The arguments
// have passed the checks of ntt.h (sizes in range, no overflow of n * width); what is left to fail
// is memory. Callers other than tests and benches use ntt.h.
#include "field/fe.h"

struct pool;

typedef struct ntt_ops {
    const char *name;
    // As ntt_encode.
    status (*encode)(fe *out, const fe *in, unsigned log_n, unsigned log_blowup, size_t width,
                     struct pool *p);
    // As ntt_forward or, when inverse is set, ntt_inverse.
    status (*transform)(fe *data, unsigned log_n, size_t width, bool inverse, struct pool *p);
} ntt_ops;

extern const ntt_ops ntt_ops_scalar, ntt_ops_avx2, ntt_ops_avx512;

// The table of cpu_tier_current().
const ntt_ops *ntt_get(void);
