// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Settings of `zisk-worker`: names, defaults and meaning are those of ZisK's chapter "Distributed
// proving". doc/configuration.md is made from this table.
#include "config/config.h"

typedef struct worker_config {
    const char *worker_id; // NULL: a fresh UUID
    uint64_t compute_units;
    const char *environment; // "development", "staging" or "production"
    const char *inputs_folder;
    uint64_t input_wait_seconds;
    uint64_t shutdown_timeout_seconds;
    const char *metrics_host;
    uint64_t metrics_port; // 0: off
    const char *coordinator_url;
    const char *tls_ca, *tls_cert, *tls_key, *tls_name; // NULL: none
    const char *token_file;                             // NULL: no token
    uint64_t reconnect_interval_seconds;
    uint64_t heartbeat_timeout_seconds;
    const char *log_filter; // fit for log_open; verbose and debug are in it
    const char *log_format;
    const char *log_file_path; // NULL: no file
    const char *proving_key;   // folder of keys and preprocessed caches
    const char *elf;
    bool emulator;     // taken for granted: it is the only executor
    uint64_t verbose;  // 0 error, 1 warn, 2 info, 3 debug, 4 and more trace
    const char *debug; // NULL: no; "": all components; else the component
    bool verify_constraints;
    bool minimal_memory;      // spill to disk
    uint64_t witness_threads; // CONFIG_UNSET: one for each core
    uint64_t witness_stored;  // instances in flight; CONFIG_UNSET: as memory allows
} worker_config;

extern const config_program worker_program;
