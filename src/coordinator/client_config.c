// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/client_config.h"

#include "config/config_rows.h"

#include <string.h>

// clang-format off
#define CLIENT_ROWS(values)                                                                        \
    {.flag = "coordinator-url",                                                                    \
     .type = CONFIG_TEXT,                                                                          \
     .offset = offsetof(values, client.coordinator_url),                                           \
     .fallback = "http://127.0.0.1:50051",                                                         \
     .check = config_check_url,                                                                    \
     .help = "URL of the coordinator to send the request to"},                                     \
    {.flag = "tls-ca",                                                                             \
     .type = CONFIG_PATH,                                                                          \
     .offset = offsetof(values, client.tls_ca),                                                    \
     .unset = "the system's",                                                                      \
     .help = "Authorities in PEM that may have signed the coordinator's certificate"},             \
    {.flag = "tls-cert",                                                                           \
     .type = CONFIG_PATH,                                                                          \
     .offset = offsetof(values, client.tls_cert),                                                  \
     .unset = "none",                                                                              \
     .help = "Own certificate in PEM, for coordinators that ask for one"},                         \
    {.flag = "tls-key",                                                                            \
     .type = CONFIG_PATH,                                                                          \
     .offset = offsetof(values, client.tls_key),                                                   \
     .unset = "none",                                                                              \
     .help = "Private key of --tls-cert in PEM"},                                                  \
    {.flag = "token-file",                                                                         \
     .type = CONFIG_PATH,                                                                          \
     .offset = offsetof(values, client.token_file),                                                \
     .unset = "no token",                                                                          \
     .help = "File whose first line is the token to send; over https:// or to this machine alone"},\
    {.flag = "reconnect-seconds",                                                                  \
     .type = CONFIG_NUMBER,                                                                        \
     .offset = offsetof(values, client.reconnect_seconds),                                         \
     .least = 0,                                                                                   \
     .most = 7 * 24 * 3600,                                                                        \
     .fallback = "300",                                                                            \
     .help = "How long to wait for a coordinator that went away"},                                 \
    {.flag = "json",                                                                               \
     .type = CONFIG_SWITCH,                                                                        \
     .offset = offsetof(values, client.json),                                                      \
     .help = "Print the result as JSON"}
// clang-format on

static status finish_client(const client_config *c)
{
    FAIL_IF((c->tls_cert == NULL) != (c->tls_key == NULL), ZK_EINVAL,
            "--tls-cert and --tls-key belong together");
    bool tls = strncmp(c->coordinator_url, "https://", 8) == 0;
    FAIL_IF(!tls && (c->tls_ca != NULL || c->tls_cert != NULL), ZK_EINVAL,
            "--tls-ca and --tls-cert need a --coordinator-url that begins with https://");
    return ZK_OK;
}

bool client_is_job_id(const char *text)
{
    size_t n = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_");
    return n > 0 && n <= CLIENT_JOB_ID_MAX && text[n] == 0;
}

static status check_job_id(const char *value)
{
    FAIL_IF(!client_is_job_id(value), ZK_EINVAL,
            "\"%.100s\" is no job id; `zisk-coordinator jobs` lists them", value);
    return ZK_OK;
}

static status check_vk(const char *value)
{
    FAIL_IF(strlen(value) != 64 || strspn(value, "0123456789abcdefABCDEF") != 64, ZK_EINVAL,
            "\"%s\" is no verification key: 64 hexadecimal digits, as `zisk vk` prints them",
            value);
    return ZK_OK;
}

// Nothing is fetched from the network: an address would be looked for as a file, by every worker.
static status check_inputs_uri(const char *value)
{
    size_t scheme = strcspn(value, ":/");
    FAIL_IF(
        strncmp(value + scheme, "://", 3) == 0 && strncmp(value, "file://", 7) != 0, ZK_EINVAL,
        "\"%.200s\" is no path; inputs are files: of this machine with --direct-inputs, else in "
        "the inputs folder of the workers",
        value);
    return ZK_OK;
}

#define AT(member) offsetof(prove_config, member)

static const config_setting prove_settings[] = {
    {.flag = "inputs-uri",
     .type = CONFIG_TEXT,
     .offset = AT(inputs_uri),
     .unset = "no input",
     .check = check_inputs_uri,
     .help = "Path to the input file for proof generation"},
    {.flag = "compute-capacity",
     .letter = 'c',
     .type = CONFIG_NUMBER,
     .offset = AT(compute_capacity),
     .least = 1,
     .most = UINT32_MAX,
     .required = true,
     .help = "Total compute units required for the proof"},
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
     .excludes = "output",
     .help = "Simulated node ID (for testing): a report of times, never a proof"},
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
    {.flag = "raw-input",
     .type = CONFIG_SWITCH,
     .offset = AT(raw_input),
     .help = "The bytes of the input are one record, without the length in front of it"},
    {.flag = "queue",
     .type = CONFIG_SWITCH,
     .offset = AT(queue),
     .help = "Wait in the queue for capacity, instead of an error"},
    {.flag = "priority",
     .type = CONFIG_NUMBER,
     .offset = AT(priority),
     .least = 0,
     .most = UINT32_MAX,
     .unset = "0",
     .help = "Higher goes first in the queue; needs --queue"},
    {.flag = "queue-seconds",
     .type = CONFIG_NUMBER,
     .offset = AT(queue_seconds),
     .least = 1,
     .most = 7 * 24 * 3600,
     .unset = "no limit",
     .help = "Longest wait in the queue; needs --queue"},
    {.flag = "vk",
     .type = CONFIG_TEXT,
     .offset = AT(vk),
     .unset = "not verified",
     .check = check_vk,
     .help = "Verification key of the program (see `zisk vk`): the proof is verified against it "
             "before it is written"},
    {.flag = "elf",
     .type = CONFIG_PATH,
     .offset = AT(elf),
     .unset = "not verified",
     .excludes = "vk",
     .help = "The program: only workers with this file take part, and the proof is verified "
             "against its key before it is written"},
    CLIENT_ROWS(prove_config),
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
    FAIL_IF(v->raw_input && v->inputs_uri == NULL, ZK_EINVAL,
            "--raw-input needs --inputs-uri, the input it is about");
    FAIL_IF(!v->queue && (v->priority != CONFIG_UNSET || v->queue_seconds != CONFIG_UNSET),
            ZK_EINVAL, "--priority and --queue-seconds need --queue");
    v->priority = v->priority == CONFIG_UNSET ? 0 : v->priority;
    v->queue_seconds = v->queue_seconds == CONFIG_UNSET ? 0 : v->queue_seconds;
    FAIL_IF(v->vk != NULL && v->output == NULL, ZK_EINVAL,
            "--vk needs --output, the proof to verify");
    TRY(finish_client(&v->client));
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
    .more =
        "Exit code 0: done, 1: failed, as the last line says, 2: wrong usage, 130: interrupted; "
        "the job goes on.\n",
};

#undef AT
#define AT(member) offsetof(client_command_config, member)
#define JOB_ROW(is_required, is_unset)                                                             \
    {                                                                                              \
        .flag = "job-id", .type = CONFIG_TEXT, .offset = AT(job_id), .operand = true,              \
        .required = is_required, .unset = is_unset, .check = check_job_id,                         \
        .help = "Id of the job, as `prove` printed it"                                             \
    }

static status finish_command(void *values, config *c)
{
    (void)c;
    return finish_client(&((client_command_config *)values)->client);
}

static const config_setting jobs_settings[] = {
    {.flag = "active",
     .type = CONFIG_SWITCH,
     .offset = AT(active),
     .help = "Only jobs that have workers"},
    CLIENT_ROWS(client_command_config),
};
static const config_setting workers_settings[] = {
    {.flag = "available",
     .type = CONFIG_SWITCH,
     .offset = AT(available),
     .help = "Only idle workers"},
    CLIENT_ROWS(client_command_config),
};
static const config_setting status_settings[] = {
    JOB_ROW(false, "the coordinator as a whole"),
    CLIENT_ROWS(client_command_config),
};
static const config_setting bare_settings[] = {CLIENT_ROWS(client_command_config)};
static const config_setting cancel_settings[] = {
    JOB_ROW(true, NULL),
    {.flag = "reason",
     .type = CONFIG_TEXT,
     .offset = AT(reason),
     .unset = "cancelled by a client",
     .help = "Why, for logs and for those who wait"},
    CLIENT_ROWS(client_command_config),
};
static const config_setting watch_settings[] = {
    JOB_ROW(true, NULL),
    CLIENT_ROWS(client_command_config),
};
static const config_setting fetch_settings[] = {
    JOB_ROW(true, NULL),
    {.flag = "output",
     .letter = 'o',
     .type = CONFIG_PATH,
     .offset = AT(output),
     .required = true,
     .help = "File to write the proof to"},
    {.flag = "vk",
     .type = CONFIG_TEXT,
     .offset = AT(vk),
     .unset = "not verified",
     .check = check_vk,
     .help = "Verification key of the program (see `zisk vk`): the proof is verified against it "
             "before it is written"},
    {.flag = "elf",
     .type = CONFIG_PATH,
     .offset = AT(elf),
     .unset = "not verified",
     .excludes = "vk",
     .help = "The program, against whose key the proof is verified before it is written"},
    CLIENT_ROWS(client_command_config),
};

#define COMMAND(variable, command, rows, text)                                                     \
    const config_program variable = {.name = "zisk-coordinator " command,                          \
                                     .about = text,                                                \
                                     .settings = rows,                                             \
                                     .n_settings = sizeof rows / sizeof rows[0],                   \
                                     .finish = finish_command}

COMMAND(jobs_program, "jobs", jobs_settings, "Lists the jobs of a running coordinator");
COMMAND(workers_program, "workers", workers_settings,
        "Lists the workers of a running coordinator, with a reason for each that is idle");
COMMAND(status_program, "status", status_settings, "Shows one job, or the coordinator as a whole");
COMMAND(queue_program, "queue", bare_settings, "Lists the jobs that wait for capacity");
COMMAND(cancel_program, "cancel", cancel_settings, "Ends a job");
COMMAND(watch_program, "watch", watch_settings, "Follows a job until it is over");
COMMAND(fetch_program, "fetch", fetch_settings, "Fetches the proof of a job that is completed");
COMMAND(top_program, "top", bare_settings, "Shows workers and jobs as they change; q quits");
