// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/choose.h"

#include <stdlib.h>
#include <string.h>

typedef struct candidate {
    size_t offer;
    uint32_t units;
} candidate;

static int larger_first(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->units != y->units)
        return x->units > y->units ? -1 : 1;
    return x->offer < y->offer ? -1 : x->offer > y->offer;
}

static int earlier_first(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    return x->offer < y->offer ? -1 : x->offer > y->offer;
}

static status check_request(const capacity_request *r)
{
    FAIL_IF(r->units == 0, ZK_EINVAL, "Compute capacity must be greater than zero");
    FAIL_IF(r->minimal_units > r->units, ZK_EINVAL,
            "Minimal compute capacity must not exceed compute capacity");
    FAIL_IF(r->max_workers == 0, ZK_EINVAL, "a job takes at least one worker");
    return ZK_OK;
}

// The workers that may take part, in order of registration.
static status find_candidates(candidate *out, size_t *n, const worker_offer *offers,
                              size_t n_offers, const uint8_t *program)
{
    *n = 0;
    for (size_t k = 0; k < n_offers; k++) {
        if (offers[k].units == 0)
            continue;
        if (program != NULL && memcmp(program, offers[k].program, PROGRAM_DIGEST_BYTES) != 0)
            continue;
        out[(*n)++] = (candidate){k, offers[k].units};
    }
    for (size_t k = 1; k < *n; k++)
        FAIL_IF(memcmp(offers[out[0].offer].program, offers[out[k].offer].program,
                       PROGRAM_DIGEST_BYTES) != 0,
                ZK_EINVAL,
                "the free workers have different programs; name the digest of one in the request");
    return ZK_OK;
}

// How many of the first candidates cover `units`, at most max_workers; *sum is what they have.
static size_t take(uint64_t *sum, const candidate *c, size_t n, uint32_t units, size_t max_workers)
{
    size_t taken = 0;
    for (*sum = 0; taken < n && taken < max_workers && *sum < units; taken++)
        *sum += c[taken].units;
    return taken;
}

status workers_choose(worker_share *shares, size_t *n, const worker_offer *offers, size_t n_offers,
                      const capacity_request *request)
{
    status result = ZK_OK;
    *n = 0;
    TRY(check_request(request));
    uint32_t minimum = request->minimal_units != 0 ? request->minimal_units : request->units;
    candidate *c = malloc((n_offers + 1) * sizeof *c);
    FAIL_IF(c == NULL, ZK_ENOMEM, "no memory to choose among %zu workers", n_offers);
    size_t n_candidates;
    TRY_OUT(find_candidates(c, &n_candidates, offers, n_offers, request->program));
    uint64_t sum;
    size_t taken = take(&sum, c, n_candidates, request->units, request->max_workers);
    if (sum < minimum) {
        qsort(c, n_candidates, sizeof *c, larger_first);
        taken = take(&sum, c, n_candidates, request->units, request->max_workers);
        qsort(c, taken, sizeof *c, earlier_first);
    }
    FAIL_OUT_IF(
        sum < minimum, ZK_ELIMIT,
        "Insufficient compute capacity: %u units are needed, %llu are free in %zu workers%s "
        "(at most %zu take part); ask for less, start workers, or queue the job",
        minimum, (unsigned long long)sum, taken,
        request->program != NULL ? " with this program" : "", request->max_workers);
    uint32_t unit = 0;
    for (size_t k = 0; k < taken; k++) {
        uint32_t left = request->units - unit;
        uint32_t units = c[k].units < left ? c[k].units : left;
        shares[(*n)++] = (worker_share){c[k].offer, unit, units};
        unit += units;
    }
out:
    free(c);
    return result;
}
