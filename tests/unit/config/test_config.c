// SPDX-License-Identifier: Apache-2.0 OR MIT
// Sources and their order, and every refusal, on a table with a row of each type.
#include "config_fixture.h"

typedef struct toy_values {
    const char *name, *folder, *color, *filter;
    uint64_t port, limit, verbose;
    bool dry, wet;
    int finished;
} toy_values;

static status check_name(const char *value)
{
    FAIL_IF(strcmp(value, "bad") == 0, ZK_EINVAL, "this name is bad");
    return ZK_OK;
}

static status finish(void *values, config *c)
{
    (void)c;
    toy_values *v = values;
    v->finished++;
    FAIL_IF(v->port == 13, ZK_EINVAL, "port 13 brings bad luck");
    return ZK_OK;
}

#define AT(member) offsetof(toy_values, member)

static const config_setting toy_settings[] = {
    {.key = "toy.name",
     .flag = "name",
     .variable = "TOY_NICK",
     .type = CONFIG_TEXT,
     .offset = AT(name),
     .fallback = "teddy",
     .check = check_name,
     .help = "Name"},
    {.key = "toy.place.folder",
     .flag = "folder",
     .type = CONFIG_PATH,
     .offset = AT(folder),
     .excludes = "dry",
     .help = "Folder"},
    {.key = "toy.color",
     .type = CONFIG_CHOICE,
     .offset = AT(color),
     .choices = "red, green, blue",
     .fallback = "green",
     .help = "Color"},
    {.flag = "filter",
     .letter = 'd',
     .type = CONFIG_OPTIONAL,
     .offset = AT(filter),
     .help = "Filter"},
    {.key = "net.port",
     .flag = "port",
     .letter = 'p',
     .type = CONFIG_NUMBER,
     .offset = AT(port),
     .least = 1,
     .most = 65535,
     .fallback = "80",
     .help = "Port"},
    {.key = "net.limit",
     .type = CONFIG_NUMBER,
     .offset = AT(limit),
     .most = CONFIG_UNSET - 1,
     .help = "Limit"},
    {.flag = "verbose",
     .letter = 'v',
     .type = CONFIG_COUNT,
     .offset = AT(verbose),
     .most = 4,
     .help = "Verbosity"},
    {.key = "toy.dry",
     .flag = "dry",
     .letter = 'y',
     .type = CONFIG_SWITCH,
     .offset = AT(dry),
     .help = "Dry"},
    {.key = "toy.wet",
     .flag = "wet",
     .letter = 'w',
     .type = CONFIG_SWITCH,
     .offset = AT(wet),
     .help = "Wet"},
    {.key = "toy.fly",
     .flag = "fly",
     .letter = 'f',
     .type = CONFIG_SWITCH,
     .missing = "it has no wings",
     .help = "Fly"},
    {.flag = "wings",
     .type = CONFIG_NUMBER,
     .most = 2,
     .missing = "it has no wings",
     .help = "Wings"},
};

static const config_program toy = {.name = "toy",
                                   .about = "A toy",
                                   .prefix = "TOY",
                                   .settings = toy_settings,
                                   .n_settings = sizeof toy_settings / sizeof toy_settings[0],
                                   .finish = finish};

static void load(toy_values *v, config *c, const config_case *in)
{
    memset(v, 0xAA, sizeof *v);
    v->finished = 0;
    if (fixture_load(c, v, &toy, in) != ZK_OK)
        fail_msg("%s", status_message());
}

static void defaults_hold_without_sources(void **state)
{
    (void)state;
    toy_values v;
    config c;
    load(&v, &c, &(config_case){0});
    assert_string_equal(v.name, "teddy");
    assert_null(v.folder);
    assert_string_equal(v.color, "green");
    assert_null(v.filter);
    assert_int_equal(v.port, 80);
    assert_true(v.limit == CONFIG_UNSET);
    assert_int_equal(v.verbose, 0);
    assert_false(v.dry);
    assert_false(v.wet);
    assert_int_equal(v.finished, 1);
    assert_int_equal(c.request, CONFIG_RUN);
    assert_null(c.file);
    config_clear(&c);
}

static void later_sources_override_earlier_ones(void **state)
{
    (void)state;
    toy_values v;
    config c;
    const char *file = "[toy]\nname = \"f\"\nwet = true\n[net]\nport = 1\n";
    config_case in = {.file = file};
    load(&v, &c, &in);
    assert_string_equal(v.name, "f");
    assert_int_equal(v.port, 1);
    assert_true(v.wet);
    assert_string_equal(c.file, fixture_file);
    config_clear(&c);

    in.variables[0] = "TOY_NICK=n";
    load(&v, &c, &in);
    assert_string_equal(v.name, "n");
    config_clear(&c);

    in.variables[1] = "TOY_TOY_NAME=e";
    in.variables[2] = "TOY_NET_PORT=2";
    in.variables[3] = "TOY_TOY_WET=false";
    in.variables[4] = "TOY_VERBOSE=3";
    load(&v, &c, &in);
    assert_string_equal(v.name, "e");
    assert_int_equal(v.port, 2);
    assert_false(v.wet);
    assert_int_equal(v.verbose, 3);
    config_clear(&c);

    in.arguments[0] = "--name=g";
    in.arguments[1] = "--port";
    in.arguments[2] = "3";
    in.arguments[3] = "--wet";
    in.arguments[4] = "-v";
    load(&v, &c, &in);
    assert_string_equal(v.name, "g");
    assert_int_equal(v.port, 3);
    assert_true(v.wet);
    assert_int_equal(v.verbose, 1); // flags count from 0
    config_clear(&c);
}

static void file_of_the_variable_gives_way_to_the_flag(void **state)
{
    (void)state;
    toy_values v;
    config c;
    char variable[SCRATCH_PATH + 32];
    snprintf(variable, sizeof variable, "TOY_CONFIG_PATH=%s", fixture_file);
    assert_int_equal(file_write_atomic(fixture_file, "net.port = 7\n", 13), ZK_OK);
    load(&v, &c, &(config_case){.variables = {variable}});
    assert_int_equal(v.port, 7);
    assert_int_equal(c.n_unknown_variables, 0);
    config_clear(&c);
    load(&v, &c, &(config_case){.file = "net.port = 8\n", .variables = {"TOY_CONFIG_PATH=/none"}});
    assert_int_equal(v.port, 8);
    config_clear(&c);
    memset(&v, 0, sizeof v);
    assert_int_equal(
        fixture_load(&c, &v, &toy, &(config_case){.variables = {"TOY_CONFIG_PATH=/no/file"}}),
        ZK_EIO);
    assert_non_null(strstr(status_message(), "TOY_CONFIG_PATH"));
    assert_non_null(strstr(status_message(), "/no/file"));
    config_clear(&c);
}

static void flags_are_read_in_every_form(void **state)
{
    (void)state;
    toy_values v;
    config c;
    load(&v, &c, &(config_case){.arguments = {"-wvvvp8080", "-d", "--folder", "a=b"}});
    assert_true(v.wet);
    assert_int_equal(v.verbose, 3);
    assert_int_equal(v.port, 8080);
    assert_string_equal(v.filter, "");
    assert_string_equal(v.folder, "a=b");
    config_clear(&c);
    load(&v, &c, &(config_case){.arguments = {"-p=9", "-d", "air", "--verbose=2", "--wet=false"}});
    assert_int_equal(v.port, 9);
    assert_string_equal(v.filter, "air");
    assert_int_equal(v.verbose, 2);
    assert_false(v.wet);
    config_clear(&c);
    load(&v, &c, &(config_case){.arguments = {"--filter=-x", "--name=-y"}});
    assert_string_equal(v.filter, "-x");
    assert_string_equal(v.name, "-y");
    config_clear(&c);
}

static void home_stands_for_the_tilde(void **state)
{
    (void)state;
    toy_values v;
    config c;
    load(&v, &c,
         &(config_case){.variables = {"HOME=/h", "TOY_TOY_PLACE_FOLDER=~/k"},
                        .arguments = {"--name", "~/k"}});
    assert_string_equal(v.folder, "/h/k");
    assert_string_equal(v.name, "~/k");
    config_clear(&c);
    fixture_refused(&toy, &(config_case){.arguments = {"--folder", "~/k"}}, "HOME");
}

static void help_and_version_need_nothing_else(void **state)
{
    (void)state;
    toy_values v;
    config c;
    load(&v, &c,
         &(config_case){.variables = {"TOY_CONFIG_PATH=/no/file"}, .arguments = {"-p1", "--help"}});
    assert_int_equal(c.request, CONFIG_HELP);
    assert_int_equal(v.finished, 0);
    config_clear(&c);
    load(&v, &c, &(config_case){.arguments = {"-V"}});
    assert_int_equal(c.request, CONFIG_VERSION);
    config_clear(&c);
}

static void bad_files_are_refused_with_file_line_and_key(void **state)
{
    (void)state;
    static const struct {
        const char *file, *message;
    } rows[] = {
        {"[net]\n\nport = 0\n", "a.toml:3: net.port: 0 is out of range, 1 to 65535"},
        {"net.port = 65536\n", "a.toml:1: net.port: 65536 is out of range"},
        {"net.port = -1\n", "a.toml:1: net.port: -1 is out of range"},
        {"net.port = \"80\"\n", "a.toml:1: net.port: is of type text and must be of type integer"},
        {"net.port = 80.0\n", "is of type float and must be of type integer"},
        {"net.port = [80]\n", "is of type array"},
        {"[net.port]\n", "is of type table"},
        {"toy.name = 1\n", "a.toml:1: toy.name: is of type integer and must be of type text"},
        {"toy.wet = \"true\"\n", "is of type text and must be of type boolean"},
        {"toy.name = \"\"\n", "a.toml:1: toy.name: the value is empty"},
        {"toy.name = \"a\\u0000\"\n", "a.toml:1: toy.name: holds a character 0"},
        {"toy.name = \"bad\"\n", "a.toml:1: toy.name: this name is bad"},
        {"toy.color = \"pink\"\n", "toy.color: \"pink\" is none of red, green, blue"},
        {"toy.color = \"re\"\n", "is none of"},
        {"toy.color = \"red, green\"\n", "is none of"},
        {"[net]\nprot = 1\n",
         "a.toml:2: net.prot: toy has no such key; did you mean \"net.port\"?"},
        {"[ney]\nport = 1\n", "a.toml:1: ney: toy has no such key"},
        {"[toy]\n\"color.x\" = 1\n", "a.toml:2: toy has no such key"},
        {"[toy]\n\"color\\u0000\" = \"red\"\n", "a.toml:2: toy has no such key"},
        {"[toy.place]\nfolder.deep = 1\n", "toy.place.folder: is of type table"},
        {"[[net]]\nport = 1\n", "a.toml:1: net: toy has no such key"},
        {"verbose = 1\n", "verbose: toy has no such key"},
        {"[net]\nport 1\n", "a.toml:2:6: '=' is expected"},
        {"toy.fly = true\n", "a.toml:1: toy.fly: cannot be used: it has no wings"},
        {"toy.fly = 1\n", "is of type integer and must be of type boolean"},
        {"net.port = 13\n", "port 13 brings bad luck"},
        {"toy.place.folder = \"x\"\ntoy.dry = true\n", "--folder and --dry exclude each other"},
    };
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
        fixture_refused(&toy, &(config_case){.file = rows[k].file}, rows[k].message);
    toy_values v;
    config c;
    load(&v, &c, &(config_case){.file = "toy = {fly = false, place = {}}\nnet.limit = 0x7FF\n"});
    assert_int_equal(v.limit, 0x7FF);
    config_clear(&c);
}

static void bad_variables_and_flags_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *variable;
        const char *arguments[4];
        const char *message;
    } rows[] = {
        {"TOY_NET_PORT=x", {0}, "environment variable TOY_NET_PORT: \"x\" is not a whole number"},
        {"TOY_NET_PORT=-1", {0}, "\"-1\" is not a whole number"},
        {"TOY_NET_PORT= 1", {0}, "is not a whole number"},
        {"TOY_NET_LIMIT=18446744073709551616", {0}, "is out of range"},
        {"TOY_NET_LIMIT=18446744073709551615", {0}, "is out of range"},
        {"TOY_TOY_WET=yes", {0}, "\"yes\" is neither true nor false"},
        {"TOY_WINGS=2", {0}, "environment variable TOY_WINGS: cannot be used: it has no wings"},
        {NULL, {"--port"}, "--port needs a value"},
        {NULL, {"--port", "-v"}, "--port needs a value"},
        {NULL, {"-p"}, "-p needs a value"},
        {NULL, {"-p1", "--port=2"}, "--port is given twice"},
        {NULL, {"--config=x", "--config=y"}, "--config is given twice"},
        {NULL, {"--wet", "-w"}, "-w is given twice"},
        {NULL, {"--wet=1"}, "--wet: \"1\" is neither true nor false"},
        {NULL, {"--name="}, "--name: the value is empty"},
        {NULL, {"--prot", "1"}, "there is no flag --prot; did you mean \"--port\"?"},
        {NULL, {"--por", "1"}, "there is no flag --por;"},
        {NULL, {"-q"}, "there is no flag -q"},
        {NULL, {"stray"}, "no argument \"stray\" is expected"},
        {NULL, {"-"}, "no argument \"-\""},
        {NULL, {"--"}, "there is no flag --"},
        {NULL, {"-vvvvv"}, "-v: 5 is out of range, 0 to 4"},
        {NULL, {"-f"}, "-f: cannot be used: it has no wings"},
        {NULL, {"--wings", "2"}, "--wings: cannot be used: it has no wings"},
        {NULL, {"--folder=x", "-y"}, "--folder and --dry exclude each other"},
    };
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        config_case in = {.variables = {rows[k].variable}};
        memcpy(in.arguments, rows[k].arguments, sizeof rows[k].arguments);
        fixture_refused(&toy, &in, rows[k].message);
    }
}

static void long_values_are_refused(void **state)
{
    (void)state;
    toy_values v;
    config c;
    char flag[CONFIG_TEXT_MAX + 16] = "--name=";
    memset(flag + 7, 'x', CONFIG_TEXT_MAX);
    load(&v, &c, &(config_case){.arguments = {flag}});
    assert_int_equal(strlen(v.name), CONFIG_TEXT_MAX);
    config_clear(&c);
    flag[7 + CONFIG_TEXT_MAX] = 'x';
    fixture_refused(&toy, &(config_case){.arguments = {flag}}, "--name: longer than 4096 bytes");
}

static void of_settings_that_exclude_each_other_the_stronger_source_holds(void **state)
{
    (void)state;
    toy_values v;
    config c;
    load(&v, &c, &(config_case){.file = "toy.place.folder = \"x\"\n", .arguments = {"--dry"}});
    assert_null(v.folder);
    assert_true(v.dry);
    config_clear(&c);
    load(&v, &c, &(config_case){.file = "toy.dry = true\n", .arguments = {"--folder=x"}});
    assert_string_equal(v.folder, "x");
    assert_false(v.dry);
    config_clear(&c);
    load(&v, &c, &(config_case){.arguments = {"--dry=false", "--folder=x"}});
    assert_string_equal(v.folder, "x");
    config_clear(&c);
}

static void unknown_variables_are_listed_and_empty_ones_unset(void **state)
{
    (void)state;
    toy_values v;
    config c;
    load(&v, &c,
         &(config_case){.variables = {"TOY_NET_PORT=", "TOY_NET_PROT=1", "TOYS=1",
                                      "TOY_PORT=tcp://1", "TOY_WET"}});
    assert_int_equal(v.port, 80);
    assert_int_equal(c.n_unknown_variables, 3);
    assert_string_equal(c.unknown_variables[0], "TOY_NET_PROT");
    assert_string_equal(c.unknown_variables[1], "TOY_PORT");
    assert_string_equal(c.unknown_variables[2], "TOY_WET");
    config_clear(&c);
}

static void help_shows_every_setting_and_where_it_is_given(void **state)
{
    (void)state;
    byte_buffer text = buffer_new();
    assert_int_equal(config_help(&text, &toy), ZK_OK);
    assert_int_equal(buffer_put_u8(&text, 0), ZK_OK);
    const char *s = (const char *)text.data;
    assert_non_null(strstr(s, "  -p, --port NUMBER\n          Port. [Number, 1 to 65535] "
                              "[default: 80] [key: net.port] [variable: TOY_NET_PORT]\n"));
    assert_non_null(strstr(s, "settings of file and environment alone:\n      toy.color\n"));
    assert_non_null(strstr(s, "[refused: it has no wings]"));
    assert_non_null(strstr(s, "TOY_CONFIG_PATH"));
    for (size_t k = 0; k < toy.n_settings; k++)
        assert_non_null(strstr(s, toy_settings[k].help));
    buffer_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_hold_without_sources),
        cmocka_unit_test(later_sources_override_earlier_ones),
        cmocka_unit_test(file_of_the_variable_gives_way_to_the_flag),
        cmocka_unit_test(flags_are_read_in_every_form),
        cmocka_unit_test(home_stands_for_the_tilde),
        cmocka_unit_test(help_and_version_need_nothing_else),
        cmocka_unit_test(bad_files_are_refused_with_file_line_and_key),
        cmocka_unit_test(bad_variables_and_flags_are_refused),
        cmocka_unit_test(long_values_are_refused),
        cmocka_unit_test(of_settings_that_exclude_each_other_the_stronger_source_holds),
        cmocka_unit_test(unknown_variables_are_listed_and_empty_ones_unset),
        cmocka_unit_test(help_shows_every_setting_and_where_it_is_given),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
