// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/job_state.h"

#include <stdint.h>

// One more than the state, so that 0 is no step.
#define TO(state) ((uint8_t)((state) + 1))

static const uint8_t job_transitions[JOB_EVENT_COUNT][JOB_STATE_COUNT] = {
    [JOB_RESERVED] = {[JOB_QUEUED] = TO(JOB_CONTRIBUTIONS)},
    [JOB_ALL_CONTRIBUTED] = {[JOB_CONTRIBUTIONS] = TO(JOB_PROVE)},
    [JOB_FIRST_SHARE] = {[JOB_PROVE] = TO(JOB_AGGREGATE)},
    [JOB_PROOF_STORED] = {[JOB_AGGREGATE] = TO(JOB_COMPLETED)},
    [JOB_SIMULATED] = {[JOB_PROVE] = TO(JOB_COMPLETED)},
    [JOB_NEW_EPOCH] = {[JOB_CONTRIBUTIONS] = TO(JOB_CONTRIBUTIONS),
                       [JOB_PROVE] = TO(JOB_CONTRIBUTIONS),
                       [JOB_AGGREGATE] = TO(JOB_CONTRIBUTIONS)},
    [JOB_FAILURE] = {[JOB_QUEUED] = TO(JOB_FAILED),
                     [JOB_CONTRIBUTIONS] = TO(JOB_FAILED),
                     [JOB_PROVE] = TO(JOB_FAILED),
                     [JOB_AGGREGATE] = TO(JOB_FAILED)},
    [JOB_CANCEL] = {[JOB_QUEUED] = TO(JOB_CANCELLED),
                    [JOB_CONTRIBUTIONS] = TO(JOB_CANCELLED),
                    [JOB_PROVE] = TO(JOB_CANCELLED),
                    [JOB_AGGREGATE] = TO(JOB_CANCELLED)},
};

static const uint8_t worker_transitions[WORKER_EVENT_COUNT][WORKER_STATE_COUNT] = {
    [WORKER_CONNECTED] = {[WORKER_IDLE] = TO(WORKER_IDLE),
                          [WORKER_COMPUTING] = TO(WORKER_COMPUTING),
                          [WORKER_DISCONNECTED] = TO(WORKER_IDLE),
                          [WORKER_ASIDE] = TO(WORKER_ASIDE)},
    [WORKER_RESERVE] = {[WORKER_IDLE] = TO(WORKER_COMPUTING)},
    [WORKER_RELEASE] = {[WORKER_COMPUTING] = TO(WORKER_IDLE)},
    [WORKER_LOST] = {[WORKER_IDLE] = TO(WORKER_DISCONNECTED),
                     [WORKER_COMPUTING] = TO(WORKER_DISCONNECTED),
                     [WORKER_DISCONNECTED] = TO(WORKER_DISCONNECTED),
                     [WORKER_ASIDE] = TO(WORKER_ASIDE)},
    [WORKER_LIED] = {[WORKER_IDLE] = TO(WORKER_ASIDE),
                     [WORKER_COMPUTING] = TO(WORKER_ASIDE),
                     [WORKER_DISCONNECTED] = TO(WORKER_ASIDE),
                     [WORKER_ASIDE] = TO(WORKER_ASIDE)},
};

static const char *const job_events[JOB_EVENT_COUNT] = {
    [JOB_RESERVED] = "the reservation of workers",
    [JOB_ALL_CONTRIBUTED] = "the last contribution",
    [JOB_FIRST_SHARE] = "the first share proved",
    [JOB_PROOF_STORED] = "the final proof",
    [JOB_SIMULATED] = "the share of a simulated node",
    [JOB_NEW_EPOCH] = "a new epoch",
    [JOB_FAILURE] = "a failure",
    [JOB_CANCEL] = "a cancellation",
};

static const char *const worker_events[WORKER_EVENT_COUNT] = {[WORKER_CONNECTED] = "connect",
                                                              [WORKER_RESERVE] = "be reserved",
                                                              [WORKER_RELEASE] = "be released",
                                                              [WORKER_LOST] = "be lost",
                                                              [WORKER_LIED] = "be set aside"};

status job_step(job_state *state, job_event event)
{
    ZK_VERIFY(*state < JOB_STATE_COUNT && event < JOB_EVENT_COUNT);
    uint8_t to = job_transitions[event][*state];
    FAIL_IF(to == 0, ZK_EINVAL, "%s does not concern a job in state %s", job_events[event],
            job_state_name(*state));
    *state = (job_state)(to - 1);
    return ZK_OK;
}

status worker_step(worker_state *state, worker_event event)
{
    ZK_VERIFY(*state < WORKER_STATE_COUNT && event < WORKER_EVENT_COUNT);
    uint8_t to = worker_transitions[event][*state];
    FAIL_IF(to == 0, ZK_EINVAL, "a worker in state %s cannot %s",
            worker_state_name(*state, JOB_QUEUED), worker_events[event]);
    *state = (worker_state)(to - 1);
    return ZK_OK;
}

bool job_is_over(job_state s)
{
    return s == JOB_COMPLETED || s == JOB_FAILED || s == JOB_CANCELLED;
}

bool job_is_running(job_state s)
{
    return s == JOB_CONTRIBUTIONS || s == JOB_PROVE || s == JOB_AGGREGATE;
}

const char *job_state_name(job_state s)
{
    static const char *const names[JOB_STATE_COUNT] = {
        [JOB_QUEUED] = "Queued",         [JOB_CONTRIBUTIONS] = "Running (Contributions)",
        [JOB_PROVE] = "Running (Prove)", [JOB_AGGREGATE] = "Running (Aggregate)",
        [JOB_COMPLETED] = "Completed",   [JOB_FAILED] = "Failed",
        [JOB_CANCELLED] = "Cancelled",
    };
    return names[s];
}

const char *job_phase_name(job_state s)
{
    switch (s) {
    case JOB_CONTRIBUTIONS:
        return "Contributions";
    case JOB_PROVE:
        return "Prove";
    case JOB_AGGREGATE:
        return "Aggregate";
    default:
        return "None";
    }
}

const char *worker_state_name(worker_state s, job_state job)
{
    switch (s) {
    case WORKER_IDLE:
        return "Idle";
    case WORKER_DISCONNECTED:
        return "Disconnected";
    case WORKER_ASIDE:
        return "Set aside";
    default:
        return job == JOB_CONTRIBUTIONS ? "Computing(Contributions)"
               : job == JOB_PROVE       ? "Computing(Prove)"
               : job == JOB_AGGREGATE   ? "Computing(Aggregate)"
                                        : "Computing";
    }
}
