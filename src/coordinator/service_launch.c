// SPDX-License-Identifier: Apache-2.0 OR MIT
// LaunchProof: checks what the engine cannot know, makes an artifact of an input that is named by a
// path on this machine, and hands the request on.
#include "coordinator/service_internal.h"

#include "base/log.h"
#include "coordinator/input_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HAS_URI    ZISK__DISTRIBUTED__API__V1__LAUNCH_PROOF_REQUEST___INPUTS_URI_INPUTS_URI
#define MODE(name) ZISK__DISTRIBUTED__API__V1__INPUT_MODE__INPUT_MODE_##name

// A request whose input is being read. Freed when both the call and the reading are over.
typedef struct input_read {
    service *s;
    rpc_call *call; // NULL: the client is gone
    bool busy;
    api_launch_proof_request *request;
    status result;
    char message[256];
    uint8_t digest[ARTIFACT_DIGEST];
} input_read;

static void launch(service *s, rpc_call *call, const api_launch_proof_request *r)
{
    char id[JOB_ID_BYTES];
    bool queued = false;
    status result = engine_launch(s->engine, service_now_ms(s), r, id, &queued);
    if (result != ZK_OK) {
        service_fail(call, result, status_message());
        return;
    }
    service_touch(s);
    api_launch_proof_response answer = API_LAUNCH_PROOF_RESPONSE_INIT;
    answer.result_case = ZISK__DISTRIBUTED__API__V1__LAUNCH_PROOF_RESPONSE__RESULT_JOB_ID;
    answer.job_id = id;
    answer.queued = queued;
    service_reply(call, &answer);
}

// ---- Inputs on this machine

static status copy_input(artifact_writer *w, int fd)
{
    status result = ZK_OK;
    uint8_t *buffer = malloc(SERVICE_CHUNK);
    FAIL_IF(buffer == NULL, ZK_ENOMEM, "no memory to read an input");
    for (;;) {
        ssize_t n = read(fd, buffer, SERVICE_CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        FAIL_OUT_IF(n < 0, ZK_EIO, "the input cannot be read: %m");
        if (n == 0)
            break;
        TRY_OUT(artifact_write(w, buffer, (size_t)n));
    }
out:
    free(buffer);
    return result;
}

static status read_input(input_read *r)
{
    int fd;
    uint64_t size;
    const char *uri = r->request->inputs_uri;
    if (strncmp(uri, "file://", 7) == 0)
        uri += 7;
    TRY(input_file_open(&fd, &size, r->s->o.inputs_folder, uri));
    artifact_writer *w;
    status result = artifact_begin(&w, r->s->o.artifacts, NULL, size);
    if (result == ZK_OK) {
        result = copy_input(w, fd);
        if (result == ZK_OK)
            result = artifact_commit(w, r->digest);
        else
            artifact_abort(w);
    }
    close(fd);
    return result;
}

static void read_work(void *arg)
{
    input_read *r = arg;
    r->result = read_input(r);
    if (r->result != ZK_OK)
        snprintf(r->message, sizeof r->message, "%s", status_message());
}

static void read_free(input_read *r)
{
    message_free(&r->request->base);
    free(r);
}

static void read_done(void *arg)
{
    input_read *r = arg;
    r->busy = false;
    if (r->call == NULL) {
        read_free(r);
        return;
    }
    if (r->s->stopping) {
        rpc_finish(r->call, RPC_UNAVAILABLE, "the coordinator is shutting down");
    } else if (r->result != ZK_OK) {
        service_fail(r->call, r->result, r->message);
    } else {
        api_launch_proof_request changed = *r->request; // shares its texts
        changed.input_digest = (ProtobufCBinaryData){.len = ARTIFACT_DIGEST, .data = r->digest};
        changed._inputs_uri_case = 0;
        launch(r->s, r->call, &changed);
    }
}

static void on_read_call_done(rpc_call *call, void *arg, rpc_code code, const char *message)
{
    (void)call;
    (void)code;
    (void)message;
    input_read *r = arg;
    r->call = NULL;
    if (!r->busy)
        read_free(r);
}

// Takes the request.
static void launch_from_disk(service *s, rpc_call *call, api_launch_proof_request *request)
{
    static const rpc_call_events events = {.on_done = on_read_call_done};
    input_read *r = calloc(1, sizeof *r);
    if (r == NULL) {
        message_free(&request->base);
        rpc_finish(call, RPC_RESOURCE_EXHAUSTED, "no memory to read the input");
        return;
    }
    *r = (input_read){.s = s, .call = call, .request = request};
    rpc_call_set_events(call, &events, r);
    r->busy = true;
    if (service_io(s, read_work, read_done, r) != ZK_OK) {
        r->busy = false;
        rpc_finish(call, RPC_RESOURCE_EXHAUSTED, status_message());
    }
}

// ---- The call

static status check_request_input(const service *s, const api_launch_proof_request *r)
{
    bool has_uri = r->_inputs_uri_case == HAS_URI && r->inputs_uri[0] != '\0';
    FAIL_IF(r->input_digest.len != 0 && r->input_digest.len != ARTIFACT_DIGEST, ZK_EINVAL,
            "input_digest must be the 32 bytes of a SHA-256");
    FAIL_IF(r->input_digest.len != 0 && r->inputs_mode != MODE(DATA), ZK_EINVAL,
            "input_digest belongs to INPUT_MODE_DATA");
    switch (r->inputs_mode) {
    case MODE(NONE):
        break;
    case MODE(PATH):
        FAIL_IF(!has_uri, ZK_EINVAL, "INPUT_MODE_PATH needs inputs_uri");
        break;
    case MODE(DATA):
        FAIL_IF(!has_uri && r->input_digest.len == 0, ZK_EINVAL,
                "INPUT_MODE_DATA needs input_digest, of an input sent by UploadInput, or "
                "inputs_uri");
        FAIL_IF(has_uri && r->input_digest.len != 0, ZK_EINVAL,
                "inputs_uri and input_digest exclude each other");
        FAIL_IF(has_uri && s->o.inputs_folder == NULL, ZK_EINVAL,
                "this coordinator reads no inputs from its own disk: send the input with "
                "UploadInput (zisk-coordinator prove does), or set server.inputs_folder");
        break;
    default:
        FAIL(ZK_EINVAL, "unknown inputs_mode %d", (int)r->inputs_mode);
    }
    return ZK_OK;
}

static void on_launch(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    service *s = arg;
    api_launch_proof_request *r = service_request(call, API_LAUNCH_PROOF_REQUEST_TYPE, bytes, n);
    if (r == NULL)
        return;
    if (s->draining)
        rpc_finish(call, RPC_UNAVAILABLE, "the coordinator is shutting down");
    else if (r->hints_mode != ZISK__DISTRIBUTED__API__V1__HINTS_MODE__HINTS_MODE_NONE)
        rpc_finish(call, RPC_UNIMPLEMENTED, "precompile hints are not implemented yet");
    else if (check_request_input(s, r) != ZK_OK)
        rpc_finish(call, RPC_INVALID_ARGUMENT, status_message());
    else if (r->inputs_mode == MODE(DATA) && r->input_digest.len == 0) {
        launch_from_disk(s, call, r);
        return;
    } else
        launch(s, call, r);
    message_free(&r->base);
}

status service_add_launch(service *s)
{
    return rpc_server_add_unary(s->server, "/" SERVICE_API "/LaunchProof", on_launch, s);
}
