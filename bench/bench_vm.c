// SPDX-License-Identifier: Apache-2.0 OR MIT
// Speed of the machine on guests: pass 1 without and with keeping the record, replay with one and
// two threads, and what the record takes.
//
//   bench_vm [--rounds N] [--raw-input FILE] [--spill-dir DIR] GUEST_ELF...
//
// With --spill-dir the record keeps 64 MiB in memory and streams the rest to a file there: that is
// how long a run may be for the peak memory that is printed last.
//
// Pass 1 is the best of N rounds in CPU time of its thread. Replay is measured in wall-clock time,
// so its ratio says something only on two idle cores; the ratio by CPU time is what it would be
// there.
#include "base/clock.h"
#include "base/file.h"
#include "base/pool.h"
#include "vm/vm_machine.h"
#include "vm/vm_record.h"
#include "vm/vm_replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { SPILL_BUDGET = 64 << 20 };

static void require(status s)
{
    if (s == ZK_OK)
        return;
    fprintf(stderr, "bench_vm: %s\n", status_message());
    exit(1);
}

static double millions_per_second(uint64_t n, uint64_t ns)
{
    return ns == 0 ? 0 : (double)n * 1e3 / (double)ns;
}

static uint64_t run_once(const vm_program *p, const vm_input *in, vm_chunk_sink sink,
                         uint64_t *steps)
{
    vm_machine *m;
    require(vm_machine_open(&m, p, in, &(vm_options){.sink = sink}));
    uint64_t start = clock_thread_cpu_ns();
    require(vm_machine_run(m));
    uint64_t ns = clock_thread_cpu_ns() - start;
    *steps = vm_machine_steps(m);
    vm_machine_close(m);
    return ns;
}

typedef struct replay_job {
    const vm_record *record;
    vm_replay *replays[2];
    vm_chunk_buffer buffers[2];
} replay_job;

static void replay_range(void *arg, unsigned slot, size_t begin, size_t end)
{
    replay_job *job = arg;
    for (size_t c = begin; c < end; c++) {
        vm_chunk chunk;
        require(vm_record_get(&chunk, &job->buffers[slot], job->record, c));
        require(vm_replay_chunk(NULL, job->replays[slot], &chunk, (vm_batch_sink){0}));
    }
}

// Wall-clock time; *cpu_ns is that of all threads together.
static uint64_t replay_all(uint64_t *cpu_ns, const vm_program *p, const vm_record *record,
                           unsigned threads)
{
    pool *workers;
    replay_job job = {.record = record};
    require(pool_open(&workers, threads));
    for (unsigned t = 0; t < threads; t++)
        require(vm_replay_open(&job.replays[t], p));
    uint64_t start = clock_monotonic_ns();
    uint64_t cpu_start = clock_process_cpu_ns();
    pool_for_slots(workers, vm_record_chunks(record), 1, replay_range, &job);
    uint64_t ns = clock_monotonic_ns() - start;
    *cpu_ns = clock_process_cpu_ns() - cpu_start;
    for (unsigned t = 0; t < threads; t++) {
        vm_replay_close(job.replays[t]);
        vm_chunk_buffer_clear(&job.buffers[t]);
    }
    pool_close(workers);
    return ns;
}

static void bench(const char *path, const char *input_path, const char *spill_dir, unsigned rounds)
{
    byte_buffer elf = buffer_new();
    byte_buffer raw = buffer_new();
    vm_program p;
    vm_input in = {0};
    require(file_read(&elf, path, 1 << 29));
    require(vm_program_load(&p, elf.data, elf.size, VM_ABI_AUTO));
    if (input_path != NULL) {
        require(file_read(&raw, input_path, 1 << 29));
        require(vm_input_load(&in, &p.map, raw.data, raw.size, true));
    }

    uint64_t steps = 0;
    uint64_t plain = UINT64_MAX;
    uint64_t kept = UINT64_MAX;
    uint64_t replay[2] = {UINT64_MAX, UINT64_MAX};
    uint64_t replay_cpu[2] = {UINT64_MAX, UINT64_MAX};
    uint64_t record_bytes = 0;
    for (unsigned k = 0; k < rounds; k++) {
        vm_record *record;
        uint64_t ns = run_once(&p, &in, (vm_chunk_sink){0}, &steps);
        plain = ns < plain ? ns : plain;
        require(vm_record_open(&record, spill_dir == NULL ? UINT64_MAX : SPILL_BUDGET, spill_dir));
        ns = run_once(&p, &in, (vm_chunk_sink){vm_record_take, record}, &steps);
        kept = ns < kept ? ns : kept;
        record_bytes = vm_record_bytes(record);
        for (unsigned t = 0; t < 2; t++) {
            uint64_t cpu;
            ns = replay_all(&cpu, &p, record, t + 1);
            replay[t] = ns < replay[t] ? ns : replay[t];
            replay_cpu[t] = cpu < replay_cpu[t] ? cpu : replay_cpu[t];
        }
        vm_record_close(record);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%s: %llu steps\n", path, (unsigned long long)steps);
    printf("  pass 1, recording          %8.1f M instructions/s\n",
           millions_per_second(steps, plain));
    printf("  pass 1, record kept        %8.1f M instructions/s\n",
           millions_per_second(steps, kept));
    printf("  record                     %8.3f bytes/instruction\n",
           (double)record_bytes / (double)steps);
    printf("  replay, 1 thread           %8.1f M rows/s\n", millions_per_second(steps, replay[0]));
    printf("  replay, 2 threads          %8.1f M rows/s (%.2fx; by CPU time %.2fx)\n",
           millions_per_second(steps, replay[1]), (double)replay[0] / (double)replay[1],
           2.0 * (double)replay_cpu[0] / (double)replay_cpu[1]);
    printf("  peak memory                %8ld MiB\n", usage.ru_maxrss / 1024);
    vm_input_clear(&in);
    vm_program_clear(&p);
    buffer_clear(&raw);
    buffer_clear(&elf);
}

int main(int argc, char **argv)
{
    unsigned rounds = 5;
    const char *input = NULL;
    const char *spill_dir = NULL;
    int n_guests = 0;
    for (int a = 1; a < argc; a++) {
        if (strcmp(argv[a], "--rounds") == 0 && a + 1 < argc) {
            rounds = (unsigned)strtoul(argv[++a], NULL, 10);
        } else if (strcmp(argv[a], "--raw-input") == 0 && a + 1 < argc) {
            input = argv[++a];
        } else if (strcmp(argv[a], "--spill-dir") == 0 && a + 1 < argc) {
            spill_dir = argv[++a];
        } else {
            bench(argv[a], input, spill_dir, rounds == 0 ? 1 : rounds);
            n_guests++;
        }
    }
    if (n_guests == 0) {
        fprintf(stderr,
                "usage: bench_vm [--rounds N] [--raw-input FILE] [--spill-dir DIR] GUEST_ELF...\n");
        return 2;
    }
    return 0;
}
