// SPDX-License-Identifier: Apache-2.0 OR MIT
// What was stored is there again: after closing, after kill -9, and never a part of it.
#include "unit/base/scratch.h"
#include "unit/test.h"

#include "base/file.h"
#include "coordinator/job_store.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[SCRATCH_PATH];

static int make_folder(void **state)
{
    (void)state;
    return scratch_open(folder);
}

static int remove_folder(void **state)
{
    (void)state;
    char command[SCRATCH_PATH + 16];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

static store *open_store(void)
{
    store *s;
    if (store_open(&s, folder) != ZK_OK)
        fail_msg("%s", status_message());
    return s;
}

static job_record a_job(const char *id)
{
    return (job_record){.id = id,
                        .state = JOB_QUEUED,
                        .created_ms = 1000,
                        .changed_ms = 1000,
                        .request = (const uint8_t *)"req\0uest",
                        .request_bytes = 8};
}

static result_record a_result(uint32_t instance, const char *text)
{
    return (result_record){.epoch = 1,
                           .kind = RESULT_PROOF,
                           .instance = instance,
                           .worker = "w",
                           .data = (const uint8_t *)text,
                           .size = strlen(text)};
}

// Collects what the store tells, as text.
static status note_job(void *arg, const job_record *j)
{
    char *to = (char *)arg + strlen(arg);
    sprintf(to, "%s %s %u %llu %s %s %zu;", j->id, job_state_name(j->state), j->epoch,
            (unsigned long long)j->changed_ms, j->failure_code != NULL ? j->failure_code : "-",
            j->failure_message != NULL ? j->failure_message : "-", j->request_bytes);
    assert_memory_equal(j->request, "req\0uest", 8);
    return ZK_OK;
}

static status note_result(void *arg, const result_record *r)
{
    sprintf((char *)arg + strlen(arg), "%d/%u=%.*s;", (int)r->kind, r->instance, (int)r->size,
            (const char *)r->data);
    return ZK_OK;
}

static void check_jobs(store *s, const char *want)
{
    char text[1024] = "";
    assert_int_equal(store_each_job(s, note_job, text), ZK_OK);
    assert_string_equal(text, want);
}

static void check_results(store *s, const char *job, uint32_t epoch, const char *want)
{
    char text[1024] = "";
    assert_int_equal(store_each_result(s, job, epoch, note_result, text), ZK_OK);
    assert_string_equal(text, want);
}

static void jobs_come_back_in_order_with_all_they_had(void **state)
{
    (void)state;
    store *s = open_store();
    job_record b = a_job("b"), a = a_job("a");
    assert_int_equal(store_add_job(s, &b), ZK_OK);
    assert_int_equal(store_add_job(s, &a), ZK_OK);
    assert_int_equal(store_add_job(s, &a), ZK_EINVAL);
    b.state = JOB_FAILED;
    b.epoch = 3;
    b.changed_ms = 2000;
    b.failure_code = "WORKER_FAILURE";
    b.failure_message = "out of memory";
    assert_int_equal(store_change_job(s, &b), ZK_OK);
    const job_record none = a_job("none");
    assert_int_equal(store_change_job(s, &none), ZK_EINVAL);
    store_close(s);
    s = open_store();
    check_jobs(s, "b Failed 3 2000 WORKER_FAILURE out of memory 8;a Queued 0 1000 - - 8;");
    store_close(s);
}

static void results_come_back_once_each(void **state)
{
    (void)state;
    store *s = open_store();
    const job_record j = a_job("j");
    assert_int_equal(store_add_job(s, &j), ZK_OK);
    const result_record two = a_result(2, "two"), one = a_result(1, "same"),
                        three = a_result(3, "same"), lie = a_result(2, "lie");
    result_record later = a_result(2, "later");
    later.epoch = 2;
    assert_int_equal(store_add_result(s, "j", &two), ZK_OK);
    assert_int_equal(store_add_result(s, "j", &one), ZK_OK);
    assert_int_equal(store_add_result(s, "j", &three), ZK_OK);
    assert_int_equal(store_add_result(s, "j", &later), ZK_OK);
    assert_int_equal(store_add_result(s, "j", &two), ZK_OK);
    assert_int_equal(store_add_result(s, "j", &lie), ZK_EPROTO);
    assert_int_equal(store_add_result(s, "none", &two), ZK_EINVAL);
    store_close(s);
    s = open_store();
    check_results(s, "j", 1, "1/1=same;1/2=two;1/3=same;");
    check_results(s, "j", 2, "1/2=later;");
    check_results(s, "j", 3, "");
    store_close(s);
}

// SHA-256 of "two".
#define TWO_FILE "results/3f/3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"

static void damaged_results_are_asked_for_again(void **state)
{
    (void)state;
    store *s = open_store();
    const job_record j = a_job("j");
    const result_record one = a_result(1, "one"), two = a_result(2, "two");
    char path[SCRATCH_PATH];
    assert_int_equal(store_add_job(s, &j), ZK_OK);
    assert_int_equal(store_add_result(s, "j", &one), ZK_OK);
    assert_int_equal(store_add_result(s, "j", &two), ZK_OK);
    scratch_path(path, folder, TWO_FILE);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(file_write_atomic(path, "twp", 3), ZK_OK);
    check_results(s, "j", 1, "1/1=one;");
    assert_int_equal(store_add_result(s, "j", &two), ZK_OK);
    check_results(s, "j", 1, "1/1=one;1/2=two;");
    assert_int_equal(unlink(path), 0);
    check_results(s, "j", 1, "1/1=one;");
    store_close(s);
}

static void a_removed_job_takes_only_its_own_files_along(void **state)
{
    (void)state;
    store *s = open_store();
    const job_record j = a_job("j"), k = a_job("k");
    const result_record one = a_result(1, "one"), two = a_result(2, "two");
    char path[SCRATCH_PATH];
    assert_int_equal(store_add_job(s, &j), ZK_OK);
    assert_int_equal(store_add_job(s, &k), ZK_OK);
    assert_int_equal(store_add_result(s, "j", &one), ZK_OK);
    assert_int_equal(store_add_result(s, "j", &two), ZK_OK);
    assert_int_equal(store_add_result(s, "k", &one), ZK_OK);
    assert_int_equal(store_remove_job(s, "j"), ZK_OK);
    assert_int_equal(store_remove_job(s, "j"), ZK_EINVAL);
    check_results(s, "j", 1, "");
    check_results(s, "k", 1, "1/1=one;");
    scratch_path(path, folder, TWO_FILE);
    assert_int_equal(access(path, F_OK), -1);
    store_close(s);
}

static bool there(const char *file)
{
    char path[SCRATCH_PATH];
    scratch_path(path, folder, file);
    return access(path, F_OK) == 0;
}

static void results_of_old_epochs_go_with_their_files(void **state)
{
    (void)state;
    store *s = open_store();
    const job_record j = a_job("j"), k = a_job("k");
    const result_record one = a_result(1, "one"), two = a_result(2, "two");
    result_record again = a_result(1, "two"), c = a_result(1, "c");
    again.epoch = 2;
    c.kind = RESULT_CONTRIBUTION;
    bool more;
    assert_int_equal(store_add_job(s, &j), ZK_OK);
    assert_int_equal(store_add_job(s, &k), ZK_OK);
    assert_int_equal(store_add_result(s, "j", &c), ZK_OK);
    assert_int_equal(store_add_result(s, "j", &one), ZK_OK);
    assert_int_equal(store_add_result(s, "j", &two), ZK_OK);
    assert_int_equal(store_add_result(s, "k", &one), ZK_OK);
    assert_int_equal(store_add_result(s, "j", &again), ZK_OK);
    assert_int_equal(store_forget_epochs(&more, s, "j", 2), ZK_OK);
    assert_false(more);
    check_results(s, "j", 1, "");
    check_results(s, "j", 2, "1/1=two;"); // the same bytes in another epoch
    check_results(s, "k", 1, "1/1=one;"); // and in another job
    assert_int_equal(store_forget_epochs(&more, s, "j", UINT32_MAX), ZK_OK);
    check_results(s, "j", 2, "");
    assert_false(there(TWO_FILE));
    check_results(s, "k", 1, "1/1=one;");
    // One result by name; many, a slice at a time.
    assert_int_equal(store_add_result(s, "j", &two), ZK_OK);
    assert_int_equal(store_forget_results(s, "j", 1, RESULT_PROOF, 2), ZK_OK);
    assert_false(there(TWO_FILE));
    for (uint32_t i = 0; i <= STORE_SLICE; i++) {
        const result_record r = a_result(i, "two");
        assert_int_equal(store_add_result(s, "j", &r), ZK_OK);
    }
    assert_int_equal(store_forget_epochs(&more, s, "j", UINT32_MAX), ZK_OK);
    assert_true(more);
    assert_true(there(TWO_FILE));
    assert_int_equal(store_forget_epochs(&more, s, "j", UINT32_MAX), ZK_OK);
    assert_false(more);
    assert_false(there(TWO_FILE));
    store_close(s);
}

static void files_without_a_row_go_at_the_start(void **state)
{
    (void)state;
    store *s = open_store();
    const job_record j = a_job("j");
    const result_record two = a_result(2, "two");
    char path[SCRATCH_PATH];
    assert_int_equal(store_add_job(s, &j), ZK_OK);
    assert_int_equal(store_add_result(s, "j", &two), ZK_OK);
    store_close(s);
    scratch_path(path, folder, "results/3f/3f00");
    assert_int_equal(file_write_atomic(path, "x", 1), ZK_OK);
    s = open_store();
    assert_false(there("results/3f/3f00"));
    check_results(s, "j", 1, "1/2=two;");
    store_close(s);
}

static void what_was_stored_survives_kill_9(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        store *s;
        const job_record j = a_job("j");
        if (store_open(&s, folder) != ZK_OK || store_add_job(s, &j) != ZK_OK)
            _exit(1);
        for (uint32_t k = 0;; k++) {
            const result_record r = a_result(k, "result");
            if (store_add_result(s, "j", &r) != ZK_OK || write(ends[1], &k, sizeof k) != sizeof k)
                _exit(1);
        }
    }
    close(ends[1]);
    uint32_t told = 0, next;
    while (told < 20 && read(ends[0], &next, sizeof next) == sizeof next)
        told = next + 1;
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    while (read(ends[0], &next, sizeof next) == sizeof next)
        told = next + 1;
    close(ends[0]);
    assert_true(told >= 20);
    store *s = open_store();
    static char text[1 << 20];
    text[0] = 0;
    assert_int_equal(store_each_result(s, "j", 1, note_result, text), ZK_OK);
    uint32_t n = 0;
    for (const char *c = strchr(text, ';'); c != NULL; c = strchr(c + 1, ';'))
        n++;
    assert_in_range(n, told, told + 1);
    store_close(s);
}

static void one_process_at_a_time_has_the_folder(void **state)
{
    (void)state;
    store *s = open_store(), *second;
    assert_int_equal(store_open(&second, folder), ZK_EIO);
    assert_null(second);
    store_close(s);
    s = open_store();
    store_close(s);
}

static void foreign_databases_are_refused(void **state)
{
    (void)state;
    char path[SCRATCH_PATH];
    store *s;
    scratch_path(path, folder, "jobs.sqlite");
    assert_int_equal(file_write_atomic(path, "this is no database at all, is it", 33), ZK_OK);
    assert_int_equal(store_open(&s, folder), ZK_EIO);
    assert_non_null(strstr(status_message(), "jobs.sqlite"));
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(jobs_come_back_in_order_with_all_they_had),
        IN_FOLDER(results_come_back_once_each),
        IN_FOLDER(damaged_results_are_asked_for_again),
        IN_FOLDER(a_removed_job_takes_only_its_own_files_along),
        IN_FOLDER(results_of_old_epochs_go_with_their_files),
        IN_FOLDER(files_without_a_row_go_at_the_start),
        IN_FOLDER(what_was_stored_survives_kill_9),
        IN_FOLDER(one_process_at_a_time_has_the_folder),
        IN_FOLDER(foreign_databases_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
