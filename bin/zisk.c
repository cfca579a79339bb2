// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "zisk.h"

#include "base/cpu.h"
#include "base/file.h"
#include "config/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} command;

static const command commands[] = {
    {"run", command_run, "execute a guest program, without a proof"},
    {"prove", command_prove, "run a guest program and prove it"},
    {"verify", command_verify, "check a proof"},
    {"inspect", command_inspect, "print what a proof file says of itself"},
    {"check", command_check, "check constraints and bus of a run, without a proof"},
    {"vk", command_vk, "print the verification key of a program"},
    {"chips", command_chips,
     "print the machine's tables: columns, constraints, interactions, rows of a run"},
    {"disasm", command_disasm,
     "print the instructions of a guest program as the machine decodes them"},
    {"soundness", command_soundness, "print the provable security of the parameter sets"},
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *to)
{
    fprintf(to, "usage: zisk COMMAND [ARGUMENTS]\n\n");
    for (unsigned k = 0; k < N_COMMANDS; k++)
        fprintf(to, "  %-10s %s\n", commands[k].name, commands[k].help);
    fprintf(to,
            "\n`zisk COMMAND --help` explains a command, `zisk --version` names the version.\n");
}

// A result that did not reach its reader was not given: a full disk, a closed pipe.
static int finish(const char *name, int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "%s: the output cannot be written: %m\n", name);
    return code == EXIT_DONE ? EXIT_REFUSED : code;
}

int main(int argc, char **argv)
{
    if (cpu_check_environment() != ZK_OK) {
        fprintf(stderr, "zisk: %s\n", status_message());
        return EXIT_USAGE;
    }
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return finish("zisk", EXIT_DONE);
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("zisk %s\n", config_version());
        return finish("zisk", EXIT_DONE);
    }
    for (unsigned k = 0; k < N_COMMANDS; k++)
        if (strcmp(argv[1], commands[k].name) == 0) {
            char name[32];
            snprintf(name, sizeof name, "zisk %s", commands[k].name);
            return finish(name, commands[k].run(argc - 1, argv + 1));
        }
    fprintf(stderr, "zisk: no command \"%s\"; `zisk --help` lists them\n", argv[1]);
    return EXIT_USAGE;
}

int command_failed(const char *name)
{
    fprintf(stderr, "zisk %s: %s\n", name, status_message());
    return EXIT_REFUSED;
}

int command_usage(const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "zisk %s: ", name);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "; `zisk %s --help` explains it\n", name);
    return EXIT_USAGE;
}

int next_option(const char *name, int argc, char **argv, const char *letters,
                const struct option *options)
{
    static bool seen[OPTION_VALUES];
    opterr = 0; // getopt's own messages name no command
    int found = getopt_long(argc, argv, letters, options, NULL);
    if (found == -1)
        return -1;
    const char *given = argv[optind - 1];
    bool is_long = strncmp(given, "--", 2) == 0;
    if (found != '?') {
        ZK_ASSERT(found > 0 && found < OPTION_VALUES);
        if (!seen[found]) {
            seen[found] = true;
            return found;
        }
        while (options->val != found) // every option has a long name
            options++;
        (void)command_usage(name, "--%s is given twice", options->name);
    } else if (optopt == 0) {
        (void)command_usage(name, "unknown option %s", given);
    } else if (is_long && strchr(given, '=') != NULL) {
        (void)command_usage(name, "%.*s takes no value", (int)strcspn(given, "="), given);
    } else if (is_long) {
        (void)command_usage(name, "%s needs a value", given);
    } else {
        (void)command_usage(name, "-%c is unknown or needs a value", optopt);
    }
    return '?';
}

bool parse_number(uint64_t *out, const char *text)
{
    if (*text < '0' || *text > '9')
        return false;
    uint64_t value = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
            return false;
    uint64_t unit = 1;
    if (*text == 'K')
        unit = 1000;
    else if (*text == 'M')
        unit = 1000000;
    else if (*text == 'G')
        unit = 1000000000;
    if (unit != 1)
        text++;
    return *text == '\0' && !__builtin_mul_overflow(value, unit, out);
}

bool parse_abi(vm_abi *out, const char *text)
{
    if (strcmp(text, "auto") == 0)
        *out = VM_ABI_AUTO;
    else if (strlen(text) == 1 && *text >= 'A' && *text <= 'C')
        *out = (vm_abi)*text;
    else
        return false;
    return true;
}

// `result` of what was done with the file at `path`; when that failed, its message begins with it.
static status about_file(const char *path, status result)
{
    if (result != ZK_OK)
        result = status_fail(result, __FILE__, __LINE__, "", "%s: %s", path, status_message());
    return result;
}

status load_program(vm_program *out, const char *path, vm_abi abi)
{
    byte_buffer elf = buffer_new();
    *out = (vm_program){0};
    status result = ZK_OK;
    TRY_OUT(file_read(&elf, path, MAX_ELF_BYTES));
    TRY_OUT(about_file(path, vm_program_load(out, elf.data, elf.size, abi)));
out:
    buffer_clear(&elf);
    return result;
}

status load_provable(zisk_program *out, const char *path, vm_abi abi, const char *cache_dir,
                     pool *threads)
{
    byte_buffer elf = buffer_new();
    *out = (zisk_program){0};
    status result = ZK_OK;
    TRY_OUT(file_read(&elf, path, MAX_ELF_BYTES));
    TRY_OUT(about_file(
        path, zisk_program_open_cached(out, elf.data, elf.size, abi, cache_dir, threads, NULL)));
out:
    buffer_clear(&elf);
    return result;
}

status load_input(vm_input *out, const vm_map *map, const char *path, const char *raw_path)
{
    *out = (vm_input){0};
    if (path == NULL && raw_path == NULL)
        return ZK_OK;
    const char *source = path != NULL ? path : raw_path;
    byte_buffer data = buffer_new();
    status result = ZK_OK;
    TRY_OUT(file_read(&data, source, map->input_bytes));
    TRY_OUT(about_file(source, vm_input_load(out, map, data.data, data.size, path == NULL)));
out:
    buffer_clear(&data);
    return result;
}
