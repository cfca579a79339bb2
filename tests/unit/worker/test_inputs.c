// SPDX-License-Identifier: Apache-2.0 OR MIT
// Inputs stay within their folder, are waited for, fetched once, and the files of a worker that
// died are removed.
#include "unit/worker/fake_coordinator.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "worker/inputs.h"
#include "worker/outbox.h"

static char base[] = "/tmp/zisk-inputs-XXXXXX";

static const char *in_base(const char *name)
{
    static _Thread_local char paths[8][512];
    static _Thread_local int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", base, name);
    return path;
}

static void write_text(const char *name, const char *text)
{
    assert_int_equal(file_write_atomic(in_base(name), text, strlen(text)), ZK_OK);
}

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(base));
    static const char *const folders[] = {"in", "in/sub", "cache", "in-other", "outside"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        assert_int_equal(mkdir(in_base(folders[i]), 0777), 0);
    write_text("in/a", "AAA");
    write_text("in/sub/b", "BB");
    write_text("outside/secret", "no");
    write_text("in-other/secret", "no");
    assert_int_equal(symlink("a", in_base("in/inner")), 0);
    assert_int_equal(symlink("../outside/secret", in_base("in/leak")), 0);
    assert_int_equal(symlink("../outside", in_base("in/door")), 0);
    assert_int_equal(symlink("loop", in_base("in/loop")), 0);
    assert_int_equal(mkfifo(in_base("in/pipe"), 0666), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(base);
    return 0;
}

static status get(byte_buffer *out, const char *path, uint64_t wait_ms, uint64_t max,
                  const cancel_flag *cancel)
{
    inputs in;
    assert_int_equal(inputs_open(&in, in_base("in"), wait_ms, in_base("cache"), NULL), ZK_OK);
    api_contribution_params p = API_CONTRIBUTION_PARAMS_INIT;
    p.input_source_case = INPUT_FROM(INPUT_PATH);
    p.input_path = (char *)path;
    return inputs_get(out, &in, &p, max, cancel);
}

static void check_text(const char *path, const char *text)
{
    byte_buffer b = buffer_new();
    assert_int_equal(get(&b, path, 0, 100, NULL), ZK_OK);
    assert_int_equal(b.size, strlen(text));
    assert_memory_equal(b.data, text, b.size);
    buffer_clear(&b);
}

static void check_refused(const char *path, status expected)
{
    byte_buffer b = buffer_new();
    assert_int_equal(get(&b, path, 0, 100, NULL), expected);
    assert_int_equal(b.size, 0);
    buffer_clear(&b);
}

static void paths_inside_are_read(void **state)
{
    (void)state;
    check_text("a", "AAA");
    check_text("sub/b", "BB");
    check_text("sub/../a", "AAA");
    check_text("inner", "AAA");
    check_text(in_base("in/a"), "AAA");
}

static void paths_outside_are_refused(void **state)
{
    (void)state;
    check_refused("../outside/secret", ZK_EINVAL);
    check_refused("sub/../../outside/secret", ZK_EINVAL);
    check_refused(in_base("outside/secret"), ZK_EINVAL);
    check_refused(in_base("in-other/secret"), ZK_EINVAL); // a longer name is another folder
    check_refused("leak", ZK_EINVAL);
    check_refused("door/secret", ZK_EINVAL);
    check_refused("/proc/self/environ", ZK_EINVAL);
    check_refused("/dev/zero", ZK_EINVAL);
    check_refused(".", ZK_EINVAL); // the folder itself is no input
    check_refused("sub", ZK_EIO);
    check_refused("pipe", ZK_EIO); // and opening it would wait for ever
    check_refused("loop", ZK_EIO);
    check_refused("missing", ZK_EIO);
}

static void sizes_are_bounded(void **state)
{
    (void)state;
    byte_buffer b = buffer_new();
    assert_int_equal(get(&b, "a", 0, 2, NULL), ZK_ELIMIT);
    api_contribution_params p = API_CONTRIBUTION_PARAMS_INIT;
    inputs in;
    assert_int_equal(inputs_open(&in, in_base("in"), 0, in_base("cache"), NULL), ZK_OK);
    p.input_source_case = INPUT_FROM(INPUT_DATA);
    p.input_data = (ProtobufCBinaryData){5, (uint8_t *)"inner"};
    assert_int_equal(inputs_get(&b, &in, &p, 4, NULL), ZK_ELIMIT);
    assert_int_equal(inputs_get(&b, &in, &p, 5, NULL), ZK_OK);
    assert_memory_equal(b.data, "inner", 5);
    p.input_source_case = 0;
    assert_int_equal(inputs_get(&b, &in, &p, 5, NULL), ZK_OK);
    assert_int_equal(b.size, 0);
    buffer_clear(&b);
    assert_int_equal(inputs_open(&in, in_base("in/a"), 0, in_base("cache"), NULL), ZK_EIO);
}

static void *write_late(void *arg)
{
    (void)arg;
    usleep(300000);
    write_text("in/late", "now");
    return NULL;
}

static void waits_for_a_file(void **state)
{
    (void)state;
    pthread_t thread;
    pthread_create(&thread, NULL, write_late, NULL);
    byte_buffer b = buffer_new();
    assert_int_equal(get(&b, "late", 30000, 100, NULL), ZK_OK);
    assert_int_equal(b.size, 3);
    pthread_join(thread, NULL);
    cancel_flag raised = {true};
    assert_int_equal(get(&b, "never", 30000, 100, &raised), ZK_ECANCELED);
    buffer_clear(&b);
}

// ---- By digest ----

typedef struct fetch {
    fake_coordinator *f;
    inputs in;
    api_contribution_params p;
    uint64_t max;
    cancel_flag cancel;
    byte_buffer out;
    status result;
    atomic_bool done;
} fetch;

static void *fetch_thread(void *arg)
{
    fetch *x = arg;
    x->result = inputs_get(&x->out, &x->in, &x->p, x->max, &x->cancel);
    x->done = true;
    return NULL;
}

static bool is_done(void *arg)
{
    return ((fetch *)arg)->done;
}

static status run_fetch(fetch *x, const uint8_t sha256[32])
{
    pthread_t thread;
    x->done = false;
    x->p = (api_contribution_params)API_CONTRIBUTION_PARAMS_INIT;
    x->p.input_source_case = INPUT_FROM(INPUT_DIGEST);
    x->p.input_digest = (ProtobufCBinaryData){32, (uint8_t *)sha256};
    pthread_create(&thread, NULL, fetch_thread, x);
    fake_until(x->f, is_done, x);
    pthread_join(thread, NULL);
    return x->result;
}

static void digests_are_fetched_once_and_checked(void **state)
{
    (void)state;
    enum { N = 300000 };
    fake_coordinator f;
    transfer *t;
    fake_open(&f);
    assert_int_equal(transfer_open(&t, f.loop, f.url, NULL, NULL), ZK_OK);
    fetch x = {.f = &f, .max = N};
    assert_int_equal(inputs_open(&x.in, in_base("in"), 0, in_base("cache"), t), ZK_OK);
    uint8_t *bytes = malloc(N), sha256[32], empty[32], unknown[32] = {7};
    for (size_t i = 0; i < N; i++)
        bytes[i] = (uint8_t)(i * i >> 7);
    fake_put(&f, sha256, bytes, N);
    fake_put(&f, empty, NULL, 0);
    f.chunk = 1000;
    f.cut_downloads_after = 100000; // goes on from there
    assert_int_equal(run_fetch(&x, sha256), ZK_OK);
    assert_int_equal(f.cut_downloads_after, 0);
    assert_int_equal(x.out.size, N);
    assert_memory_equal(x.out.data, bytes, N);
    // About what it has: nothing came twice.
    assert_in_range(transfer_get_counts(t)->bytes_in, N, N);

    f.n_artifacts = 0; // from the cache
    assert_int_equal(run_fetch(&x, sha256), ZK_OK);
    assert_memory_equal(x.out.data, bytes, N);
    f.n_artifacts = 2;

    assert_int_equal(run_fetch(&x, empty), ZK_OK);
    assert_int_equal(x.out.size, 0);
    assert_int_equal(run_fetch(&x, unknown), ZK_EPROTO);
    scratch_remove(in_base("cache"));
    assert_int_equal(mkdir(in_base("cache"), 0777), 0);
    x.max = N - 1;
    assert_int_equal(run_fetch(&x, sha256), ZK_ELIMIT);
    x.max = N;
    f.spoil_downloads = true;
    assert_int_equal(run_fetch(&x, sha256), ZK_EPROTO);
    f.spoil_downloads = false;
    f.fail_downloads = 5; // seconds of the coordinator's own trouble
    assert_int_equal(run_fetch(&x, sha256), ZK_OK);
    assert_int_equal(f.fail_downloads, 0);
    scratch_remove(in_base("cache"));
    assert_int_equal(mkdir(in_base("cache"), 0777), 0);
    // Nobody there: it waits, until it is told to stop.
    rpc_server_close(f.server);
    f.server = NULL;
    cancel_raise(&x.cancel);
    assert_int_equal(run_fetch(&x, sha256), ZK_ECANCELED);
    transfer_close(t);
    buffer_clear(&x.out);
    free(bytes);
    fake_close(&f);
}

// ---- The folder of a process ----

static void files_of_dead_workers_are_removed(void **state)
{
    (void)state;
    scratch mine, other;
    char path[SCRATCH_PATH_MAX], dead[SCRATCH_PATH_MAX];
    int pipe_fds[2];
    assert_int_equal(scratch_open(&mine, in_base("work")), ZK_OK);
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t child = fork();
    if (child == 0) { // a worker that is killed
        char job[SCRATCH_PATH_MAX];
        scratch s;
        if (scratch_open(&s, in_base("work")) != ZK_OK || scratch_folder(job, &s, "job") != ZK_OK)
            _exit(1);
        strcat(job, "/tree");
        if (file_write_atomic(job, "tree", 4) != ZK_OK ||
            write(pipe_fds[1], s.path, sizeof s.path) != sizeof s.path)
            _exit(1);
        pause();
    }
    assert_true(child > 0);
    assert_int_equal(read(pipe_fds[0], dead, sizeof dead), sizeof dead);
    assert_int_equal(access(dead, F_OK), 0);
    assert_int_equal(scratch_open(&other, in_base("work")), ZK_OK); // it lives: nothing is removed
    assert_int_equal(access(dead, F_OK), 0);
    scratch_close(&other);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(scratch_open(&other, in_base("work")), ZK_OK);
    assert_int_equal(access(dead, F_OK), -1);
    assert_int_equal(access(mine.path, F_OK), 0);
    assert_int_equal(scratch_name(path, &mine, "lock"), ZK_OK);
    assert_int_equal(access(path, F_OK), 0);
    memcpy(path, other.path, sizeof path);
    scratch_close(&other);
    assert_int_equal(access(path, F_OK), -1);
    scratch_close(&mine);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

// ---- The outbox ----

static outbox_entry *entry(const char *job, uint64_t task, bool fleeting)
{
    outbox_entry *e;
    task_name name = {(char *)job, task, 0, TASK_PROVE};
    assert_int_equal(outbox_entry_new(&e, &name), ZK_OK);
    e->fleeting = fleeting;
    e->bytes = malloc(10);
    e->n_bytes = 10;
    return e;
}

static void outbox_keeps_what_is_not_stored(void **state)
{
    (void)state;
    outbox b;
    outbox_init(&b);
    outbox_add(&b, entry("j", 1, false));
    outbox_add(&b, entry("j", 2, true));
    outbox_add(&b, entry("k", 1, false));
    for (uint32_t i = 0; i < 3; i++) {
        outbox_entry *e = entry("j", 3, false);
        e->proof_path = strdup("proof");
        e->plan_index = i;
        outbox_add(&b, e);
    }
    assert_int_equal(b.n, 6);
    assert_int_equal(b.n_bytes, 60);
    outbox_sent(&b);
    outbox_sent(&b); // fleeting: gone
    assert_int_equal(b.n, 5);
    assert_string_equal(b.next->task.job, "k");
    uint32_t index = 1;
    assert_true(outbox_stored(&b, "j", 3, &index)); // not sent yet, and not needed any more
    assert_false(outbox_stored(&b, "j", 3, &index));
    assert_false(outbox_stored(&b, "j", 1, &index)); // is no proof
    assert_int_equal(b.n, 4);
    outbox_add(&b, entry("j", 4, true));
    outbox_rewind(&b);
    assert_int_equal(b.n, 4);
    assert_ptr_equal(b.next, b.first);
    assert_int_equal(b.next->task.task_id, 1);
    assert_true(outbox_stored(&b, "j", 3, NULL));
    assert_int_equal(b.n, 2);
    outbox_add(&b, entry("j", 5, true));
    outbox_drop_job(&b, "j");
    assert_int_equal(b.n, 2); // of k, and the fleeting one
    assert_string_equal(b.first->task.job, "k");
    outbox_add(&b, entry("l", 1, false)); // the end is still the end
    assert_string_equal(b.first->next->next->task.job, "l");
    outbox_clear(&b);
    assert_int_equal(b.n_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_inside_are_read),
        cmocka_unit_test(paths_outside_are_refused),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(waits_for_a_file),
        cmocka_unit_test(digests_are_fetched_once_and_checked),
        cmocka_unit_test(files_of_dead_workers_are_removed),
        cmocka_unit_test(outbox_keeps_what_is_not_stored),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
