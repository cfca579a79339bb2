// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The log: one line per event, a message and key=value fields, to a stream and to a file that
// begins anew each day.
//
//     log_info("coordinator", "worker registered", log_str("worker", id), log_u64("units", 10));
//
// json     {"timestamp":"2026-11-23T12:00:00.123456Z","level":"INFO","target":"coordinator",
//           "message":"worker registered","fields":{"worker":"w1","units":10}}   (on one line)
// pretty   2026-11-23 12:00:00.123  INFO coordinator: worker registered  worker=w1 units=10
// compact  2026-11-23T12:00:00.123456Z INFO coordinator: worker registered worker=w1 units=10
//
// Whatever the texts hold, a line stays one line: control characters are escaped, bytes that are
// no UTF-8 become U+FFFD, and each json line is a valid JSON object. A text is cut after
// LOG_TEXT_MAX bytes and marked with an ellipsis; fields beyond LOG_LINE_MAX bytes of line are
// counted in a last field `fields_left_out`. Times are UTC.
//
// The log never fails its caller, never touches the status trail of the thread, and allocates
// nothing. What a full disk swallows is counted and reported on the stream and, later, in the file.
// All functions are safe from several threads at once.
#include "base/status.h"

#include <stdatomic.h>
#include <stdint.h>

typedef enum log_level {
    LEVEL_OFF = 0, // for filters only
    LEVEL_ERROR,
    LEVEL_WARN,
    LEVEL_INFO,
    LEVEL_DEBUG,
    LEVEL_TRACE,
    LEVEL_COUNT
} log_level;

typedef enum log_format { LOG_PRETTY, LOG_COMPACT, LOG_JSON, LOG_FORMAT_COUNT } log_format;

#define LOG_TEXT_MAX 4096
#define LOG_LINE_MAX (64 << 10)

typedef struct log_config {
    log_format format;
    // Directives split by commas: LEVEL (at most once) is for every target, TARGET=LEVEL for
    // TARGET and the targets below it ("rpc" holds "rpc::http2"); the longest match decides.
    // Levels: off, error, warn, info, debug, trace in any case. NULL or "" means info.
    const char *filter;
    int stream;               // file descriptor of the stream, -1 for none; coloured on a terminal
    const char *file_path;    // NULL: no file. Lines go to <file_path>.YYYY-MM-DD
    uint64_t (*now_ns)(void); // nanoseconds since 1970 UTC; NULL: the clock. For tests.
} log_config;

// Until log_open: pretty, info, on standard error. Replaces an earlier configuration. ZK_EINVAL for
// a bad filter, ZK_EIO when the file cannot be opened (its folder is made if missing); the earlier
// configuration then stays.
MUST_CHECK status log_open(const log_config *config);
void log_close(void); // back to the state before log_open

MUST_CHECK status log_check_filter(const char *filter);                    // ZK_EINVAL
MUST_CHECK status log_format_from_name(log_format *out, const char *name); // "json", ...
const char *log_level_name(log_level l);                                   // "INFO"

typedef enum log_kind {
    LOG_KIND_TEXT, // data, size; data NULL is null
    LOG_KIND_HEX,
    LOG_KIND_U64,
    LOG_KIND_I64,
    LOG_KIND_F64,
    LOG_KIND_BOOL
} log_kind;

// Fields only point at their texts; they live as long as the call.
typedef struct log_field {
    const char *key;
    log_kind kind;
    const void *data;
    size_t size;
    bool detail; // written only where the filter lets trace events of the target through
    union {
        uint64_t u64;
        int64_t i64;
        double f64;
        bool boolean;
    };
} log_field;

static inline log_field log_bytes(const char *key, const void *data, size_t size)
{
    return (log_field){.key = key, .kind = LOG_KIND_TEXT, .data = data, .size = size};
}

static inline log_field log_str(const char *key, const char *text)
{
    return log_bytes(key, text, text == NULL ? 0 : __builtin_strlen(text));
}

// The bytes as lower-case hexadecimal digits.
static inline log_field log_hex(const char *key, const void *data, size_t size)
{
    return (log_field){.key = key, .kind = LOG_KIND_HEX, .data = data, .size = size};
}

static inline log_field log_u64(const char *key, uint64_t v)
{
    return (log_field){.key = key, .kind = LOG_KIND_U64, .u64 = v};
}

static inline log_field log_i64(const char *key, int64_t v)
{
    return (log_field){.key = key, .kind = LOG_KIND_I64, .i64 = v};
}

// Nine significant digits; null in json when not finite.
static inline log_field log_f64(const char *key, double v)
{
    return (log_field){.key = key, .kind = LOG_KIND_F64, .f64 = v};
}

static inline log_field log_bool(const char *key, bool v)
{
    return (log_field){.key = key, .kind = LOG_KIND_BOOL, .boolean = v};
}

// For who debugs the program itself.
static inline log_field log_detail(const char *key, const char *text)
{
    log_field f = log_str(key, text);
    f.detail = true;
    return f;
}

// Three fields that tell the failure noted last on this thread: what users read, and the places in
// the source as a detail.
#define LOG_STATUS(s)                                                                              \
    log_str("status", status_name(s)), log_str("error", status_message()),                         \
        log_detail("trail", status_trail())

// Highest level that any target lets through: the cheap test in front of every event.
extern atomic_int log_highest_level;

static inline bool log_may_pass(log_level l)
{
    return (int)l <= atomic_load_explicit(&log_highest_level, memory_order_relaxed);
}

// Whether an event of this target would be written: for texts that are costly to make.
bool log_enabled(log_level l, const char *target);

// `target` is the name of a layer or program, with "::" in front of parts of it.
void log_write(log_level l, const char *target, const char *message, const log_field *fields,
               size_t n_fields);
void log_printf(log_level l, const char *target, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Arguments of an event that no filter lets through are not evaluated.
#define LOG_EVENT(level, target, message, ...)                                                     \
    do {                                                                                           \
        if (log_may_pass(level)) {                                                                 \
            const log_field log_fields_[] = {__VA_ARGS__ __VA_OPT__(, ){.key = NULL}};             \
            log_write(level, target, message, log_fields_,                                         \
                      sizeof log_fields_ / sizeof log_fields_[0] - 1);                             \
        }                                                                                          \
    } while (0)

#define log_error(target, ...) LOG_EVENT(LEVEL_ERROR, target, __VA_ARGS__)
#define log_warn(target, ...)  LOG_EVENT(LEVEL_WARN, target, __VA_ARGS__)
#define log_info(target, ...)  LOG_EVENT(LEVEL_INFO, target, __VA_ARGS__)
#define log_debug(target, ...) LOG_EVENT(LEVEL_DEBUG, target, __VA_ARGS__)
#define log_trace(target, ...) LOG_EVENT(LEVEL_TRACE, target, __VA_ARGS__)
