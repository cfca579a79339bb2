// SPDX-License-Identifier: Apache-2.0 OR MIT
// The small codecs, the limits' token bucket, the timer heap, the wire reader.
#include "rpc/rpc_internal.h"
#include "rpc/rpc_wire.h"
#include "unit/test.h"

static void test_percent(void **state)
{
    (void)state;
    char out[64], back[64];
    rpc_percent_encode(out, "a b%\n\xc3\xa9~\x7f", 9);
    assert_string_equal(out, "a b%25%0A%C3%A9~%7F");
    rpc_percent_decode(back, sizeof back, out, strlen(out));
    assert_string_equal(back, "a b%\n\xc3\xa9~\x7f");
    rpc_percent_encode(out, " no job ", 8);
    assert_string_equal(out, "%20no job%20");
    rpc_percent_decode(back, sizeof back, "%4", 2); // malformed stays
    assert_string_equal(back, "%4");
    rpc_percent_decode(back, sizeof back, "%zz%41%", 7);
    assert_string_equal(back, "%zzA%");
    rpc_percent_decode(back, 4, "abcdef", 6); // cut
    assert_string_equal(back, "abc");
}

static void test_timeouts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {{"1H", 3600000}, {"2M", 120000}, {"3S", 3000},
                {"4m", 4},       {"1u", 1},      {"1n", 1},
                {"1000001n", 2}, {"0m", 0},      {"99999999H", 99999999ULL * 3600000}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t ms;
        assert_true(rpc_timeout_parse(&ms, good[i].text));
        assert_int_equal(ms, good[i].ms);
    }
    static const char *const bad[] = {"",    "m",          "1",   "1x",  "-1m",
                                      "1 m", "123456789m", "1mm", "1.5S"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t ms;
        assert_false(rpc_timeout_parse(&ms, bad[i]));
    }
    static const uint64_t sizes[] = {
        0, 1, 99999999, 100000000, 99999999999, 1000000000000, UINT64_MAX - 1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char text[16];
        uint64_t ms;
        rpc_timeout_format(text, sizes[i]);
        assert_true(rpc_timeout_parse(&ms, text)); // never more than eight digits
        assert_true(ms <= sizes[i] && (sizes[i] > 99999999 || ms == sizes[i]));
    }
}

static void test_code_names(void **state)
{
    (void)state;
    assert_string_equal(rpc_code_name(RPC_OK), "OK");
    assert_string_equal(rpc_code_name(RPC_UNAUTHENTICATED), "UNAUTHENTICATED");
    assert_string_equal(rpc_code_name((rpc_code)99), "UNKNOWN");
    assert_int_equal(rpc_code_of_http(404), RPC_UNIMPLEMENTED);
    assert_int_equal(rpc_code_of_http(503), RPC_UNAVAILABLE);
    assert_int_equal(rpc_code_of_http(418), RPC_UNKNOWN);
    assert_int_equal(rpc_code_of_reset(8), RPC_CANCELLED);
    assert_int_equal(rpc_code_of_reset(7), RPC_UNAVAILABLE);
    assert_int_equal(rpc_code_of_reset(11), RPC_RESOURCE_EXHAUSTED);
    assert_int_equal(rpc_code_of_reset(1), RPC_INTERNAL);
}

static void test_bucket(void **state)
{
    (void)state;
    rpc_bucket b;
    rpc_bucket_init(&b, 3, 2, 1000);
    for (int i = 0; i < 3; i++)
        assert_true(rpc_bucket_take(&b, 1000));
    assert_false(rpc_bucket_take(&b, 1000));
    assert_false(rpc_bucket_take(&b, 1499));
    assert_true(rpc_bucket_take(&b, 1500)); // two a second
    assert_false(rpc_bucket_take(&b, 1500));
    rpc_bucket_add(&b, 100); // never above the burst
    for (int i = 0; i < 3; i++)
        assert_true(rpc_bucket_take(&b, 1500));
    assert_false(rpc_bucket_take(&b, 1500));
    assert_true(rpc_bucket_take(&b, UINT64_MAX - 1)); // no overflow after a long sleep
}

enum { TIMERS = 300 };

typedef struct clockwork {
    rpc_loop *loop;
    rpc_timer timers[TIMERS];
    uint64_t due[TIMERS];
    size_t fired;
    uint64_t last;
} clockwork;

static clockwork *the_clock;

static void on_timer(void *arg)
{
    size_t i = (size_t)((uint64_t *)arg - the_clock->due);
    assert_true(the_clock->due[i] >= the_clock->last); // in order
    assert_true(rpc_loop_now_ms(the_clock->loop) >= the_clock->due[i]);
    the_clock->last = the_clock->due[i];
    if (++the_clock->fired == TIMERS / 2)
        rpc_loop_stop(the_clock->loop);
}

static void test_timers(void **state)
{
    (void)state;
    clockwork *c = the_clock = rpc_alloc(sizeof *c);
    test_rng rng = test_rng_new(5);
    assert_int_equal(rpc_loop_open(&c->loop), ZK_OK);
    for (size_t i = 0; i < TIMERS; i++) {
        uint64_t delay = test_rng_u64(&rng) % 40;
        c->due[i] = rpc_loop_now_ms(c->loop) + delay;
        rpc_timer_set(c->loop, &c->timers[i], delay + 1000 * (i % 3 == 0), on_timer, &c->due[i]);
        if (i % 3 == 0) // set again: only the last setting counts
            rpc_timer_set(c->loop, &c->timers[i], delay, on_timer, &c->due[i]);
    }
    for (size_t i = 0; i < TIMERS; i += 2) {
        rpc_timer_clear(c->loop, &c->timers[i]);
        rpc_timer_clear(c->loop, &c->timers[i]); // twice is fine
    }
    rpc_loop_run(c->loop);
    assert_int_equal(c->fired, TIMERS / 2);
    rpc_loop_close(c->loop);
    free(c);
}

static void test_wire(void **state)
{
    (void)state;
    wire_buffer b = {0};
    wire_put_number(&b, 1, UINT64_MAX);
    wire_put_text(&b, 536870911, "text");
    wire_put_bytes(&b, 2, NULL, 0);
    wire_reader r = wire_read(b.bytes, b.n);
    wire_field f;
    assert_true(wire_next(&r, &f));
    assert_true(f.number == 1 && f.value == UINT64_MAX);
    assert_true(wire_next(&r, &f));
    assert_true(f.number == 536870911 && f.n == 4 && memcmp(f.bytes, "text", 4) == 0);
    assert_true(wire_next(&r, &f));
    assert_true(f.number == 2 && f.n == 0);
    assert_false(wire_next(&r, &f));
    assert_false(r.bad);
    for (size_t n = 0; n < b.n; n++) { // cut anywhere: an end or a clean failure
        r = wire_read(b.bytes, n);
        while (wire_next(&r, &f))
            assert_true(f.n <= n);
    }
    free(b.bytes);
    static const struct {
        uint8_t bytes[12];
        size_t n;
    } bad[] = {{{0x00}, 1},          // field 0
               {{0x0b}, 1},          // group
               {{0x0f}, 1},          // wire type 7
               {{0x0a, 0x05, 1}, 3}, // longer than what is there
               {{0x08, 0xff}, 2},    // torn varint
               {{0x09, 1, 2, 3}, 4}, // torn fixed64
               {{0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02}, 11}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        r = wire_read(bad[i].bytes, bad[i].n);
        assert_false(wire_next(&r, &f));
        assert_true(r.bad);
    }
}

static void test_utf8(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "abc",
                                       "\xc2\x80",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xc0\xaf",
                                      "\xc1\x81",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xe2\x82",
                                      "\xff",
                                      "a\xc3"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(wire_is_utf8((const uint8_t *)good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(wire_is_utf8((const uint8_t *)bad[i], strlen(bad[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_percent),    cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_code_names), cmocka_unit_test(test_bucket),
        cmocka_unit_test(test_timers),     cmocka_unit_test(test_wire),
        cmocka_unit_test(test_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
