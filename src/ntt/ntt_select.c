// SPDX-License-Identifier: Apache-2.0 OR MIT
// Checks of ntt.h's contract, and the ladder.
#include "base/cpu.h"
#include "ntt/ntt.h"
#include "ntt/ntt_ops.h"

const ntt_ops *ntt_get(void)
{
    switch (cpu_tier_current()) {
    case CPU_AVX512:
        return &ntt_ops_avx512;
    case CPU_AVX2:
        return &ntt_ops_avx2;
    default:
        return &ntt_ops_scalar;
    }
}

// The matrix must be addressable: 2^log_rows * width elements within half the address space.
static status check_shape(unsigned log_rows, size_t width)
{
    FAIL_IF(width == 0, ZK_EINVAL, "a transform of no columns");
    FAIL_IF(width > (SIZE_MAX >> 4 >> log_rows), ZK_EINVAL,
            "a transform of 2^%u rows and %zu columns does not fit the address space", log_rows,
            width);
    return ZK_OK;
}

status ntt_encode(fe *out, const fe *in, unsigned log_n, unsigned log_blowup, size_t width,
                  struct pool *p)
{
    FAIL_IF(log_blowup > NTT_MAX_LOG_BLOWUP, ZK_EINVAL, "rate 2^-%u; the lowest is 2^-%d",
            log_blowup, NTT_MAX_LOG_BLOWUP);
    FAIL_IF(log_n > FE_TWO_ADICITY - log_blowup || log_n + log_blowup < 3, ZK_EINVAL,
            "a code word of 2^(%u + %u) rows; the field has domains of 2^3 to 2^32", log_n,
            log_blowup);
    TRY(check_shape(log_n + log_blowup, width));
    ZK_VERIFY(out + (width << (log_n + log_blowup)) <= in || in + (width << log_n) <= out);
    return ntt_get()->encode(out, in, log_n, log_blowup, width, p);
}

static status transform(fe *data, unsigned log_n, size_t width, bool inverse, struct pool *p)
{
    FAIL_IF(log_n > FE_TWO_ADICITY, ZK_EINVAL,
            "a transform of 2^%u rows; the field has domains up to 2^32", log_n);
    TRY(check_shape(log_n, width));
    return ntt_get()->transform(data, log_n, width, inverse, p);
}

status ntt_forward(fe *data, unsigned log_n, size_t width, struct pool *p)
{
    return transform(data, log_n, width, false, p);
}

status ntt_inverse(fe *data, unsigned log_n, size_t width, struct pool *p)
{
    return transform(data, log_n, width, true, p);
}
