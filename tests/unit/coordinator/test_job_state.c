// SPDX-License-Identifier: Apache-2.0 OR MIT
// The tables against the drawing in the header, every cell of it.
#include "unit/test.h"

#include "coordinator/job_state.h"

enum { NO = -1 };

static void jobs_take_the_steps_of_the_drawing_and_no_other(void **state)
{
    (void)state;
    enum { Q = JOB_QUEUED, C = JOB_CONTRIBUTIONS, P, A, D, F, X };
    static const int want[JOB_EVENT_COUNT][JOB_STATE_COUNT] = {
        {C, NO, NO, NO, NO, NO, NO}, {NO, P, NO, NO, NO, NO, NO}, {NO, NO, A, NO, NO, NO, NO},
        {NO, NO, NO, D, NO, NO, NO}, {NO, NO, D, NO, NO, NO, NO}, {NO, C, C, C, NO, NO, NO},
        {F, F, F, F, NO, NO, NO},    {X, X, X, X, NO, NO, NO},
    };
    for (int e = 0; e < JOB_EVENT_COUNT; e++)
        for (int s = 0; s < JOB_STATE_COUNT; s++) {
            job_state now = (job_state)s;
            status result = job_step(&now, (job_event)e);
            assert_int_equal(result, want[e][s] == NO ? ZK_EINVAL : ZK_OK);
            assert_int_equal(now, want[e][s] == NO ? s : want[e][s]);
        }
    assert_int_equal(Q, 0);
}

static void workers_take_the_steps_of_the_drawing_and_no_other(void **state)
{
    (void)state;
    enum { I, C, D, A };
    static const int want[WORKER_EVENT_COUNT][WORKER_STATE_COUNT] = {
        {I, C, I, A}, {C, NO, NO, NO}, {NO, I, NO, NO}, {D, D, D, A}, {A, A, A, A}};
    for (int e = 0; e < WORKER_EVENT_COUNT; e++)
        for (int s = 0; s < WORKER_STATE_COUNT; s++) {
            worker_state now = (worker_state)s;
            status result = worker_step(&now, (worker_event)e);
            assert_int_equal(result, want[e][s] == NO ? ZK_EINVAL : ZK_OK);
            assert_int_equal(now, want[e][s] == NO ? s : want[e][s]);
        }
}

static void names_are_those_of_the_api(void **state)
{
    (void)state;
    static const struct {
        const char *name, *phase;
        bool running, over;
    } want[JOB_STATE_COUNT] = {
        {"Queued", "None", false, false},
        {"Running (Contributions)", "Contributions", true, false},
        {"Running (Prove)", "Prove", true, false},
        {"Running (Aggregate)", "Aggregate", true, false},
        {"Completed", "None", false, true},
        {"Failed", "None", false, true},
        {"Cancelled", "None", false, true},
    };
    for (int s = 0; s < JOB_STATE_COUNT; s++) {
        assert_string_equal(job_state_name((job_state)s), want[s].name);
        assert_string_equal(job_phase_name((job_state)s), want[s].phase);
        assert_int_equal(job_is_running((job_state)s), want[s].running);
        assert_int_equal(job_is_over((job_state)s), want[s].over);
    }
    assert_string_equal(worker_state_name(WORKER_IDLE, JOB_QUEUED), "Idle");
    assert_string_equal(worker_state_name(WORKER_COMPUTING, JOB_AGGREGATE), "Computing(Aggregate)");
    assert_string_equal(worker_state_name(WORKER_DISCONNECTED, JOB_PROVE), "Disconnected");
    assert_string_equal(worker_state_name(WORKER_ASIDE, JOB_PROVE), "Set aside");
}

static void a_refused_step_says_what_and_where(void **state)
{
    (void)state;
    job_state s = JOB_COMPLETED;
    assert_int_equal(job_step(&s, JOB_PROOF_STORED), ZK_EINVAL);
    assert_string_equal(status_message(),
                        "the final proof does not concern a job in state Completed");
    worker_state w = WORKER_ASIDE;
    assert_int_equal(worker_step(&w, WORKER_RESERVE), ZK_EINVAL);
    assert_string_equal(status_message(), "a worker in state Set aside cannot be reserved");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_take_the_steps_of_the_drawing_and_no_other),
        cmocka_unit_test(workers_take_the_steps_of_the_drawing_and_no_other),
        cmocka_unit_test(names_are_those_of_the_api),
        cmocka_unit_test(a_refused_step_says_what_and_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
