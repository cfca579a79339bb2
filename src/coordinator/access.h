// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Who may call what.
//
// Every method belongs to one group:
//
//     everybody    HealthCheck, grpc.health.v1, reflection
//     worker       WorkerStream, UploadArtifact, DownloadArtifact
//     client       LaunchProof, UploadInput, JobStatus, WatchJob, FetchProof, CancelJob,
//                  SystemStatus, StatusInfo: one's own jobs, by their ids, which nobody guesses
//     admin        all others: lists of jobs, workers, queue
//
// There are two ways to tell who calls. Without roles the address decides: addresses of
// `admin_allow` may call everything, all others what everybody and workers may. With roles (a file
// of tokens, client certificates, or both) the address means nothing: a call has the roles of its
// bearer token and of its connection's certificate, and admin includes the others.
//
// A certificate's role is the part of its common name before the first ":", "worker:node-7". A file
// of tokens has one a line, "ROLE NAME TOKEN", "#" begins a comment. Only SHA-256 digests of the
// tokens are kept, compared in constant time. An address that guesses tokens has to wait: ten wrong
// ones, then one more every five seconds; until then its right ones are refused too.
#include "rpc/rpc.h"

typedef struct access_list access_list;

typedef struct access_options {
    const char *admin_allow; // addresses and ranges, "127.0.0.0/8, ::1"; NULL: loopback
    const char *tokens_file; // NULL: none
    bool certificates;       // connections have verified client certificates
} access_options;

enum { ACCESS_TOKEN_MIN = 16 }; // characters of a token

// ZK_EINVAL: an address that is none; ZK_EIO: no such file; ZK_EPARSE: a line of the file, or
// others than its owner and group may read it. Never with a token in the message. Copied.
MUST_CHECK status access_open(access_list **out, const access_options *o);
void access_close(access_list *a); // NULL is allowed
// Reads the file of tokens again; keeps the old ones on failure.
MUST_CHECK status access_reload(access_list *a);

// `path` and `authorization` (NULL: none) are those of the call. RPC_OK or the status to refuse
// with; *message lives until the next call.
rpc_code access_check(access_list *a, uint64_t now_ms, const char *path, const rpc_peer *peer,
                      const char *authorization, const char **message);

// A list as in admin_allow. ZK_EINVAL.
MUST_CHECK status access_check_addresses(const char *list);
// A numeric address that only this machine reaches.
bool access_is_loopback(const char *host);
