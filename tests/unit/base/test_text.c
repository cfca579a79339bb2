// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "unit/test.h"

#include "base/text.h"

#include <json-c/json.h>

static char *shown(const char *text, bool json)
{
    static byte_buffer b;
    b.size = 0;
    assert_int_equal(json ? buffer_put_json(&b, text) : buffer_put_shown(&b, text), ZK_OK);
    assert_int_equal(buffer_put_u8(&b, 0), ZK_OK);
    return (char *)b.data;
}

static void shows_texts_of_strangers(void **state)
{
    (void)state;
    assert_string_equal(shown("plain \xc3\xa9 \"x\" \\", false), "plain \xc3\xa9 \"x\" \\");
    assert_string_equal(shown("a\nb\tc\x1b[2J\x7f", false), "a\\nb\\tc\\u001b[2J\\u007f");
    assert_string_equal(shown("\xe2\x80\xae", false), "\\u202e"); // reverses what follows
    assert_string_equal(shown("\xc2\x9b", false), "\\u009b");     // 8-bit escape
    assert_string_equal(shown("\xff\xc0\xaf", false), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    assert_string_equal(shown("\xed\xa0\x80", false), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    assert_string_equal(shown("cut \xe2\x80", false), "cut \xef\xbf\xbd\xef\xbf\xbd");
}

static void json_is_what_it_was(void **state)
{
    (void)state;
    assert_string_equal(shown(NULL, true), "null");
    assert_string_equal(shown("", true), "\"\"");
    char text[256];
    for (int c = 1; c < 128; c++)
        text[c - 1] = (char)c;
    strcpy(text + 127, "\xf0\x9f\x98\x80\xc2\x80");
    struct json_object *o = json_tokener_parse(shown(text, true));
    assert_non_null(o);
    assert_string_equal(json_object_get_string(o), text);
    json_object_put(o);
}

static void prints_and_grows(void **state)
{
    (void)state;
    byte_buffer b = buffer_new();
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buffer_printf(&b, "%d,", i % 10), ZK_OK);
    assert_int_equal(b.size, 2000);
    assert_memory_equal(b.data + 1998, "9,", 2);
    assert_int_equal(buffer_put_hex(&b, (const uint8_t *)"\x00\xaf", 2), ZK_OK);
    assert_memory_equal(b.data + 2000, "00af", 4);
    buffer_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shows_texts_of_strangers),
                                       cmocka_unit_test(json_is_what_it_was),
                                       cmocka_unit_test(prints_and_grows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
