// SPDX-License-Identifier: Apache-2.0 OR MIT
// zisk prove: run a program and prove it.
#include "zisk.h"

#include "base/clock.h"
#include "base/file.h"
#include "prover/prover.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char help[] =
    "usage: zisk prove ELF -o PROOF [OPTIONS]\n"
    "\n"
    "Runs the guest program and writes a proof that it ran and gave its public outputs.\n"
    "Exit code 0 when the proof is written, 1 when it cannot be made, 2 on wrong usage,\n"
    "128 + its number when a signal stopped it.\n"
    "\n"
    "  -o, --output FILE    where the proof goes (written whole or not at all)\n"
    "  -i, --input FILE     input: records of [8 bytes length, little-endian][bytes][zeros to 8]\n"
    "      --raw-input FILE input: the file as one record\n"
    "      --threads N      threads to use (default: one a core)\n"
    "      --max-memory GIB give up before the start when it will not do (default 8); what is\n"
    "                       left over keeps work between the phases, which saves time\n"
    "      --spill-dir DIR  keep what waits between the phases in files there\n"
    "      --cache-dir DIR  keep what depends on the program alone in files there, for the next "
    "time\n"
    "      --instance-log-cells 20|23|26  size of an instance (default 26; 23 takes an eighth of\n"
    "                       the memory and more instances; 20 is for tests)\n"
    "      --max-steps N    give up after N steps; K, M and G are thousands, millions, ..\n"
    "      --abi auto|A|B|C memory map\n"
    "      --json           facts about the proof as one line of JSON on stdout\n"
    "      --help\n"
    "\n"
    "The input is not part of what the proof says. But proofs are not zero-knowledge: they may "
    "leak\n"
    "parts of the input to whoever sees them.\n";

enum { MOST_MEMORY_GIB = 1 << 20 };

typedef struct arguments {
    const char *elf, *output, *input, *raw_input, *cache_dir;
    uint64_t n_threads, max_memory_gib;
    vm_abi abi;
    bool json;
    zisk_job_options job;
} arguments;

typedef struct progress_line {
    bool terminal;
} progress_line;

static void show_progress(void *arg, job_stage stage, size_t done, size_t of)
{
    static const char *const names[STAGE_COUNT] = {"executed", "committed", "proved"};
    const progress_line *line = arg;
    enum { WIDTH = 30 };
    if (!line->terminal)
        return;
    char bar[WIDTH + 1];
    for (size_t i = 0; i < WIDTH; i++)
        bar[i] = i < WIDTH * done / of ? '#' : '.';
    bar[WIDTH] = '\0';
    fprintf(stderr, "\r%-10s [%s] %zu of %zu instances ", names[stage], bar, done, of);
    if (stage == STAGE_PROVE && done == of)
        fputc('\n', stderr);
}

static void print_guest(void *arg, const uint8_t *bytes, uint64_t n)
{
    (void)arg;
    fwrite(bytes, 1, n, stderr);
}

static double peak_gib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / (1 << 20);
}

static void print_facts(const arguments *a, const zisk_program *program, const zisk_job *job,
                        double total, double verify, size_t bytes)
{
    const zisk_run *run = zisk_job_run(job);
    const zisk_plan *plan = zisk_job_plan(job);
    const zisk_job_times *t = zisk_job_timing(job);
    digest key = zisk_program_key(program);
    uint64_t interactions = 0;
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
        interactions += run->row_count[k] * program->z->execution[k]->n_interactions;
    if (!a->json) {
        fprintf(stderr,
                "%" PRIu64 " steps in %zu instances, %zu bytes of proof\n"
                "%.2f s in all, %.0f steps/s: execute and plan %.2f, fill %.2f, commit %.2f, "
                "gkr %.2f, zerocheck %.2f, opening %.2f, verify %.3f\n"
                "%.1f cells a step (%.1f with the unused area), %.1f interactions a step, peak "
                "memory %.2f GiB\n",
                run->steps, plan->n, bytes, total, (double)run->steps / total, t->execute, t->fill,
                t->commit, t->gkr, t->zerocheck, t->opening, verify,
                (double)plan->n_cells / (double)run->steps,
                (double)plan->n_area / (double)run->steps,
                (double)interactions / (double)run->steps, peak_gib());
        return;
    }
    printf("{\"steps\":%" PRIu64 ",\"instances\":%zu,\"seconds\":%.3f,\"seconds_execute\":%.3f,"
           "\"seconds_fill\":%.3f,\"seconds_commit\":%.3f,\"seconds_gkr\":%.3f,"
           "\"seconds_zerocheck\":%.3f,\"seconds_opening\":%.3f,\"seconds_verify\":%.4f,"
           "\"steps_per_second\":%.0f,\"cells\":%" PRIu64 ",\"area\":%" PRIu64
           ",\"interactions\":%" PRIu64 ",\"peak_memory_gib\":%.2f,\"proof_bytes\":%zu,\"vk\":\"",
           run->steps, plan->n, total, t->execute, t->fill, t->commit, t->gkr, t->zerocheck,
           t->opening, verify, (double)run->steps / total, plan->n_cells, plan->n_area,
           interactions, peak_gib(), bytes);
    for (int k = 0; k < HASH_DIGEST; k++)
        printf("%016" PRIx64, key.e[k]);
    printf("\",\"publics\":[");
    for (int i = 0; i < VM_PUBLICS; i++)
        printf("%s%" PRIu32, i == 0 ? "" : ",", run->publics[i]);
    printf("]}\n");
}

// What a long proof takes, before it begins.
static void print_needs(const zisk_job *job, const char *spill_dir)
{
    const zisk_job_needs *needs = zisk_job_memory(job);
    size_t n = zisk_job_plan(job)->n;
    if (n == 1)
        return;
    fprintf(stderr, "%zu instances, about %.1f GiB of memory, %zu of them kept whole", n,
            (double)needs->memory / (1 << 30), needs->kept);
    if (spill_dir != NULL)
        fprintf(stderr, ", %.1f MiB in %s", (double)needs->spill / (1 << 20), spill_dir);
    fputc('\n', stderr);
}

// Phases 1 to 3, self-verification, and the file.
static status prove(const arguments *a, const zisk_program *program, zisk_job *job, uint64_t start)
{
    status result = ZK_OK;
    size_t n = zisk_job_plan(job)->n, n_words = 0;
    uint64_t *words = NULL;
    contribution *all = calloc(n, sizeof *all);
    proof_writer *proofs = calloc(n, sizeof *proofs);
    FAIL_OUT_IF(all == NULL || proofs == NULL, ZK_ENOMEM, "no memory for %zu proofs", n);
    for (size_t i = 0; i < n; i++)
        TRY_OUT(zisk_job_contribute(&all[i], job, i));
    for (size_t i = 0; i < n; i++)
        TRY_OUT(zisk_job_prove(&proofs[i], job, all, i));
    const uint32_t *publics = zisk_job_run(job)->publics;
    TRY_OUT(zisk_bundle(&words, &n_words, program, publics, all, proofs, n));
    uint64_t verify_start = clock_monotonic_ns();
    result = zisk_verify(NULL, words, n_words, zisk_program_key(program), publics);
    FAIL_OUT_IF(result != ZK_OK, ZK_EINTERNAL,
                "the proof does not pass its own verification (%s); nothing was written",
                status_message());
    double verify = (double)(clock_monotonic_ns() - verify_start) / NS_PER_SECOND;
    TRY_OUT(file_write_atomic(a->output, words, 8 * n_words));
    double total = (double)(clock_monotonic_ns() - start) / NS_PER_SECOND;
    print_facts(a, program, job, total, verify, 8 * n_words);
out:
    for (size_t i = 0; proofs != NULL && i < n; i++)
        proof_writer_clear(&proofs[i]);
    free(proofs);
    free(all);
    free(words);
    return result;
}

static status run(arguments *a)
{
    status result = ZK_OK;
    zisk_program program = {0};
    vm_input input = {0};
    zisk_job *job = NULL;
    pool *threads = NULL;
    progress_line line = {isatty(STDERR_FILENO)};
    uint64_t start = clock_monotonic_ns();
    TRY_OUT(file_check_target(a->output));
    TRY_OUT(pool_open(&threads, (unsigned)a->n_threads));
    TRY_OUT(load_provable(&program, a->elf, a->abi, a->cache_dir, threads));
    TRY_OUT(load_input(&input, &program.vm.map, a->input, a->raw_input));
    a->job.cancel = catch_interrupts();
    a->job.vm.print = print_guest;
    a->job.threads = threads;
    a->job.progress = show_progress;
    a->job.progress_arg = &line;
    a->job.max_memory = a->max_memory_gib << 30;
    TRY_OUT(zisk_job_open(&job, &program, &input, &a->job));
    print_needs(job, a->job.spill_dir);
    TRY_OUT(prove(a, &program, job, start));
out:
    zisk_job_close(job);
    vm_input_clear(&input);
    zisk_program_close(&program);
    pool_close(threads);
    return result;
}

enum {
    OPT_RAW = 256,
    OPT_THREADS,
    OPT_MEMORY,
    OPT_SPILL,
    OPT_CACHE,
    OPT_STEPS,
    OPT_CELLS,
    OPT_ABI,
    OPT_JSON
};

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"input", required_argument, NULL, 'i'},
    {"raw-input", required_argument, NULL, OPT_RAW},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"max-memory", required_argument, NULL, OPT_MEMORY},
    {"spill-dir", required_argument, NULL, OPT_SPILL},
    {"cache-dir", required_argument, NULL, OPT_CACHE},
    {"max-steps", required_argument, NULL, OPT_STEPS},
    {"instance-log-cells", required_argument, NULL, OPT_CELLS},
    {"abi", required_argument, NULL, OPT_ABI},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

int command_prove(int argc, char **argv)
{
    arguments a = {.max_memory_gib = 8, .abi = VM_ABI_AUTO};
    int option;
    while ((option = next_option(argv[0], argc, argv, "o:i:h", long_options)) != -1) {
        switch (option) {
        case 'o':
            a.output = optarg;
            break;
        case 'i':
            a.input = optarg;
            break;
        case OPT_RAW:
            a.raw_input = optarg;
            break;
        case OPT_THREADS:
            if (!parse_number(&a.n_threads, optarg) || a.n_threads == 0 ||
                a.n_threads > POOL_MAX_THREADS)
                return command_usage("prove", "--threads takes 1 to %d, not \"%s\"",
                                     POOL_MAX_THREADS, optarg);
            break;
        case OPT_MEMORY:
            if (!parse_number(&a.max_memory_gib, optarg) || a.max_memory_gib == 0 ||
                a.max_memory_gib > MOST_MEMORY_GIB)
                return command_usage("prove", "--max-memory takes whole GiB, 1 to %d, not \"%s\"",
                                     MOST_MEMORY_GIB, optarg);
            break;
        case OPT_SPILL:
            a.job.spill_dir = optarg;
            break;
        case OPT_CACHE:
            a.cache_dir = optarg;
            break;
        case OPT_STEPS:
            if (!parse_number(&a.job.vm.max_steps, optarg) || a.job.vm.max_steps == 0 ||
                a.job.vm.max_steps > VM_MAX_STEPS)
                return command_usage("prove", "--max-steps takes 1 to 2^36, not \"%s\"", optarg);
            break;
        case OPT_CELLS:
            if (strcmp(optarg, "20") != 0 && strcmp(optarg, "23") != 0 && strcmp(optarg, "26") != 0)
                return command_usage("prove", "--instance-log-cells takes 20, 23 or 26, not \"%s\"",
                                     optarg);
            a.job.max_class = (uint32_t)atoi(optarg); // classes are named by it
            break;
        case OPT_ABI:
            if (!parse_abi(&a.abi, optarg))
                return command_usage("prove", "--abi takes auto, A, B or C, not \"%s\"", optarg);
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
    if (optind + 1 != argc)
        return command_usage("prove", "give one ELF file");
    a.elf = argv[optind];
    if (a.output == NULL)
        return command_usage("prove", "say with -o where the proof goes");
    if (a.input != NULL && a.raw_input != NULL)
        return command_usage("prove", "-i and --raw-input exclude each other");
    status result = run(&a);
    return result == ZK_OK ? EXIT_DONE : command_ended("prove", result, "no proof was written");
}
