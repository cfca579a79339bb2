// SPDX-License-Identifier: Apache-2.0 OR MIT
// How runs are cut: which instances, of which class, and that nothing is left out or done twice.
// argv: fibonacci.elf sha256.elf
#include "unit/prover/open_program.h"
#include "unit/vm/guest_builder.h"

#include "prover/check_job.h"
#include "prover/prover.h"

static const char *elf_paths[2];
static zisk_program fibonacci, sha;

static int set_up(void **state)
{
    (void)state;
    open_program(&fibonacci, elf_paths[0], NULL);
    open_program(&sha, elf_paths[1], NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    zisk_program_close(&fibonacci);
    zisk_program_close(&sha);
    return 0;
}

static zisk_job *open_job(const zisk_program *program, size_t n_input, uint32_t max_class,
                          pool *threads)
{
    uint8_t *bytes = calloc(n_input + 1, 1);
    assert_non_null(bytes);
    bytes[0] = 20;
    vm_input input;
    must(vm_input_load(&input, &program->vm.map, bytes, n_input, true));
    zisk_job_options options = {.max_class = max_class, .threads = threads};
    zisk_job *job;
    must(zisk_job_open(&job, program, &input, &options));
    vm_input_clear(&input);
    free(bytes);
    return job;
}

static uint64_t n_batches(const zisk_run *run)
{
    uint64_t n = 0;
    for (size_t c = 0; c < run->n_chunks; c++)
        n += run->chunks[c].n_batches;
    return n;
}

// Every batch, row and word is in exactly one instance, the program's chips are in the first, and
// no proof is longer than it should be.
static void assert_partition(const zisk_job *job, const zisk_program *program)
{
    const zisk_run *run = zisk_job_run(job);
    const zisk_plan *plan = zisk_job_plan(job);
    uint64_t batch = 0, rows[EXECUTION_CHIP_COUNT] = {0}, cells = 0, area = 0, padded = 0;
    size_t zero = 0, input = 0;
    for (size_t i = 0; i < plan->n; i++) {
        const plan_instance *p = &plan->instances[i];
        const whir_params *params = whir_params_shipped(p->header.class_id);
        must(instance_header_check(&p->header, &program->key.key, false));
        assert_true(p->boundary == (i == 0) && p->header.preprocessed == p->boundary);
        if (p->n_zero > 0)
            assert_int_equal(p->first_zero, zero);
        if (p->n_input > 0)
            assert_int_equal(p->first_input, input);
        if (p->end_batch > p->first_batch)
            assert_int_equal(p->first_batch, batch);
        for (int k = 0; k < EXECUTION_CHIP_COUNT; k++) {
            if (p->rows[k] > 0)
                assert_int_equal(p->first_row[k], rows[k]);
            rows[k] += p->rows[k];
        }
        batch += p->end_batch - p->first_batch;
        zero += p->n_zero;
        input += p->n_input;
        cells += p->weight;
        area += 1ULL << params->log_stack;
        assert_true(8 * instance_proof_words(&program->key.key, params, p->boundary) <=
                    PLAN_PROOF_BYTES);
    }
    assert_int_equal(batch, n_batches(run));
    assert_int_equal(zero, run->n_zero);
    assert_int_equal(input, run->n_input);
    assert_memory_equal(rows, run->row_count, sizeof rows);
    assert_int_equal(cells, plan->n_cells);
    const zisk_machine *z = program->z;
    air_rows slots = {0};
    zisk_plan_rows(&slots, plan, run);
    for (uint32_t s = 0; s < z->m.n_slots; s++) {
        assert_true(slots.used[s] <= slots.padded[s]);
        padded += z->m.slots[s].c->n_committed * slots.padded[s];
    }
    assert_int_equal(padded, plan->n_cells);
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++) {
        const int32_t *slot = z->execution_slot[k];
        assert_int_equal(slots.used[slot[0]] + (slot[1] < 0 ? 0 : slots.used[slot[1]]), rows[k]);
    }
    assert_int_equal(slots.used[z->boundary_slot[BOUNDARY_ZERO]], run->n_zero);
    assert_int_equal(slots.used[z->boundary_slot[BOUNDARY_INPUT]], run->n_input);
    assert_int_equal(slots.used[z->boundary_slot[BOUNDARY_IMAGE]], run->n_image);
    assert_int_equal(area, plan->n_area);
}

// All constraints and the bus, over the rows of this plan.
static void assert_satisfied(const zisk_job *job)
{
    byte_buffer text = buffer_new();
    bool ok;
    must(zisk_check(&ok, &text, zisk_job_run(job), zisk_job_plan(job), NULL, NULL));
    assert_true(ok);
    buffer_clear(&text);
}

static void a_small_run_is_one_instance(void **state)
{
    (void)state;
    zisk_job *job = open_job(&fibonacci, 4, 0, NULL);
    assert_int_equal(zisk_job_plan(job)->n, 1);
    assert_int_equal(zisk_job_plan(job)->instances[0].header.class_id, WHIR_CLASS_20);
    assert_partition(job, &fibonacci);
    zisk_job_close(job);
}

// The smallest class that holds the run, so that little of it is empty.
static void a_run_takes_a_class_of_its_size(void **state)
{
    (void)state;
    static const struct {
        size_t n_input;
        uint32_t class_id;
    } cases[] = {{3, WHIR_CLASS_20}, {1000, WHIR_CLASS_23}, {3500, WHIR_CLASS_24}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        zisk_job *job = open_job(&sha, cases[i].n_input, 0, NULL);
        const zisk_plan *plan = zisk_job_plan(job);
        assert_int_equal(plan->n, 1);
        assert_int_equal(plan->instances[0].header.class_id, cases[i].class_id);
        assert_partition(job, &sha);
        zisk_job_close(job);
    }
}

// In class 2^26 the second opening would make the proof too long: the program's tables are by
// themselves, in the smallest class, and nothing else is with them. In 2^24 it does so for a
// program whose own columns are of 2^17 cells, and not for a smaller one.
static void the_program_is_apart_where_a_proof_would_be_too_long(void **state)
{
    (void)state;
    zisk_job *job = open_job(&sha, 3500, 0, NULL);
    zisk_run run = *zisk_job_run(job);
    zisk_program larger = sha;
    larger.key.key.preprocessed_class = WHIR_CLASS_FIXED_17;
    run.program = &larger;
    assert_int_equal(sha.key.key.preprocessed_class, WHIR_CLASS_FIXED_14);
    zisk_plan *plan;
    must(zisk_plan_new(&plan, &run, WHIR_CLASS_26));
    assert_int_equal(plan->n, 2);
    assert_int_equal(plan->instances[0].header.class_id, WHIR_CLASS_20);
    assert_true(plan->instances[0].boundary && !plan->instances[1].boundary);
    assert_int_equal(plan->instances[1].header.class_id, WHIR_CLASS_24);
    zisk_plan_free(plan);
    zisk_job_close(job);
}

// Longer runs are cut, the program's tables first.
static void a_longer_run_has_the_program_apart(void **state)
{
    (void)state;
    static const struct {
        uint32_t max_class;
        size_t n_input, least, most;
    } cases[] = {
        {WHIR_CLASS_26, 12000, 2, 2}, {WHIR_CLASS_23, 8000, 4, 8}, {WHIR_CLASS_20, 300, 3, 8}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        zisk_job *job = open_job(&sha, cases[i].n_input, cases[i].max_class, NULL);
        const zisk_plan *plan = zisk_job_plan(job);
        assert_in_range(plan->n, cases[i].least, cases[i].most);
        assert_partition(job, &sha);
        const plan_instance *p = &plan->instances[0];
        assert_int_equal(p->header.class_id, WHIR_CLASS_20);
        assert_int_equal(p->end_batch, 0);
        assert_int_equal(p->n_zero + p->n_input, 0);
        // All of the others but the last are full: so much that no class below holds them.
        for (size_t k = 1; k + 1 < plan->n; k++)
            assert_int_equal(plan->instances[k].header.class_id, cases[i].max_class);
        zisk_job_close(job);
    }
}

// What would leave more than half of 2^26 empty goes into two of 2^24, the first of them full.
static void two_smaller_instances_for_a_rest_that_they_hold(void **state)
{
    (void)state;
    static const struct {
        size_t n_input;
        uint32_t last[2]; // 0: none
    } cases[] = {{5000, {WHIR_CLASS_24, WHIR_CLASS_23}},
                 {8000, {WHIR_CLASS_24, WHIR_CLASS_24}},
                 {12000, {WHIR_CLASS_26, 0}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        zisk_job *job = open_job(&sha, cases[i].n_input, 0, NULL);
        const zisk_plan *plan = zisk_job_plan(job);
        size_t n = cases[i].last[1] == 0 ? 1 : 2;
        assert_int_equal(plan->n, 1 + n);
        for (size_t k = 0; k < n; k++)
            assert_int_equal(plan->instances[1 + k].header.class_id, cases[i].last[k]);
        if (n == 2)
            assert_true(plan->instances[1].weight * 10 > (9ULL << 24));
        assert_partition(job, &sha);
        assert_satisfied(job);
        zisk_job_close(job);
    }
}

// Few range checks of 20 bits are answered by rows, many by their table; never by both.
static void range_checks_take_the_fewer_cells(void **state)
{
    (void)state;
    static const struct {
        size_t n_input;
        bool split;
    } cases[] = {{0, true}, {700, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        zisk_job *job = open_job(&sha, cases[i].n_input, 0, NULL);
        const zisk_plan *plan = zisk_job_plan(job);
        assert_int_equal(plan->n, 1);
        const uint8_t *heights = plan->instances[0].header.log_heights;
        unsigned split = heights[sha.z->range_split_slot];
        unsigned table = heights[sha.z->table_slot[TABLE_RANGE20]];
        assert_true((split != 0) == cases[i].split);
        assert_true((table != 0) == !cases[i].split);
        if (split != 0)
            assert_true(sha.z->range_split->n_committed << split < 1U << RANGE_SPLIT_BITS);
        assert_satisfied(job);
        zisk_job_close(job);
    }
}

static void refused(status is, const char *part)
{
    assert_int_equal(is, ZK_ELIMIT);
    if (strstr(status_message(), part) == NULL)
        fail_msg("message is \"%s\", expected \"%s\" in it", status_message(), part);
}

// More than a plan can hold: altered numbers in place of runs that would take hours.
static void what_does_not_fit_is_told(void **state)
{
    (void)state;
    zisk_job *job = open_job(&sha, 3000, WHIR_CLASS_20, NULL);
    zisk_plan *plan;
    zisk_run run = *zisk_job_run(job);
    run.n_zero = (size_t)1 << 32;
    refused(zisk_plan_new(&plan, &run, WHIR_CLASS_20),
            "needs more than 16384 instances of at most 2^20 cells");
    assert_null(plan);
    run = *zisk_job_run(job);
    zisk_program large = sha;
    large.key.key.preprocessed_heights[sha.z->boundary_slot[BOUNDARY_PROGRAM]] = 19;
    run.program = &large;
    refused(
        zisk_plan_new(&plan, &run, WHIR_CLASS_20),
        "2^19 instructions and 2^9 words of code and data, do not fit into an instance of 2^20");
    must(zisk_plan_new(&plan, &run, WHIR_CLASS_23));
    zisk_plan_free(plan);
    zisk_job_close(job);
}

static void opening_is_refused(const uint8_t *elf, size_t n, const char *part)
{
    zisk_program p;
    refused(zisk_program_open(&p, elf, n, VM_ABI_AUTO, NULL, NULL), part);
    zisk_program_close(&p);
}

// One instruction, or one word of data, too many for the tables that a program fixes.
static void programs_that_are_too_large(void **state)
{
    (void)state;
    enum { MOST = 1 << 22 };
    guest g;
    size_t n;
    guest_init(&g);
    free(g.code);
    g.compressed = true;
    g.n = 2 * (MOST - 2); // and the three of the exit
    g.code = malloc(g.n);
    assert_non_null(g.code);
    for (uint32_t i = 0; i < g.n; i += 2)
        memcpy(g.code + i, &(uint16_t){0x0001}, 2); // c.nop
    uint8_t *elf = guest_elf(&n, &g);
    opening_is_refused(elf, n, "has 4194305 instructions, 4194304 is the most");
    free(elf);

    g.n = 8;
    elf = guest_elf(&n, &g);
    Elf64_Phdr *data = (Elf64_Phdr *)(elf + sizeof(Elf64_Ehdr)) + 1;
    size_t begin = data->p_offset, bytes = 8 * (MOST - 1 - VM_REGISTERS);
    uint8_t *longer = calloc(1, begin + bytes);
    assert_non_null(longer);
    memcpy(longer, elf, n);
    data = (Elf64_Phdr *)(longer + sizeof(Elf64_Ehdr)) + 1;
    data->p_filesz = data->p_memsz = bytes;
    opening_is_refused(longer, begin + bytes,
                       "4194305 words of code and initialised data, 4194304 (32 MiB) is the most");
    free(longer);
    free(elf);
    guest_clear(&g);
}

static void the_plan_does_not_depend_on_threads(void **state)
{
    (void)state;
    const hash_ops *hash = hash_get(HASH_POSEIDON);
    digest first = {{0}};
    for (unsigned n = 0; n < 3; n++) {
        pool *threads = NULL;
        if (n > 0)
            must(pool_open(&threads, 1 + 2 * n));
        zisk_job *job = open_job(&sha, 3000, WHIR_CLASS_23, threads);
        digest d = zisk_plan_digest(zisk_job_plan(job), hash);
        if (n == 0)
            first = d;
        assert_true(digest_equal(d, first));
        zisk_job_close(job);
        pool_close(threads);
    }
    zisk_job *other = open_job(&sha, 3000, WHIR_CLASS_26, NULL);
    assert_false(digest_equal(zisk_plan_digest(zisk_job_plan(other), hash), first));
    zisk_job_close(other);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    elf_paths[0] = argv[1];
    elf_paths[1] = argv[2];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_run_is_one_instance),
        cmocka_unit_test(a_run_takes_a_class_of_its_size),
        cmocka_unit_test(the_program_is_apart_where_a_proof_would_be_too_long),
        cmocka_unit_test(a_longer_run_has_the_program_apart),
        cmocka_unit_test(two_smaller_instances_for_a_rest_that_they_hold),
        cmocka_unit_test(range_checks_take_the_fewer_cells),
        cmocka_unit_test(what_does_not_fit_is_told),
        cmocka_unit_test(programs_that_are_too_large),
        cmocka_unit_test(the_plan_does_not_depend_on_threads),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
