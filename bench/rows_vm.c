// SPDX-License-Identifier: Apache-2.0 OR MIT
// The machine on the benchmark guest (examples/mix.c); bench_vm measures any guest in more detail.
#include "bench.h"

#include "base/file.h"
#include "base/pool.h"
#include "vm/vm_machine.h"
#include "vm/vm_record.h"
#include "vm/vm_replay.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_THREADS = 2 };

static vm_program program;
static vm_record *record;
static uint64_t steps;

static void require(status s)
{
    if (s == ZK_OK)
        return;
    fprintf(stderr, "zisk-bench: %s\n", status_message());
    exit(1);
}

static void run_guest(vm_chunk_sink sink)
{
    vm_machine *m;
    require(vm_machine_open(&m, &program, NULL, &(vm_options){.sink = sink}));
    require(vm_machine_run(m));
    steps = vm_machine_steps(m);
    vm_machine_close(m);
}

static void prepare(void)
{
    byte_buffer elf = buffer_new();
    if (program.insns != NULL)
        return;
    require(file_read(&elf, ZISK_BENCH_GUEST, 1 << 28));
    require(vm_program_load(&program, elf.data, elf.size, VM_ABI_AUTO));
    buffer_clear(&elf);
    require(vm_record_open(&record, UINT64_MAX, NULL));
    run_guest((vm_chunk_sink){vm_record_take, record});
}

static double interpret(struct pool *p)
{
    (void)p;
    run_guest((vm_chunk_sink){0});
    return (double)steps;
}

static void replay_range(void *arg, unsigned slot, size_t begin, size_t end)
{
    static vm_replay *replays[MAX_THREADS];
    static vm_chunk_buffer buffers[MAX_THREADS];
    (void)arg;
    if (replays[slot] == NULL)
        require(vm_replay_open(&replays[slot], &program));
    for (size_t c = begin; c < end; c++) {
        vm_chunk chunk;
        require(vm_record_get(&chunk, &buffers[slot], record, c));
        require(vm_replay_chunk(NULL, replays[slot], &chunk, (vm_batch_sink){0}));
    }
}

static double replay(struct pool *p)
{
    pool_for_slots(p, vm_record_chunks(record), 1, replay_range, NULL);
    return (double)steps;
}

void bench_vm(bench *b)
{
    bench_add(b, (bench_row){"interpreter, recording", "ns/instruction", 1, "2.5", 1, prepare,
                             interpret});
    bench_add(b, (bench_row){"replay", "ns/row", 1, "", 1, prepare, replay});
    bench_add(b, (bench_row){"replay", "ns/row", 1, "", MAX_THREADS, prepare, replay});
}
