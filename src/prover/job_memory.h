// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What proving a plan takes, told before the work starts, and what may be kept between the phases.
//
// An instance that is kept spares its second filling and the hashing of its leaves: it holds its
// cells (8 bytes each) and its tree. The others leave the upper levels of their trees, in memory or
// in the spill folder. The instance in work needs room beside its own cells and tree.
#include "prover/plan.h"
#include "prover/prover.h"

// Estimates for the instances of the plan, contributed and proved in its order on this machine: for
// all, or for those of the largest share that options->share_units can be dealt.
// ZK_ELIMIT when options->max_memory is too little to keep none; ZK_ENOMEM when the system has too
// little (both only when max_memory is given); ZK_EIO when the spill folder cannot be used or is
// too small.
MUST_CHECK status job_memory_plan(zisk_job_needs *needs, const zisk_plan *plan, const zisk_run *run,
                                  const zisk_job_options *options);

// What keeping an instance takes more than letting it wait.
uint64_t job_memory_to_keep(const plan_instance *p, bool spills);
