// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/coordinator_config.h"

#include "base/log.h"
#include "config/config_rows.h"

#include <string.h>

enum { WEEK_SECONDS = 7 * 24 * 3600 };

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
};

static status finish_coordinator(void *values, config *c)
{
    (void)c;
    coordinator_config *v = values;
    if (v->no_save_proofs)
        v->proofs_dir = NULL;
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
