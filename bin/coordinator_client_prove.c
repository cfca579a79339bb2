// SPDX-License-Identifier: Apache-2.0 OR MIT
// zisk-coordinator prove, watch, fetch.
#include "coordinator_client.h"

#include "base/file.h"
#include "base/text.h"
#include "cluster/messages.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { REQUEST_ID_BYTES = 16, SHA_BYTES = 32 };

// What LaunchProof points to.
typedef struct launch {
    api_launch_proof_request request;
    uint8_t input[SHA_BYTES], program[SHA_BYTES], id[REQUEST_ID_BYTES];
    char data_id[40];
} launch;

#define MODE(name) ZISK__DISTRIBUTED__API__V1__INPUT_MODE__INPUT_MODE_##name

static bool random_bytes(client *c, uint8_t *out, size_t n)
{
    return getrandom(out, n, 0) == (ssize_t)n ||
           client_note(c, "CLIENT", "the system gives no random numbers");
}

// The input's file, here or at the workers: a path, perhaps behind file://.
static const char *local_path(const char *uri)
{
    return strncmp(uri, "file://", 7) == 0 ? uri + 7 : uri;
}

static bool set_input(client *c, launch *l, const prove_config *p)
{
    api_launch_proof_request *r = &l->request;
    r->inputs_mode = MODE(NONE);
    r->raw_input = p->raw_input;
    if (p->inputs_uri == NULL)
        return true;
    if (!p->direct_inputs) {
        r->inputs_mode = MODE(PATH);
        r->_inputs_uri_case =
            ZISK__DISTRIBUTED__API__V1__LAUNCH_PROOF_REQUEST___INPUTS_URI_INPUTS_URI;
        r->inputs_uri = (char *)local_path(p->inputs_uri);
        return true;
    }
    const char *path = local_path(p->inputs_uri);
    uint64_t size;
    r->inputs_mode = MODE(DATA);
    r->input_digest = (ProtobufCBinaryData){SHA_BYTES, l->input};
    return client_digest(c, l->input, &size, path) && client_upload(c, path, l->input, size);
}

static bool set_names(client *c, launch *l, const prove_config *p)
{
    api_launch_proof_request *r = &l->request;
    if (!random_bytes(c, l->id, sizeof l->id))
        return false;
    r->request_id = (ProtobufCBinaryData){sizeof l->id, l->id};
    r->data_id = (char *)p->data_id;
    if (p->data_id == NULL) { // a UUID of version 4, as documented
        uint8_t u[16];
        if (!random_bytes(c, u, sizeof u))
            return false;
        u[6] = (uint8_t)((u[6] & 0x0f) | 0x40);
        u[8] = (uint8_t)((u[8] & 0x3f) | 0x80);
        char *at = l->data_id;
        for (int i = 0; i < 16; i++)
            at += sprintf(at, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", u[i]);
        r->data_id = l->data_id;
    }
    uint64_t size;
    if (p->elf == NULL)
        return true;
    r->program_digest = (ProtobufCBinaryData){SHA_BYTES, l->program};
    return client_digest(c, l->program, &size, p->elf);
}

// The id of the job in *job_id (free).
static bool launch_job(client *c, char **job_id, bool *queued, const prove_config *p)
{
    launch l = {.request = API_LAUNCH_PROOF_REQUEST_INIT};
    api_launch_proof_request *r = &l.request;
    if (!set_names(c, &l, p) || !set_input(c, &l, p))
        return false;
    r->compute_capacity = (uint32_t)p->compute_capacity;
    r->minimal_compute_capacity = (uint32_t)p->minimal_compute_capacity;
    if (p->simulated_node != CONFIG_UNSET) {
        r->_simulated_node_case =
            ZISK__DISTRIBUTED__API__V1__LAUNCH_PROOF_REQUEST___SIMULATED_NODE_SIMULATED_NODE;
        r->simulated_node = (uint32_t)p->simulated_node;
    }
    r->queue = p->queue;
    r->priority = (uint32_t)p->priority;
    r->queue_seconds = p->queue_seconds;
    api_launch_proof_response *answer;
    if (!client_call(c, "LaunchProof", &r->base, API_LAUNCH_PROOF_RESPONSE_TYPE, &answer))
        return false;
    bool ok = false;
    switch (answer->result_case) {
    case ZISK__DISTRIBUTED__API__V1__LAUNCH_PROOF_RESPONSE__RESULT_JOB_ID:
        if (!client_is_job_id(answer->job_id)) {
            client_note(c, "DATA_LOSS", "the answer to LaunchProof names no job");
            break;
        }
        *job_id = strdup(answer->job_id);
        *queued = answer->queued;
        ok = *job_id != NULL || client_note(c, "CLIENT", "no memory");
        break;
    case ZISK__DISTRIBUTED__API__V1__LAUNCH_PROOF_RESPONSE__RESULT_ERROR:
        client_note(c, answer->error->code, "%s", answer->error->message);
        break;
    default:
        client_note(c, "DATA_LOSS", "the answer to LaunchProof names no job");
    }
    message_free(&answer->base);
    return ok;
}

// Another command about the job, `rest` behind it, with the flags that reach the same coordinator.
static void put_command(FILE *to, const client *c, const char *command, const char *job_id,
                        const char *rest)
{
    fprintf(to, "zisk-coordinator %s %s%s", command, job_id, rest);
    const client_config *o = c->config;
    bool usual = strcmp(o->coordinator_url, "http://127.0.0.1:50051") == 0;
    const struct {
        const char *flag, *value;
    } flags[] = {{"coordinator-url", usual ? NULL : o->coordinator_url},
                 {"tls-ca", o->tls_ca},
                 {"tls-cert", o->tls_cert},
                 {"tls-key", o->tls_key},
                 {"token-file", o->token_file}};
    for (size_t k = 0; k < sizeof flags / sizeof *flags; k++)
        if (flags[k].value != NULL)
            fprintf(to, " --%s %s", flags[k].flag, flags[k].value);
}

// How to go on with a job that this process does not wait for any more.
static void tell_how_to_go_on(const client *c, const char *job_id)
{
    static const char *const commands[][2] = {{"watch", ""}, {"fetch", " -o FILE"}, {"cancel", ""}};
    fprintf(stderr, "job %s goes on without this command:\n", job_id);
    for (size_t k = 0; k < sizeof commands / sizeof *commands; k++) {
        fputs("  ", stderr);
        put_command(stderr, c, commands[k][0], job_id, commands[k][1]);
        fputc('\n', stderr);
    }
}

static bool put_end_json(byte_buffer *b, const char *job_id, const api_job_status *s,
                         const char *output, bool verified)
{
    return buffer_put_text(b, "{\"job_id\":") == ZK_OK && buffer_put_json(b, job_id) == ZK_OK &&
           buffer_put_text(b, ",\"state\":") == ZK_OK && buffer_put_json(b, s->state) == ZK_OK &&
           buffer_printf(b,
                         ",\"duration_ms\":%" PRIu64 ",\"executed_steps\":%" PRIu64
                         ",\"proof_bytes\":%" PRIu64 ",\"proof_sha256\":\"",
                         s->duration_ms, s->executed_steps, s->proof_bytes) == ZK_OK &&
           buffer_put_hex(b, s->proof_sha256.data, s->proof_sha256.len) == ZK_OK &&
           buffer_put_text(b, "\",\"output\":") == ZK_OK && buffer_put_json(b, output) == ZK_OK &&
           buffer_printf(b, ",\"verified\":%s}\n", verified ? "true" : "false") == ZK_OK;
}

static void print_end(const client *c, const char *job_id, const api_job_status *s,
                      const char *output, bool verified)
{
    if (c->config->json) {
        byte_buffer b = buffer_new();
        if (put_end_json(&b, job_id, s, output, verified))
            fwrite(b.data, 1, b.size, stdout);
        buffer_clear(&b);
        return;
    }
    char took[32];
    client_duration(took, s->duration_ms);
    if (output != NULL)
        printf("%s: proof of job %s, %" PRIu64 " bytes, %" PRIu64 " steps, %s%s\n", output, job_id,
               s->proof_bytes, s->executed_steps, took,
               verified ? "" : "; not verified here (--vk or --elf do that)");
    else if (s->proof_bytes > 0) {
        printf("job %s completed in %s; the coordinator keeps the proof of %" PRIu64
               " bytes as proof_%s.bin in its proofs folder and for `",
               job_id, took, s->proof_bytes, job_id);
        put_command(stdout, c, "fetch", job_id, " -o FILE");
        printf("`\n");
    } else
        printf("job %s completed in %s without a proof: it was simulated\n", job_id, took);
}

static bool wait_and_fetch(client *c, const char *job_id, const prove_config *p,
                           const client_proof_key *key)
{
    api_job_status *s;
    bool ok = client_watch(c, job_id, &s);
    if (ok && p->output != NULL) {
        ok = client_fetch(c, job_id, p->output, key);
        if (!ok && !c->interrupted && strcmp(c->code, "PROOF_INVALID") != 0) {
            fputs("the coordinator keeps the proof: ", stderr);
            put_command(stderr, c, "fetch", job_id, " -o FILE");
            fputc('\n', stderr);
        }
    }
    if (ok)
        print_end(c, job_id, s, p->output, p->output != NULL && key->given);
    if (s != NULL)
        message_free(&s->base);
    return ok;
}

// The place for the proof is looked at before hours of proving.
static bool check_output(client *c, const char *path)
{
    return path == NULL || file_check_target(path) == ZK_OK || client_note_status(c);
}

static int run_prove(client *c, const prove_config *p)
{
    char *job_id = NULL;
    bool queued = false;
    client_proof_key key = {0};
    bool ok = client_open(c, &p->client) && check_output(c, p->output) &&
              (p->output == NULL || client_key(c, &key, p->vk, p->elf)) &&
              launch_job(c, &job_id, &queued, p);
    if (ok && p->no_wait && !p->client.json)
        printf("%s\n", job_id);
    else if (ok && p->no_wait)
        printf("{\"job_id\":\"%s\",\"queued\":%s}\n", job_id, queued ? "true" : "false");
    else if (ok) {
        fprintf(stderr, "job %s %s\n", job_id, queued ? "waits for capacity" : "started");
        ok = wait_and_fetch(c, job_id, p, &key);
    }
    if (c->interrupted && job_id != NULL)
        tell_how_to_go_on(c, job_id);
    else if (c->interrupted)
        fprintf(stderr, "interrupted before a job was started\n");
    int code = ok ? CLIENT_DONE : client_exit(c);
    free(job_id);
    return code;
}

int client_prove(int argc, char **argv)
{
    config settings;
    prove_config p = {0};
    int code = client_settings(&settings, &p, &prove_program, argc, argv);
    if (code < 0) {
        client c = {0};
        code = run_prove(&c, &p);
        client_close(&c);
    }
    config_clear(&settings);
    return code;
}

int client_watch_command(int argc, char **argv)
{
    config settings;
    client_command_config p = {0};
    int code = client_settings(&settings, &p, &watch_program, argc, argv);
    if (code < 0) {
        client c = {0};
        api_job_status *s = NULL;
        bool ok = client_open(&c, &p.client) && client_watch(&c, p.job_id, &s);
        if (c.interrupted)
            tell_how_to_go_on(&c, p.job_id);
        else if (ok)
            print_end(&c, p.job_id, s, NULL, false);
        code = ok ? CLIENT_DONE : client_exit(&c);
        if (s != NULL)
            message_free(&s->base);
        client_close(&c);
    }
    config_clear(&settings);
    return code;
}

int client_fetch_command(int argc, char **argv)
{
    config settings;
    client_command_config p = {0};
    int code = client_settings(&settings, &p, &fetch_program, argc, argv);
    if (code < 0) {
        client c = {0};
        client_proof_key key = {0};
        bool ok = client_open(&c, &p.client) && client_key(&c, &key, p.vk, p.elf) &&
                  client_fetch(&c, p.job_id, p.output, &key);
        if (ok && p.client.json)
            printf("{\"job_id\":\"%s\",\"verified\":%s}\n", p.job_id, key.given ? "true" : "false");
        else if (ok)
            printf("%s: proof of job %s%s\n", p.output, p.job_id,
                   key.given ? "" : "; not verified here (--vk or --elf do that)");
        code = ok ? CLIENT_DONE : client_exit(&c);
        client_close(&c);
    }
    config_clear(&settings);
    return code;
}
