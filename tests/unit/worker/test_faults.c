// SPDX-License-Identifier: Apache-2.0 OR MIT
// The faulty worker does what its faults say: else the scenarios that use it would show nothing.
#include "unit/test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/answers.h"
#include "worker/faults.h"
#include "worker/wire.h"

static void ask(const char *faults)
{
    assert_int_equal(setenv("ZISK_FAULT", faults, 1), 0);
}

// An answer with one contribution, after its faults.
static void answer(api_execute_task_response *r)
{
    static uint64_t words[9];
    static uint8_t plan[32];
    static api_instance_contribution c;
    static api_instance_contribution *list[1] = {&c};
    static api_challenges_list l;
    memset(words, 0, sizeof words);
    memset(plan, 0, sizeof plan);
    c = (api_instance_contribution)API_INSTANCE_CONTRIBUTION_INIT;
    c.contribution = (ProtobufCBinaryData){sizeof words, (uint8_t *)words};
    l = (api_challenges_list)API_CHALLENGES_LIST_INIT;
    l.contributions = list;
    l.n_contributions = 1;
    l.plan_digest = (ProtobufCBinaryData){sizeof plan, plan};
    *r = (api_execute_task_response)API_EXECUTE_TASK_RESPONSE_INIT;
    r->success = true;
    r->job_id = (char *)"job";
    r->result_data_case = RESULT_DATA(CHALLENGES);
    r->challenges = &l;
    fault_hook(FAULT_ANSWER, r, NULL);
}

static size_t changed_words(const api_execute_task_response *r)
{
    const uint64_t *words = (const uint64_t *)r->challenges->contributions[0]->contribution.data;
    size_t n = 0;
    for (size_t i = 0; i < 9; i++)
        n += words[i] != 0;
    return n;
}

static void answers_are_spoilt(void **state)
{
    (void)state;
    api_execute_task_response r;
    ask("lie-final,forged"); // neither, nor a part of a name
    answer(&r);
    assert_int_equal(changed_words(&r), 0);
    assert_string_equal(r.job_id, "job");
    ask("forged-contribution");
    answer(&r);
    assert_int_equal(changed_words(&r), 1);
    ask("twice,garbage-answer");
    answer(&r);
    assert_true(changed_words(&r) >= 8);
    ask("wrong-plan");
    answer(&r);
    assert_int_equal(r.challenges->plan_digest.data[0], 1);
    ask("wrong-phase");
    answer(&r);
    assert_int_equal(r.result_data_case, RESULT_DATA(FINAL_PROOF));
    ask("other-job-answer");
    answer(&r);
    assert_string_not_equal(r.job_id, "job");
}

static void proofs_are_spoilt(void **state)
{
    (void)state;
    uint64_t words[10] = {0};
    size_t n = 10, copies = 1, changed = 0;
    ask("forged-proof");
    fault_hook(FAULT_FINAL, words, &n);
    assert_int_equal(words[5], 0);
    fault_hook(FAULT_PROOF, words, &n);
    assert_int_equal(words[5], 1);
    ask("lie-final");
    fault_hook(FAULT_FINAL, words, &n);
    assert_int_equal(words[5], 0);
    ask("garbage-answer");
    fault_hook(FAULT_PROOF, words, &n);
    for (size_t i = 0; i < n; i++)
        changed += words[i] != 0;
    assert_int_equal(changed, n);
    fault_hook(FAULT_SEND, NULL, &copies);
    assert_int_equal(copies, 1);
    ask("twice");
    fault_hook(FAULT_SEND, NULL, &copies);
    assert_int_equal(copies, 2);
}

// How a process ends that reaches this point of a task.
static int end_of(fault_point point, uint32_t type, unsigned seconds)
{
    pid_t child = fork();
    if (child == 0) {
        task_name task = {(char *)"job", 1, 0, type};
        alarm(seconds); // a stall ends with this
        fault_hook(point, &task, NULL);
        _exit(0);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    return how;
}

static void it_dies_and_stalls(void **state)
{
    (void)state;
    ask("die-in-prove");
    assert_int_equal(end_of(FAULT_INSTANCE_DONE, TASK_CONTRIBUTE, 20), 0);
    assert_int_equal(end_of(FAULT_INSTANCE_DONE, TASK_PROVE, 20), SIGKILL);
    ask("die-in-contributions");
    assert_int_equal(end_of(FAULT_INSTANCE_DONE, TASK_CONTRIBUTE, 20), SIGKILL);
    ask("die-in-aggregate");
    assert_int_equal(end_of(FAULT_TASK, TASK_PROVE, 20), 0);
    assert_int_equal(end_of(FAULT_TASK, TASK_AGGREGATE, 20), SIGKILL);
    ask("stall-in-contributions");
    assert_int_equal(end_of(FAULT_TASK, TASK_CONTRIBUTE, 1), SIGALRM);
    ask("stall-in-aggregate");
    assert_int_equal(end_of(FAULT_TASK, TASK_PROVE, 20), 0);
    assert_int_equal(end_of(FAULT_TASK, TASK_AGGREGATE, 1), SIGALRM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_spoilt),
        cmocka_unit_test(proofs_are_spoilt),
        cmocka_unit_test(it_dies_and_stalls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
