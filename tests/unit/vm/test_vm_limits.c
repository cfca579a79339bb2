// SPDX-License-Identifier: Apache-2.0 OR MIT
// Counters at the end of their range: the last steps that a run may have, and the last timestamps.
// The machine is put there by hand; from there on it runs, records and replays as ever.
#include "run_guest.h"

#include "vm/vm_record.h"
#include "vm/vm_state.h"

enum { CHUNK_LOG = 4, CHUNK_STEPS = 1 << CHUNK_LOG, BASE = 8, X = 9 };

typedef struct late_run {
    guest g;
    uint8_t *elf;
    vm_program program;
    vm_record *record;
    vm_machine *m;
    status result;
} late_run;

// Adds 1 to word after word, for ever: five steps a word.
static void run_late(late_run *r, uint64_t steps, uint64_t ts)
{
    size_t n;
    guest_init(&r->g);
    uint32_t loop = r->g.n;
    emit(&r->g, enc_i(OP_LOAD | 3 << 12, X, BASE, 0));
    emit_addi(&r->g, X, X, 1);
    emit(&r->g, enc_s(OP_STORE | 3 << 12, X, BASE, 0));
    emit_addi(&r->g, BASE, BASE, 8);
    emit(&r->g, enc_j(0, (int32_t)(loop - r->g.n)));
    r->elf = guest_elf(&n, &r->g);
    assert_int_equal(vm_program_load(&r->program, r->elf, n, VM_ABI_AUTO), ZK_OK);
    assert_int_equal(vm_record_open(&r->record, UINT64_MAX, NULL), ZK_OK);
    vm_options options = {.chunk_log = CHUNK_LOG, .sink = {vm_record_take, r->record}};
    assert_int_equal(vm_machine_open(&r->m, &r->program, NULL, &options), ZK_OK);
    r->m->x[BASE] = GUEST_DATA;
    r->m->steps = steps;
    r->m->ts = ts;
    // As if the steps before had been fetches of the first instruction.
    r->m->rows.by_class[VM_CLASS_LOAD] = steps;
    r->m->rows.by_op[OP_ld] = steps;
    r->m->fetches[0] = steps;
    r->result = vm_machine_run(r->m);
}

static void late_run_clear(late_run *r)
{
    vm_machine_close(r->m);
    vm_record_close(r->record);
    vm_program_clear(&r->program);
    guest_clear(&r->g);
    free(r->elf);
}

// Every chunk of the record replays to where the next one starts, the last to where the run ended.
static void replays(const late_run *r)
{
    vm_chunk_buffer buffer = {0};
    vm_replay *replay;
    vm_state end = {0};
    assert_int_equal(vm_replay_open(&replay, &r->program), ZK_OK);
    uint64_t n = vm_record_chunks(r->record);
    for (uint64_t c = 0; c < n; c++) {
        vm_chunk chunk;
        assert_int_equal(vm_record_get(&chunk, &buffer, r->record, c), ZK_OK);
        if (c != 0) {
            assert_int_equal(end.ts, chunk.start.ts);
            assert_int_equal(end.pc, chunk.start.pc);
            assert_memory_equal(end.x, chunk.start.x, sizeof end.x);
            assert_memory_equal(end.x_ts, chunk.start.x_ts, sizeof end.x_ts);
        }
        assert_int_equal(vm_replay_chunk(&end, replay, &chunk, (vm_batch_sink){0}), ZK_OK);
    }
    assert_int_equal(end.ts, vm_machine_ts(r->m));
    assert_memory_equal(end.x, vm_machine_x(r->m), sizeof end.x);
    assert_memory_equal(end.x_ts, vm_machine_x_ts(r->m), sizeof end.x_ts);
    vm_replay_close(replay);
    vm_chunk_buffer_clear(&buffer);
}

static void the_last_of_2_to_the_36_steps(void **state)
{
    (void)state;
    enum { LEFT = 2 * CHUNK_STEPS + 8 };
    late_run r = {0};
    run_late(&r, VM_MAX_STEPS - LEFT, VM_TS_START + VM_STEP_SLOTS * (VM_MAX_STEPS - LEFT));
    assert_int_equal(r.result, ZK_ELIMIT);
    assert_non_null(strstr(status_message(), "within 68719476736 steps"));
    assert_int_equal(vm_record_chunks(r.record), 3);
    assert_int_equal(vm_machine_steps(r.m), VM_MAX_STEPS);
    assert_int_equal(vm_machine_ts(r.m), VM_TS_START + VM_STEP_SLOTS * VM_MAX_STEPS);
    uint64_t rows = 0, ops = 0, fetches = 0;
    for (unsigned c = 0; c < VM_CLASS_COUNT; c++)
        rows += vm_machine_rows(r.m)->by_class[c];
    for (unsigned o = 0; o < VM_OP_COUNT; o++)
        ops += vm_machine_rows(r.m)->by_op[o];
    for (uint64_t s = 0; s < r.program.n_slots; s++)
        fetches += vm_machine_fetches(r.m)[s];
    assert_int_equal(rows, VM_MAX_STEPS);
    assert_int_equal(ops, VM_MAX_STEPS);
    assert_int_equal(fetches, VM_MAX_STEPS);
    replays(&r);
    late_run_clear(&r);
}

// Precompiles take up to 64 slots a step, so time may end before the steps do.
static void the_last_timestamps(void **state)
{
    (void)state;
    const uint64_t slack = CHUNK_STEPS * VM_CALL_MAX_SLOTS;
    const uint64_t start = (1ULL << VM_TS_BITS) - slack - VM_STEP_SLOTS * CHUNK_STEPS;
    late_run r = {0};
    run_late(&r, 1ULL << 35, start);
    assert_int_equal(r.result, ZK_ELIMIT);
    assert_non_null(strstr(status_message(), "timestamps"));
    // The chunk that began with room for 16 steps of 64 slots each was the last.
    assert_int_equal(vm_record_chunks(r.record), 2);
    assert_int_equal(vm_machine_ts(r.m), start + 2 * VM_STEP_SLOTS * CHUNK_STEPS);
    assert_true(vm_machine_ts(r.m) < 1ULL << VM_TS_BITS);
    replays(&r);
    late_run_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_of_2_to_the_36_steps),
        cmocka_unit_test(the_last_timestamps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
