// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "worker/faults.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "worker/outbox.h"
#include "worker/wire.h"

// Is the fault asked for?
static bool asked(const char *name)
{
    const char *list = getenv("ZISK_FAULT");
    size_t n = strlen(name);
    for (const char *p = list; p != NULL && *p != '\0';) {
        size_t length = strcspn(p, ",");
        if (length == n && memcmp(p, name, n) == 0)
            return true;
        p += length + (p[length] == ',');
    }
    return false;
}

static bool commit(const char *name)
{
    if (!asked(name))
        return false;
    log_warn("worker::faults", "misbehaving as told", log_str("fault", name));
    return true;
}

// Is `what`-in-PHASE asked for, with the phase of such a task?
static bool commit_in(const char *what, uint32_t type)
{
    static const char *const phases[] = {[TASK_CONTRIBUTE] = "contributions",
                                         [TASK_PROVE] = "prove",
                                         [TASK_AGGREGATE] = "aggregate"};
    char name[64];
    snprintf(name, sizeof name, "%s-in-%s", what, phases[type]);
    return commit(name);
}

static void die_in(uint32_t type)
{
    if (commit_in("die", type))
        raise(SIGKILL);
}

static void spoil_words(uint64_t *words, size_t n, const char *name)
{
    if (n > 0 && commit(name))
        words[n / 2] ^= 1;
}

static void garbage(uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(i * 167 + 13);
}

static void spoil_answer(api_execute_task_response *r)
{
    static api_final_proof final;
    bool contributions = r->success && r->result_data_case == RESULT_DATA(CHALLENGES) &&
                         r->challenges->n_contributions > 0;
    if (contributions && commit("forged-contribution")) {
        // Words: class, preprocessed, root, ...
        uint64_t *words = (uint64_t *)r->challenges->contributions[0]->contribution.data;
        words[2] = words[2] == 0 ? 1 : words[2] - 1;
    }
    if (contributions && commit("wrong-plan"))
        r->challenges->plan_digest.data[0] ^= 1;
    if (contributions && commit("garbage-answer"))
        for (size_t i = 0; i < r->challenges->n_contributions; i++)
            garbage(r->challenges->contributions[i]->contribution.data,
                    r->challenges->contributions[i]->contribution.len);
    if (contributions && commit("wrong-phase")) {
        final = API_FINAL_PROOF_INIT;
        r->result_data_case = RESULT_DATA(FINAL_PROOF);
        r->final_proof = &final;
        r->task_type = TASK_AGGREGATE;
    }
    if (r->success && commit("other-job-answer"))
        r->job_id = (char *)"00000000-0000-4000-8000-000000000000";
}

void fault_hook(fault_point point, void *subject, size_t *n)
{
    const task_name *task = subject;
    switch (point) {
    case FAULT_TASK:
        while (commit_in("stall", task->type))
            sleep(3600);
        if (task->type == TASK_AGGREGATE)
            die_in(task->type);
        break;
    case FAULT_INSTANCE_DONE:
        die_in(task->type);
        break;
    case FAULT_ANSWER:
        spoil_answer(subject);
        break;
    case FAULT_PROOF:
        spoil_words(subject, *n, "forged-proof");
        if (commit("garbage-answer"))
            garbage(subject, 8 * *n);
        break;
    case FAULT_FINAL:
        spoil_words(subject, *n, "lie-final");
        break;
    case FAULT_SEND:
        if (asked("twice"))
            *n = 2;
        break;
    }
}
