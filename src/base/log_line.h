// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Inside of the log: an event to the bytes of its line.
#include "base/log.h"

typedef struct log_event {
    log_level level;
    uint64_t time_ns; // since 1970 UTC
    const char *target;
    const char *message;
    const log_field *fields;
    size_t n_fields;
    bool details; // whether fields marked so are written
} log_event;

// Writes the line with its final newline into out[LOG_LINE_MAX] and returns its length. `color`
// marks level and time with terminal sequences (pretty and compact only).
size_t log_line(char *out, const log_event *e, log_format format, bool color);
