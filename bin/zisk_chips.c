// SPDX-License-Identifier: Apache-2.0 OR MIT
// zisk chips: the declaration of the machine, for readers and for other verifiers, and the rows
// that a run has of each chip.
#include "zisk.h"

#include "prover/plan.h"

#include <stdio.h>

static const char help[] =
    "usage: zisk chips [--abi A|B|C] [--verbose | --json]\n"
    "       zisk chips ELF [-i INPUT | --raw-input FILE] [--abi auto|A|B|C] [--verbose | --json]\n"
    "\n"
    "Prints the tables of the machine that proves programs: a line for each, and totals. With a\n"
    "program, runs it and adds the rows that each table has in the instances of the run.\n"
    "\n"
    "  -i, --input FILE     input of the run: records as zisk run takes them\n"
    "      --raw-input FILE input of the run: the file as one record\n"
    "      --abi X          the machine of this memory map (default C; that of the program)\n"
    "      --verbose        one line for each column, constraint and interaction, too\n"
    "      --json           everything as JSON, with expressions as data: what a verifier needs\n"
    "                       to know of the machine (doc/proof-format.md, section 3)\n"
    "      --help\n";

typedef struct chips_arguments {
    const char *elf, *input, *raw_input;
    vm_abi abi;
    bool verbose, json;
} chips_arguments;

static status report(byte_buffer *out, const chips_arguments *a, const machine *m,
                     const air_rows *rows)
{
    return a->json ? air_report_json(out, m, rows) : air_report_text(out, m, a->verbose, rows);
}

static status report_machine(byte_buffer *out, const chips_arguments *a)
{
    vm_map map = vm_map_get(a->abi == VM_ABI_AUTO ? VM_ABI_C : a->abi);
    zisk_machine *z;
    TRY(zisk_machine_new(&z, &map));
    status result = report(out, a, &z->m, NULL);
    zisk_machine_free(z);
    return result;
}

static status report_run(byte_buffer *out, const chips_arguments *a)
{
    status result = ZK_OK;
    zisk_program program = {0};
    vm_input input = {0};
    zisk_run *run = NULL;
    zisk_plan *plan = NULL;
    pool *threads = NULL;
    air_rows rows = {0};
    TRY_OUT(pool_open(&threads, 0));
    TRY_OUT(load_provable(&program, a->elf, a->abi, NULL, threads));
    TRY_OUT(load_input(&input, &program.vm.map, a->input, a->raw_input));
    run_options options = {.vm.cancel = catch_interrupts()};
    TRY_OUT(zisk_run_new(&run, &program, &input, &options, threads));
    TRY_OUT(zisk_plan_new(&plan, run, WHIR_CLASS_26));
    zisk_plan_rows(&rows, plan, run);
    TRY_OUT(report(out, a, &program.z->m, &rows));
out:
    zisk_plan_free(plan);
    zisk_run_free(run);
    vm_input_clear(&input);
    zisk_program_close(&program);
    pool_close(threads);
    return result;
}

enum { OPT_RAW = 256, OPT_ABI, OPT_VERBOSE, OPT_JSON };

int command_chips(int argc, char **argv)
{
    static const struct option options[] = {
        {"input", required_argument, NULL, 'i'},
        {"raw-input", required_argument, NULL, OPT_RAW},
        {"abi", required_argument, NULL, OPT_ABI},
        {"verbose", no_argument, NULL, OPT_VERBOSE},
        {"json", no_argument, NULL, OPT_JSON},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    chips_arguments a = {.abi = VM_ABI_AUTO};
    int option;
    while ((option = next_option(argv[0], argc, argv, "i:h", options)) != -1) {
        switch (option) {
        case 'i':
            a.input = optarg;
            break;
        case OPT_RAW:
            a.raw_input = optarg;
            break;
        case OPT_ABI:
            if (!parse_abi(&a.abi, optarg))
                return command_usage("chips", "--abi takes auto, A, B or C, not \"%s\"", optarg);
            break;
        case OPT_VERBOSE:
            a.verbose = true;
            break;
        case OPT_JSON:
            a.json = true;
            break;
        case 'h':
            fputs(help, stdout);
            return EXIT_DONE;
        default:
            return EXIT_USAGE;
        }
    }
    if (argc - optind > 1)
        return command_usage("chips", "give at most one ELF file");
    a.elf = argv[optind];
    if (a.input != NULL && a.raw_input != NULL)
        return command_usage("chips", "-i and --raw-input exclude each other");
    if (a.elf == NULL && (a.input != NULL || a.raw_input != NULL))
        return command_usage("chips", "an input needs an ELF file that reads it");
    if (a.verbose && a.json)
        return command_usage("chips", "--verbose and --json exclude each other");
    byte_buffer text = buffer_new();
    status made = a.elf != NULL ? report_run(&text, &a) : report_machine(&text, &a);
    if (made == ZK_OK)
        fwrite(text.data, 1, text.size, stdout);
    buffer_clear(&text);
    if (made != ZK_OK)
        return command_ended("chips", made, "nothing was printed");
    return EXIT_DONE;
}
