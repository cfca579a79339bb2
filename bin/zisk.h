// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The program `zisk`: a table of subcommands, one file each. A subcommand gets its own name as
// argv[0] and returns the exit code of the process:
//   0 done; 1 it ran and the answer is no (the guest failed, the proof is invalid, a file is
//   missing); 2 wrong usage; 128 + signal when one stopped it (130 SIGINT, 143 SIGTERM).
// Results go to stdout, everything about the run to stderr.
#include "base/bytes.h"
#include "base/pool.h"
#include "prover/zisk_program.h"
#include "vm/vm_input.h"
#include "vm/vm_program.h"

#include <getopt.h>

enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

int command_run(int argc, char **argv);
int command_disasm(int argc, char **argv);
int command_prove(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_vk(int argc, char **argv);
int command_check(int argc, char **argv);
int command_inspect(int argc, char **argv);
int command_soundness(int argc, char **argv);
int command_chips(int argc, char **argv);

// Sizes beyond which a file is refused unread.
#define MAX_ELF_BYTES   (512ULL << 20)
#define MAX_PROOF_BYTES (1ULL << 34)

// Prints "zisk COMMAND: what status_message() says" to stderr; returns EXIT_REFUSED.
int command_failed(const char *command);

// From now on the first SIGINT, SIGTERM or SIGHUP raises the flag that is returned, and the second
// one ends the process. For commands that take long and end in command_ended; to be called when the
// files are read, because nobody looks at the flag while a pipe keeps its reader waiting.
const cancel_flag *catch_interrupts(void);
// As command_failed, but when a signal was the cause prints "zisk COMMAND: stopped by SIGINT; " and
// `what_is_left`, and returns 128 + its number.
int command_ended(const char *command, status result, const char *what_is_left);

// Prints the formatted reason and where to find help to stderr; returns EXIT_USAGE.
int command_usage(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// getopt_long over the command's options, each of which may be given once: the option's value, -1
// after the last. Of one that is unknown, lacks its value or comes again it prints what is wrong
// and returns '?'; the command then ends with EXIT_USAGE. Values of options are below
// OPTION_VALUES.
enum { OPTION_VALUES = 512 };
int next_option(const char *command, int argc, char **argv, const char *letters,
                const struct option *options);

// Whole decimal number, optionally with suffix K, M or G (powers of 1000). False when it is none or
// does not fit.
bool parse_number(uint64_t *out, const char *text);
// "A", "B", "C" or "auto".
bool parse_abi(vm_abi *out, const char *text);

// The program in the ELF file at `path`; the message of a failure begins with the path.
MUST_CHECK status load_program(vm_program *out, const char *path, vm_abi abi);
// The same, made ready to prove; cache_dir as in zisk_program_open_cached.
MUST_CHECK status load_provable(zisk_program *out, const char *path, vm_abi abi,
                                const char *cache_dir, pool *threads);
// The guest's input from a file of records (`path`) or a plain file (`raw_path`); none when both
// are NULL.
MUST_CHECK status load_input(vm_input *out, const vm_map *map, const char *path,
                             const char *raw_path);
