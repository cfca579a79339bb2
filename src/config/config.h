// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Settings of a program: one table gives the reader of its file, environment and flags, all checks,
// `--help` and its part of doc/configuration.md.
//
// A setting takes its value from the last of these that gives one: default, file, environment,
// flags. A program keeps its values in a struct of its own, and a row of its table says where
// (offsetof):
//
//     CONFIG_TEXT, CONFIG_PATH, CONFIG_CHOICE    const char *; NULL when unset
//     CONFIG_OPTIONAL                            const char *; "" when given without a text
//     CONFIG_NUMBER, CONFIG_COUNT                uint64_t; CONFIG_UNSET when unset
//     CONFIG_SWITCH                              bool
//
// Nothing is taken and forgotten: an unknown key or flag, a value of another type, out of its range
// or empty, and two settings that exclude each other are errors that name their place. In the
// environment an empty variable counts as unset, and unknown variables with the program's prefix
// are only listed, because container platforms add such names of their own accord.
//
// A setting whose machinery the program lacks is in the table all the same, with the reason in
// `missing`: giving it is an error with that reason.
#include "base/arena.h"
#include "base/bytes.h"

#include <stdint.h>

#define CONFIG_UNSET UINT64_MAX

enum { CONFIG_TEXT_MAX = 4096 }; // bytes of a value
enum { CONFIG_NAME_MAX = 96 };   // bytes of a key, flag or variable, with its final 0

typedef enum config_type {
    CONFIG_TEXT,
    CONFIG_PATH,     // a leading "~/" becomes the home folder
    CONFIG_CHOICE,   // one of `choices`
    CONFIG_OPTIONAL, // as a flag, the text may be left out
    CONFIG_NUMBER,   // least to most, both included
    CONFIG_COUNT,    // a flag that counts how often it stands: -vvv
    CONFIG_SWITCH,   // a flag alone, or with =true or =false
    CONFIG_TYPE_COUNT
} config_type;

typedef struct config_setting {
    const char *key;      // "server.port" in the file; NULL: not in the file
    const char *flag;     // "port" without dashes; NULL: no flag
    char letter;          // 'p' for -p; 0: none
    const char *variable; // a variable beside PREFIX_SERVER_PORT, which overrides it; NULL: none
    config_type type;
    size_t offset;        // of the value in the program's struct
    uint64_t least, most; // NUMBER and COUNT, below CONFIG_UNSET
    const char *choices;  // CHOICE: "pretty, json, compact"
    const char *fallback; // the default as text; NULL: unset (a SWITCH is then false)
    const char *unset;    // for readers: what an unset value means, "Auto-generated UUID"
    status (*check)(const char *value); // of a text beyond its type; may be NULL
    const char *excludes;               // flag of a setting that is not given together with this
    bool required;                      // with flag or variable
    bool operand;        // a flag that may be left out before its value: NAME VALUE; one a program
    const char *missing; // why it cannot be used yet; such a row needs no offset
    const char *help;    // one line
} config_setting;

typedef enum config_request { CONFIG_RUN, CONFIG_HELP, CONFIG_VERSION } config_request;

typedef struct config {
    arena memory;                   // all texts of the values
    config_request request;         // with HELP and VERSION the values are not touched
    const char *file;               // path of the file that was read; NULL: none
    const char **unknown_variables; // names, to be warned of
    size_t n_unknown_variables;
} config;

typedef struct config_program {
    const char *name;   // "zisk-worker"
    const char *about;  // one line
    const char *prefix; // "ZISK_WORKER": of the variables, also PREFIX_CONFIG_PATH for the file;
                        // NULL: neither file nor environment
    const config_setting *settings;
    size_t n_settings;
    // Checks across settings, and values that follow from others (their memory in `c`); may be
    // NULL.
    status (*finish)(void *values, config *c);
    const char *more; // text behind the flags in --help; may be NULL
} config_program;

// Fills the program's struct `values`, whose texts live in *out. argv[0] is skipped; `environment`
// is NAME=VALUE texts up to a NULL. The file is that of --config, else of PREFIX_CONFIG_PATH.
// ZK_EINVAL and ZK_EPARSE for a bad setting, ZK_EIO for a file that cannot be read. config_clear is
// due in any case.
MUST_CHECK status config_load(config *out, void *values, const config_program *program, int argc,
                              char *const *argv, char *const *environment);
void config_clear(config *c);

// The variable of a setting: PREFIX_ and its key, or else its flag, in capitals with "_" for dots
// and dashes. False when it has none.
bool config_variable(char out[CONFIG_NAME_MAX], const config_program *program,
                     const config_setting *s);

// " JOB_ID" or " [JOB_ID]" for the usage line, from the operand; "" without one.
const char *config_operand(char out[CONFIG_NAME_MAX], const config_program *program);

// Text of `--help`.
MUST_CHECK status config_help(byte_buffer *out, const config_program *program);
// The program's section of the reference page, in Markdown.
MUST_CHECK status config_page(byte_buffer *out, const config_program *program);
// The program's manual page, section 1, in roff.
MUST_CHECK status config_man(byte_buffer *out, const config_program *program);
// Completion for bash. A program named "a b" is the subcommand b of a.
MUST_CHECK status config_completion(byte_buffer *out, const config_program *const *programs,
                                    size_t n);
// "0.1.0"
const char *config_version(void);
