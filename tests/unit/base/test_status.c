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
        cmocka_unit_test(names_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
