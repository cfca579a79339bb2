// SPDX-License-Identifier: Apache-2.0 OR MIT
// json lines are judged by a parser of other people (json-c, strict, UTF-8 checked).
#include "unit/test.h"
#include "unit/base/scratch.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

// 2026-11-23T12:34:56.123456789Z
#define NOON (1795437296ULL * NS_PER_SECOND + 123456789)
#define DAY  (86400 * NS_PER_SECOND)

static uint64_t fake_ns;
static int stream;
static byte_buffer output;

static uint64_t fake_clock(void)
{
    return fake_ns;
}

static void open_log(log_format format, const char *filter, const char *file_path)
{
    fake_ns = NOON;
    const log_config config = {format, filter, stream, file_path, fake_clock};
    assert_int_equal(log_open(&config), ZK_OK);
}

// What went to the stream since the last call, as a string.
static char *take(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", stream);
    assert_int_equal(file_read(&output, path, 64 << 20), ZK_OK);
    assert_int_equal(buffer_put_u8(&output, 0), ZK_OK);
    assert_int_equal(ftruncate(stream, 0), 0);
    assert_int_equal(lseek(stream, 0, SEEK_SET), 0);
    return (char *)output.data;
}

// Parses one whole line (with its newline) as a JSON object; fails the test otherwise.
static json_object *parse_line(const char *line, size_t size)
{
    assert_true(size > 0 && size <= LOG_LINE_MAX);
    assert_int_equal(line[size - 1], '\n');
    for (size_t i = 0; i + 1 < size; i++)
        assert_true((unsigned char)line[i] >= 0x20);
    json_tokener *t = json_tokener_new();
    json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    json_object *o = json_tokener_parse_ex(t, line, (int)size - 1);
    if (o == NULL) // an object that is complete needs no final 0
        fail_msg("no JSON: %s: %.*s", json_tokener_error_desc(json_tokener_get_error(t)), (int)size,
                 line);
    assert_int_equal(json_tokener_get_parse_end(t), size - 1);
    assert_true(json_object_is_type(o, json_type_object));
    json_tokener_free(t);
    return o;
}

static json_object *take_json(void)
{
    char *line = take();
    return parse_line(line, strlen(line));
}

static const char *text_at(json_object *o, const char *key)
{
    json_object *v;
    assert_true(json_object_object_get_ex(o, key, &v));
    return json_object_get_string(v);
}

static json_object *fields_of(json_object *o)
{
    json_object *v;
    assert_true(json_object_object_get_ex(o, "fields", &v));
    return v;
}

static void json_carries_every_kind(void **state)
{
    (void)state;
    open_log(LOG_JSON, "info", NULL);
    const uint8_t digest[] = {0x00, 0xab, 0xff};
    log_info("rpc::http2", "say \"hi\"", log_str("s", "a\\b\"c\td"), log_u64("max", UINT64_MAX),
             log_i64("min", INT64_MIN), log_f64("half", 0.5), log_f64("nan", NAN),
             log_f64("inf", -INFINITY), log_bool("yes", true), log_hex("digest", digest, 3),
             log_str("none", NULL), log_str("empty", ""));
    json_object *o = take_json();
    assert_string_equal(text_at(o, "timestamp"), "2026-11-23T12:34:56.123456Z");
    assert_string_equal(text_at(o, "level"), "INFO");
    assert_string_equal(text_at(o, "target"), "rpc::http2");
    assert_string_equal(text_at(o, "message"), "say \"hi\"");
    json_object *f = fields_of(o);
    assert_string_equal(text_at(f, "s"), "a\\b\"c\td");
    assert_string_equal(text_at(f, "max"), "18446744073709551615");
    assert_string_equal(text_at(f, "min"), "-9223372036854775808");
    assert_string_equal(text_at(f, "half"), "0.5");
    assert_null(text_at(f, "nan"));
    assert_null(text_at(f, "inf"));
    assert_string_equal(text_at(f, "yes"), "true");
    assert_string_equal(text_at(f, "digest"), "00abff");
    assert_null(text_at(f, "none"));
    assert_string_equal(text_at(f, "empty"), "");
    json_object_put(o);

    log_info("x", "no fields");
    o = take_json();
    assert_int_equal(json_object_object_length(fields_of(o)), 0);
    json_object_put(o);
}

static void plain_formats(void **state)
{
    (void)state;
    open_log(LOG_COMPACT, NULL, NULL);
    log_warn("worker", "lost peer", log_str("peer", "10.0.0.1:50051"), log_str("why", "timed out"),
             log_str("none", NULL), log_u64("n", 3));
    assert_string_equal(take(), "2026-11-23T12:34:56.123456Z WARN worker: lost peer "
                                "peer=10.0.0.1:50051 why=\"timed out\" none=null n=3\n");
    open_log(LOG_PRETTY, "trace", NULL);
    log_warn("worker", "lost peer", log_str("peer", "a=b"));
    log_error("worker", "no fields");
    assert_string_equal(take(), "2026-11-23 12:34:56.123  WARN worker: lost peer  peer=\"a=b\"\n"
                                "2026-11-23 12:34:56.123 ERROR worker: no fields\n");
    log_printf(LEVEL_DEBUG, "worker", "%d of %s", 3, "four");
    assert_string_equal(take(), "2026-11-23 12:34:56.123 DEBUG worker: 3 of four\n");
}

// Texts that try to break out of the line, the string or the terminal.
static void hostile_texts_stay_inside_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out; // out: what a JSON parser gives back
    } cases[] = {
        {"two\nlines\r\n", "two\nlines\r\n"},
        {"\",\"level\":\"ERROR", "\",\"level\":\"ERROR"},
        {"\\", "\\"},
        {"\x1b[2J\x07\x7f", "\x1b[2J\x07\x7f"},
        {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xe2\x80\xae", "\xe2\x80\xae"},                         // right-to-left override
        {"\x80", "\xef\xbf\xbd"},                                 // continuation alone
        {"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"},                 // overlong 0
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, // surrogate
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, // > 10FFFF
        {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},                                 // ends early
        {"\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *in = cases[i].in;
        open_log(LOG_JSON, NULL, NULL);
        log_info(in, in, log_str("value", in), log_str(in, "key"));
        json_object *o = take_json();
        assert_string_equal(text_at(o, "message"), cases[i].out);
        assert_string_equal(text_at(o, "target"), cases[i].out);
        assert_string_equal(text_at(fields_of(o), "value"), cases[i].out);
        assert_string_equal(text_at(fields_of(o), cases[i].out), "key");
        json_object_put(o);
        for (int format = LOG_PRETTY; format <= LOG_COMPACT; format++) {
            open_log((log_format)format, NULL, NULL);
            log_info(in, in, log_str("value", in), log_str(in, "key"));
            const char *line = take();
            size_t n = strlen(line);
            assert_int_equal(line[n - 1], '\n');
            for (size_t j = 0; j + 1 < n; j++)
                assert_true((unsigned char)line[j] >= 0x20 && line[j] != 0x7f);
            assert_null(strstr(line, "\xe2\x80\xae"));
        }
    }
}

static void random_bytes_are_valid_json(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(7);
    open_log(LOG_JSON, NULL, NULL);
    for (int round = 0; round < 3000; round++) {
        uint8_t text[64];
        size_t n = test_rng_u64(&rng) % sizeof text;
        for (size_t i = 0; i < n; i++) {
            uint64_t r = test_rng_u64(&rng);
            // Half of the bytes are leads and continuations, so that sequences are common.
            text[i] = (uint8_t)(r & 0x100 ? 0x80 | (r & 0x7f) : r);
        }
        log_info("t", "m", log_bytes("value", text, n));
        json_object *o = take_json();
        if (round < 256) {
            text[0] = (uint8_t)round; // and each byte alone, 0 among them
            log_info("t", "m", log_bytes("value", text, 1));
            json_object_put(o);
            o = take_json();
        }
        assert_non_null(text_at(fields_of(o), "value"));
        json_object_put(o);
    }
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    enum { N = LOG_TEXT_MAX };
    char *text = malloc(2 * N);
    static const char *const units[] = {"a", "\x01", "\xff", "\xe2\x82\xac", "\\"};
    open_log(LOG_JSON, NULL, NULL);
    for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
        size_t unit = strlen(units[u]);
        for (size_t i = 0; i < 2 * N; i++)
            text[i] = units[u][i % unit];
        text[2 * N - 1] = '\0';
        log_info(text, text, log_str("value", text), log_u64("after", 1));
        json_object *o = take_json();
        const char *message = text_at(o, "message");
        size_t n = strlen(message);
        assert_in_range(n, N - 2, 3 * N + 3);
        assert_string_equal(message + n - 3, "\xe2\x80\xa6");
        assert_string_equal(text_at(fields_of(o), "after"), "1");
        json_object_put(o);
    }
    log_info("t", "m", log_hex("h", text, 2 * N));
    json_object *o = take_json();
    assert_int_equal(strlen(text_at(fields_of(o), "h")), 2 * 1024 + 3);
    json_object_put(o);
    free(text);
}

static void fields_that_do_not_fit_are_counted(void **state)
{
    (void)state;
    char text[4000];
    memset(text, '\x01', sizeof text);
    log_field fields[40];
    for (int i = 0; i < 40; i++)
        fields[i] = log_bytes("f", text, i % 4 == 3 ? 1 : sizeof text);
    for (int format = 0; format < LOG_FORMAT_COUNT; format++) {
        open_log((log_format)format, NULL, NULL);
        log_write(LEVEL_INFO, "t", "m", fields, 40);
        char *line = take();
        assert_true(strlen(line) <= LOG_LINE_MAX);
        assert_non_null(strstr(line, "fields_left_out"));
        if (format == LOG_JSON) {
            json_object *o = parse_line(line, strlen(line));
            assert_string_equal(text_at(fields_of(o), "fields_left_out"), "28");
            json_object_put(o);
        }
    }
}

static void filters_decide_by_the_longest_target(void **state)
{
    (void)state;
    open_log(LOG_COMPACT, "warn, rpc=debug,rpc::http2=off,Worker=TRACE,rpc=info", NULL);
    assert_true(log_enabled(LEVEL_WARN, "base"));
    assert_false(log_enabled(LEVEL_INFO, "base"));
    assert_true(log_enabled(LEVEL_INFO, "rpc")); // the later of two equal targets
    assert_false(log_enabled(LEVEL_DEBUG, "rpc"));
    assert_true(log_enabled(LEVEL_INFO, "rpc::tls"));
    assert_false(log_enabled(LEVEL_ERROR, "rpc::http2"));
    assert_false(log_enabled(LEVEL_ERROR, "rpc::http2::frames"));
    assert_false(log_enabled(LEVEL_INFO, "rpcs")); // another name, not a part
    assert_true(log_enabled(LEVEL_TRACE, "Worker"));
    assert_false(log_enabled(LEVEL_TRACE, "worker"));
    log_info("base", "hidden");
    log_info("rpc", "shown");
    assert_string_equal(take(), "2026-11-23T12:34:56.123456Z INFO rpc: shown\n");

    open_log(LOG_COMPACT, "off", NULL);
    log_error("base", "hidden");
    assert_string_equal(take(), "");
    open_log(LOG_COMPACT, "rpc=debug", NULL); // others stay at info
    assert_true(log_enabled(LEVEL_INFO, "base"));
    assert_false(log_enabled(LEVEL_DEBUG, "base"));
}

static void bad_settings_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"loud",  "rpc",        "rpc=",      "=info",   "rpc=loud",
                                      "a=b=c", "info,debug", "info;warn", "rpc[x]=1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(log_check_filter(bad[i]), ZK_EINVAL);
    char many[1000] = "";
    for (int i = 0; i < 64; i++)
        strcat(many, "a=info,");
    assert_int_equal(log_check_filter(many), ZK_EINVAL);
    assert_int_equal(log_check_filter(NULL), ZK_OK);
    assert_int_equal(log_check_filter(" , INFO ,"), ZK_OK);

    log_format format;
    assert_int_equal(log_format_from_name(&format, "json"), ZK_OK);
    assert_int_equal(format, LOG_JSON);
    assert_int_equal(log_format_from_name(&format, "JSON"), ZK_EINVAL);

    // A refused configuration leaves the one before in force.
    open_log(LOG_COMPACT, "off", NULL);
    log_config config = {LOG_JSON, "loud", stream, NULL, fake_clock};
    assert_int_equal(log_open(&config), ZK_EINVAL);
    config.filter = "info";
    config.file_path = "/proc/nowhere/log";
    assert_int_equal(log_open(&config), ZK_EIO);
    assert_non_null(strstr(status_message(), "/proc/nowhere"));
    log_error("base", "hidden");
    assert_string_equal(take(), "");
}

static int evaluations;

static const char *costly(void)
{
    evaluations++;
    return "x";
}

static void silent_events_cost_nothing_and_trails_are_details(void **state)
{
    (void)state;
    open_log(LOG_COMPACT, "info", NULL);
    evaluations = 0;
    log_debug("t", "m", log_str("v", costly()));
    assert_int_equal(evaluations, 0);
    log_info("t", "m", log_str("v", costly()));
    assert_int_equal(evaluations, 1);

    status s = status_fail(ZK_EIO, "a.c", 7, "x < 0", "cannot open %s", "f");
    errno = ENOSPC;
    take();
    log_error("t", "failed", LOG_STATUS(s));
    assert_int_equal(errno, ENOSPC);
    assert_string_equal(status_message(), "cannot open f");
    static const char told[] = "status=ZK_EIO error=\"cannot open f\"";
    const char *line = take();
    assert_non_null(strstr(line, told));
    assert_null(strstr(line, "a.c"));

    // Places in the source are for those who ask for the target's trace.
    open_log(LOG_COMPACT, "debug,t=trace", NULL);
    take();
    log_error("u", "failed", LOG_STATUS(s));
    line = take();
    assert_non_null(strstr(line, told));
    assert_null(strstr(line, "a.c"));
    log_error("t", "failed", LOG_STATUS(s));
    line = take();
    assert_non_null(strstr(line, told));
    assert_non_null(strstr(line, "trail=\"a.c:7: ZK_EIO\\n"));
}

static char folder[SCRATCH_PATH];

// Content of folder/name as a string in `output`.
static char *file_text(const char *name)
{
    char path[SCRATCH_PATH];
    scratch_path(path, folder, name);
    assert_int_equal(file_read(&output, path, 1 << 20), ZK_OK);
    assert_int_equal(buffer_put_u8(&output, 0), ZK_OK);
    return (char *)output.data;
}

static void remove_file(const char *name)
{
    char path[SCRATCH_PATH];
    scratch_path(path, folder, name);
    assert_int_equal(remove(path), 0);
}

static void each_day_has_its_file(void **state)
{
    (void)state;
    char path[SCRATCH_PATH], blocked[SCRATCH_PATH];
    scratch_path(path, folder, "deep/log");
    open_log(LOG_COMPACT, NULL, path);
    fake_ns = NOON / DAY * DAY + DAY - 1;
    log_info("t", "last of the day");
    fake_ns++;
    log_info("t", "first of the day");
    assert_string_equal(file_text("deep/log.2026-11-23"),
                        "2026-11-23T23:59:59.999999Z INFO t: last of the day\n");
    assert_string_equal(file_text("deep/log.2026-11-24"),
                        "2026-11-24T00:00:00.000000Z INFO t: first of the day\n");
    take();

    // The next day's name is taken by a folder: lines go on into the old file, aloud, and move
    // over at the first event a minute after the way is free.
    scratch_path(blocked, folder, "deep/log.2026-11-25");
    assert_int_equal(mkdir(blocked, 0777), 0);
    fake_ns += DAY;
    log_info("t", "one");
    log_info("t", "two");
    const char *said = take();
    assert_non_null(strstr(said, "ERROR log: cannot open the log file of a new day"));
    assert_null(strstr(strstr(said, "ERROR log") + 1, "ERROR log")); // once
    assert_int_equal(rmdir(blocked), 0);
    fake_ns += 59 * NS_PER_SECOND;
    log_info("t", "three");
    fake_ns += NS_PER_SECOND;
    log_info("t", "four");
    const char *old = file_text("deep/log.2026-11-24");
    assert_true(strstr(old, "one") && strstr(old, "two") && strstr(old, "three"));
    assert_null(strstr(old, "four"));
    assert_non_null(strstr(file_text("deep/log.2026-11-25"), "four"));

    // A second start on the same day appends.
    uint64_t now = fake_ns;
    log_close();
    open_log(LOG_COMPACT, NULL, path);
    fake_ns = now;
    log_info("t", "five");
    assert_non_null(strstr(file_text("deep/log.2026-11-25"), "four\n"));
    assert_non_null(strstr(file_text("deep/log.2026-11-25"), "five\n"));
    log_close();
    take();
    remove_file("deep/log.2026-11-23");
    remove_file("deep/log.2026-11-24");
    remove_file("deep/log.2026-11-25");
    remove_file("deep");
}

static void full_disk_is_told_and_survived(void **state)
{
    (void)state;
    char path[SCRATCH_PATH];
    struct rlimit before, small;
    scratch_path(path, folder, "full");
    open_log(LOG_JSON, NULL, path);
    log_info("t", "first");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    // Room for a part of the second line. The stream's memory file stays below it, too.
    small = before;
    small.rlim_cur = strlen(file_text("full.2026-11-23")) + 20;
    take();
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < 3; i++)
        log_info("t", "lost");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    log_info("t", "last");
    log_close();
    signal(SIGXFSZ, SIG_DFL);

    int parted = 0, lines = 0;
    for (char *line = file_text("full.2026-11-23"), *end; *line != '\0'; line = end + 1) {
        end = strchr(line, '\n');
        assert_non_null(end);
        lines++;
        if (end[-1] != '}') { // the one line that the disk cut
            parted++;
            continue;
        }
        json_object *o = parse_line(line, (size_t)(end + 1 - line));
        if (strcmp(text_at(o, "message"), "lines were lost here") == 0)
            assert_string_equal(text_at(fields_of(o), "lines"), "3");
        json_object_put(o);
    }
    assert_int_equal(parted, 1);
    assert_int_equal(lines, 4); // first, the part, the note, last
    remove_file("full.2026-11-23");
    take();
}

enum { WRITERS = 4, LINES = 400 };

static void *write_many(void *arg)
{
    for (int i = 0; i < LINES; i++)
        log_info("t", "m", log_u64("writer", (uintptr_t)arg), log_u64("i", (uint64_t)i));
    return NULL;
}

static void *reopen_often(void *arg)
{
    for (int i = 0; i < 50; i++) {
        const log_config config = {LOG_JSON, "info,a=debug", stream, arg, fake_clock};
        if (log_open(&config) != ZK_OK)
            return arg;
        (void)log_enabled(LEVEL_DEBUG, "a");
    }
    return NULL;
}

static void lines_of_many_threads_stay_whole(void **state)
{
    (void)state;
    char path[SCRATCH_PATH];
    scratch_path(path, folder, "many");
    open_log(LOG_JSON, "info", path);
    pthread_t writers[WRITERS], opener;
    void *failed;
    for (uintptr_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&writers[i], NULL, write_many, (void *)i), 0);
    assert_int_equal(pthread_create(&opener, NULL, reopen_often, path), 0);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    pthread_join(opener, &failed);
    assert_null(failed);
    log_close();
    take();

    int next[WRITERS] = {0};
    for (char *line = file_text("many.2026-11-23"), *end; *line != '\0'; line = end + 1) {
        end = strchr(line, '\n');
        assert_non_null(end);
        json_object *o = parse_line(line, (size_t)(end + 1 - line));
        int writer = atoi(text_at(fields_of(o), "writer"));
        assert_in_range(writer, 0, WRITERS - 1);
        assert_int_equal(atoi(text_at(fields_of(o), "i")), next[writer]++);
        json_object_put(o);
    }
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(next[i], LINES);
    remove_file("many.2026-11-23");
}

static int open_all(void **state)
{
    (void)state;
    stream = memfd_create("stream", 0);
    return stream < 0 ? -1 : scratch_open(folder);
}

static int close_all(void **state)
{
    (void)state;
    log_close();
    buffer_clear(&output);
    close(stream);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_carries_every_kind),
        cmocka_unit_test(plain_formats),
        cmocka_unit_test(hostile_texts_stay_inside_their_line),
        cmocka_unit_test(random_bytes_are_valid_json),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(fields_that_do_not_fit_are_counted),
        cmocka_unit_test(filters_decide_by_the_longest_target),
        cmocka_unit_test(bad_settings_are_refused),
        cmocka_unit_test(silent_events_cost_nothing_and_trails_are_details),
        cmocka_unit_test(each_day_has_its_file),
        cmocka_unit_test(full_disk_is_told_and_survived),
        cmocka_unit_test(lines_of_many_threads_stay_whole),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
