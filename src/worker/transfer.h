// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Artifacts to and from the coordinator, named by their SHA-256: inputs, partial proofs, the final
// proof. Over a connection of its own, so that heartbeats never wait behind bulk data.
//
// A transfer that loses its connection goes on (a download from where it stood) after a pause, for
// as long as its caller waits; what the coordinator refuses for good fails at once. Trouble that
// the coordinator has itself (no descriptor left, its disk) is waited out for about a minute.
//
// Open, close and everything inside happen on the loop's thread; the two calls that transfer block
// and belong to other threads.
#include "base/pool.h"
#include "rpc/rpc.h"

typedef struct transfer transfer;

// url, tls and token must outlive it.
MUST_CHECK status transfer_open(transfer **out, rpc_loop *loop, const char *url,
                                const rpc_tls_options *tls, const char *token);
// No call below may be under way. NULL is allowed.
void transfer_close(transfer *t);

// Writes the artifact to the file at `path` (which is complete and of that digest with ZK_OK, and
// absent or partial otherwise). ZK_ELIMIT above max_bytes, ZK_EIO for the disk, ZK_EPROTO when the
// coordinator has it not or gives another one, ZK_ETIMEOUT when its own trouble lasts,
// ZK_ECANCELED.
MUST_CHECK status transfer_download(transfer *t, const char *path, const uint8_t sha256[32],
                                    uint64_t max_bytes, const cancel_flag *cancel);
// Sends the file at `path`, whose digest it is. ZK_EIO when it cannot be read, ZK_EPROTO when the
// coordinator refuses it, ZK_ETIMEOUT as above, ZK_ECANCELED.
MUST_CHECK status transfer_upload(transfer *t, const char *path, const uint8_t sha256[32],
                                  const char *name, const cancel_flag *cancel);

typedef struct transfer_counts {
    _Atomic uint64_t bytes_in, bytes_out;
} transfer_counts;
const transfer_counts *transfer_get_counts(const transfer *t); // any thread
