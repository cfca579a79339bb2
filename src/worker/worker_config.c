// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "worker/worker_config.h"

#include "base/log.h"
#include "config/config_rows.h"

#include <stdio.h>
#include <string.h>

#define AT(member)  offsetof(worker_config, member)
#define NO_ASSEMBLY "there is no execution through assembly; the emulator is the executor"
#define NO_HINTS    "precompile hints are not implemented yet"
#define NO_MPI      "workers of several MPI processes are not implemented yet"
#define NO_GPU      "proving on a GPU is not implemented yet"

// The level of the target `prover` is that of -v, and -d opens one target, or all, to the last.
static status log_filter_from_flags(void *values, config *c)
{
    static const char *const names[] = {"error", "warn", "info", "debug", "trace"};
    worker_config *w = values;
    size_t most = sizeof names / sizeof *names - 1;
    const char *level = names[w->verbose < most ? w->verbose : most];
    size_t size = strlen(w->log_filter) + (w->debug == NULL ? 0 : strlen(w->debug)) + 64;
    char *filter;
    TRY(arena_new(&filter, &c->memory, size));
    if (w->debug == NULL)
        snprintf(filter, size, "%s,prover=%s", w->log_filter, level);
    else if (w->debug[0] == '\0')
        snprintf(filter, size, "trace");
    else
        snprintf(filter, size, "%s,prover=%s,%s=trace", w->log_filter, level, w->debug);
    status s = log_check_filter(filter);
    FAIL_IF(s != ZK_OK, s, "the log filter that follows from logging.level, -v and -d: %s",
            status_message());
    w->log_filter = filter;
    return ZK_OK;
}

static status check_worker(void *values, config *c)
{
    const worker_config *w = values;
    FAIL_IF((w->tls_cert == NULL) != (w->tls_key == NULL), ZK_EINVAL,
            "coordinator.tls_cert and coordinator.tls_key are given together or not at all");
    bool tls = strncmp(w->coordinator_url, "https:", 6) == 0;
    FAIL_IF(!tls && (w->tls_ca || w->tls_cert || w->tls_name || w->token_file), ZK_EINVAL,
            "certificates and tokens need a coordinator.url that begins with https://, not %s",
            w->coordinator_url);
    return log_filter_from_flags(values, c);
}

static const config_setting worker_settings[] = {
    {.key = "worker.worker_id",
     .flag = "worker-id",
     .type = CONFIG_TEXT,
     .offset = AT(worker_id),
     .unset = "Auto-generated UUID",
     .help = "Unique worker identifier"},
    {.key = "worker.compute_capacity.compute_units",
     .flag = "compute-capacity",
     .type = CONFIG_NUMBER,
     .offset = AT(compute_units),
     .least = 1,
     .most = UINT32_MAX,
     .fallback = "10",
     .help = "Worker compute capacity (in compute units)"},
    {.key = "worker.environment",
     .type = CONFIG_CHOICE,
     .offset = AT(environment),
     .choices = CONFIG_ENVIRONMENTS,
     .fallback = "development",
     .help = "Service environment"},
    {.key = "worker.inputs_folder",
     .flag = "inputs-folder",
     .letter = 'i',
     .type = CONFIG_PATH,
     .offset = AT(inputs_folder),
     .fallback = ".",
     .help = "Path to folder containing input files"},
    {.key = "worker.input_wait_seconds",
     .type = CONFIG_NUMBER,
     .offset = AT(input_wait_seconds),
     .least = 0,
     .most = 3600,
     .fallback = "10",
     .help = "How long a task waits for an input file that is not there yet"},
    {.key = "worker.shutdown_timeout_seconds",
     .type = CONFIG_NUMBER,
     .offset = AT(shutdown_timeout_seconds),
     .least = 0,
     .most = 3600,
     .fallback = "30",
     .help = "Graceful shutdown timeout in seconds: what is under way may be delivered until then"},
    {.key = "worker.metrics_host",
     .type = CONFIG_TEXT,
     .offset = AT(metrics_host),
     .fallback = "127.0.0.1",
     .help = "Address that answers /metrics and /health"},
    {.key = "worker.metrics_port",
     .type = CONFIG_NUMBER,
     .offset = AT(metrics_port),
     .least = 0,
     .most = 65535,
     .fallback = "0",
     .help = "Port of /metrics (Prometheus) and /health; 0 is off"},
    {.key = "coordinator.url",
     .flag = "coordinator-url",
     .letter = 'c',
     .type = CONFIG_TEXT,
     .offset = AT(coordinator_url),
     .fallback = "http://127.0.0.1:50051",
     .check = config_check_url,
     .help = "Coordinator server URL"},
    {.key = "coordinator.tls_ca",
     .type = CONFIG_PATH,
     .offset = AT(tls_ca),
     .unset = "the system's certificates",
     .help = "PEM file of the authorities that the coordinator's certificate is checked against"},
    {.key = "coordinator.tls_cert",
     .type = CONFIG_PATH,
     .offset = AT(tls_cert),
     .unset = "none",
     .help = "PEM file of this worker's certificate, for mutual TLS; with coordinator.tls_key"},
    {.key = "coordinator.tls_key",
     .type = CONFIG_PATH,
     .offset = AT(tls_key),
     .unset = "none",
     .help = "PEM file of its private key"},
    {.key = "coordinator.tls_name",
     .type = CONFIG_TEXT,
     .offset = AT(tls_name),
     .unset = "the host of the URL",
     .help = "Name that the coordinator's certificate must have"},
    {.key = "coordinator.token_file",
     .type = CONFIG_PATH,
     .offset = AT(token_file),
     .unset = "no token",
     .help = "File with the bearer token that is sent with every call; needs an https:// URL"},
    {.key = "connection.reconnect_interval_seconds",
     .type = CONFIG_NUMBER,
     .offset = AT(reconnect_interval_seconds),
     .least = 1,
     .most = 3600,
     .fallback = "5",
     .help = "Reconnection interval in seconds; doubled after each failure, up to a minute"},
    {.key = "connection.heartbeat_timeout_seconds",
     .type = CONFIG_NUMBER,
     .offset = AT(heartbeat_timeout_seconds),
     .least = 2,
     .most = 3600,
     .fallback = "30",
     .help = "Heartbeat timeout in seconds"},
    CONFIG_LOGGING_ROWS(worker_config),
    {.flag = "proving-key",
     .letter = 'k',
     .type = CONFIG_PATH,
     .offset = AT(proving_key),
     .fallback = "~/.zisk/provingKey",
     .help = "Path to setup folder (keys and preprocessed caches; created when absent)"},
    {.flag = "elf",
     .letter = 'e',
     .type = CONFIG_PATH,
     .offset = AT(elf),
     .required = true,
     .help = "Path to ELF file"},
    {.flag = "asm",
     .letter = 's',
     .type = CONFIG_PATH,
     .unset = "~/.zisk/cache",
     .missing = NO_ASSEMBLY,
     .help = "Path to ASM file (mutually exclusive with --emulator)"},
    {.flag = "emulator",
     .letter = 'l',
     .type = CONFIG_SWITCH,
     .offset = AT(emulator),
     .help = "Use prebuilt emulator; it is the executor with and without this flag"},
    {.flag = "asm-port",
     .type = CONFIG_NUMBER,
     .most = 65535,
     .unset = "23115",
     .missing = NO_ASSEMBLY,
     .help = "Base port for Assembly microservices"},
    {.flag = "shared-tables",
     .letter = 'j',
     .type = CONFIG_SWITCH,
     .missing = NO_MPI,
     .help = "Whether to share tables when worker is running in a cluster"},
    {.flag = "verbose",
     .letter = 'v',
     .type = CONFIG_COUNT,
     .offset = AT(verbose),
     .least = 0,
     .most = 255,
     .help =
         "Verbosity level (0=error, 1=warn, 2=info, 3=debug, 4=trace): -v, -vv, -vvv and so on"},
    {.flag = "debug",
     .letter = 'd',
     .type = CONFIG_OPTIONAL,
     .offset = AT(debug),
     .help = "Enable debug mode with optional component filter"},
    {.flag = "verify-constraints",
     .type = CONFIG_SWITCH,
     .offset = AT(verify_constraints),
     .help = "Whether to verify constraints"},
    {.flag = "unlock-mapped-memory",
     .type = CONFIG_SWITCH,
     .missing = NO_ASSEMBLY,
     .help = "Unlock memory map for the ROM file (mutually exclusive with --emulator)"},
    {.flag = "hints",
     .type = CONFIG_SWITCH,
     .missing = NO_HINTS,
     .help = "Enable precompile hints processing"},
    {.flag = "minimal-memory",
     .letter = 'm',
     .type = CONFIG_SWITCH,
     .offset = AT(minimal_memory),
     .help = "Use minimal memory mode: what does not fit is spilled to disk"},
    {.flag = "rma",
     .letter = 'r',
     .type = CONFIG_SWITCH,
     .missing = NO_MPI,
     .help = "Enable RMA mode"},
    {.flag = "preallocate",
     .letter = 'z',
     .type = CONFIG_SWITCH,
     .missing = NO_GPU,
     .help = "GPU preallocation flag"},
    {.flag = "max-streams",
     .letter = 't',
     .type = CONFIG_NUMBER,
     .least = 1,
     .most = 1024,
     .missing = NO_GPU,
     .help = "Maximum number of GPU streams"},
    {.flag = "number-threads-witness",
     .letter = 'n',
     .type = CONFIG_NUMBER,
     .offset = AT(witness_threads),
     .least = 1,
     .most = 1024,
     .unset = "one for each core",
     .help = "Number of threads for witness computation"},
    {.flag = "max-witness-stored",
     .letter = 'x',
     .type = CONFIG_NUMBER,
     .offset = AT(witness_stored),
     .least = 1,
     .most = 65536,
     .unset = "as memory allows",
     .help = "Maximum number of witnesses to store in memory"},
};

const config_program worker_program = {
    .name = "zisk-worker",
    .about = "Computes the shares of proofs that a coordinator assigns to it",
    .prefix = "ZISK_WORKER",
    .settings = worker_settings,
    .n_settings = sizeof worker_settings / sizeof worker_settings[0],
    .finish = check_worker,
    .more =
        "Between the phases of a job, instances wait in memory (-x of them) or are made again;\n"
        "with -m nothing waits in memory. Files that live no longer than the process lie in\n"
        "the folder `work` below --proving-key; what a killed worker leaves there is removed\n"
        "by the next that starts. Exit code 0 after SIGTERM or SIGINT, 1 when the worker\n"
        "cannot start, 2 on wrong usage.\n",
};
