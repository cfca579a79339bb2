// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The input of a task, from where the coordinator says it is.
//
// A path is below the inputs folder, as the file system sees it after all links were followed:
// what leads out, by "..", by an absolute path or by a link, is refused before it is opened. A
// file that is not there yet is waited for, since shared folders lag. An input named by its digest
// is downloaded once and kept for other jobs of this process.
//
// These calls block and belong to the working thread.
#include "base/bytes.h"
#include "cluster/api.h"
#include "worker/scratch.h"
#include "worker/transfer.h"

typedef struct inputs {
    char folder[SCRATCH_PATH_MAX]; // canonical
    uint64_t wait_ms;              // for a file that is not there
    char cache[SCRATCH_PATH_MAX];  // folder of downloaded inputs
    transfer *transfer;            // NULL: an input by digest is refused
} inputs;

// ZK_EIO when `folder` is no directory.
MUST_CHECK status inputs_open(inputs *out, const char *folder, uint64_t wait_ms, const char *cache,
                              transfer *artifacts);

// The file's bytes. ZK_EIO: missing, unreadable or no plain file; ZK_EINVAL: outside the folder;
// ZK_ELIMIT: above max_bytes; ZK_EPROTO: the coordinator has it not; ZK_ECANCELED, ZK_ENOMEM.
// A task without input gives an empty buffer.
MUST_CHECK status inputs_get(byte_buffer *out, const inputs *in, const api_contribution_params *p,
                             uint64_t max_bytes, const cancel_flag *cancel);
