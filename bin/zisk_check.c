// SPDX-License-Identifier: Apache-2.0 OR MIT
// zisk check: constraints and bus of a run, without a proof.
#include "zisk.h"

#include "prover/check_job.h"
#include "prover/prover.h"

#include <inttypes.h>
#include <stdio.h>

static const char help[] =
    "usage: zisk check ELF [-i INPUT | --raw-input FILE] [--abi auto|A|B|C]\n"
    "\n"
    "Runs the program and checks every constraint of every row and the balance of the bus, "
    "without\n"
    "making a proof. Names the first failing row, or the unbalanced tuples and who sent them.\n"
    "Exit code 0 when everything holds, 1 when not, 2 on wrong usage,\n"
    "128 + its number when a signal stopped it.\n";

static status check(bool *ok, const char *path, const char *input_path, const char *raw, vm_abi abi)
{
    status result = ZK_OK;
    byte_buffer report = buffer_new();
    zisk_program program = {0};
    vm_input input = {0};
    zisk_job *job = NULL;
    pool *threads = NULL;
    *ok = false;
    TRY_OUT(pool_open(&threads, 0));
    TRY_OUT(load_provable(&program, path, abi, NULL, threads));
    TRY_OUT(load_input(&input, &program.vm.map, input_path, raw));
    const cancel_flag *cancel = catch_interrupts();
    zisk_job_options options = {.threads = threads, .cancel = cancel};
    TRY_OUT(zisk_job_open(&job, &program, &input, &options));
    TRY_OUT(zisk_check(ok, &report, zisk_job_run(job), zisk_job_plan(job), threads, cancel));
    if (*ok)
        printf("ok: %" PRIu64 " steps, %zu instances\n", zisk_job_run(job)->steps,
               zisk_job_plan(job)->n);
    else
        printf("%.*s\n", (int)report.size, (const char *)report.data);
out:
    zisk_job_close(job);
    vm_input_clear(&input);
    zisk_program_close(&program);
    buffer_clear(&report);
    pool_close(threads);
    return result;
}

enum { OPT_RAW = 256, OPT_ABI };

int command_check(int argc, char **argv)
{
    static const struct option options[] = {
        {"input", required_argument, NULL, 'i'},
        {"raw-input", required_argument, NULL, OPT_RAW},
        {"abi", required_argument, NULL, OPT_ABI},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *input = NULL, *raw = NULL;
    vm_abi abi = VM_ABI_AUTO;
    int option;
    while ((option = next_option(argv[0], argc, argv, "i:h", options)) != -1) {
        switch (option) {
        case 'i':
            input = optarg;
            break;
        case OPT_RAW:
            raw = optarg;
            break;
        case OPT_ABI:
            if (!parse_abi(&abi, optarg))
                return command_usage("check", "--abi takes auto, A, B or C, not \"%s\"", optarg);
            break;
        case 'h':
            fputs(help, stdout);
            return EXIT_DONE;
        default:
            return EXIT_USAGE;
        }
    }
    if (optind + 1 != argc)
        return command_usage("check", "give one ELF file");
    if (input != NULL && raw != NULL)
        return command_usage("check", "-i and --raw-input exclude each other");
    bool ok;
    status result = check(&ok, argv[optind], input, raw, abi);
    if (result != ZK_OK)
        return command_ended("check", result, "nothing was found until then");
    return ok ? EXIT_DONE : EXIT_REFUSED;
}
