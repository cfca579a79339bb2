// SPDX-License-Identifier: Apache-2.0 OR MIT
// The tree remembers places; what TOML forbids is refused where it stands. Values and acceptance in
// breadth are compared with another reader by test_toml_oracle.py.
#include "unit/test.h"

#include "config/toml.h"

static arena memory;

static status parse(toml_item **root, const char *text)
{
    return toml_parse(root, &memory, "doc", text, strlen(text));
}

static int open_memory(void **state)
{
    (void)state;
    arena_init(&memory, 0);
    return 0;
}

static int close_memory(void **state)
{
    (void)state;
    arena_clear(&memory);
    return 0;
}

static void items_know_their_line_and_column(void **state)
{
    (void)state;
    toml_item *root;
    assert_int_equal(
        parse(&root, "# c\n[server]\n  port = 1\nm = \"\"\"\na\n\"\"\"\n\n x.y = 2 \n"), ZK_OK);
    const toml_item *server = root->first;
    assert_string_equal(server->key, "server");
    assert_int_equal(server->line, 2);
    const toml_item *port = server->first;
    assert_int_equal(port->line, 3);
    assert_int_equal(port->column, 3);
    const toml_item *m = port->next;
    assert_int_equal(m->line, 4);
    assert_string_equal(m->text, "a\n");
    const toml_item *x = m->next;
    assert_int_equal(x->line, 8);
    assert_int_equal(x->first->line, 8);
    assert_int_equal(x->first->column, 2);
    assert_int_equal(x->first->integer, 2);
    assert_null(x->next);
}

static void texts_keep_every_byte(void **state)
{
    (void)state;
    toml_item *root;
    assert_int_equal(parse(&root, "a = \"\\u0000\\U0010FFFF\\uFFFF\\u07FF\""), ZK_OK);
    static const char want[] = "\0\xF4\x8F\xBF\xBF\xEF\xBF\xBF\xDF\xBF";
    assert_int_equal(root->first->text_bytes, sizeof want - 1);
    assert_memory_equal(root->first->text, want, sizeof want);
}

static void errors_name_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"a = 1\nb 2\n", "doc:2:3: '=' is expected"},
        {"a = \n", "doc:1:5: a value is expected"},
        {"a = hello\n", "doc:1:5: hello is no number"},
        {"a = 01\n", "doc:1:5: 01 is no number"},
        {"a = 1__0\n", "doc:1:5: 1__0 is no number"},
        {"a = 9223372036854775808\n", "doc:1:5: 9223372036854775808 does not fit"},
        {"a = 2026-11-23\n", "doc:1:5: a date or a time"},
        {"a = 12:00:00\n", "doc:1:5: a date or a time"},
        {"a = 1 b = 2\n", "doc:1:7: more text"},
        {"[a]\nx = 1\n[a]\n", "doc:3:4: \"a\" was given on line 1 already"},
        {"a = 1\n\na = 2\n", "doc:3:5: \"a\" was given on line 1 already"},
        {"a = {b = 1}\n[a.c]\n", "doc:2:4: \"a\" was given on line 1 already"},
        {"a = {b = 1}\na.c = 1\n", "\"a\" was given on line 1 already"},
        {"[a.b.c]\nz = 1\n[a]\nb.c.t = 1\n", "\"b\" belongs to the header on line 1"},
        {"a.b = 1\n[a]\n", "\"a\" was given on line 1 already"},
        {"a = []\n[[a]]\n", "\"a\" was given on line 1 already"},
        {"[[a]]\n[a]\n", "\"a\" was given on line 1 already"},
        {"[a\nb = 1\n", "doc:1:3: ']' is expected"},
        {"[[a]\n", "']' is expected"},
        {"a = [1 2]\n", "',' or ']'"},
        {"a = {b = 1 c = 2}\n", "',' or '}'"},
        {"a = {b = 1,}\n", "a key is expected"},
        {"a = {\n", "a key is expected"},
        {"a = \"x\n\"\n", "does not end on its line"},
        {"a = \"\"\"x\n", "the document ends inside"},
        {"a = \"\\q\"\n", "unknown escape"},
        {"a = \"\\uD800\"\n", "no Unicode character"},
        {"a = \"\\u12G4\"\n", "hexadecimal digits"},
        {"a = \"\x01\"\n", "control character in a text"},
        {"# \x01\n", "control character in a comment"},
        {"a = '''x''''''\n", "too many quotes"},
        {"\"\"\"a\"\"\" = 1\n", "'=' is expected"},
        {"a = \"\xC0\xAF\"\n", "doc:1: the file is not UTF-8"},
        {"a = 1\n# \xED\xA0\x80\n", "doc:2: the file is not UTF-8"},
        {"# \xF4\x90\x80\x80\n", "not UTF-8"},
        {"# \xE2\x82", "not UTF-8"},
    };
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        toml_item *root;
        status s = parse(&root, rows[k].text);
        if (s != ZK_EPARSE || strstr(status_message(), rows[k].message) == NULL)
            fail_msg("%s gave %s: %s", rows[k].text, status_name(s), status_message());
    }
}

static void size_depth_and_number_are_limited(void **state)
{
    (void)state;
    toml_item *root;
    static char text[TOML_MAX_BYTES + 1];
    memset(text, '\n', sizeof text);
    assert_int_equal(toml_parse(&root, &memory, "doc", text, TOML_MAX_BYTES), ZK_OK);
    assert_int_equal(toml_parse(&root, &memory, "doc", text, sizeof text), ZK_ELIMIT);

    memset(text, '[', 2 * TOML_MAX_DEPTH);
    memcpy(text, "a=", 2);
    memset(text + 2 + TOML_MAX_DEPTH - 1, ']', TOML_MAX_DEPTH - 1);
    assert_int_equal(toml_parse(&root, &memory, "doc", text, 2 * TOML_MAX_DEPTH), ZK_OK);
    memset(text + 2, '[', TOML_MAX_DEPTH + 1);
    assert_int_equal(toml_parse(&root, &memory, "doc", text, TOML_MAX_DEPTH + 3), ZK_ELIMIT);

    size_t n = 0;
    for (int k = 0; k < TOML_MAX_ITEMS; k++)
        n += (size_t)sprintf(text + n, "k%d=1\n", k);
    assert_int_equal(toml_parse(&root, &memory, "doc", text, n), ZK_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(items_know_their_line_and_column, open_memory,
                                        close_memory),
        cmocka_unit_test_setup_teardown(texts_keep_every_byte, open_memory, close_memory),
        cmocka_unit_test_setup_teardown(errors_name_their_place, open_memory, close_memory),
        cmocka_unit_test_setup_teardown(size_depth_and_number_are_limited, open_memory,
                                        close_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
