// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Settings of the client's commands, `zisk-coordinator prove` and so on. Names, defaults and
// meaning of those of `prove` are ZisK's, chapter "Distributed proving", as far as it has them.
// doc/configuration.md is made from these tables. Flags alone: neither file nor environment.
#include "config/config.h"

// How to reach the coordinator; of every command.
typedef struct client_config {
    const char *coordinator_url;
    const char *tls_ca, *tls_cert, *tls_key; // NULL: system's authorities, no certificate
    const char *token_file;                  // NULL: no token
    uint64_t reconnect_seconds;              // to wait for one that went away
    bool json;
} client_config;

typedef struct prove_config {
    client_config client;
    const char *inputs_uri; // NULL: the guest takes no input
    uint64_t compute_capacity;
    uint64_t minimal_compute_capacity; // at most compute_capacity
    const char *data_id;               // NULL: neither given nor to be had from inputs_uri
    bool direct_inputs;
    bool raw_input;
    uint64_t simulated_node; // CONFIG_UNSET: none
    const char *output;      // NULL: the proof is not fetched
    bool no_wait;
    bool queue;
    uint64_t priority, queue_seconds;
    const char *vk, *elf; // at most one; NULL: what comes back is not verified
} prove_config;

// All other commands: a member that a command has no flag for keeps its default, NULL or false.
typedef struct client_command_config {
    client_config client;
    const char *job_id;
    bool active, available;
    const char *reason;
    const char *output, *vk, *elf; // fetch
} client_command_config;

enum { CLIENT_JOB_ID_MAX = 64 };
// Letters, digits, "-" and "_": fit for messages, JSON and command lines.
bool client_is_job_id(const char *text);

extern const config_program prove_program;
extern const config_program jobs_program, workers_program, status_program, queue_program,
    cancel_program, watch_program, fetch_program, top_program;
