// SPDX-License-Identifier: Apache-2.0 OR MIT
// Loads and stores at words of 8 bits, which are 8 bytes of one bit: every row that a chip accepts
// says what the instruction does, and there is one for every step that it has to prove.
//
// An input has up to five words, 2^40 of them are too many. They are taken apart, and this is why
// nothing is lost. In three stages:
//  A. The address. With the conditions on the address and the place alone, for *all* a and imm: the
//     place columns (which byte, half, limb; widths; flags) have one value, which depends on the
//     offset alone, and the address is right. More conditions only take rows away. Low and high
//     limbs of a and imm meet in no condition but by the carry c0, so they are tried apart.
//  B. The bytes. With the conditions on byte columns alone, for all words: one value each.
//  C. So in every row of the chip place and bytes have the values of A and B. With these fixed, the
//     address columns are tied to no other (checked): what the rest of the row may be does not
//     depend on a and imm but by the place. One a for each offset, all words.
//     In misaligned stores moreover each limb that is written is tied to its own old limb alone,
//     and to the stored bytes (checked): all limbs go through all their values side by side.
#include "small_machine.h"

enum { SEED = 0x5a12, BYTES = 8, LIMBS = 16, WORDS = 256 };

static bool thorough; // --long: all pairs of words

static const char *const place_columns[] = {"upper", "place0",   "place1",     "odd",
                                            "half",  "unsigned", "compressed", "select",
                                            "is2",   "is4",      "is8",        NULL};
static const char *const byte_columns[] = {"v", "stored", "old", "b.lo", "b.hi", NULL};

typedef struct memory_test {
    small_chip t;
    bool place[SOLVER_MAX_COLUMNS], bytes[SOLVER_MAX_COLUMNS], address[SOLVER_MAX_COLUMNS];
    fe place_value[SOLVER_MAX_COLUMNS][BYTES]; // by offset, of one operation and length
    fe byte_value[SOLVER_MAX_COLUMNS][WORDS];
    // Whether limbs of a and imm are accepted; the high ones for both carries from below.
    bool low[LIMBS * LIMBS], carry[LIMBS * LIMBS], high[2 * LIMBS * LIMBS];
    // Of a search.
    unsigned n_rows;
    bool wrong;
    fe first[SOLVER_MAX_COLUMNS];
} memory_test;

static memory_test m;

// Columns with one of the names, and elements of columns of that name.
static void mark(bool *set, const chip *c, const char *const *names)
{
    for (uint32_t j = 0; j < c->n_columns; j++)
        for (unsigned i = 0; names[i] != NULL; i++) {
            size_t n = strlen(names[i]);
            const char *name = c->columns[j].name;
            set[j] =
                set[j] || (strncmp(name, names[i], n) == 0 && (name[n] == 0 || name[n] == '['));
        }
}

static bool starts(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

// The columns that the place ties to the address; they are what the header of the stage says.
static void find_address_columns(void)
{
    static uint16_t group[SOLVER_MAX_COLUMNS];
    row_solver *s = m.t.solver;
    for (uint32_t j = 0; j < s->c->n_columns; j++)
        s->fixed[j] = m.place[j] || m.bytes[j];
    solver_groups(s, group);
    int w0 = chip_find_column(s->c, "at.w0");
    assert_true(w0 >= 0);
    for (uint32_t j = 0; j < s->c->n_columns; j++) {
        m.address[j] = group[j] == group[w0];
        const char *name = s->c->columns[j].name;
        bool is_address = (starts(name, "at.") || strcmp(name, "a.lo") == 0 ||
                           strcmp(name, "a.hi") == 0 || starts(name, "imm_")) &&
                          strcmp(name, "at.d0") != 0;
        // a and imm may be groups of their own limbs.
        if (m.address[j] && !is_address)
            fail_msg("chip %s: the address is tied to column %s", s->c->name, name);
        m.address[j] = m.address[j] || is_address;
        s->fixed[j] = false;
    }
}

// ---- A -----------------------------------------------------------------------------------------

static bool look_at_place(void *arg, const row_solver *s)
{
    (void)arg;
    for (uint32_t j = 0; j < s->c->n_columns; j++) {
        if (!m.place[j])
            continue;
        if (!s->known[j] || (m.n_rows > 0 && s->values[j] != m.first[j]))
            m.wrong = true;
        m.first[j] = s->values[j];
    }
    for (uint32_t i = 0; i < s->c->n_interactions; i++) {
        const chip_interaction *it = &s->c->interactions[i];
        if (it->tuple->domain != TUPLE_MEM || it->fields[0].constant != SPACE_MEMORY)
            continue;
        if (!solver_is_known(s, &it->fields[1]) ||
            solver_value(s, &it->fields[1]) != m.t.expected[i][1])
            m.wrong = true;
    }
    m.n_rows++;
    return !m.wrong;
}

// Searches with the columns of the mask for a and imm; the rows go to look.
static unsigned search_step(small_chip *t, const small_step *s, const bool *mask,
                            bool (*look)(void *arg, const row_solver *s))
{
    solver_activate(t->solver, mask, UINT32_MAX);
    small_pin(t, s);
    m.n_rows = 0;
    m.wrong = t->solver->is_stuck = false;
    solver_search(t->solver, look, NULL);
    t->n_steps++;
    m.wrong = m.wrong || t->solver->is_stuck;
    return m.n_rows;
}

static bool count_row(void *arg, const row_solver *s)
{
    (void)arg;
    (void)s;
    m.n_rows++;
    return true;
}

// The low limbs of a and imm, with the place, the address and the carry c0: one row at most.
static bool check_low_limbs(small_chip *t, small_step s, const bool *mask, int c0)
{
    bool seen[BYTES] = {false};
    for (unsigned i = 0; i < LIMBS * LIMBS; i++) {
        s.a = i % LIMBS;
        s.imm = i / LIMBS;
        if (s.a + s.imm >= LIMBS)
            s.a += WORDS - LIMBS; // so that the sum is an address; no condition here sees it
        m.low[i] = search_step(t, &s, mask, look_at_place) > 0;
        if (m.wrong)
            return false;
        m.carry[i] = m.first[c0] != 0;
        unsigned offset = (s.a + s.imm) % BYTES;
        for (uint32_t j = 0; m.low[i] && j < t->c->n_columns; j++) {
            if (!m.place[j] || (int)j == c0)
                continue;
            if (seen[offset] && m.place_value[j][offset] != m.first[j])
                return false;
            m.place_value[j][offset] = m.first[j];
        }
        seen[offset] = seen[offset] || m.low[i];
    }
    return true;
}

// The high limbs, for either carry.
static bool check_high_limbs(small_chip *t, small_step s, const bool *mask, int c0)
{
    t->solver->fixed[c0] = true;
    for (unsigned i = 0; i < 2 * LIMBS * LIMBS; i++) {
        s.a = i % LIMBS * LIMBS;
        s.imm = i / LIMBS % LIMBS * LIMBS;
        t->solver->given[c0] = i / LIMBS / LIMBS;
        m.high[i] = search_step(t, &s, mask, count_row) > 0;
        if (m.wrong)
            return false;
    }
    t->solver->fixed[c0] = false;
    return true;
}

static bool check_address(small_chip *t, vm_op op, bool compressed)
{
    const chip *c = t->c;
    bool low[SOLVER_MAX_COLUMNS] = {false}, high[SOLVER_MAX_COLUMNS] = {false};
    int c0 = chip_find_column(c, "at.c0"), c1 = chip_find_column(c, "at.c1");
    int a_hi = chip_find_column(c, "a.hi"), imm_hi = chip_find_column(c, "imm_hi");
    assert_true(c0 >= 0 && c1 >= 0 && a_hi >= 0 && imm_hi >= 0);
    for (uint32_t j = 0; j < c->n_columns; j++) {
        int column = (int)j;
        bool real = j == c->real_flag.terms[0].column;
        high[j] = real || column == c0 || column == c1 || column == a_hi || column == imm_hi;
        low[j] = real || m.place[j] || column == c0 || (m.address[j] && !high[j]);
    }
    for (uint32_t k = 0; k < t->solver->n_conditions; k++) { // no condition has columns of both
        const condition *q = &t->solver->conditions[k];
        bool in_low = true, in_high = true, of_address = false;
        for (unsigned i = 0; i < q->n_columns; i++) {
            of_address = of_address || m.address[q->columns[i]];
            in_low = in_low && low[q->columns[i]];
            in_high = in_high && high[q->columns[i]];
        }
        assert_true(!of_address || in_low || in_high);
    }
    small_step s = {.op = op};
    small_passing(t, &s);
    s.compressed = compressed;
    m.place[c0] = true; // has one value, too
    bool right = check_low_limbs(t, s, low, c0);
    m.place[c0] = false;
    right = right && check_high_limbs(t, s, high, c0);
    for (unsigned i = 0; i < WORDS * WORDS && right; i++) {
        s.a = i % WORDS;
        s.imm = i / WORDS;
        unsigned of_low = (unsigned)(s.a % LIMBS + s.imm % LIMBS * LIMBS);
        unsigned of_high = (unsigned)(s.a / LIMBS + s.imm / LIMBS * LIMBS);
        bool accepted = m.low[of_low] && m.high[of_high + LIMBS * LIMBS * m.carry[of_low]];
        right = accepted == small_proves(t, &s);
    }
    snprintf(t->why, sizeof t->why, "%s", "address and place");
    return right;
}

// ---- B -----------------------------------------------------------------------------------------

static bool look_at_bytes(void *arg, const row_solver *s)
{
    (void)arg;
    for (uint32_t j = 0; j < s->c->n_columns; j++)
        if (m.bytes[j]) {
            if (!s->known[j] || (m.n_rows > 0 && s->values[j] != m.first[j]))
                m.wrong = true;
            m.first[j] = s->values[j];
        }
    m.n_rows++;
    return !m.wrong;
}

static bool check_bytes(small_chip *t, vm_op op)
{
    bool mask[SOLVER_MAX_COLUMNS];
    for (uint32_t j = 0; j < t->c->n_columns; j++)
        mask[j] = m.bytes[j] || j == t->c->real_flag.terms[0].column;
    for (uint64_t w = 0; w < WORDS; w++) {
        small_step s = {.op = op};
        small_passing(t, &s);
        s.b = s.word[0] = s.word[1] = w;
        if (search_step(t, &s, mask, look_at_bytes) == 0 || m.wrong) {
            snprintf(t->why, sizeof t->why, "bytes of %llu", (unsigned long long)w);
            return false;
        }
        for (uint32_t j = 0; j < t->c->n_columns; j++)
            m.byte_value[j][w] = m.first[j];
    }
    return true;
}

// ---- C -----------------------------------------------------------------------------------------

// The number in brackets; -1 without.
static int element_of(const char *name)
{
    const char *bracket = strchr(name, '[');
    return bracket != NULL ? atoi(bracket + 1) : -1;
}

static void fix_columns(small_chip *t, const small_step *s)
{
    row_solver *solver = t->solver;
    unsigned offset = (s->a + s->imm) % BYTES;
    for (uint32_t j = 0; j < t->c->n_columns; j++) {
        const char *name = t->c->columns[j].name;
        solver->fixed[j] = m.place[j] || m.bytes[j];
        if (m.place[j])
            solver->given[j] = m.place_value[j][offset];
        if (!m.bytes[j])
            continue;
        bool second = element_of(name) >= BYTES; // of the bytes of two words
        uint64_t word_value = starts(name, "b.") || starts(name, "stored") ? s->b : s->word[second];
        solver->given[j] = m.byte_value[j][word_value];
    }
}

static void release_columns(row_solver *s)
{
    memset(s->fixed, 0, sizeof s->fixed);
}

// Every constraint on a written byte has old bytes of its limb alone, and the limbs are in groups
// of their own.
static void check_limbs_are_apart(small_chip *t)
{
    static uint16_t group[SOLVER_MAX_COLUMNS];
    row_solver *s = t->solver;
    for (uint32_t k = 0; k < s->n_conditions; k++) {
        int limb = -1;
        const condition *q = &s->conditions[k];
        for (unsigned i = 0; q->kind == CONDITION_CONSTRAINT && i < q->n_columns; i++) {
            const char *name = s->c->columns[q->columns[i]].name;
            if (!starts(name, "new[") && !starts(name, "old["))
                continue;
            assert_true(limb < 0 || limb == element_of(name) / 4);
            limb = element_of(name) / 4;
        }
    }
    for (uint32_t j = 0; j < s->c->n_columns; j++)
        s->fixed[j] = m.place[j] || m.bytes[j];
    solver_groups(s, group);
    for (uint32_t j = 0; j < s->c->n_columns; j++)
        for (uint32_t i = 0; i < s->c->n_columns; i++) {
            const char *x = s->c->columns[i].name, *y = s->c->columns[j].name;
            if (starts(x, "new[") && group[i] == group[j])
                assert_true(starts(y, "new[") && element_of(x) / 4 == element_of(y) / 4);
        }
    release_columns(s);
}

static bool check_words(small_chip *t, vm_op op, bool compressed)
{
    bool is_store = class_of_op(op) == FETCH_STORE;
    bool two = t->which == CHIP_LOAD_CROSS || t->which == CHIP_STORE_CROSS;
    bool by_limbs = t->which == CHIP_STORE_ODD || t->which == CHIP_STORE_CROSS;
    uint64_t n_b = is_store ? WORDS : 1, n_0 = by_limbs ? 16 : WORDS;
    uint64_t n_1 = two && !by_limbs ? WORDS : 1;
    // With --long all, and a part for compressed rows; else less.
    uint64_t n = n_b * n_0 * n_1, one_of = n > 16 * WORDS ? 32 : 1;
    if (thorough)
        one_of = compressed ? one_of : 1;
    else
        one_of = compressed ? 8 * one_of : one_of;
    solver_activate(t->solver, NULL, UINT32_MAX);
    for (unsigned offset = 0; offset < BYTES; offset++)
        for (uint64_t i = 0; i < n; i++) {
            small_step s = {.op = op};
            small_passing(t, &s);
            if (one_of > 1 && test_rng_u64(&t->rng) % one_of != 0)
                continue;
            s.compressed = compressed;
            s.a = 8 + offset;
            s.b = i % n_b;
            s.word[0] = i / n_b % n_0;
            s.word[1] = i / n_b / n_0;
            if (by_limbs) { // each limb takes all values, not in step
                uint64_t l = s.word[0];
                s.word[0] = l | (l ^ 5) << 4;
                s.word[1] = (l ^ 9) | (15 - l) << 4;
            }
            if (small_proves(t, &s))
                fix_columns(t, &s);
            else
                continue; // A has refused it
            if (!small_check(t, &s)) {
                small_fail(t, &s);
                return false;
            }
        }
    release_columns(t->solver);
    return true;
}

static void check_memory_chip(execution_chip which)
{
    small_chip *t = &m.t;
    memset(&m, 0, sizeof m);
    small_open(t, which, &shape_8, SEED);
    small_check_passing(t);
    assert_true(small_time_is_right(t));
    mark(m.place, t->c, place_columns);
    mark(m.bytes, t->c, byte_columns);
    find_address_columns();
    if (which == CHIP_STORE_ODD || which == CHIP_STORE_CROSS)
        check_limbs_are_apart(t);
    unsigned n_ops = 0;
    for (int op = 0; op < VM_OP_COUNT; op++) {
        if (!is_op_of(which, (vm_op)op))
            continue;
        if (!check_bytes(t, (vm_op)op))
            fail_msg("chip %s, %s: %s", t->c->name, vm_op_info[op].mnemonic, t->why);
        for (int compressed = 0; compressed < 2; compressed++) {
            if (!check_address(t, (vm_op)op, compressed))
                fail_msg("chip %s, %s: %s", t->c->name, vm_op_info[op].mnemonic, t->why);
            assert_true(check_words(t, (vm_op)op, compressed));
        }
        n_ops++;
    }
    assert_true(n_ops > 0);
    print_message("%-11s %u operations, %llu steps, %llu rows, %llu nodes\n", t->c->name, n_ops,
                  (unsigned long long)t->n_steps, (unsigned long long)t->solver->n_rows,
                  (unsigned long long)t->solver->n_nodes);
    small_close(t);
}

static void all_rows_of_loads(void **state)
{
    (void)state;
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
        if (class_of_chip((execution_chip)k) == FETCH_LOAD)
            check_memory_chip((execution_chip)k);
}

static void all_rows_of_stores(void **state)
{
    (void)state;
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
        if (class_of_chip((execution_chip)k) == FETCH_STORE)
            check_memory_chip((execution_chip)k);
}

int main(int argc, char **argv)
{
    thorough = argc == 2 && strcmp(argv[1], "--long") == 0;
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_rows_of_loads),
                                       cmocka_unit_test(all_rows_of_stores)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
