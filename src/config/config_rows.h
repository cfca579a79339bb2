// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Rows and checks that several programs share.
#include "config/config.h"

// http://HOST[:PORT][/...] or https://..., without spaces or control characters. ZK_EINVAL.
MUST_CHECK status config_check_url(const char *value);

#define CONFIG_ENVIRONMENTS "development, staging, production"

// clang-format off
// The section [logging] into the members log_filter, log_format and log_file_path of the struct
// `values`, which are fit for log_open.
#define CONFIG_LOGGING_ROWS(values)                                                                \
    {.key = "logging.level",                                                                       \
     .variable = "RUST_LOG",                                                                       \
     .type = CONFIG_TEXT,                                                                          \
     .offset = offsetof(values, log_filter),                                                       \
     .fallback = "debug",                                                                          \
     .check = log_check_filter,                                                                    \
     .help = "Logging level (error, warn, info, debug, trace); TARGET=LEVEL after commas for "     \
             "parts of the program"},                                                              \
    {.key = "logging.format",                                                                      \
     .type = CONFIG_CHOICE,                                                                        \
     .offset = offsetof(values, log_format),                                                       \
     .choices = "pretty, json, compact",                                                           \
     .fallback = "pretty",                                                                         \
     .help = "Logging format"},                                                                    \
    {.key = "logging.file_path",                                                                   \
     .type = CONFIG_PATH,                                                                          \
     .offset = offsetof(values, log_file_path),                                                    \
     .unset = "no file",                                                                           \
     .help = "Log file path (enables file logging); the date is appended, a new file each day"}
// clang-format on
