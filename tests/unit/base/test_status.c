// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "unit/test.h"

#include "base/status.h"

static status origin(int x)
{
    FAIL_IF(x < 0, ZK_EINVAL, "x is %d; give a number >= 0", x);
    return ZK_OK;
}

static status middle(int x)
{
    TRY(origin(x));
    return ZK_OK;
}

static void trail_names_every_place(void **state)
{
    (void)state;
    status_clear();
    assert_int_equal(middle(3), ZK_OK);
    assert_string_equal(status_message(), "");
    assert_int_equal(middle(-4), ZK_EINVAL);
    assert_string_equal(status_message(), "x is -4; give a number >= 0");
    assert_non_null(strstr(status_trail(), "x < 0"));
    assert_non_null(strstr(status_trail(), "origin(x)"));
    assert_non_null(strstr(status_trail(), "test_status.c"));
}

static status wider(int x)
{
    if (origin(x) != ZK_OK)
        FAIL(ZK_EPARSE, "line 3: %s", status_message());
    return ZK_OK;
}

static void a_message_may_hold_the_previous_one(void **state)
{
    (void)state;
    assert_int_equal(wider(-1), ZK_EPARSE);
    assert_string_equal(status_message(), "line 3: x is -1; give a number >= 0");
    char long_text[3000];
    memset(long_text, 'a', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    assert_int_equal(status_fail(ZK_EIO, "file", 1, "", "%s", long_text), ZK_EIO);
    assert_int_equal(strlen(status_message()), 511); // cut, not overrun
    for (int i = 0; i < 100; i++)
        assert_int_equal(status_forward(ZK_EIO, "file", i, "some expression of middling length"),
                         ZK_EIO);
    assert_true(strlen(status_trail()) < 2048);
    assert_non_null(strstr(status_trail(), "file:1: ZK_EIO"));
}

static void names_are_known(void **state)
{
    (void)state;
    for (int s = 0; s < ZK_STATUS_COUNT; s++)
        assert_string_not_equal(status_name((status)s), "ZK_UNKNOWN");
    assert_string_equal(status_name((status)999), "ZK_UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trail_names_every_place),
        cmocka_unit_test(a_message_may_hold_the_previous_one),
        cmocka_unit_test(names_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
