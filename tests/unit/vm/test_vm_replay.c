// SPDX-License-Identifier: Apache-2.0 OR MIT
// Replay: the same rows whatever the order and the number of threads, whatever the chunk size; real
// guests through the oracle; records that are damaged.
//
//   test_vm_replay GUEST_ELF...
#include "random_guest.h"
#include "run_guest.h"

#include "base/file.h"
#include "base/pool.h"

static char **guest_paths;
static int n_guest_paths;

typedef struct digest_job {
    const kept_run *k;
    vm_replay **replays; // by slot
    uint64_t *digests;   // by chunk
} digest_job;

static void digest_range(void *arg, unsigned slot, size_t begin, size_t end)
{
    digest_job *job = arg;
    for (size_t c = begin; c < end; c++) // from the back: order must not matter
        job->digests[c] = chunk_digest(job->replays[slot], &job->k->chunks[c]);
}

static void digest_all(uint64_t *digests, const kept_run *k, unsigned threads)
{
    pool *p;
    vm_replay *replays[4];
    assert_int_equal(pool_open(&p, threads), ZK_OK);
    for (unsigned t = 0; t < threads; t++)
        assert_int_equal(vm_replay_open(&replays[t], &k->program), ZK_OK);
    pool_for_slots(p, k->n_chunks, 1, digest_range, &(digest_job){k, replays, digests});
    for (unsigned t = 0; t < threads; t++)
        vm_replay_close(replays[t]);
    pool_close(p);
}

static void same_rows_from_any_number_of_threads(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(77);
    guest g;
    kept_run k;
    random_guest(&g, &rng, RANDOM_PROGRAMS, 200);
    assert_int_equal(run_guest(&k, &g, (vm_options){.chunk_log = 7}), ZK_OK);
    assert_true(k.n_chunks > 50);
    uint64_t *one = calloc(k.n_chunks, sizeof *one);
    uint64_t *many = calloc(k.n_chunks, sizeof *many);
    assert_true(one != NULL && many != NULL);
    digest_all(one, &k, 1);
    for (unsigned threads = 2; threads <= 4; threads++) {
        digest_all(many, &k, threads);
        assert_memory_equal(one, many, k.n_chunks * sizeof *one);
    }
    vm_replay *r; // from the back, each alone
    assert_int_equal(vm_replay_open(&r, &k.program), ZK_OK);
    for (uint64_t c = k.n_chunks; c-- > 0;)
        assert_int_equal(chunk_digest(r, &k.chunks[c]), one[c]);
    vm_replay_close(r);
    for (uint64_t c = 1; c < k.n_chunks; c++) // a digest that tells chunks apart
        assert_int_not_equal(one[c], one[c - 1]);
    free(one);
    free(many);
    kept_run_clear(&k);
    guest_clear(&g);
}

// The cut into chunks changes nothing but the cut.
static void chunk_size_does_not_matter(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(78);
    guest g;
    kept_run whole;
    random_guest(&g, &rng, 12, 100);
    assert_int_equal(run_guest(&whole, &g, (vm_options){0}), ZK_OK);
    assert_int_equal(whole.n_chunks, 1);
    check_replay(&whole);
    for (unsigned log = 1; log <= 13; log += 2) {
        kept_run k;
        assert_int_equal(run_guest(&k, &g, (vm_options){.chunk_log = log}), ZK_OK);
        uint64_t steps = vm_machine_steps(k.machine);
        assert_int_equal(steps, vm_machine_steps(whole.machine));
        assert_int_equal(k.n_chunks, (steps + (1ULL << log) - 1) >> log);
        assert_memory_equal(vm_machine_rows(k.machine), vm_machine_rows(whole.machine),
                            sizeof(vm_rows));
        assert_memory_equal(vm_machine_fetches(k.machine), vm_machine_fetches(whole.machine),
                            k.program.n_slots * sizeof(uint64_t));
        assert_memory_equal(vm_machine_x_ts(k.machine), vm_machine_x_ts(whole.machine),
                            VM_REGISTERS * sizeof(uint64_t));
        check_replay(&k);
        kept_run_clear(&k);
    }
    kept_run_clear(&whole);
    guest_clear(&g);
}

static void guests_pass_the_oracle(void **state)
{
    (void)state;
    for (int a = 0; a < n_guest_paths; a++) {
        byte_buffer elf = buffer_new();
        kept_run k;
        if (file_read(&elf, guest_paths[a], 1 << 26) != ZK_OK)
            fail_msg("%s", status_message());
        for (unsigned log = 6; log <= 18; log += 12) {
            if (run_elf(&k, elf.data, elf.size, (vm_options){.chunk_log = log}) != ZK_OK)
                fail_msg("%s: %s", guest_paths[a], status_message());
            assert_int_equal(vm_machine_exit_code(k.machine), 0);
            check_replay(&k);
            kept_run_clear(&k);
        }
        buffer_clear(&elf);
    }
}

enum { BLOCK = 8, PTR = 9, COUNT = 10, RESULT = 11, CALL_ROUNDS = 8 };

// One call of row `index` with operands at random, often shared, places of the data segment.
static void emit_call(guest *g, test_rng *rng, unsigned index)
{
    const vm_precompile *p = &vm_precompiles[index];
    uint32_t csrrs = 0x2073 | (uint32_t)p->csr << 20;
    emit_li(g, BLOCK, GUEST_DATA + 8 * (test_rng_u64(rng) % 4));
    for (int k = 0; k < 5; k++) {
        emit_li(g, PTR, GUEST_DATA + 512 + 256 * (test_rng_u64(rng) % 4));
        bool number = (p->csr == 0x811 && k == 2) || (p->csr == 0x819 && k == 0);
        if (number)
            emit_li(g, PTR, 1);
        emit(g, enc_s(0x3023, PTR, BLOCK, 8 * k));
    }
    emit_li(g, PTR, GUEST_DATA + 4096 + test_rng_u64(rng) % 64);
    emit_li(g, COUNT, test_rng_u64(rng) % 100);
    switch ((call_form)p->form) {
    case CALL_POINTER:
        emit(g, csrrs | BLOCK << 15);
        break;
    case CALL_RESULT:
        emit(g, csrrs | BLOCK << 15 | RESULT << 7);
        break;
    case CALL_MEMCPY:
    case CALL_INPUT:
    case CALL_MEMCMP:
        if (p->form == CALL_INPUT) { // words to copy: a hint that returns them
            emit(g, 0x2073 | COUNT << 15 | 0x8f0u << 20);
            for (int k = 0; k < 7; k++)
                emit(g, 0x2073 | BLOCK << 15 | 0x8f0u << 20);
            emit_li(g, COUNT, 1 + test_rng_u64(rng) % 16);
            emit(g, 0x5073 | 19u << 15 | 0x8c0u << 20); // 256-bit division
        }
        emit(g, csrrs | BLOCK << 15);
        emit(g, enc_r(OP_REG, p->form == CALL_MEMCMP ? RESULT : 0, PTR, COUNT));
        break;
    case CALL_MEMSET:
        emit(g, csrrs | PTR << 15);
        emit_addi(g, 0, COUNT, 0xa5);
        break;
    }
}

// Every precompile, with free words and hints, between ordinary accesses of the same words.
static void calls_pass_the_oracle(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(80);
    for (unsigned index = 0; index < vm_precompile_count; index++) {
        unsigned halted = 0;
        for (int round = 0; round < CALL_ROUNDS; round++) {
            guest g;
            kept_run k;
            guest_init(&g);
            for (unsigned b = 0; b < GUEST_DATA_BYTES; b++)
                g.data[b] = (uint8_t)test_rng_u64(&rng);
            emit_call(&g, &rng, index);
            emit_call(&g, &rng, index);
            emit(&g, enc_i(0x3003, RESULT, PTR, 0));
            emit_halt(&g, 0);
            status s = run_guest(&k, &g, (vm_options){.chunk_log = 4});
            if (s == ZK_OK) {
                halted++;
                assert_int_equal(vm_machine_rows(k.machine)->calls[index], 2);
                check_replay(&k);
            } else { // operands that the precompile refuses, for example a point and itself
                assert_int_equal(s, ZK_EGUEST);
            }
            kept_run_clear(&k);
            guest_clear(&g);
        }
        if (halted == 0)
            fail_msg("%s never ran", vm_precompiles[index].name);
    }
}

typedef struct shared_register {
    const char *what;
    uint32_t code[2];
    unsigned n_code;
    uint64_t before, after; // the register; after ~0: the call is refused
} shared_register;

// One register as every operand of a call, where the words that the call is made of allow it: each
// access of it sees the one before.
static void one_register_for_all_operands(void **state)
{
    (void)state;
    enum { R = 12, BLOCK_AT = GUEST_DATA + 512, A = GUEST_DATA + 1024, B = A + 32, SUM = B + 32 };
    const uint32_t csrrs = 0x2073 | R << 15;
    const shared_register cases[] = {
        {"add256, rd = rs1", {csrrs | 0x811u << 20 | R << 7}, 1, BLOCK_AT, 1},
        {"memcmp, rd = src = dst", {csrrs | 0x814u << 20, enc_i(OP_IMM, R, R, 40)}, 2, A, 0},
        {"memcpy, src = dst", {csrrs | 0x813u << 20, enc_i(OP_IMM, 0, R, 40)}, 2, A, A},
        // 12 bytes from address 12 and the like: refused, like all that is outside memory.
        {"memcpy, src = dst = count", {csrrs | 0x813u << 20, enc_r(OP_REG, 0, R, R)}, 2, 12, ~0ULL},
        {"memcmp, all four", {csrrs | 0x814u << 20, enc_r(OP_REG, R, R, R)}, 2, 12, ~0ULL},
        {"memset, dst = count", {csrrs | 0x816u << 20, enc_i(OP_IMM, 0, R, 7)}, 2, 12, ~0ULL},
        {"memcmp, all four, of nothing", {csrrs | 0x814u << 20, enc_r(OP_REG, R, R, R)}, 2, 0, 0},
        {"memset, all, of nothing", {csrrs | 0x816u << 20, enc_i(OP_IMM, 0, R, 7)}, 2, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        guest g;
        kept_run k;
        guest_init(&g);
        const uint64_t block[4] = {A, B, 1, SUM}; // a + b + 1 = 2^256: a carry out
        memcpy(g.data + (BLOCK_AT - GUEST_DATA), block, sizeof block);
        memset(g.data + (A - GUEST_DATA), 0xff, 32);
        emit_li(&g, R, cases[i].before);
        for (unsigned w = 0; w < cases[i].n_code; w++)
            emit(&g, cases[i].code[w]);
        emit_halt(&g, 0);
        status s = run_guest(&k, &g, (vm_options){.chunk_log = 4});
        if (s != (cases[i].after == ~0ULL ? ZK_EGUEST : ZK_OK))
            fail_msg("%s: %s", cases[i].what, status_message());
        if (s == ZK_OK) {
            if (vm_machine_x(k.machine)[R] != cases[i].after)
                fail_msg("%s: the register is 0x%llx", cases[i].what,
                         (unsigned long long)vm_machine_x(k.machine)[R]);
            check_replay(&k);
        }
        kept_run_clear(&k);
        guest_clear(&g);
    }
}

static void damaged_records_are_refused(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(79);
    guest g;
    kept_run k;
    vm_replay *r;
    random_guest(&g, &rng, 4, 100);
    assert_int_equal(run_guest(&k, &g, (vm_options){.chunk_log = 6}), ZK_OK);
    assert_int_equal(vm_replay_open(&r, &k.program), ZK_OK);
    vm_chunk c = k.chunks[1];
    assert_true(c.n_touches > 2);
    uint64_t good = chunk_digest(r, &c);
    c.n_touches--; // a word is missing
    assert_int_equal(vm_replay_chunk(NULL, r, &c, (vm_batch_sink){0}), ZK_EINTERNAL);
    c = k.chunks[1];
    c.start.pc = 4;
    assert_int_equal(vm_replay_chunk(NULL, r, &c, (vm_batch_sink){0}), ZK_EINTERNAL);
    vm_touch touches[1] = {{.address = 8}};
    c = k.chunks[1];
    c.touches = touches;
    c.n_touches = 1;
    assert_int_equal(vm_replay_chunk(NULL, r, &c, (vm_batch_sink){0}), ZK_EINTERNAL);
    touches[0] = k.chunks[1].touches[0];
    touches[0].ts = k.chunks[1].start.ts; // from the future
    assert_int_equal(vm_replay_chunk(NULL, r, &c, (vm_batch_sink){0}), ZK_EINTERNAL);
    assert_int_equal(chunk_digest(r, &k.chunks[1]), good); // nothing is left behind
    vm_replay_close(r);
    kept_run_clear(&k);
    guest_clear(&g);
}

static status refuse(void *arg, const vm_batch *b)
{
    (void)arg;
    (void)b;
    return ZK_ECANCELED;
}

static status refuse_chunk(void *arg, const vm_chunk *c)
{
    (void)arg;
    (void)c;
    return ZK_EIO;
}

static void sinks_can_end_it(void **state)
{
    (void)state;
    guest g;
    kept_run k;
    vm_replay *r;
    vm_machine *m;
    guest_init(&g);
    emit_halt(&g, 0);
    assert_int_equal(run_guest(&k, &g, (vm_options){0}), ZK_OK);
    assert_int_equal(vm_replay_open(&r, &k.program), ZK_OK);
    assert_int_equal(vm_replay_chunk(NULL, r, &k.chunks[0], (vm_batch_sink){refuse, NULL}),
                     ZK_ECANCELED);
    vm_replay_close(r);
    vm_options options = {.sink = {refuse_chunk, NULL}};
    assert_int_equal(vm_machine_open(&m, &k.program, NULL, &options), ZK_OK);
    assert_int_equal(vm_machine_run(m), ZK_EIO);
    vm_machine_close(m);
    kept_run_clear(&k);
    guest_clear(&g);
}

int main(int argc, char **argv)
{
    guest_paths = argv + 1;
    n_guest_paths = argc - 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_rows_from_any_number_of_threads),
        cmocka_unit_test(chunk_size_does_not_matter),
        cmocka_unit_test(guests_pass_the_oracle),
        cmocka_unit_test(calls_pass_the_oracle),
        cmocka_unit_test(one_register_for_all_operands),
        cmocka_unit_test(damaged_records_are_refused),
        cmocka_unit_test(sinks_can_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
