// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Settings of `zisk-coordinator`: names, defaults and meaning are those of ZisK's chapter
// "Distributed proving". doc/configuration.md is made from this table. The client's commands are in
// client_config.h.
#include "config/config.h"

typedef struct coordinator_config {
    const char *service_name;
    const char *environment; // "development", "staging" or "production"
    const char *host;
    uint64_t port;
    const char *proofs_dir; // NULL with no_save_proofs
    bool no_save_proofs;
    uint64_t proofs_retention_days; // 0: for ever
    const char *state_dir;
    const char *inputs_folder; // NULL: no input is read from this machine's disk
    uint64_t artifacts_max_mib, upload_max_mib;
    uint64_t max_connections_host;
    uint64_t shutdown_timeout_seconds;
    const char *admin_allow; // NULL: loopback
    const char *tls_cert, *tls_key;
    const char *tls_client_ca; // NULL: clients need no certificate
    const char *tokens_file;   // NULL: no tokens
    const char *metrics_host;
    uint64_t metrics_port;  // 0: off
    const char *log_filter; // fit for log_open
    const char *log_format;
    const char *log_file_path; // NULL: no file
    uint64_t max_workers_per_job;
    uint64_t max_total_workers;
    uint64_t phase1_timeout_seconds;
    uint64_t phase2_timeout_seconds;
    uint64_t phase3_timeout_seconds;
    uint64_t task_timeouts;
    uint64_t heartbeat_timeout_seconds;
    uint64_t reconnect_grace_seconds;
    uint64_t capacity_timeout_seconds;
    uint64_t max_attempts;
    uint64_t job_retention_hours;   // 0: for ever
    const char *instance_log_cells; // "20", "23" or "26"
    uint64_t max_steps;
    const char *webhook_url; // http:// or https://; NULL: none
    uint64_t webhook_timeout_seconds;
    uint64_t webhook_retries;
    const char *webhook_secret_file; // NULL: not signed
    uint64_t webhook_max_proof_mib;
    const char *webhook_proof_url; // NULL: none
} coordinator_config;

extern const config_program coordinator_program;
