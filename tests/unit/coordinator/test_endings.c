// SPDX-License-Identifier: Apache-2.0 OR MIT
// A job that is over: its proof is saved, then told, then forgotten; what fails is tried again.
#include "unit/base/scratch.h"
#include "unit/coordinator/http_catcher.h"
#include "unit/test.h"

#include "base/file.h"
#include "coordinator/endings.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define JOB "00000000-0000-4000-8000-000000000001"

enum { PATIENCE_MS = 20000 };

typedef struct fixture {
    char folder[SCRATCH_PATH], proofs[SCRATCH_PATH], saved[SCRATCH_PATH + 64];
    rpc_loop *loop;
    pool *io;
    artifacts *blobs;
    webhook *hook;
    endings *endings;
    uint8_t sha256[32];
    int n_notified, n_delivered;
    rpc_timer tick, limit;
    bool timed_out;
} fixture;

#define OK(expr)                                                                                   \
    do {                                                                                           \
        if ((expr) != ZK_OK)                                                                       \
            fail_msg("%s: %s", #expr, status_message());                                           \
    } while (0)

static void on_notified(void *arg, const char *job_id)
{
    fixture *f = arg;
    assert_string_equal(job_id, JOB);
    f->n_notified++;
}

static void on_delivered(void *arg, bool ok)
{
    fixture *f = arg;
    f->n_delivered += ok ? 1 : 100;
}

static void pass_on(void *arg, const char *job_id, bool ok)
{
    fixture *f = arg;
    endings_delivered(f->endings, job_id, ok);
}

static void open_endings(fixture *f, bool save, const catcher *web)
{
    memset(f, 0, sizeof *f);
    assert_int_equal(scratch_open(f->folder), 0);
    char path[SCRATCH_PATH];
    scratch_path(path, f->folder, "artifacts");
    scratch_path(f->proofs, f->folder, "proofs");
    snprintf(f->saved, sizeof f->saved, "%s/proof_" JOB ".bin", f->proofs);
    OK(rpc_loop_open(&f->loop));
    OK(pool_open(&f->io, 3));
    OK(artifacts_open(
        &f->blobs,
        &(artifacts_options){.folder = path, .max_total_bytes = 1 << 20, .max_bytes = 1 << 20}));
    artifact_writer *w;
    OK(artifact_begin(&w, f->blobs, NULL, 16));
    OK(artifact_write(w, "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 16));
    OK(artifact_commit(w, f->sha256));
    if (web != NULL) {
        char url[64];
        snprintf(url, sizeof url, "http://127.0.0.1:%u/done", web->port);
        OK(webhook_open(&f->hook, &(webhook_options){.url = url,
                                                     .timeout_ms = 5000,
                                                     .max_proof_bytes = 1 << 20,
                                                     .notified = pass_on,
                                                     .arg = f}));
    }
    OK(endings_open(&f->endings, &(endings_options){.loop = f->loop,
                                                    .io = f->io,
                                                    .artifacts = f->blobs,
                                                    .proofs_dir = save ? f->proofs : NULL,
                                                    .retry_ms = 20,
                                                    .hook = f->hook,
                                                    .notified = on_notified,
                                                    .delivered = on_delivered,
                                                    .arg = f}));
}

static void close_endings(fixture *f)
{
    endings_stop(f->endings);
    webhook_close(f->hook, 0);
    pool_close(f->io);
    rpc_loop_close(f->loop);
    endings_free(f->endings);
    artifacts_close(f->blobs);
    char command[SCRATCH_PATH + 16];
    snprintf(command, sizeof command, "rm -r '%s'", f->folder);
    assert_int_equal(system(command), 0);
}

static void on_limit(void *arg)
{
    fixture *f = arg;
    f->timed_out = true;
    rpc_loop_stop(f->loop);
}

static void on_look(void *arg)
{
    fixture *f = arg;
    if (f->n_notified > 0)
        rpc_loop_stop(f->loop);
    else
        rpc_timer_set(f->loop, &f->tick, 1, on_look, f);
}

static void run_until_notified(fixture *f)
{
    rpc_timer_set(f->loop, &f->limit, PATIENCE_MS, on_limit, f);
    on_look(f);
    rpc_loop_run(f->loop);
    rpc_timer_clear(f->loop, &f->limit);
    assert_false(f->timed_out);
    assert_int_equal(f->n_notified, 1);
    assert_int_equal(endings_waiting(f->endings), 0);
}

static void on_pause_over(void *arg)
{
    rpc_loop_stop(((fixture *)arg)->loop);
}

static void run_for(fixture *f, uint64_t ms)
{
    rpc_timer_set(f->loop, &f->limit, ms, on_pause_over, f);
    rpc_loop_run(f->loop);
}

static api_job_status a_job(const char *state)
{
    api_job_status job = API_JOB_STATUS_INIT;
    job.job_id = JOB;
    job.state = (char *)state;
    job.duration_ms = 1234;
    return job;
}

static void check_saved(const fixture *f)
{
    byte_buffer content = buffer_new();
    OK(file_read(&content, f->saved, 100));
    assert_int_equal(content.size, 16);
    assert_int_equal(content.data[8], 2);
    buffer_clear(&content);
    assert_int_equal(scratch_count(f->proofs), 1);
}

// A folder of the proof's name that is not empty stands for whatever makes the saving fail.
static void block_saving(const fixture *f, bool block)
{
    char inside[2 * SCRATCH_PATH];
    snprintf(inside, sizeof inside, "%s/x", f->saved);
    if (block) {
        OK(file_make_directories(inside));
    } else {
        assert_int_equal(rmdir(inside), 0);
        assert_int_equal(rmdir(f->saved), 0);
    }
}

static void a_proof_is_saved(void **state)
{
    (void)state;
    fixture f;
    open_endings(&f, true, NULL);
    api_job_status job = a_job("Completed");
    endings_over(f.endings, &job, f.sha256);
    assert_int_equal(f.n_notified, 0); // never from inside
    run_until_notified(&f);
    check_saved(&f);
    close_endings(&f);
}

static void a_proof_is_saved_early(void **state)
{
    (void)state;
    fixture f;
    open_endings(&f, true, NULL);
    endings_save(f.endings, JOB, f.sha256);
    check_saved(&f);
    api_job_status job = a_job("Completed");
    endings_over(f.endings, &job, f.sha256);
    run_until_notified(&f);
    check_saved(&f);
    close_endings(&f);
}

static void a_proof_that_cannot_be_saved_early_is_saved_later(void **state)
{
    (void)state;
    fixture f;
    open_endings(&f, true, NULL);
    block_saving(&f, true);
    endings_save(f.endings, JOB, f.sha256);
    block_saving(&f, false);
    api_job_status job = a_job("Completed");
    endings_over(f.endings, &job, f.sha256);
    run_until_notified(&f);
    check_saved(&f);
    close_endings(&f);
}

static void a_job_that_is_not_completed_leaves_no_proof(void **state)
{
    (void)state;
    fixture f;
    open_endings(&f, true, NULL);
    endings_save(f.endings, JOB, f.sha256);
    check_saved(&f);
    api_job_status job = a_job("Cancelled");
    endings_over(f.endings, &job, NULL);
    run_until_notified(&f);
    assert_int_equal(scratch_count(f.proofs), 0);
    close_endings(&f);
}

static void saving_that_is_off_is_off_early_too(void **state)
{
    (void)state;
    fixture f;
    open_endings(&f, false, NULL);
    endings_save(f.endings, JOB, f.sha256);
    assert_int_equal(access(f.proofs, F_OK), -1);
    close_endings(&f);
}

static void without_a_proof_nothing_is_saved(void **state)
{
    (void)state;
    static const char *const states[] = {"Completed", "Failed", "Cancelled"};
    for (int i = 0; i < 3; i++) {
        fixture f;
        open_endings(&f, i != 0, NULL); // completed, but saving is off
        api_job_status job = a_job(states[i]);
        endings_over(f.endings, &job, i == 0 ? f.sha256 : NULL);
        assert_int_equal(f.n_notified, 0);
        run_until_notified(&f);
        assert_int_equal(access(f.saved, F_OK), -1);
        close_endings(&f);
    }
}

static void a_full_disk_is_waited_for(void **state)
{
    (void)state;
    fixture f;
    open_endings(&f, true, NULL);
    block_saving(&f, true);
    api_job_status job = a_job("Completed");
    endings_over(f.endings, &job, f.sha256);
    run_for(&f, 100);
    assert_int_equal(f.n_notified, 0);
    assert_int_equal(endings_waiting(f.endings), 1);
    block_saving(&f, false);
    run_until_notified(&f);
    check_saved(&f);
    close_endings(&f);
}

static void the_webhook_is_told(void **state)
{
    (void)state;
    static const char *const wants[] = {"\"proof\":[1,2]", "\"code\":\"WORKER_FAILURE\"",
                                        "\"code\":\"CANCELLED\""};
    for (int i = 0; i < 3; i++) {
        catcher web = {0};
        catcher_open(&web);
        fixture f;
        open_endings(&f, true, &web);
        api_error_response failure = API_ERROR_RESPONSE_INIT;
        failure.code = "WORKER_FAILURE";
        failure.message = "it is gone";
        api_job_status job = a_job(i == 0 ? "Completed" : i == 1 ? "Failed" : "Cancelled");
        job.failure = i == 1 ? &failure : NULL;
        endings_over(f.endings, &job, i == 0 ? f.sha256 : NULL);
        run_until_notified(&f);
        assert_int_equal(f.n_delivered, 1);
        catcher_wait(&web, 1);
        OK(buffer_put_u8(&web.requests[0].body, 0));
        const char *body = (const char *)web.requests[0].body.data;
        if (strstr(body, wants[i]) == NULL || strstr(body, "\"duration_ms\":1234") == NULL)
            fail_msg("%s", body);
        close_endings(&f);
        catcher_close(&web);
    }
}

static void old_proofs_go(void **state)
{
    (void)state;
    char folder[SCRATCH_PATH], path[SCRATCH_PATH];
    assert_int_equal(scratch_open(folder), 0);
    static const struct {
        const char *name;
        int days;
    } files[] = {{"proof_" JOB ".bin", 11},
                 {"proof_00000000-0000-4000-8000-000000000002.bin", 9},
                 {"proof_x.bin", 11},
                 {"other.bin", 11},
                 {"proof_00000000-0000-4000-8000-000000000003.bin.tmp-1-1", 11}};
    for (size_t i = 0; i < 5; i++) {
        scratch_path(path, folder, files[i].name);
        OK(file_write_atomic(path, "x", 1));
        struct timespec at[2] = {{.tv_sec = time(NULL) - files[i].days * 86400}};
        at[1] = at[0];
        assert_int_equal(utimensat(AT_FDCWD, path, at, 0), 0);
    }
    assert_int_equal(endings_sweep(folder, 10), 1);
    assert_int_equal(scratch_count(folder), 4);
    assert_int_equal(endings_sweep("/no/such/folder", 1), 0);
    char command[SCRATCH_PATH + 16];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proof_is_saved),
        cmocka_unit_test(a_proof_is_saved_early),
        cmocka_unit_test(a_proof_that_cannot_be_saved_early_is_saved_later),
        cmocka_unit_test(a_job_that_is_not_completed_leaves_no_proof),
        cmocka_unit_test(saving_that_is_off_is_off_early_too),
        cmocka_unit_test(without_a_proof_nothing_is_saved),
        cmocka_unit_test(a_full_disk_is_waited_for),
        cmocka_unit_test(the_webhook_is_told),
        cmocka_unit_test(old_proofs_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
