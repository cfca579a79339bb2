// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "worker/worker_main.h"

#include <openssl/sha.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/log.h"
#include "worker/worker.h"

#define MAX_ELF_BYTES (512ULL << 20)

// Raised by the first signal while the key is made, before the loop has handlers of its own.
static cancel_flag early_stop;

static void on_early_signal(int number)
{
    (void)number;
    cancel_raise(&early_stop);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_early_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

static int usage(const char *what)
{
    fprintf(stderr, "zisk-worker: %s; `zisk-worker --help` explains it\n", what);
    return WORKER_USAGE;
}

static int print_help(void)
{
    byte_buffer text = buffer_new();
    if (config_help(&text, &worker_program) != ZK_OK)
        return usage(status_message());
    fwrite(text.data, 1, text.size, stdout);
    buffer_clear(&text);
    return WORKER_DONE;
}

static status open_log(const worker_config *c)
{
    log_config log = {
        .filter = c->log_filter, .stream = STDERR_FILENO, .file_path = c->log_file_path};
    TRY(log_format_from_name(&log.format, c->log_format));
    return log_open(&log);
}

// A random name of 32 digits, as the original's workers have.
static status make_id(char id[33])
{
    uint8_t bytes[16];
    FAIL_IF(getrandom(bytes, sizeof bytes, 0) != sizeof bytes, ZK_EIO, "no random numbers: %m");
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
    return ZK_OK;
}

typedef struct loaded_program {
    zisk_program program;
    uint8_t digest[SHA256_DIGEST_LENGTH]; // of the ELF file
} loaded_program;

static status load_program(loaded_program *out, const worker_config *c, pool *threads)
{
    status result = ZK_OK;
    byte_buffer elf = buffer_new();
    TRY_OUT(file_read(&elf, c->elf, MAX_ELF_BYTES));
    SHA256(elf.data, elf.size, out->digest);
    log_info("worker", "making the key of the program", log_str("elf", c->elf),
             log_hex("sha256", out->digest, sizeof out->digest));
    result = zisk_program_open_cached(&out->program, elf.data, elf.size, VM_ABI_AUTO,
                                      c->proving_key, threads, &early_stop);
    FAIL_OUT_IF(result != ZK_OK, result,
                "the program %s cannot be used: %s; --elf takes a guest for 64-bit RISC-V", c->elf,
                status_message());
out:
    buffer_clear(&elf);
    return result;
}

static status run_worker(const worker_config *c, const char *id, const loaded_program *p,
                         pool *threads, const scratch *files)
{
    status result = ZK_OK;
    rpc_loop *loop = NULL;
    worker *w = NULL;
    worker_options options = {.config = c,
                              .worker_id = id,
                              .program = &p->program,
                              .program_digest = p->digest,
                              .threads = threads,
                              .scratch = files};
    TRY(rpc_loop_open(&loop));
    TRY_OUT(worker_open(&w, loop, &options));
    printf("Worker %s of %s, %llu compute units\n", id, c->coordinator_url,
           (unsigned long long)c->compute_units);
    fflush(stdout);
    log_info("worker", "started", log_str("worker", id), log_str("version", config_version()),
             log_str("coordinator", c->coordinator_url), log_u64("units", c->compute_units),
             log_u64("threads", pool_threads(threads)));
    if (cancel_raised(&early_stop))
        worker_leave(w);
    rpc_loop_run(loop);
out:
    worker_close(w);
    rpc_loop_close(loop);
    worker_free(w);
    return result;
}

static status run(const worker_config *c)
{
    status result = ZK_OK;
    pool *threads = NULL;
    loaded_program program = {0};
    scratch files = {.lock = -1};
    char made_id[33], work_folder[SCRATCH_PATH_MAX];
    const char *id = c->worker_id != NULL ? c->worker_id : made_id;
    if (c->worker_id == NULL)
        TRY_OUT(make_id(made_id));
    FAIL_OUT_IF(c->witness_threads != CONFIG_UNSET && c->witness_threads > POOL_MAX_THREADS,
                ZK_EINVAL, "at most %d threads can be used", POOL_MAX_THREADS);
    TRY_OUT(
        pool_open(&threads, c->witness_threads == CONFIG_UNSET ? 0 : (unsigned)c->witness_threads));
    TRY_OUT(file_make_directories(c->proving_key));
    int n = snprintf(work_folder, sizeof work_folder, "%s/work", c->proving_key);
    FAIL_OUT_IF(n >= (int)sizeof work_folder, ZK_EINVAL, "--proving-key is too long");
    TRY_OUT(scratch_open(&files, work_folder));
    TRY_OUT(load_program(&program, c, threads));
    TRY_OUT(run_worker(c, id, &program, threads, &files));
out:
    scratch_close(&files);
    zisk_program_close(&program.program);
    pool_close(threads);
    return result;
}

int worker_main(int argc, char **argv, char **environment)
{
    worker_config values;
    config c;
    if (cpu_check_environment() != ZK_OK)
        return usage(status_message());
    status s = config_load(&c, &values, &worker_program, argc, argv, environment);
    if (s == ZK_OK && c.request == CONFIG_HELP) {
        config_clear(&c);
        return print_help();
    }
    if (s == ZK_OK && c.request == CONFIG_VERSION) {
        printf("zisk-worker %s\n", config_version());
        config_clear(&c);
        return WORKER_DONE;
    }
    if (s != ZK_OK || open_log(&values) != ZK_OK) {
        int code = usage(status_message());
        config_clear(&c);
        return code;
    }
    for (size_t i = 0; i < c.n_unknown_variables; i++)
        log_warn("worker", "a variable with the program's prefix is no setting",
                 log_str("variable", c.unknown_variables[i]));
    catch_signals();
    file_raise_limit();
    s = run(&values);
    bool stopped_early = s == ZK_ECANCELED && cancel_raised(&early_stop);
    if (s != ZK_OK && !stopped_early) {
        log_error("worker", "the worker cannot go on", LOG_STATUS(s));
    } else {
        log_info("worker", "ended");
    }
    log_close();
    config_clear(&c);
    return s == ZK_OK || stopped_early ? WORKER_DONE : WORKER_FAILED;
}
