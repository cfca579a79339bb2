// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Checks a run without any cryptography: every constraint on every row of every instance, and the
// balance of the bus over all of them. What `zisk check` prints.
#include "base/bytes.h"
#include "prover/plan.h"

// *ok: everything holds. Otherwise `report` describes the first failing constraint, or the
// unbalanced tuples with the rows that sent and received them. Instances are filled one after the
// other, three times when the bus is unbalanced: memory is that of one instance and of the record.
// ZK_ENOMEM, ZK_ECANCELED, what filling returns.
MUST_CHECK status zisk_check(bool *ok, byte_buffer *report, const zisk_run *run,
                             const zisk_plan *plan, pool *threads, const cancel_flag *cancel);
