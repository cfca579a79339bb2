// SPDX-License-Identifier: Apache-2.0 OR MIT
// More than 10^9 steps that touch all of the guest's RAM, with the record streamed to a file, stay
// under 2 GiB of memory.
#include "run_guest.h"

#include "vm/vm_record.h"

#include <sys/resource.h>

enum { AT = 8, END = 9, X = 10, BODY = 12 };

// One pass over RAM, 16 steps a word: the record grows by a byte a step.
static void sweep(guest *g)
{
    guest_init(g);
    emit_li(g, AT, GUEST_DATA);
    emit_li(g, END, VM_RAM_BASE + VM_RAM_SIZE);
    uint32_t loop = g->n;
    emit(g, enc_i(OP_LOAD | 3 << 12, X, AT, 0));
    for (unsigned k = 0; k < BODY; k++)
        emit_addi(g, X, X, (int32_t)k);
    emit(g, enc_s(OP_STORE | 3 << 12, X, AT, 0));
    emit_addi(g, AT, AT, 8);
    emit(g, enc_b(0x6063, AT, END, (int32_t)(loop - g->n))); // bltu
    emit_halt(g, 0);
}

static uint64_t peak_mib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_maxrss >> 10;
}

static void chunk_replays(const vm_program *p, const vm_record *record, uint64_t index)
{
    vm_chunk_buffer buffer = {0};
    vm_chunk chunk, next;
    vm_replay *replay;
    vm_state end;
    assert_int_equal(vm_replay_open(&replay, p), ZK_OK);
    assert_int_equal(vm_record_get(&chunk, &buffer, record, index), ZK_OK);
    assert_int_equal(vm_replay_chunk(&end, replay, &chunk, (vm_batch_sink){0}), ZK_OK);
    assert_int_equal(vm_record_get(&next, &buffer, record, index + 1), ZK_OK);
    assert_int_equal(end.ts, next.start.ts);
    assert_memory_equal(end.x, next.start.x, sizeof end.x);
    vm_replay_close(replay);
    vm_chunk_buffer_clear(&buffer);
}

static void a_thousand_million_steps(void **state)
{
    (void)state;
    guest g;
    size_t n;
    vm_program p;
    vm_record *record;
    vm_machine *m;
    sweep(&g);
    uint8_t *elf = guest_elf(&n, &g);
    assert_int_equal(vm_program_load(&p, elf, n, VM_ABI_AUTO), ZK_OK);
    assert_int_equal(vm_record_open(&record, 64 << 20, "/tmp"), ZK_OK);
    vm_options options = {.sink = {vm_record_take, record}};
    assert_int_equal(vm_machine_open(&m, &p, NULL, &options), ZK_OK);
    if (vm_machine_run(m) != ZK_OK)
        fail_msg("%s", status_message());
    assert_int_equal(vm_machine_exit_code(m), 0);
    assert_true(vm_machine_steps(m) > 1000000000);
    assert_true(vm_machine_memory_bytes(m) > 500ULL << 20);
    uint64_t chunks = vm_record_chunks(record);
    print_message(
        "%llu steps, %llu MiB of record, of these %llu in a file; peak %llu MiB\n",
        (unsigned long long)vm_machine_steps(m), (unsigned long long)vm_record_bytes(record) >> 20,
        (unsigned long long)vm_record_spilled_bytes(record) >> 20, (unsigned long long)peak_mib());
    assert_true(vm_record_spilled_bytes(record) > 900ULL << 20);
    assert_true(peak_mib() < 2048);
    vm_machine_close(m);
    chunk_replays(&p, record, 0);
    chunk_replays(&p, record, chunks / 2);
    chunk_replays(&p, record, chunks - 2);
    vm_record_close(record);
    vm_program_clear(&p);
    guest_clear(&g);
    free(elf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_million_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
