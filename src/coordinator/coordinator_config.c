// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/coordinator_config.h"

#include "base/log.h"
#include "config/config_rows.h"
#include "coordinator/access.h"

#include <string.h>

enum { WEEK_SECONDS = 7 * 24 * 3600 };
#define MAX_STEPS (1ULL << 36) // VM_MAX_STEPS of the workers' machine

#define AT(member) offsetof(coordinator_config, member)

static const config_setting coordinator_settings[] = {
    {.key = "service.name",
     .type = CONFIG_TEXT,
     .offset = AT(service_name),
     .fallback = "ZisK Distributed Coordinator",
     .help = "Service name"},
    {.key = "service.environment",
     .type = CONFIG_CHOICE,
     .offset = AT(environment),
     .choices = CONFIG_ENVIRONMENTS,
     .fallback = "development",
     .help = "Service environment"},
    {.key = "server.host",
     .type = CONFIG_TEXT,
     .offset = AT(host),
     .fallback = "0.0.0.0",
     .help = "Server host"},
    {.key = "server.port",
     .flag = "port",
     .letter = 'p',
     .type = CONFIG_NUMBER,
     .offset = AT(port),
     .least = 0,
     .most = 65535,
     .fallback = "50051",
     .help = "Server port; 0 takes a free one"},
    {.key = "server.proofs_dir",
     .flag = "proofs-dir",
     .type = CONFIG_PATH,
     .offset = AT(proofs_dir),
     .fallback = "proofs",
     .help = "Directory to save generated proofs"},
    {.key = "server.no_save_proofs",
     .flag = "no-save-proofs",
     .type = CONFIG_SWITCH,
     .offset = AT(no_save_proofs),
     .excludes = "proofs-dir",
     .help = "Disable saving proofs"},
    {.key = "server.proofs_retention_days",
     .type = CONFIG_NUMBER,
     .offset = AT(proofs_retention_days),
     .least = 0,
     .most = 36500,
     .fallback = "0",
     .help = "Days after which a saved proof is removed; 0 keeps it for ever"},
    {.key = "server.state_dir",
     .type = CONFIG_PATH,
     .offset = AT(state_dir),
     .fallback = "state",
     .help = "Directory of jobs, results and uploads, which outlive the process; one coordinator "
             "at a time may use it"},
    {.key = "server.inputs_folder",
     .type = CONFIG_PATH,
     .offset = AT(inputs_folder),
     .unset = "none is read",
     .help = "Directory below which a request in data mode may name an input file on this machine"},
    {.key = "server.upload_max_mib",
     .type = CONFIG_NUMBER,
     .offset = AT(upload_max_mib),
     .least = 1,
     .most = 1 << 20,
     .fallback = "4096",
     .help = "Largest upload in MiB: an input, or a proof of a worker"},
    {.key = "server.artifacts_max_mib",
     .type = CONFIG_NUMBER,
     .offset = AT(artifacts_max_mib),
     .least = 1,
     .most = 1 << 30,
     .fallback = "65536",
     .help = "All uploads together in MiB; those that no job needs are removed after an hour"},
    {.key = "coordinator.compressed_proofs",
     .flag = "compressed-proofs",
     .letter = 'c',
     .type = CONFIG_SWITCH,
     .missing = "compressed proofs are not implemented yet",
     .help = "Generate compressed proofs"},
    {.key = "server.shutdown_timeout_seconds",
     .type = CONFIG_NUMBER,
     .offset = AT(shutdown_timeout_seconds),
     .least = 0,
     .most = 3600,
     .fallback = "30",
     .help = "Graceful shutdown timeout in seconds"},
    {.key = "server.admin_allow",
     .type = CONFIG_TEXT,
     .offset = AT(admin_allow),
     .unset = "127.0.0.0/8, ::1",
     .check = access_check_addresses,
     .help =
         "Addresses and ranges that may launch, watch, list and cancel while neither tokens nor "
         "client certificates tell who calls"},
    {.key = "server.tls_cert",
     .type = CONFIG_PATH,
     .offset = AT(tls_cert),
     .unset = "no TLS",
     .help = "Certificate chain in PEM; with server.tls_key. Read again on SIGHUP"},
    {.key = "server.tls_key",
     .type = CONFIG_PATH,
     .offset = AT(tls_key),
     .unset = "no TLS",
     .help = "Private key in PEM. Read again on SIGHUP"},
    {.key = "server.tls_client_ca",
     .type = CONFIG_PATH,
     .offset = AT(tls_client_ca),
     .unset = "clients need no certificate",
     .help = "Authorities in PEM, one of which must have signed a client's certificate; its common "
             "name is ROLE:NAME with the role worker, client or admin"},
    {.key = "server.tokens_file",
     .type = CONFIG_PATH,
     .offset = AT(tokens_file),
     .unset = "no tokens",
     .help = "Bearer tokens, a line each: ROLE NAME TOKEN. Needs TLS or a loopback host. Read "
             "again on SIGHUP"},
    {.key = "server.metrics_host",
     .type = CONFIG_TEXT,
     .offset = AT(metrics_host),
     .fallback = "127.0.0.1",
     .help = "Address that answers /metrics and /health"},
    {.key = "server.metrics_port",
     .type = CONFIG_NUMBER,
     .offset = AT(metrics_port),
     .least = 0,
     .most = 65535,
     .fallback = "0",
     .help = "Port of /metrics (Prometheus) and /health; 0 is off"},
    CONFIG_LOGGING_ROWS(coordinator_config),
    {.key = "coordinator.max_workers_per_job",
     .type = CONFIG_NUMBER,
     .offset = AT(max_workers_per_job),
     .least = 1,
     .most = 100000,
     .fallback = "10",
     .help = "Maximum workers per proof job"},
    {.key = "coordinator.max_total_workers",
     .type = CONFIG_NUMBER,
     .offset = AT(max_total_workers),
     .least = 1,
     .most = 100000,
     .fallback = "1000",
     .help = "Maximum total registered workers"},
    {.key = "coordinator.phase1_timeout_seconds",
     .type = CONFIG_NUMBER,
     .offset = AT(phase1_timeout_seconds),
     .least = 1,
     .most = WEEK_SECONDS,
     .fallback = "300",
     .help = "Phase 1 timeout in seconds, from the last progress reported"},
    {.key = "coordinator.phase2_timeout_seconds",
     .type = CONFIG_NUMBER,
     .offset = AT(phase2_timeout_seconds),
     .least = 1,
     .most = WEEK_SECONDS,
     .fallback = "600",
     .help = "Phase 2 timeout in seconds, from the last progress reported"},
    {.key = "coordinator.phase3_timeout_seconds",
     .type = CONFIG_NUMBER,
     .offset = AT(phase3_timeout_seconds),
     .least = 1,
     .most = WEEK_SECONDS,
     .fallback = "600",
     .help = "Phase 3 timeout in seconds, from the last progress reported"},
    {.key = "coordinator.heartbeat_timeout_seconds",
     .type = CONFIG_NUMBER,
     .offset = AT(heartbeat_timeout_seconds),
     .least = 2,
     .most = 3600,
     .fallback = "30",
     .help = "Silence after which a worker counts as lost; it is asked three times as often"},
    {.key = "coordinator.reconnect_grace_seconds",
     .type = CONFIG_NUMBER,
     .offset = AT(reconnect_grace_seconds),
     .least = 0,
     .most = WEEK_SECONDS,
     .fallback = "10",
     .help = "A lost worker keeps its tasks for so long; then others get them"},
    {.key = "coordinator.capacity_timeout_seconds",
     .type = CONFIG_NUMBER,
     .offset = AT(capacity_timeout_seconds),
     .least = 1,
     .most = WEEK_SECONDS,
     .fallback = "300",
     .help = "A running job that has lost its workers waits so long for any other"},
    {.key = "coordinator.max_attempts",
     .type = CONFIG_NUMBER,
     .offset = AT(max_attempts),
     .least = 1,
     .most = 100,
     .fallback = "3",
     .help = "How often one share of a job may be given to a worker"},
    {.key = "coordinator.job_retention_hours",
     .type = CONFIG_NUMBER,
     .offset = AT(job_retention_hours),
     .least = 0,
     .most = 876000,
     .fallback = "168",
     .help = "Hours after which a job that is over is forgotten, with its results; 0: never"},
    {.key = "coordinator.instance_log_cells",
     .type = CONFIG_CHOICE,
     .offset = AT(instance_log_cells),
     .choices = "23, 26",
     .fallback = "26",
     .help = "Size of the largest instances, as the log2 of their cells; 23 takes less memory and "
             "gives longer proofs"},
    {.key = "coordinator.max_steps",
     .type = CONFIG_NUMBER,
     .offset = AT(max_steps),
     .least = 1,
     .most = MAX_STEPS,
     .fallback = "68719476736",
     .help = "Steps after which a program counts as failed"},
    {.key = "coordinator.webhook_url",
     .flag = "webhook-url",
     .type = CONFIG_TEXT,
     .offset = AT(webhook_url),
     .unset = "no webhook",
     .check = config_check_url,
     .help = "Webhook URL to notify on job completion; {$job_id} stands for the job, else /JOB_ID "
             "is appended"},
    {.key = "coordinator.webhook_timeout_seconds",
     .type = CONFIG_NUMBER,
     .offset = AT(webhook_timeout_seconds),
     .least = 1,
     .most = 3600,
     .fallback = "10",
     .help = "Time for one notification in seconds"},
    {.key = "coordinator.webhook_retries",
     .type = CONFIG_NUMBER,
     .offset = AT(webhook_retries),
     .least = 0,
     .most = 100,
     .fallback = "0",
     .help = "How often a notification that failed is tried again, after 1, 2, 4, .. 60 seconds"},
    {.key = "coordinator.webhook_secret_file",
     .type = CONFIG_PATH,
     .offset = AT(webhook_secret_file),
     .unset = "not signed",
     .help = "File whose first line is the secret that signs notifications (HMAC-SHA256)"},
    {.key = "coordinator.webhook_max_proof_mib",
     .type = CONFIG_NUMBER,
     .offset = AT(webhook_max_proof_mib),
     .least = 0,
     .most = 1 << 20,
     .fallback = "64",
     .help = "Proof files above this size are not sent: `proof` is null, `proof_sha256` and "
             "`proof_url` tell of them"},
    {.key = "coordinator.webhook_proof_url",
     .type = CONFIG_TEXT,
     .offset = AT(webhook_proof_url),
     .unset = "`proof_url` is null",
     .check = config_check_url,
     .help = "Where large proofs are to be had, for `proof_url`; {$job_id} stands for the job"},
};

static status finish_coordinator(void *values, config *c)
{
    (void)c;
    coordinator_config *v = values;
    if (v->no_save_proofs)
        v->proofs_dir = NULL;
    FAIL_IF((v->tls_cert == NULL) != (v->tls_key == NULL), ZK_EINVAL,
            "server.tls_cert and server.tls_key belong together");
    FAIL_IF(v->tls_client_ca != NULL && v->tls_cert == NULL, ZK_EINVAL,
            "server.tls_client_ca needs server.tls_cert: only TLS has client certificates");
    FAIL_IF(v->tokens_file != NULL && v->tls_cert == NULL && !access_is_loopback(v->host),
            ZK_EINVAL,
            "server.tokens_file without TLS would send tokens in the clear; set server.tls_cert "
            "and server.tls_key, or server.host to a loopback address such as 127.0.0.1");
    FAIL_IF(v->admin_allow != NULL && (v->tokens_file != NULL || v->tls_client_ca != NULL),
            ZK_EINVAL,
            "server.admin_allow has no meaning beside server.tokens_file or server.tls_client_ca, "
            "which tell who calls");
    FAIL_IF(v->upload_max_mib > v->artifacts_max_mib, ZK_EINVAL,
            "server.upload_max_mib must not exceed server.artifacts_max_mib");
    return ZK_OK;
}

const config_program coordinator_program = {
    .name = "zisk-coordinator",
    .about = "Takes proof requests and spreads the work over the workers of a cluster",
    .prefix = "ZISK_COORDINATOR",
    .settings = coordinator_settings,
    .n_settings = sizeof coordinator_settings / sizeof coordinator_settings[0],
    .finish = finish_coordinator,
    .more = "`zisk-coordinator prove --help` explains how to request a proof.\n",
};

#undef AT
#define AT(member) offsetof(prove_config, member)

static const config_setting prove_settings[] = {
    {.flag = "inputs-uri",
     .type = CONFIG_TEXT,
     .offset = AT(inputs_uri),
     .unset = "no input",
     .help = "Path to the input file for proof generation"},
    {.flag = "compute-capacity",
     .letter = 'c',
     .type = CONFIG_NUMBER,
     .offset = AT(compute_capacity),
     .least = 1,
     .most = UINT32_MAX,
     .required = true,
     .help = "Total compute units required for the proof"},
    {.flag = "coordinator-url",
     .type = CONFIG_TEXT,
     .offset = AT(coordinator_url),
     .fallback = "http://127.0.0.1:50051",
     .check = config_check_url,
     .help = "URL of the coordinator to send the request to"},
    {.flag = "data-id",
     .type = CONFIG_TEXT,
     .offset = AT(data_id),
     .unset = "Auto (from filename or UUID)",
     .help = "Custom identifier for the proof job"},
    {.flag = "hints-uri",
     .type = CONFIG_TEXT,
     .missing = "precompile hints are not implemented yet",
     .help = "Path/URI to the precompile hints source"},
    {.flag = "stream-hints",
     .type = CONFIG_SWITCH,
     .missing = "precompile hints are not implemented yet",
     .help = "Stream hints from the coordinator to workers via gRPC"},
    {.flag = "direct-inputs",
     .letter = 'x',
     .type = CONFIG_SWITCH,
     .offset = AT(direct_inputs),
     .help = "Send input data inline via gRPC instead of as a file path"},
    {.flag = "minimal-compute-capacity",
     .letter = 'm',
     .type = CONFIG_NUMBER,
     .offset = AT(minimal_compute_capacity),
     .least = 1,
     .most = UINT32_MAX,
     .unset = "Same as --compute-capacity",
     .help = "Minimum acceptable compute capacity (allows partial worker allocation)"},
    {.flag = "simulated-node",
     .type = CONFIG_NUMBER,
     .offset = AT(simulated_node),
     .least = 0,
     .most = UINT32_MAX,
     .help = "Simulated node ID (for testing)"},
    {.flag = "output",
     .type = CONFIG_PATH,
     .offset = AT(output),
     .unset = "not written",
     .help = "File to write the proof to"},
    {.flag = "no-wait",
     .type = CONFIG_SWITCH,
     .offset = AT(no_wait),
     .excludes = "output",
     .help = "Print the job id and end, without waiting for the proof"},
};

// The name of the input file without folders and its last extension; NULL when nothing is left.
static status data_id_of(const char **out, config *c, const char *path)
{
    *out = NULL;
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    size_t n = dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name);
    if (n == 0 || strcmp(name, "..") == 0 || strcmp(name, ".") == 0)
        return ZK_OK;
    char *copy;
    TRY(arena_new(&copy, &c->memory, n + 1));
    memcpy(copy, name, n);
    copy[n] = 0;
    *out = copy;
    return ZK_OK;
}

static status finish_prove(void *values, config *c)
{
    prove_config *v = values;
    if (v->minimal_compute_capacity == CONFIG_UNSET)
        v->minimal_compute_capacity = v->compute_capacity;
    FAIL_IF(v->minimal_compute_capacity > v->compute_capacity, ZK_EINVAL,
            "--minimal-compute-capacity must not exceed --compute-capacity");
    FAIL_IF(v->direct_inputs && v->inputs_uri == NULL, ZK_EINVAL,
            "--direct-inputs needs --inputs-uri, the file to send");
    if (v->data_id == NULL && v->inputs_uri != NULL)
        TRY(data_id_of(&v->data_id, c, v->inputs_uri));
    return ZK_OK;
}

const config_program prove_program = {
    .name = "zisk-coordinator prove",
    .about = "Requests a proof from a running coordinator",
    .settings = prove_settings,
    .n_settings = sizeof prove_settings / sizeof prove_settings[0],
    .finish = finish_prove,
};
