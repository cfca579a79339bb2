// SPDX-License-Identifier: Apache-2.0 OR MIT
// What the estimate of memory says is enough: the peak of processes that prove a run of several
// instances, with different limits, each of which is used to keep what it allows. argv: sha256.elf
#include "unit/test.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "prover/prover.h"

enum { INPUT_BYTES = 6000, MAX_INSTANCES = 8 };

static const char *elf_path;

static void must(status s)
{
    if (s == ZK_OK)
        return;
    fprintf(stderr, "%s: %s\n", status_name(s), status_message());
    _exit(1);
}

// In a process of its own: proves within max_memory and hands its estimates to the pipe.
static _Noreturn void child(int pipe_end, uint64_t max_memory)
{
    static uint8_t bytes[INPUT_BYTES];
    byte_buffer elf = buffer_new();
    zisk_program program;
    vm_input input;
    zisk_job *job;
    pool *threads;
    contribution all[MAX_INSTANCES];
    must(pool_open(&threads, 2));
    must(file_read(&elf, elf_path, 1 << 26));
    must(zisk_program_open(&program, elf.data, elf.size, VM_ABI_AUTO, threads, NULL));
    must(vm_input_load(&input, &program.vm.map, bytes, sizeof bytes, true));
    zisk_job_options options = {
        .max_class = WHIR_CLASS_23, .max_memory = max_memory, .threads = threads};
    must(zisk_job_open(&job, &program, &input, &options));
    size_t n = zisk_job_plan(job)->n;
    const zisk_job_needs *needs = zisk_job_memory(job);
    if (n < 3 || n > MAX_INSTANCES ||
        write(pipe_end, needs, sizeof *needs) != (ssize_t)sizeof *needs)
        _exit(2);
    for (size_t i = 0; i < n; i++)
        must(zisk_job_contribute(&all[i], job, i));
    for (size_t i = 0; i < n; i++) {
        proof_writer w;
        proof_writer_init(&w);
        must(zisk_job_prove(&w, job, all, i));
        proof_writer_clear(&w);
    }
    _exit(0);
}

// The estimates; *peak: bytes that the process had at most.
static zisk_job_needs prove_within(uint64_t *peak, uint64_t max_memory)
{
    int ends[2], wait_status;
    zisk_job_needs needs;
    struct rusage usage;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        child(ends[1], max_memory);
    close(ends[1]);
    assert_int_equal(read(ends[0], &needs, sizeof needs), sizeof needs);
    close(ends[0]);
    assert_int_equal(wait4(pid, &wait_status, 0, &usage), pid);
    assert_true(WIFEXITED(wait_status));
    assert_int_equal(WEXITSTATUS(wait_status), 0);
    *peak = (uint64_t)usage.ru_maxrss << 10;
    print_message("limit %llu MiB: %zu kept, estimate %llu MiB, peak %llu MiB\n",
                  (unsigned long long)max_memory >> 20, needs.kept,
                  (unsigned long long)needs.memory >> 20, (unsigned long long)*peak >> 20);
    assert_true(needs.memory <= max_memory);
    assert_true(*peak <= needs.memory);
    return needs;
}

static void estimates_are_enough(void **state)
{
    (void)state;
    uint64_t peak[3];
    zisk_job_needs roomy = prove_within(&peak[0], 4ULL << 30);
    assert_true(roomy.kept >= 3);
    uint64_t least = roomy.memory;
    // The least that is not refused keeps one instance, the one in work.
    uint64_t low = 1 << 20;
    while (least - low > 1 << 20) {
        uint64_t middle = (low + least) / 2;
        int wait_status;
        pid_t pid = fork();
        if (pid == 0) { // up to the estimate only: its end of the pipe is closed
            int ends[2];
            if (pipe(ends) != 0 || freopen("/dev/null", "w", stderr) == NULL)
                _exit(9);
            close(ends[0]);
            child(ends[1], middle);
        }
        assert_int_equal(waitpid(pid, &wait_status, 0), pid);
        // Refused: exit code 1. Accepted: the write to the closed pipe ends it.
        if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 1)
            low = middle;
        else
            least = middle;
    }
    zisk_job_needs tight = prove_within(&peak[1], least);
    assert_true(tight.kept < roomy.kept);
    zisk_job_needs between = prove_within(&peak[2], (least + roomy.memory) / 2);
    assert_true(between.kept > tight.kept && between.kept < roomy.kept);
    assert_true(peak[1] < peak[0]); // what is kept does take memory
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    elf_path = argv[1];
    const struct CMUnitTest tests[] = {cmocka_unit_test(estimates_are_enough)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
