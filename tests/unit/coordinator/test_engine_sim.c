// SPDX-License-Identifier: Apache-2.0 OR MIT
// A cluster under a random schedule of delays, losses, pauses, lies and restarts, by seed:
//
//     test_engine_sim FIRST COUNT     seeds FIRST .. FIRST + COUNT - 1
//
// After each step the invariants of world_check hold; in the end every job is completed with the
// one right proof, or ended with an error that the faults of this seed justify, and nobody is
// stuck. A failing seed is printed; WORLD_VERBOSE=1 shows its story.
#include "unit/coordinator/engine_expect.h"

#include <unistd.h>

enum { JOBS_MAX = 4, WORKERS_MAX = 7 };

typedef struct story {
    world *w;
    test_rng *rng;
    bool lies, losses; // what this seed has
    size_t n_workers, n_honest;
    char jobs[JOBS_MAX][37];
    bool cancelled[JOBS_MAX], completed[JOBS_MAX];
    size_t n_jobs;
} story;

static uint64_t below(story *s, uint64_t n)
{
    return test_rng_u64(s->rng) % n;
}

static const lie all_lies[] = {LIES_CONTRIBUTION, LIES_WITNESS, LIES_PLAN, LIES_PROOF, LIES_FINAL,
                               LIES_GARBAGE,      LIES_RANGE,   LIES_MORE, ERRS,       STALLS,
                               LIES_PUBLICS};

static void open_story(story *s, uint64_t seed)
{
    test_rng rng = {seed * 7919 + 17};
    world_options o = {
        .seed = seed,
        .min_delay_ms = 1 + test_rng_u64(&rng) % 20,
        .instances = 1 + (uint32_t)(test_rng_u64(&rng) % 24),
        .limits = {.heartbeat_timeout_ms = 3000 + test_rng_u64(&rng) % 5000,
                   .reconnect_grace_ms = 3000 + test_rng_u64(&rng) % 8000,
                   .phase_timeout_ms = {15000, 15000, 15000},
                   .capacity_timeout_ms = 120000,
                   // Budgets have scenarios of their own; here they would excuse all.
                   .max_attempts = 30}};
    o.max_delay_ms = o.min_delay_ms + test_rng_u64(&rng) % 150;
    if (test_rng_u64(&rng) % 3 == 0)
        o.limits.max_workers_per_job = 1 + test_rng_u64(&rng) % 3;
    *s = (story){.w = world_new(&o)};
    s->rng = world_rng(s->w);
    unsigned mode = (unsigned)(seed % 4);
    s->lies = mode == 1 || mode == 3;
    s->losses = mode == 2 || mode == 3;
    s->n_workers = 1 + below(s, WORKERS_MAX);
    if (mode == 1 && s->n_workers < 3)
        s->n_workers = 3;
    size_t liars = s->lies ? 1 + below(s, s->n_workers) : 0;
    if (mode == 1 && liars > s->n_workers - 2)
        liars = s->n_workers - 2; // two honest ones always agree, and no two lies do
    bool publics = false;
    for (size_t k = 0; k < s->n_workers; k++) {
        char id[24];
        snprintf(id, sizeof id, "w%zu", k);
        lie l = HONEST;
        if (k < liars)
            l = all_lies[below(s, sizeof all_lies / sizeof *all_lies - publics)];
        publics |= l == LIES_PUBLICS;
        s->n_honest += l == HONEST;
        world_add(s->w, id, 1 + (uint32_t)below(s, 6), l);
    }
    world_run(s->w, 300);
}

static void launch(story *s)
{
    if (s->n_jobs == JOBS_MAX)
        return;
    char data[8];
    snprintf(data, sizeof data, "%.*s", (int)(1 + below(s, 6)), "abcdefg");
    world_launch(s->w, s->jobs[s->n_jobs], data, 1 + (uint32_t)below(s, 15), 1, true,
                 (uint32_t)below(s, 3));
    s->n_jobs++;
}

static fake *any(story *s)
{
    return world_worker(s->w, below(s, s->n_workers));
}

static void lose_somebody(story *s)
{
    fake *f = any(s);
    switch (below(s, 5)) {
    case 0:
        if (fake_is_alive(f))
            fake_kill(s->w, f);
        else
            fake_connect(s->w, f);
        break;
    case 1:
        if (fake_is_alive(f))
            fake_pause(s->w, f, !fake_is_paused(f));
        break;
    case 2:
        fake_cut(s->w, f, false);
        break;
    case 3:
        if (fake_is_connected(f) && !fake_is_paused(f) && below(s, 4) == 0)
            fake_leave(s->w, f);
        break;
    default:
        fake_hold_answers(f, below(s, 2) == 0);
        break;
    }
}

static void disturb(story *s)
{
    switch (below(s, 9)) {
    case 0:
        world_restart(s->w);
        break;
    case 1:
        if (!fake_is_paused(world_worker(s->w, 0)))
            fake_cut(s->w, any(s), true);
        break;
    case 2: {
        fake *f = any(s);
        if (fake_last_task(f) != 0 && fake_is_connected(f))
            fake_repeat(s->w, f);
        break;
    }
    case 3:
        launch(s);
        break;
    case 4:
        if (s->n_jobs > 0 && below(s, 8) == 0) {
            size_t k = below(s, s->n_jobs);
            assert_int_equal(engine_cancel(world_engine(s->w), world_now(s->w), s->jobs[k], NULL),
                             ZK_OK);
            s->cancelled[k] = true;
        }
        break;
    default:
        if (s->losses)
            lose_somebody(s);
        break;
    }
}

static void check(story *s)
{
    world_check(s->w);
    world_check_queue(s->w);
    for (size_t k = 0; k < s->n_jobs; k++) {
        bool completed = strcmp(world_job(s->w, s->jobs[k])->state, "Completed") == 0;
        if (s->completed[k] && !completed)
            fail_msg("job %zu was completed and is not any more", k);
        s->completed[k] = completed;
    }
}

static void heal(story *s)
{
    for (size_t k = 0; k < s->n_workers; k++) {
        fake *f = world_worker(s->w, k);
        fake_hold_answers(f, false);
        fake_pause(s->w, f, false);
        // What was held back goes out after a reconnect; who left is started anew.
        if (fake_has_left(f))
            fake_kill(s->w, f);
        if (!fake_is_alive(f))
            fake_connect(s->w, f);
        else
            fake_cut(s->w, f, true);
    }
}

static void expect_end(story *s, size_t k)
{
    const char *job = s->jobs[k];
    const char *state = world_finish(s->w, job, LONG_MS);
    bool nobody = s->n_honest == 0; // then everything but a wrong proof is right
    if (nobody && strcmp(state, "Queued") == 0)
        return;
    if (strcmp(state, "Completed") == 0) {
        if (!world_proof_is_right(s->w, job))
            fail_msg("job %zu has the wrong proof", k);
        return;
    }
    if (strcmp(state, "Cancelled") == 0 && s->cancelled[k])
        return;
    if (strcmp(state, "Failed") != 0) {
        world_print(s->w);
        fail_msg("job %zu is still %s", k, state);
    }
    const char *code = world_job(s->w, job)->failure->code;
    static const char *const excused[] = {
        "CONTRIBUTIONS_DISAGREE", "PROOF_REJECTED", "CAPACITY_LOST", "WORKER_FAILURE",
        "PHASE1_TIMEOUT",         "PHASE2_TIMEOUT", "PHASE3_TIMEOUT"};
    for (size_t c = 0; c < (nobody || s->losses ? 7 : 3); c++)
        if (s->lies && (s->losses || s->n_honest < 2) && strcmp(code, excused[c]) == 0)
            return;
    fail_msg("job %zu failed: %s, %s", k, code, world_job(s->w, job)->failure->message);
}

static void tell(uint64_t seed)
{
    story s;
    open_story(&s, seed);
    launch(&s);
    size_t steps = 5 + below(&s, 40);
    for (size_t k = 0; k < steps; k++) {
        world_run(s.w, 10 + below(&s, 900));
        check(&s);
        disturb(&s);
    }
    heal(&s);
    for (size_t k = 0; k < s.n_jobs; k++)
        expect_end(&s, k);
    world_run(s.w, 120000);
    check(&s);
    for (size_t k = 0; k < engine_n_workers(world_engine(s.w)); k++) {
        const api_worker_info *info = engine_worker_at(world_engine(s.w), k);
        if (strncmp(info->state, "Computing", 9) == 0)
            fail_msg("worker %s is stuck", info->worker_id);
    }
    world_free(s.w);
}

static uint64_t first = 1, count = 100;

static void every_story_ends_well(void **state)
{
    (void)state;
    for (uint64_t seed = first; seed < first + count; seed++) {
        // Seen when a check of the seed fails.
        fprintf(stderr, "\rseed %llu ", (unsigned long long)seed);
        tell(seed);
    }
    fprintf(stderr, "\n");
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        first = strtoull(argv[1], NULL, 10);
        count = strtoull(argv[2], NULL, 10);
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_story_ends_well)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
