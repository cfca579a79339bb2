// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Which of the free workers take part in a job, and with which of its units.
//
//   1. Only workers with the job's program. A job that names none means the program of the free
//      workers; when they have several, that is an error: a proof of another program helps nobody.
//   2. Workers are taken in order of registration until they cover the request or are max_workers.
//   3. If those fall short of the minimum, the largest max_workers are taken instead (of equals the
//      earlier), again until they cover the request. If these fall short too, the request is
//      refused; nothing waits here.
//   4. The job has as many units as the chosen workers have together, at most those requested. They
//      are dealt in contiguous ranges in order of registration, each worker's capacity in full; the
//      last one gets what is left.
#include "base/status.h"

#include <stdint.h>

enum { PROGRAM_DIGEST_BYTES = 32 };

// A free worker.
typedef struct worker_offer {
    uint32_t units;                        // 0: never chosen
    uint8_t program[PROGRAM_DIGEST_BYTES]; // digest of its ELF file
} worker_offer;

typedef struct capacity_request {
    uint32_t units;         // at least 1
    uint32_t minimal_units; // at most units; 0: as units
    size_t max_workers;     // at least 1
    const uint8_t *program; // NULL: that of the free workers
} capacity_request;

typedef struct worker_share {
    size_t offer; // its index
    uint32_t first_unit, n_units;
} worker_share;

// `offers` stand in order of registration. *shares has room for n_offers and then holds *n of them,
// in the same order. ZK_EINVAL for a request out of its bounds and for several programs; ZK_ELIMIT
// "Insufficient compute capacity" when the minimum is not met; ZK_ENOMEM.
MUST_CHECK status workers_choose(worker_share *shares, size_t *n, const worker_offer *offers,
                                 size_t n_offers, const capacity_request *request);
