// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The client's commands of `zisk-coordinator`: prove, jobs, workers, status, queue, watch, fetch,
// cancel, top. One file a group of commands; this header is what they share.
//
// A command opens a client, makes calls one after the other (the loop runs while a call is under
// way), and prints results to stdout, everything else to stderr. Exit codes: 0 done, 1 failed (the
// last line on stderr is "error: CODE: message"), 2 wrong usage, 130 interrupted.
#include "base/bytes.h"
#include "cluster/api.h"
#include "coordinator/client_config.h"
#include "hash/hash.h"
#include "rpc/rpc.h"

#include <stdio.h>

enum { CLIENT_DONE = 0, CLIENT_FAILED = 1, CLIENT_USAGE = 2, CLIENT_INTERRUPTED = 130 };

// -1 when argv[1] is a flag or missing, else the exit code of the process.
int coordinator_client_main(int argc, char **argv);
// What commands there are, a line each.
void coordinator_client_list(FILE *to);

typedef struct client {
    const client_config *config;
    rpc_loop *loop;
    rpc_channel *channel;
    struct client_signals *signals;
    bool interrupted;   // SIGINT or SIGTERM: calls end, the command says what goes on, and exits
    bool met;           // it was connected once: a coordinator that goes away is waited for
    uint64_t lost_ms;   // since when it is away, on the loop's clock; 0: it is not
    char code[48];      // of the failure: a gRPC status, or a code of doc/cluster.md
    char message[1024]; // what happened, to what, what to do
    char token[4096];
} client;

// False: the failure is noted, client_close is due all the same.
bool client_open(client *c, const client_config *settings);
void client_close(client *c);

// ---- Failures. Each is noted first and told by client_exit.
bool client_note(client *c, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4))); // returns false
bool client_note_status(client *c);        // of status_message()
// Prints "error: CODE: message" unless interrupted; the exit code.
int client_exit(const client *c);

// ---- Calls. `method` is the name alone. A coordinator that goes away during a call is waited for,
// reconnect_seconds at most, and asked again: only for requests that may come twice.
// *answer is message_free's. False: noted, or interrupted.
bool client_call(client *c, const char *method, const ProtobufCMessage *request,
                 const ProtobufCMessageDescriptor *type, void *answer);

// One call with many answers. `take` returns false to end it; its failure is noted by then, or
// `ended` is set. Returns true when the call ended well.
typedef struct client_stream {
    client *c;
    const char *method;
    const ProtobufCMessage *request; // NULL: `open` sends
    const ProtobufCMessageDescriptor *type;
    void (*open)(struct client_stream *s);  // may send, and half-closes in the end; may be NULL
    void (*drain)(struct client_stream *s); // more can be sent; may be NULL
    bool (*take)(struct client_stream *s, ProtobufCMessage *m);
    void *arg;
    bool ended;     // by take, which has what it wanted
    rpc_call *call; // while it runs
    bool done;      // the rest is client_stream_run's
    bool stopped;
    rpc_code result;
    rpc_timer patience;
} client_stream;
bool client_stream_run(client_stream *s);
// After a failure: true when the same may be asked again now (it waited a little).
bool client_may_retry(client *c);
// Runs the loop until the time is over; false when interrupted.
bool client_pause(client *c, uint64_t ms);

// ---- Jobs
// Follows a job to its end with progress on stderr. False: noted or interrupted; a job that failed
// is noted with its own code. *status, which may be NULL then, is message_free's.
bool client_watch(client *c, const char *job_id, api_job_status **status);

// What a proof is verified against.
typedef struct client_proof_key {
    bool given;
    digest digest;
} client_proof_key;
// From 64 hexadecimal digits (vk, which the settings checked to be that) or, by running `zisk vk`,
// from an ELF file; neither: not given. To be made before a job is launched: whatever is wrong with
// them shows at once.
bool client_key(client *c, client_proof_key *key, const char *vk, const char *elf);
// Fetches the proof into `path`, whole or not at all, after its digest was checked, and with a key
// the proof itself.
bool client_fetch(client *c, const char *job_id, const char *path, const client_proof_key *key);
// SHA-256 and size of a file.
bool client_digest(client *c, uint8_t sha256[32], uint64_t *size, const char *path);
// Sends the file unless the coordinator has it. digest and size are those of client_digest.
bool client_upload(client *c, const char *path, const uint8_t sha256[32], uint64_t size);

// ---- Texts
bool client_on_terminal(void); // stderr
// "0:07", "12:34", "3:05:12"
void client_duration(char out[32], uint64_t ms);
// Prints a message as one line of JSON on stdout.
int client_print_json(client *c, const ProtobufCMessage *m);

// ---- Commands; argv[0] is the command's name.
int client_prove(int argc, char **argv);
int client_jobs(int argc, char **argv);
int client_workers(int argc, char **argv);
int client_status(int argc, char **argv);
int client_queue(int argc, char **argv);
int client_cancel(int argc, char **argv);
int client_watch_command(int argc, char **argv);
int client_fetch_command(int argc, char **argv);
int client_top(int argc, char **argv);

// Settings of a command into *values. -1: go on; else the exit code (help, version, wrong usage).
// config_clear(c) is due in any case.
int client_settings(config *c, void *values, const config_program *p, int argc, char **argv);
