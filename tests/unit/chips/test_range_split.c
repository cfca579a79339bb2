// SPDX-License-Identifier: Apache-2.0 OR MIT
// Range checks answered row by row: the same values pass as with the table, and nothing that a
// malicious prover may put into the rows lets another one pass. First on the bus in plain C, then
// with proofs.
#include "unit/must.h"

#include "air/check.h"
#include "base/pool.h"
#include "chips/zisk_machine.h"
#include "prover/instance.h"
#include "verifier/job_verify.h"

enum { ASKER, SPLIT, RANGE16, RANGE20, N_CHIPS };
enum { LOG_ROWS = CHIP_MIN_LOG_HEIGHT, N_ROWS = 1 << LOG_ROWS, LIMIT = 1 << RANGE_SPLIT_BITS };

static chip *chips[N_CHIPS];

static void declare_asker(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real"), value = chip_column(b, "value");
    chip_send(b, TUPLE_RANGE, real, FIELDS(e_const(RANGE_SPLIT_BITS), value));
}

static int set_up(void **state)
{
    (void)state;
    must(chip_build(&chips[ASKER], "asker", declare_asker, NULL));
    must(chip_build(&chips[SPLIT], "range20_split", range_split_declare, NULL));
    must(chip_build(&chips[RANGE16], "range16", table_specs[TABLE_RANGE16].declare, NULL));
    must(chip_build(&chips[RANGE20], "range20", table_specs[TABLE_RANGE20].declare, NULL));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < N_CHIPS; i++)
        chip_free(chips[i]);
    return 0;
}

// Cells of the small chips; the tables get what makes the best of them for the prover: every
// narrow check of a split row that a table has is answered, as often as it is made.
typedef struct scene {
    fe real[N_ROWS], value[N_ROWS]; // asker
    fe split_real[N_ROWS], split_low[N_ROWS], split_high[N_ROWS];
    size_t n, n_split;
    uint64_t from_table; // lookups of this value are counted in range20; UINT64_MAX: none
} scene;

static scene empty_scene(void)
{
    return (scene){.from_table = UINT64_MAX};
}

static void ask(scene *s, fe value)
{
    s->real[s->n] = 1;
    s->value[s->n++] = value;
}

static void answer(scene *s, fe real, fe low, fe high)
{
    s->split_real[s->n_split] = real;
    s->split_low[s->n_split] = low;
    s->split_high[s->n_split++] = high;
}

static void answer_honestly(scene *s, uint32_t value)
{
    fe *columns[3] = {s->split_real, s->split_low, s->split_high};
    range_split_fill(columns, s->n_split++, value);
}

static void count_narrow(const scene *s, fe *n)
{
    for (size_t i = 0; i < s->n_split; i++) {
        fe halves[2] = {s->split_low[i], s->split_high[i]};
        for (int k = 0; k < 2; k++) {
            table_place place;
            fe fields[2] = {RANGE_SPLIT_BITS / 2, halves[k]};
            if (table_find(&place, TUPLE_RANGE, fields))
                n[place.row] = fe_add(n[place.row], s->split_real[i]);
        }
    }
}

typedef struct verdict {
    bool constraints, bus;
    bus_tuple left_over; // the first
} verdict;

static verdict judge(const scene *s, bool with_table)
{
    fe *n16 = calloc(1 << 17, sizeof *n16), *n20 = calloc(LIMIT, sizeof *n20);
    assert_true(n16 != NULL && n20 != NULL);
    count_narrow(s, n16);
    for (size_t i = 0; i < s->n; i++)
        if (s->value[i] == s->from_table)
            n20[s->from_table]++;
    const fe *columns[N_CHIPS][3] = {
        {s->real, s->value}, {s->split_real, s->split_low, s->split_high}, {n16}, {n20}};
    static const unsigned log_heights[N_CHIPS] = {LOG_ROWS, LOG_ROWS, 17, RANGE_SPLIT_BITS};
    check_table tables[N_CHIPS];
    verdict v = {.constraints = true};
    bus_checker *bus;
    must(bus_checker_new(&bus, BUS_MAX_COUNTED, NULL));
    int n_tables = with_table ? N_CHIPS : N_CHIPS - 1;
    for (int i = 0; i < n_tables; i++) {
        bool found;
        check_failure failure;
        tables[i] = (check_table){chips[i], chips[i]->name, log_heights[i], columns[i]};
        must(check_constraints(&found, &failure, &tables[i]));
        v.constraints = v.constraints && !found;
    }
    do {
        for (int i = n_tables; i-- > 0;) // narrow checks first
            must(bus_table(bus, &tables[i]));
    } while (bus_next_pass(bus));
    v.bus = bus_is_balanced(bus);
    if (!v.bus) {
        size_t n;
        v.left_over = bus_unbalanced_list(bus, &n)[0].tuple;
    }
    bus_checker_free(bus);
    free(n16);
    free(n20);
    return v;
}

static void expect_accepted(const scene *s, bool with_table)
{
    verdict v = judge(s, with_table);
    assert_true(v.constraints && v.bus);
}

// Every row is fine by itself, and the tuple (bits, value) is left over.
static void expect_left_over(const scene *s, fe bits, fe value)
{
    verdict v = judge(s, false);
    assert_true(v.constraints);
    assert_false(v.bus);
    assert_int_equal(v.left_over.domain, TUPLE_RANGE);
    assert_int_equal(v.left_over.fields[0], bits);
    assert_int_equal(v.left_over.fields[1], value);
}

static void answers_what_the_table_answers(void **state)
{
    (void)state;
    static const uint32_t values[] = {0, 1, 1023, 1024, 1025, 12345, LIMIT - 1024, LIMIT - 1};
    scene s = empty_scene();
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        for (size_t k = 0; k <= i % 3; k++) { // some of them more than once
            ask(&s, values[i]);
            answer_honestly(&s, values[i]);
        }
    expect_accepted(&s, false);
    expect_accepted(&s, true);
    // Some by the table and some by rows: each answers true tuples only.
    s = empty_scene();
    s.from_table = 77;
    ask(&s, 77);
    ask(&s, 78);
    answer_honestly(&s, 78);
    expect_accepted(&s, true);
}

static void every_lookup_needs_a_row_of_its_own(void **state)
{
    (void)state;
    scene s = empty_scene();
    ask(&s, 5);
    ask(&s, 5);
    answer_honestly(&s, 5);
    expect_left_over(&s, RANGE_SPLIT_BITS, 5);
    answer_honestly(&s, 5);
    expect_accepted(&s, false);
    answer_honestly(&s, 5); // a row that nobody asked for
    expect_left_over(&s, RANGE_SPLIT_BITS, 5);
    s.split_real[2] = 0; // what is in a row that is not real does not matter
    expect_accepted(&s, false);
    s.split_real[1] = 0; // nor does such a row answer
    expect_left_over(&s, RANGE_SPLIT_BITS, 5);
}

static void values_out_of_range_have_no_halves(void **state)
{
    (void)state;
    enum { HALF = 1 << (RANGE_SPLIT_BITS / 2) };
    const fe minus_one = FE_P - 1, inverse = fe_inv(HALF);
    const struct {
        fe low, high, bad; // bad: the half that is out of range
    } rows[] = {
        {0, HALF, HALF},           // 2^20
        {HALF, HALF - 1, HALF},    // 2^20 by the other half
        {HALF + 5, 3, HALF + 5},   // a good value by halves that are none
        {minus_one, 0, minus_one}, // p - 1
        {0, fe_mul(minus_one, inverse), fe_mul(minus_one, inverse)},
        {7, fe_mul(fe_sub(3, 7), inverse), fe_mul(fe_sub(3, 7), inverse)}, // 3 around p
        {1ULL << 32, 0, 1ULL << 32},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        scene s = empty_scene();
        ask(&s, fe_add(rows[i].low, fe_mul(HALF, rows[i].high)));
        answer(&s, 1, rows[i].low, rows[i].high);
        expect_left_over(&s, RANGE_SPLIT_BITS / 2, rows[i].bad);
        s.n_split = 0; // no answer at all
        memset(s.split_real, 0, sizeof s.split_real);
        expect_left_over(&s, RANGE_SPLIT_BITS, s.value[0]);
    }
}

// 2^20 passes on the bus when rows may count -1: 1024 + 2^10 1023 is received, RANGE(10, 1024) is
// taken back by a row that receives 1024 = 1024 + 2^10 0 minus once, and that is answered honestly.
static scene minus_one_scene(void)
{
    scene s = empty_scene();
    ask(&s, LIMIT);
    answer(&s, 1, 1024, 1023);
    answer(&s, FE_P - 1, 1024, 0);
    answer(&s, 1, 0, 1);
    return s;
}

// p rows of 1/2 would do as well as one; here two halves of an answer.
static scene halves_scene(void)
{
    scene s = empty_scene();
    ask(&s, 9);
    answer(&s, fe_inv(2), 9, 0);
    answer(&s, fe_inv(2), 9, 0);
    return s;
}

static void the_flag_has_to_be_a_bit(void **state)
{
    (void)state;
    scene scenes[2] = {minus_one_scene(), halves_scene()};
    for (int i = 0; i < 2; i++) {
        verdict v = judge(&scenes[i], false);
        assert_true(v.bus); // the constraint is all that stands against it
        assert_false(v.constraints);
    }
}

// ---- With proofs -------------------------------------------------------------------------------

static bool accepted(const scene *s, const prover_key *key)
{
    instance in;
    contribution c;
    whir_commitment commitment;
    proof_writer w;
    instance_header header = {.class_id = WHIR_CLASS_20};
    header.log_heights[ASKER] = header.log_heights[SPLIT] = LOG_ROWS;
    header.log_heights[RANGE16] = 17;
    must(instance_new(&in, key, &header));
    memcpy(instance_column(&in, ASKER, 0), s->real, sizeof s->real);
    memcpy(instance_column(&in, ASKER, 1), s->value, sizeof s->value);
    memcpy(instance_column(&in, SPLIT, 0), s->split_real, sizeof s->split_real);
    memcpy(instance_column(&in, SPLIT, 1), s->split_low, sizeof s->split_low);
    memcpy(instance_column(&in, SPLIT, 2), s->split_high, sizeof s->split_high);
    count_narrow(s, instance_column(&in, RANGE16, 0));
    must(instance_commit(&c, &commitment, &in, 0, NULL, NULL));
    proof_writer_init(&w);
    digest challenge = job_challenge(&key->key, NULL, 0, &c, 1);
    status proved = instance_prove(&w, &in, &commitment, challenge, &c, NULL, NULL, NULL);
    bool ok = false;
    if (proved == ZK_OK) {
        instance_scratch *scratch = malloc(sizeof *scratch);
        assert_non_null(scratch);
        job_statement statement = {.key = &key->key};
        job_verifier v;
        job_verifier_open(&v, &statement, &c, 1, scratch);
        (void)job_verifier_add(&v, w.words, w.n_words);
        ok = job_verifier_finish(&v);
        free(scratch);
    }
    proof_writer_clear(&w);
    whir_clear(&commitment);
    instance_clear(&in);
    return ok;
}

static void proofs_of_forgeries_are_refused(void **state)
{
    (void)state;
    machine m;
    prover_key key;
    machine_init(&m, "range20_split");
    for (int i = 0; i < RANGE20; i++)
        must(machine_add(&m, chips[i]));
    must(prover_key_new(&key, &m, hash_get(HASH_POSEIDON), (digest){{0}}, NULL, NULL, NULL, 0, NULL,
                        NULL));
    scene s = empty_scene();
    for (uint32_t v = 0; v < 40; v++) {
        ask(&s, LIMIT - 1 - v * v);
        answer_honestly(&s, LIMIT - 1 - v * v);
    }
    assert_true(accepted(&s, &key));
    answer_honestly(&s, 5);
    assert_false(accepted(&s, &key));
    s = minus_one_scene();
    assert_false(accepted(&s, &key));
    s = empty_scene();
    ask(&s, LIMIT);
    answer(&s, 1, 0, 1024);
    assert_false(accepted(&s, &key));
    prover_key_clear(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_what_the_table_answers),
        cmocka_unit_test(every_lookup_needs_a_row_of_its_own),
        cmocka_unit_test(values_out_of_range_have_no_halves),
        cmocka_unit_test(the_flag_has_to_be_a_bit),
        cmocka_unit_test(proofs_of_forgeries_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
