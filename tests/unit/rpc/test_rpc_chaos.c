// SPDX-License-Identifier: Apache-2.0 OR MIT
// Random operations on many calls of several channels, from a seed (TEST_SEED replays one). What
// must hold whatever happens: each call ends exactly once, a call that nobody disturbed ends well,
// and afterwards nothing is held.
#include "rpc_fixture.h"

enum { CALLS = 60, CHANNELS = 3, STEPS = 1500, SEEDS = 6 };

typedef struct participant {
    recorder r;
    rpc_call *call; // referenced until done
    size_t channel;
    bool disturbed; // cancelled, deadline, channel closed
    bool half_closed;
    bool want_paused; // what was asked last
} participant;

typedef struct chaos {
    rpc_fixture f;
    rpc_channel *channels[CHANNELS];
    participant p[CALLS];
    test_rng rng;
    size_t finished, undisturbed;
} chaos;

static uint64_t draw(chaos *c, uint64_t n)
{
    return test_rng_u64(&c->rng) % n;
}

static void open_channel(chaos *c, size_t i)
{
    rpc_channel_options o = {.backoff_min_ms = 1, .backoff_max_ms = 4};
    assert_int_equal(rpc_channel_open(&c->channels[i], c->f.loop, c->f.url, &o), ZK_OK);
}

static void reap(chaos *c, participant *p)
{
    if (p->call == NULL || !p->r.done)
        return;
    c->finished++;
    if (!p->disturbed) {
        c->undisturbed++;
        if (p->r.code != RPC_OK)
            fail_msg("an undisturbed call ended with %s: %s", rpc_code_name(p->r.code),
                     p->r.message);
    }
    // Everything is refused now, and harmless.
    assert_int_equal(rpc_send(p->call, (const uint8_t *)"x", 1), ZK_ECANCELED);
    rpc_half_close(p->call);
    rpc_cancel(p->call);
    rpc_resume(p->call);
    rpc_call_unref(p->call);
    p->call = NULL;
}

static void start_one(chaos *c, participant *p)
{
    static const char *const paths[] = {"/test.Test/Chat", "/test.Test/Sum", "/test.Test/Count",
                                        "/test.Test/Chat", "/test.Test/Hang"};
    size_t kind = draw(c, 5);
    rpc_call_options o = {.wait_for_ready = true};
    memset(p, 0, sizeof *p);
    p->disturbed = kind == 4;
    if (kind == 4 || draw(c, 8) == 0) {
        o.deadline_ms = 1 + draw(c, 20);
        p->disturbed = true;
    }
    p->channel = draw(c, CHANNELS);
    assert_int_equal(
        rpc_call_start(&p->call, c->channels[p->channel], paths[kind], &o, &recorder_events, &p->r),
        ZK_OK);
    rpc_call_ref(p->call);
    if (kind == 2) {
        uint64_t request[2] = {draw(c, 200), draw(c, 60000)};
        assert_int_equal(rpc_send(p->call, (uint8_t *)request, 16), ZK_OK);
        rpc_half_close(p->call);
        p->half_closed = true;
    }
}

static void step(chaos *c)
{
    static uint8_t bytes[400000];
    participant *p = &c->p[draw(c, CALLS)];
    reap(c, p);
    if (p->call == NULL) {
        start_one(c, p);
        return;
    }
    switch (draw(c, 12)) {
    case 0:
        rpc_cancel(p->call);
        p->disturbed = true;
        break;
    case 1:
        rpc_pause(p->call);
        break;
    case 2:
    case 3:
        rpc_resume(p->call);
        break;
    case 4:
    case 5:
        rpc_half_close(p->call);
        p->half_closed = true;
        break;
    case 6:
        if (draw(c, 20) == 0) { // everything on that channel ends
            for (size_t i = 0; i < CALLS; i++)
                c->p[i].disturbed |= c->p[i].call != NULL && c->p[i].channel == p->channel;
            rpc_channel_close(c->channels[p->channel]);
            open_channel(c, p->channel);
        }
        break;
    default: {
        status s = rpc_send(p->call, bytes, draw(c, 3) == 0 ? draw(c, sizeof bytes) : draw(c, 50));
        assert_true(s == ZK_OK || s == ZK_ELIMIT || s == ZK_ECANCELED);
        break;
    }
    }
}

static bool all_done(void *arg)
{
    chaos *c = arg;
    for (size_t i = 0; i < CALLS; i++) {
        reap(c, &c->p[i]);
        if (c->p[i].call != NULL)
            return false;
    }
    return true;
}

static bool server_idle(void *arg)
{
    rpc_server_stats stats;
    rpc_server_get_stats(((chaos *)arg)->f.server, &stats);
    return stats.calls == 0;
}

static void one_run(uint64_t seed)
{
    chaos *c = calloc(1, sizeof *c);
    c->rng = test_rng_new(seed);
    // Small windows and queues: every path of waiting is taken.
    rpc_limits limits = {.stream_window_bytes = 65535, .send_queue_bytes = 100000};
    fixture_server(&c->f, NULL, &limits);
    for (size_t i = 0; i < CHANNELS; i++)
        open_channel(c, i);
    for (size_t i = 0; i < STEPS; i++) {
        step(c);
        if (draw(c, 10) == 0)
            run_for(&c->f, draw(c, 3));
    }
    for (size_t i = 0; i < CALLS; i++) {
        if (c->p[i].call == NULL)
            continue;
        rpc_resume(c->p[i].call);
        rpc_half_close(c->p[i].call);
    }
    run_while_not(&c->f, all_done, c);
    run_while_not(&c->f, server_idle, c);
    assert_true(c->finished > CALLS);
    assert_true(c->undisturbed > 0);
    assert_int_equal(rpc_loop_buffered(c->f.loop), 0);
    for (size_t i = 0; i < CHANNELS; i++)
        rpc_channel_close(c->channels[i]);
    fixture_close(&c->f);
    free(c);
}

static void test_chaos(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        one_run(seed * 1000003);
}

// Bytes sent to calls that ended early must not eat the connection's window: 40 MiB of them, then
// a message larger than what a leak would leave.
static void test_window_survives_refused_calls(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r = {0};
    rpc_call *call;
    fixture_open(&f);
    uint8_t *bytes = calloc(1, 1 << 20);
    for (int i = 0; i < 40; i++) {
        start(&call, &f, i % 2 ? "/test.Test/Missing" : "/test.Test/Chat", NULL, &r);
        assert_int_equal(rpc_send(call, bytes, 1 << 20), ZK_OK);
        if (i % 2 == 0) {
            run_for(&f, 2);
            rpc_cancel(call);
        }
        run_until(&f, &r.done);
        assert_int_equal(r.code, i % 2 ? RPC_UNIMPLEMENTED : RPC_CANCELLED);
    }
    free(bytes);
    bytes = calloc(1, 40 << 20);
    start(&call, &f, "/test.Test/Echo", NULL, &r);
    assert_int_equal(rpc_send_take(call, bytes, 40 << 20), ZK_OK);
    rpc_half_close(call);
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_OK);
    assert_int_equal(r.n_bytes, 40 << 20);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chaos),
        cmocka_unit_test(test_window_survives_refused_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
