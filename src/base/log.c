// SPDX-License-Identifier: Apache-2.0 OR MIT
// One mutex guards the configuration, the line buffer and both outputs, so that lines are whole and
// in the order of their times. Nothing below log_write reports by status: it would replace the
// trail that the caller may be about to log.
#include "base/log.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log_line.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DIRECTIVES_MAX = 64, TARGET_MAX = 64, REOPEN_SECONDS = 60 };

typedef struct directive {
    char target[TARGET_MAX]; // "" is every target
    log_level level;
} directive;

typedef struct log_filter {
    directive directives[DIRECTIVES_MAX];
    size_t n;
} log_filter;

typedef struct log_state {
    log_format format;
    log_filter filter;
    uint64_t (*now_ns)(void);
    int stream; // -1: none
    bool color;
    char file_path[PATH_MAX]; // without the date; "" when there is no file
    int file;
    uint64_t file_day;        // days since 1970 of the open file
    uint64_t retry_ns;        // after a failure to open the next file: not before this time
    uint64_t lost;            // lines that the file did not take
    bool file_line_is_parted; // the file ends within a line
} log_state;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char line_buffer[LOG_LINE_MAX];
#define INITIAL_STATE                                                                              \
    {                                                                                              \
        .filter = {.directives = {{"", LEVEL_INFO}}, .n = 1}, .now_ns = clock_realtime_ns,         \
        .stream = STDERR_FILENO, .file = -1,                                                       \
    }
static const log_state initial = INITIAL_STATE;
static log_state state = INITIAL_STATE;
atomic_int log_highest_level = LEVEL_INFO;

static const char *const level_names[LEVEL_COUNT] = {
    [LEVEL_OFF] = "OFF",   [LEVEL_ERROR] = "ERROR", [LEVEL_WARN] = "WARN",
    [LEVEL_INFO] = "INFO", [LEVEL_DEBUG] = "DEBUG", [LEVEL_TRACE] = "TRACE",
};

const char *log_level_name(log_level l)
{
    return (unsigned)l < LEVEL_COUNT ? level_names[l] : "OFF";
}

status log_format_from_name(log_format *out, const char *name)
{
    static const char *const names[LOG_FORMAT_COUNT] = {"pretty", "compact", "json"};
    for (int i = 0; i < LOG_FORMAT_COUNT; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (log_format)i;
            return ZK_OK;
        }
    }
    FAIL(ZK_EINVAL, "\"%s\" is no log format; use pretty, compact or json", name);
}

// The filter.

static status level_from_name(log_level *out, const char *name, size_t size)
{
    for (int i = 0; i < LEVEL_COUNT; i++) {
        if (strlen(level_names[i]) == size && strncasecmp(level_names[i], name, size) == 0) {
            *out = (log_level)i;
            return ZK_OK;
        }
    }
    FAIL(ZK_EINVAL,
         "\"%.*s\" in the log filter is no level; use off, error, warn, info, debug or trace",
         (int)size, name);
}

static status parse_directive(directive *out, const char *text, size_t size)
{
    const char *equals = memchr(text, '=', size);
    size_t target_size = equals == NULL ? 0 : (size_t)(equals - text);
    FAIL_IF(equals != NULL && (target_size == 0 || target_size >= TARGET_MAX), ZK_EINVAL,
            "\"%.*s\" in the log filter needs a target of 1 to %d characters before its =",
            (int)size, text, TARGET_MAX - 1);
    memcpy(out->target, text, target_size);
    out->target[target_size] = '\0';
    size_t skip = equals == NULL ? 0 : target_size + 1;
    return level_from_name(&out->level, text + skip, size - skip);
}

static void trim(const char **text, size_t *size)
{
    while (*size != 0 && **text == ' ')
        (*text)++, (*size)--;
    while (*size != 0 && (*text)[*size - 1] == ' ')
        (*size)--;
}

static status parse_filter(log_filter *out, const char *text)
{
    *out = (log_filter){.directives = {{"", LEVEL_INFO}}, .n = 1};
    bool default_seen = false;
    for (const char *at = text == NULL ? "" : text; *at != '\0';) {
        size_t whole = strcspn(at, ",");
        const char *part = at;
        size_t size = whole;
        at += at[whole] == ',' ? whole + 1 : whole;
        trim(&part, &size);
        if (size == 0)
            continue;
        FAIL_IF(out->n == DIRECTIVES_MAX, ZK_EINVAL, "the log filter has more than %d directives",
                DIRECTIVES_MAX - 1);
        directive d;
        TRY(parse_directive(&d, part, size));
        if (d.target[0] != '\0') {
            out->directives[out->n++] = d;
            continue;
        }
        FAIL_IF(default_seen, ZK_EINVAL, "the log filter names two levels for every target");
        default_seen = true;
        out->directives[0] = d;
    }
    return ZK_OK;
}

status log_check_filter(const char *filter)
{
    log_filter parsed;
    return parse_filter(&parsed, filter);
}

static log_level highest_level(const log_filter *f)
{
    log_level highest = LEVEL_OFF;
    for (size_t i = 0; i < f->n; i++)
        if (f->directives[i].level > highest)
            highest = f->directives[i].level;
    return highest;
}

// The level of the longest directive that holds `target`; the later of equal ones.
static log_level filter_level(const log_filter *f, const char *target)
{
    log_level level = f->directives[0].level;
    size_t longest = 0;
    for (size_t i = 1; i < f->n; i++) {
        size_t n = strlen(f->directives[i].target);
        bool holds = strncmp(f->directives[i].target, target, n) == 0 &&
                     (target[n] == '\0' || strncmp(target + n, "::", 2) == 0);
        if (holds && n >= longest) {
            longest = n;
            level = f->directives[i].level;
        }
    }
    return level;
}

// The outputs.

// Writes all of it, or returns the number of bytes written before errno told otherwise.
static size_t write_all(int fd, const char *data, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = write(fd, data + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}

// Opens <path>.YYYY-MM-DD for appending. -1 and errno on failure.
static int open_day(const char *path, uint64_t day)
{
    char name[PATH_MAX + 32];
    time_t seconds = (time_t)(day * 86400);
    struct tm t;
    gmtime_r(&seconds, &t);
    snprintf(name, sizeof name, "%s.%04d-%02d-%02d", path, t.tm_year + 1900, t.tm_mon + 1,
             t.tm_mday);
    return open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
}

static uint64_t day_of(uint64_t time_ns)
{
    return time_ns / NS_PER_SECOND / 86400;
}

// A word of the log's own, past the filter.
static void write_to_stream(log_level l, uint64_t now, const char *message, const log_field *field)
{
    if (state.stream < 0)
        return;
    log_event e = {l, now, "log", message, field, 1, false};
    size_t n = log_line(line_buffer, &e, state.format, state.color);
    (void)write_all(state.stream, line_buffer, n); // nobody is left to tell
}

static void write_line_to_file(uint64_t now, const char *data, size_t size)
{
    if (state.file_line_is_parted && write_all(state.file, "\n", 1) == 1)
        state.file_line_is_parted = false;
    size_t done = state.file_line_is_parted ? 0 : write_all(state.file, data, size);
    if (done == size)
        return;
    log_field why = log_str("error", strerrordesc_np(errno));
    state.file_line_is_parted |= done != 0;
    if (state.lost++ == 0)
        write_to_stream(LEVEL_ERROR, now, "the log file takes no more lines", &why);
}

static void rotate(uint64_t now)
{
    uint64_t day = day_of(now);
    if (day == state.file_day || now < state.retry_ns)
        return;
    int fresh = open_day(state.file_path, day);
    if (fresh < 0) {
        log_field why = log_str("error", strerrordesc_np(errno));
        state.retry_ns = now + REOPEN_SECONDS * NS_PER_SECOND;
        write_to_stream(LEVEL_ERROR, now,
                        "cannot open the log file of a new day; the old one goes on", &why);
        return;
    }
    close(state.file);
    state.file = fresh;
    state.file_day = day;
    state.retry_ns = 0;
    state.file_line_is_parted = false;
}

static void write_to_file(const log_event *e)
{
    rotate(e->time_ns);
    uint64_t lost = state.lost;
    if (lost != 0) {
        // Says what is missing as soon as the file takes lines again.
        log_field count = log_u64("lines", lost);
        log_event gap = {LEVEL_WARN, e->time_ns, "log", "lines were lost here", &count, 1, false};
        size_t n = log_line(line_buffer, &gap, state.format, false);
        write_line_to_file(e->time_ns, line_buffer, n);
        if (state.lost != lost)
            return; // still full; the event counts as lost in place of this note
        state.lost = 0;
    }
    size_t n = log_line(line_buffer, e, state.format, false);
    write_line_to_file(e->time_ns, line_buffer, n);
}

void log_write(log_level l, const char *target, const char *message, const log_field *fields,
               size_t n_fields)
{
    if (!log_may_pass(l))
        return;
    int saved_errno = errno;
    pthread_mutex_lock(&mutex);
    log_level most = filter_level(&state.filter, target);
    if (l <= most) {
        bool details = most == LEVEL_TRACE;
        log_event e = {l, state.now_ns(), target, message, fields, n_fields, details};
        if (state.stream >= 0) {
            size_t n = log_line(line_buffer, &e, state.format, state.color);
            (void)write_all(state.stream, line_buffer, n); // a closed terminal stops no program
        }
        if (state.file >= 0)
            write_to_file(&e);
    }
    pthread_mutex_unlock(&mutex);
    errno = saved_errno;
}

void log_printf(log_level l, const char *target, const char *format, ...)
{
    if (!log_enabled(l, target))
        return;
    char message[LOG_TEXT_MAX + 2]; // one more than fits, so that a cut shows
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    log_write(l, target, message, NULL, 0);
}

bool log_enabled(log_level l, const char *target)
{
    if (!log_may_pass(l))
        return false;
    pthread_mutex_lock(&mutex);
    bool enabled = l <= filter_level(&state.filter, target);
    pthread_mutex_unlock(&mutex);
    return enabled;
}

// Opening and closing.

static void replace_state(const log_state *fresh)
{
    pthread_mutex_lock(&mutex);
    if (state.file >= 0)
        close(state.file);
    state = *fresh;
    atomic_store(&log_highest_level, (int)highest_level(&state.filter));
    pthread_mutex_unlock(&mutex);
}

status log_open(const log_config *config)
{
    log_state fresh = initial;
    FAIL_IF((unsigned)config->format >= LOG_FORMAT_COUNT, ZK_EINVAL, "log format %d is unknown",
            (int)config->format);
    fresh.format = config->format;
    TRY(parse_filter(&fresh.filter, config->filter));
    if (config->now_ns != NULL)
        fresh.now_ns = config->now_ns;
    fresh.stream = config->stream;
    fresh.color = fresh.stream >= 0 && fresh.format != LOG_JSON && isatty(fresh.stream) &&
                  getenv("NO_COLOR") == NULL;
    if (config->file_path != NULL) {
        size_t n = strlen(config->file_path);
        FAIL_IF(n == 0 || n >= sizeof fresh.file_path, ZK_EIO,
                "the path of the log file must have 1 to %zu characters",
                sizeof fresh.file_path - 1);
        memcpy(fresh.file_path, config->file_path, n + 1);
        TRY(file_make_parent(fresh.file_path));
        fresh.file_day = day_of(fresh.now_ns());
        fresh.file = open_day(fresh.file_path, fresh.file_day);
        FAIL_IF(fresh.file < 0, ZK_EIO, "cannot open the log file %s.<date>: %m", fresh.file_path);
    }
    replace_state(&fresh);
    return ZK_OK;
}

void log_close(void)
{
    replace_state(&initial);
}
