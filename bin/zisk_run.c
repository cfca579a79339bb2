// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "zisk.h"

#include "base/clock.h"
#include "chips/chips.h"
#include "vm/vm_machine.h"
#include "vm/vm_profile.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: zisk run ELF [OPTIONS]\n"
    "\n"
    "Executes a guest program. What the guest prints goes to stdout, a summary to stderr.\n"
    "Exit code 0 when the guest halts with code 0, 1 when it fails, 2 on wrong usage,\n"
    "128 + its number when a signal stopped it.\n"
    "\n"
    "  -i, --input FILE     input: records of [8 bytes length, little-endian][bytes][zeros to 8]\n"
    "      --raw-input FILE input: the file as one record\n"
    "      --json           instead of the summary one line of JSON, last on stdout; when the run\n"
    "                       fails before the guest halts, exit_code is null and reason says why\n"
    "      --profile FILE   attributes steps to functions, as collapsed stacks for flame graphs\n"
    "      --max-steps N    fails after N steps (K, M, G allowed; default and most: 2^36)\n"
    "      --max-guest-mib N fails when the guest touches more than N MiB of memory\n"
    "      --max-seconds S  fails after S seconds\n"
    "      --abi X          memory map: auto (default), A, B or C\n"
    "\n"
    "The input is not part of what a proof says, but proofs are not zero-knowledge: they may leak\n"
    "parts of it.\n";

typedef struct run_arguments {
    const char *elf;
    const char *input;
    const char *raw_input;
    const char *profile;
    bool json;
    vm_abi abi;
    vm_options options;
} run_arguments;

typedef struct progress_line {
    uint64_t start_ns;
    uint64_t shown_ns;
} progress_line;

static void show_progress(void *arg, const vm_progress *p)
{
    progress_line *line = arg;
    uint64_t now = clock_monotonic_ns();
    if (now - line->start_ns < NS_PER_SECOND || now - line->shown_ns < NS_PER_SECOND / 5)
        return;
    line->shown_ns = now;
    fprintf(stderr, "\r%llu M steps, %llu M/s, %llu MiB touched ",
            (unsigned long long)(p->steps / 1000000),
            (unsigned long long)(p->steps * 1000 / (now - line->start_ns)),
            (unsigned long long)(p->memory_bytes >> 20));
}

static void print_guest(void *arg, const uint8_t *bytes, uint64_t n)
{
    (void)arg;
    fwrite(bytes, 1, n, stdout);
}

static status take_chunk(void *profile, const vm_chunk *chunk)
{
    return vm_profile_take(profile, chunk);
}

static uint64_t rate(uint64_t steps, uint64_t ns)
{
    return ns == 0 ? 0 : (uint64_t)((unsigned __int128)steps * NS_PER_SECOND / ns);
}

static void print_summary(const vm_machine *m, uint64_t ns)
{
    uint64_t steps = vm_machine_steps(m);
    const vm_rows *rows = vm_machine_rows(m);
    uint64_t chips[EXECUTION_CHIP_COUNT];
    execution_rows(chips, rows, true);
    fprintf(stderr, "steps              %llu\n", (unsigned long long)steps);
    fprintf(stderr, "instructions/s     %llu\n", (unsigned long long)rate(steps, ns));
    fprintf(stderr, "memory touched     %llu KiB\n",
            (unsigned long long)vm_machine_memory_bytes(m) >> 10);
    fprintf(stderr, "rows of chips\n");
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
        if (chips[k] != 0)
            fprintf(stderr, "  %-16s %llu\n", execution_specs[k]->name,
                    (unsigned long long)chips[k]);
    if (rows->by_class[VM_CLASS_CALL] != 0)
        fprintf(stderr, "calls, which no chip proves yet\n");
    for (unsigned k = 0; k < vm_precompile_count; k++)
        if (rows->calls[k] != 0)
            fprintf(stderr, "  %-16s %llu (%llu words)\n", vm_precompiles[k].name,
                    (unsigned long long)rows->calls[k], (unsigned long long)rows->call_words[k]);
    fprintf(stderr, "exit code          %llu\n", (unsigned long long)vm_machine_exit_code(m));
}

// A JSON string of a message: its control characters become blanks.
static void print_string(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        putchar((unsigned char)*text < ' ' ? ' ' : *text);
    }
    putchar('"');
}

// reason: why the run ended before the guest halted, or NULL.
static void print_json(const vm_machine *m, uint64_t ns, const char *reason)
{
    uint32_t publics[VM_PUBLICS];
    uint64_t chips[EXECUTION_CHIP_COUNT];
    const vm_rows *rows = vm_machine_rows(m);
    execution_rows(chips, rows, reason == NULL);
    uint64_t steps = vm_machine_steps(m);
    vm_machine_publics(publics, m);
    printf("{\"exit_code\":");
    if (reason == NULL)
        printf("%llu", (unsigned long long)vm_machine_exit_code(m));
    else
        printf("null");
    printf(",\"steps\":%llu,\"publics\":[", (unsigned long long)steps);
    for (unsigned k = 0; k < VM_PUBLICS; k++)
        printf("%s%u", k == 0 ? "" : ",", publics[k]);
    printf("],\"instructions_per_second\":%llu,\"memory_bytes\":%llu,\"rows\":{",
           (unsigned long long)rate(steps, ns), (unsigned long long)vm_machine_memory_bytes(m));
    for (unsigned c = 0; c < VM_CLASS_COUNT; c++)
        printf("%s\"%s\":%llu", c == 0 ? "" : ",", vm_class_name((vm_class)c),
               (unsigned long long)rows->by_class[c]);
    printf("},\"calls\":{");
    const char *separator = "";
    for (unsigned k = 0; k < vm_precompile_count; k++) {
        if (rows->calls[k] == 0)
            continue;
        printf("%s\"%s\":%llu", separator, vm_precompiles[k].name,
               (unsigned long long)rows->calls[k]);
        separator = ",";
    }
    printf("},\"chips\":{");
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
        printf("%s\"%s\":%llu", k == 0 ? "" : ",", execution_specs[k]->name,
               (unsigned long long)chips[k]);
    printf("},\"pc\":%llu,\"reason\":", (unsigned long long)vm_machine_pc(m));
    if (reason == NULL)
        printf("null");
    else
        print_string(reason);
    printf("}\n");
}

static int run(run_arguments *a)
{
    vm_program program = {0};
    vm_input input = {0};
    vm_machine *m = NULL;
    vm_profile *profile = NULL;
    progress_line line = {.start_ns = clock_monotonic_ns()};
    status result = ZK_OK;
    int code = EXIT_REFUSED;

    TRY_OUT(load_program(&program, a->elf, a->abi));
    TRY_OUT(load_input(&input, &program.map, a->input, a->raw_input));
    a->options.cancel = catch_interrupts();
    a->options.print = print_guest;
    if (isatty(STDERR_FILENO)) {
        a->options.progress = show_progress;
        a->options.progress_arg = &line;
    }
    if (a->profile != NULL) {
        TRY_OUT(vm_profile_open(&profile, &program));
        a->options.sink = (vm_chunk_sink){take_chunk, profile};
    }
    TRY_OUT(vm_machine_open(&m, &program, &input, &a->options));

    uint64_t start_ns = clock_monotonic_ns();
    result = vm_machine_run(m);
    uint64_t ns = clock_monotonic_ns() - start_ns;
    if (line.shown_ns != 0)
        fprintf(stderr, "\n");
    if (result != ZK_OK) {
        // What there is of it is told all the same: it is how the failure is found.
        char reason[1024];
        snprintf(reason, sizeof reason, "%s", status_message());
        if (a->json)
            print_json(m, ns, reason);
        if (profile != NULL && vm_profile_write(profile, a->profile) != ZK_OK)
            fprintf(stderr, "zisk run: %s\n", status_message());
        fflush(stdout);
        code = command_ended("run", result, reason);
        result = ZK_OK;
        goto out;
    }
    if (profile != NULL)
        TRY_OUT(vm_profile_write(profile, a->profile));
    if (a->json)
        print_json(m, ns, NULL);
    else
        print_summary(m, ns);
    fflush(stdout);
    if (vm_machine_exit_code(m) == 0)
        code = EXIT_DONE;
    else
        fprintf(stderr, "zisk run: the guest failed with exit code %llu%s at pc 0x%llx\n",
                (unsigned long long)vm_machine_exit_code(m),
                vm_exit_code_words(vm_machine_exit_code(m)), (unsigned long long)vm_machine_pc(m));
out:
    if (result != ZK_OK) {
        fflush(stdout);
        code = command_ended("run", result, status_message());
    }
    vm_machine_close(m);
    vm_profile_close(profile);
    vm_input_clear(&input);
    vm_program_clear(&program);
    return code;
}

enum { OPT_RAW = 256, OPT_JSON, OPT_PROFILE, OPT_STEPS, OPT_MEMORY, OPT_SECONDS, OPT_ABI };

static const struct option long_options[] = {
    {"input", required_argument, NULL, 'i'},
    {"raw-input", required_argument, NULL, OPT_RAW},
    {"json", no_argument, NULL, OPT_JSON},
    {"profile", required_argument, NULL, OPT_PROFILE},
    {"max-steps", required_argument, NULL, OPT_STEPS},
    {"max-guest-mib", required_argument, NULL, OPT_MEMORY},
    {"max-seconds", required_argument, NULL, OPT_SECONDS},
    {"abi", required_argument, NULL, OPT_ABI},
    {"help", no_argument, NULL, 'h'},
    {0},
};

// A limit of 1 to `most`, times `unit`.
static bool parse_limit(uint64_t *out, const char *text, uint64_t most, uint64_t unit)
{
    if (!parse_number(out, text) || *out == 0 || *out > most)
        return false;
    *out *= unit;
    return true;
}

int command_run(int argc, char **argv)
{
    run_arguments a = {0};
    int option;
    while ((option = next_option(argv[0], argc, argv, "i:h", long_options)) != -1) {
        switch (option) {
        case 'i':
            a.input = optarg;
            break;
        case OPT_RAW:
            a.raw_input = optarg;
            break;
        case OPT_JSON:
            a.json = true;
            break;
        case OPT_PROFILE:
            a.profile = optarg;
            break;
        case OPT_STEPS:
            if (!parse_limit(&a.options.max_steps, optarg, VM_MAX_STEPS, 1))
                return command_usage("run", "--max-steps takes 1 to 2^36, not \"%s\"", optarg);
            break;
        case OPT_MEMORY:
            if (!parse_limit(&a.options.max_memory_bytes, optarg, 2048, 1 << 20))
                return command_usage("run", "--max-guest-mib takes 1 to 2048, not \"%s\"", optarg);
            break;
        case OPT_SECONDS:
            if (!parse_limit(&a.options.max_time_ns, optarg, 1000000000, NS_PER_SECOND))
                return command_usage("run", "--max-seconds takes a whole number, not \"%s\"",
                                     optarg);
            break;
        case OPT_ABI:
            if (!parse_abi(&a.abi, optarg))
                return command_usage("run", "--abi takes auto, A, B or C, not \"%s\"", optarg);
            break;
        case 'h':
            fputs(help, stdout);
            return EXIT_DONE;
        default:
            return EXIT_USAGE;
        }
    }
    if (argc - optind != 1)
        return command_usage("run", "give one ELF file");
    if (a.input != NULL && a.raw_input != NULL)
        return command_usage("run", "-i and --raw-input exclude each other");
    a.elf = argv[optind];
    return run(&a);
}
