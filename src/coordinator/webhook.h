// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Tells a web server that a job ended: one POST with a JSON object, as ZisK's chapter "Distributed
// proving" describes it.
//
//     {"job_id":"..","success":true,"duration_ms":45000,"proof":[1,2,..],
//      "timestamp":"2025-10-03T14:30:00Z","error":null}
//     {"job_id":"..","success":false,"duration_ms":15000,"proof":null,
//      "timestamp":"..","error":{"code":"WORKER_FAILURE","message":".."}}
//
// The proof is its file as unsigned 64-bit numbers, read while it is sent: no JSON is held in
// memory. A file above max_proof_bytes is told instead of sent: "proof" is null then, and two keys
// follow it, "proof_sha256" (hexadecimal) and "proof_url" (text, or null when there is none).
//
// Every {$job_id} in the URL is replaced by the job's id; without one, /JOB_ID is appended to the
// URL. http and https alone, redirects are not followed. With a secret each request carries
//
//     X-Zisk-Timestamp: seconds since 1970
//     X-Zisk-Signature: sha256=HEX    HMAC-SHA256 over the timestamp, "." and the body
//
// Delivered means an answer 200 to 299. Anything else is logged, tried again `retries` times
// (after 1, 2, 4, .. at most 60 seconds), and then given up. Nothing waits for it: one thread of
// its own sends one report after the other.
#include "base/status.h"

#include <stdint.h>

typedef struct webhook webhook;

typedef struct webhook_options {
    const char *url; // checked by config_check_url
    uint64_t timeout_ms;
    const char *secret_file; // its first line is the secret; NULL: no signature
    uint32_t retries;
    uint64_t max_proof_bytes;
    const char *proof_url; // where large proofs are to be had, {$job_id} as above; NULL: nowhere
    uint64_t retry_ms;     // first pause before a retry; 0: 1000
    // The report was delivered, or given up; never for reports that webhook_close cut off. On the
    // webhook's thread. May be NULL.
    void (*notified)(void *arg, const char *job_id, bool delivered);
    void *arg;
} webhook_options;

typedef struct webhook_report {
    const char *job_id;
    bool success;
    uint64_t duration_ms;
    const char *proof_path;    // whole words; NULL: no proof (a failed job, a simulated node)
    const uint8_t *sha256;     // 32 bytes of that file; NULL without one
    const char *error_code;    // of a failure, else NULL
    const char *error_message; // likewise
} webhook_report;

// Everything is copied. ZK_EINVAL: no URL of the two schemes; ZK_EIO: the secret cannot be read or
// is empty; ZK_ENOMEM, ZK_EINTERNAL: libcurl cannot be used.
MUST_CHECK status webhook_open(webhook **out, const webhook_options *options);
// Any thread; never waits. ZK_ENOMEM. The file is opened when its turn comes: one that is gone by
// then is a failed attempt.
MUST_CHECK status webhook_send(webhook *w, const webhook_report *report);
size_t webhook_waiting(webhook *w); // reports neither delivered nor given up
// Goes on for at most grace_ms, then drops what is left. NULL is allowed.
void webhook_close(webhook *w, uint64_t grace_ms);
