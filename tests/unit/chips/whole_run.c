// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "whole_run.h"

#include "air/check.h"

// ---- Collecting --------------------------------------------------------------------------------

void whole_run_append(whole_run *r, execution_chip which, const any_row *row)
{
    row_list *l = &r->chips[which];
    if (l->n == l->capacity) {
        l->capacity = l->capacity == 0 ? 64 : 2 * l->capacity;
        l->rows = realloc(l->rows, l->capacity * sizeof *l->rows);
        assert_non_null(l->rows);
    }
    l->rows[l->n++] = *row;
}

void whole_run_remove(whole_run *r, execution_chip which, size_t index)
{
    row_list *l = &r->chips[which];
    assert_true(index < l->n);
    memmove(&l->rows[index], &l->rows[index + 1], (l->n - index - 1) * sizeof *l->rows);
    l->n--;
}

static status take_batch(void *arg, const vm_batch *b)
{
    whole_run *r = arg;
    assert_int_equal(b->n_CALL, 0);
#define TAKE(class, member, which)                                                                 \
    for (uint64_t i = 0; i < b->n_##class; i++) {                                                  \
        any_row row;                                                                               \
        memset(&row, 0, sizeof row);                                                               \
        row.member = b->class[i];                                                                  \
        whole_run_append(r, which, &row);                                                          \
    }
    TAKE(ADD, alu, chip_of_alu(&row.alu))
    TAKE(COMPARE, alu, chip_of_alu(&row.alu))
    TAKE(BITWISE, alu, chip_of_alu(&row.alu))
    TAKE(SHIFT, alu, chip_of_alu(&row.alu))
    TAKE(MULTIPLY, alu, chip_of_alu(&row.alu))
    TAKE(DIVIDE, alu, chip_of_alu(&row.alu))
    TAKE(UPPER, upper, CHIP_UPPER)
    TAKE(BRANCH, branch, chip_of_branch(&row.branch))
    TAKE(JUMP, jump, chip_of_jump(&row.jump))
    TAKE(LOAD, load, chip_of_load(&row.load))
    TAKE(LOAD_CROSS, load, chip_of_load(&row.load))
    TAKE(STORE, store, chip_of_store(&row.store))
    TAKE(STORE_CROSS, store, chip_of_store(&row.store))
    TAKE(ATOMIC, atomic, chip_of_atomic(&row.atomic))
    TAKE(CSR, csr, chip_of_csr(&row.csr))
    TAKE(FREE, free, CHIP_FREE)
    TAKE(SYSTEM, system, chip_of_system(&row.system))
#undef TAKE
    return ZK_OK;
}

typedef struct chunk_taker {
    whole_run *run;
    vm_replay *replay;
} chunk_taker;

static status take_chunk(void *arg, const vm_chunk *c)
{
    chunk_taker *t = arg;
    return vm_replay_chunk(NULL, t->replay, c, (vm_batch_sink){take_batch, t->run});
}

static void append_word(boundary_list *l, boundary_word w)
{
    l->words = realloc(l->words, (l->n + 1) * sizeof *l->words);
    assert_non_null(l->words);
    l->words[l->n++] = w;
}

boundary_word *whole_run_word(whole_run *r, uint64_t key)
{
    for (int k = BOUNDARY_IMAGE; k < BOUNDARY_CHIP_COUNT; k++)
        for (size_t i = 0; i < r->boundary[k].n; i++)
            if (r->boundary[k].words[i].key == key)
                return &r->boundary[k].words[i];
    fail_msg("no boundary word has the key 0x%llx", (unsigned long long)key);
    return NULL;
}

static boundary_word *known_word(whole_run *r, uint64_t key)
{
    for (int k = BOUNDARY_IMAGE; k <= BOUNDARY_OUTPUT; k++)
        for (size_t i = 0; i < r->boundary[k].n; i++)
            if (r->boundary[k].words[i].key == key)
                return &r->boundary[k].words[i];
    return NULL;
}

static status take_touched(void *arg, const vm_touch *t)
{
    whole_run *r = arg;
    boundary_word *w = known_word(r, t->address);
    if (w != NULL) {
        w->last = t->value;
        w->last_ts = t->ts;
        return ZK_OK;
    }
    boundary_word own = {.key = t->address, .last = t->value, .last_ts = t->ts};
    bool in_ram = t->address >= VM_RAM_BASE && t->address < VM_RAM_BASE + VM_RAM_SIZE;
    own.first = in_ram ? 0 : t->value;
    append_word(&r->boundary[in_ram ? BOUNDARY_ZERO : BOUNDARY_INPUT], own);
    return ZK_OK;
}

static int by_key(const void *a, const void *b)
{
    const boundary_word *x = *(boundary_word *const *)a, *y = *(boundary_word *const *)b;
    return x->key < y->key ? -1 : x->key > y->key;
}

void whole_run_link(whole_run *r)
{
    size_t n = 0;
    for (int k = BOUNDARY_IMAGE; k < BOUNDARY_CHIP_COUNT; k++)
        n += r->boundary[k].n;
    boundary_word **all = calloc(n, sizeof *all);
    assert_non_null(all);
    n = 0;
    for (int k = BOUNDARY_IMAGE; k < BOUNDARY_CHIP_COUNT; k++)
        for (size_t i = 0; i < r->boundary[k].n; i++)
            all[n++] = &r->boundary[k].words[i];
    qsort(all, n, sizeof *all, by_key);
    for (size_t i = 0; i < n; i++)
        all[i]->previous_key = i == 0 ? 0 : all[i - 1]->key;
    free(all);
}

void whole_run_open(whole_run *r, const void *elf, size_t n, const void *input, size_t n_input)
{
    memset(r, 0, sizeof *r);
    vm_machine *m;
    chunk_taker taker = {.run = r};
    vm_options options = {.sink = {take_chunk, &taker}};
    if (vm_program_load(&r->program, elf, n, VM_ABI_AUTO) != ZK_OK ||
        vm_input_load(&r->input, &r->program.map, input, n_input, true) != ZK_OK ||
        vm_replay_open(&taker.replay, &r->program) != ZK_OK ||
        zisk_machine_new(&r->z, &r->program.map) != ZK_OK ||
        program_rows_new(&r->fixed, &r->program) != ZK_OK ||
        vm_machine_open(&m, &r->program, &r->input, &options) != ZK_OK ||
        vm_machine_run(m) != ZK_OK)
        fail_msg("%s", status_message());
    assert_int_equal(vm_machine_exit_code(m), 0);
    for (size_t i = 0; i < r->fixed.n_image; i++) {
        const fixed_word *f = &r->fixed.image[i];
        append_word(&r->boundary[BOUNDARY_IMAGE],
                    (boundary_word){.key = f->key, .first = f->value, .last = f->value});
    }
    for (unsigned i = 0; i < OUTPUT_WORDS; i++)
        append_word(&r->boundary[BOUNDARY_OUTPUT], (boundary_word){.key = r->fixed.output + 8 * i});
    assert_int_equal(vm_machine_touched(m, take_touched, r), ZK_OK);
    for (unsigned i = 0; i < VM_REGISTERS; i++) {
        boundary_word *w = whole_run_word(r, BOUNDARY_REGISTER_KEY + i);
        w->last = vm_machine_x(m)[i];
        w->last_ts = vm_machine_x_ts(m)[i];
    }
    whole_run_link(r);
    uint64_t counted[EXECUTION_CHIP_COUNT];
    execution_rows(counted, vm_machine_rows(m), true);
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
        if (counted[k] != r->chips[k].n)
            fail_msg("%s: pass 1 counts %llu rows, replay has %zu", execution_specs[k]->name,
                     (unsigned long long)counted[k], r->chips[k].n);
    vm_machine_publics(r->publics, m);
    r->entry = r->program.entry;
    r->steps = vm_machine_steps(m);
    vm_machine_close(m);
    vm_replay_close(taker.replay);
}

static void free_lists(whole_run *r)
{
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
        free(r->chips[k].rows);
    for (int k = 0; k < BOUNDARY_CHIP_COUNT; k++)
        free(r->boundary[k].words);
}

void whole_run_close(whole_run *r)
{
    free_lists(r);
    program_rows_clear(&r->fixed);
    zisk_machine_free(r->z);
    vm_input_clear(&r->input);
    vm_program_clear(&r->program);
}

static void *copy_of(const void *data, size_t bytes)
{
    void *copy = malloc(bytes + 1);
    assert_non_null(copy);
    if (bytes > 0)
        memcpy(copy, data, bytes);
    return copy;
}

void whole_run_copy(whole_run *out, const whole_run *r)
{
    *out = *r;
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++) {
        out->chips[k].rows = copy_of(r->chips[k].rows, r->chips[k].n * sizeof(any_row));
        out->chips[k].capacity = r->chips[k].n;
    }
    for (int k = 0; k < BOUNDARY_CHIP_COUNT; k++)
        out->boundary[k].words =
            copy_of(r->boundary[k].words, r->boundary[k].n * sizeof(boundary_word));
}

void whole_run_drop(whole_run *copy)
{
    free_lists(copy);
}

// ---- Judging -----------------------------------------------------------------------------------

typedef struct table {
    const chip *c;
    unsigned log_height;
    fe *columns[CHIP_MAX_COLUMNS]; // committed, then preprocessed
} table;

enum { MAX_TABLES = EXECUTION_CHIP_COUNT + TABLE_CHIP_COUNT + BOUNDARY_CHIP_COUNT };

typedef struct judging {
    const whole_run *run;
    table tables[MAX_TABLES];
    unsigned n;
    table *lookup[TABLE_CHIP_COUNT];
    table *program;
    const char *what;
} judging;

static table *new_table(judging *j, const chip *c, size_t n_rows)
{
    table *t = &j->tables[j->n++];
    t->c = c;
    t->log_height = c->fixed_log_height != 0 ? c->fixed_log_height : CHIP_MIN_LOG_HEIGHT;
    while ((size_t)1 << t->log_height < n_rows)
        t->log_height++;
    for (uint32_t i = 0; i < c->n_committed + c->n_preprocessed; i++) {
        t->columns[i] = calloc((size_t)1 << t->log_height, sizeof(fe));
        assert_non_null(t->columns[i]);
    }
    return t;
}

static void fill_tables(judging *j)
{
    const whole_run *r = j->run;
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++) {
        if (r->chips[k].n == 0)
            continue;
        table *t = new_table(j, r->z->execution[k], r->chips[k].n);
        for (size_t i = 0; i < r->chips[k].n; i++) {
            cursor c = {t->columns, i, 0};
            execution_specs[k]->fill(&c, &r->chips[k].rows[i], execution_specs[k]->context);
            assert_int_equal(c.next, t->c->n_committed);
        }
    }
    for (int k = BOUNDARY_IMAGE; k < BOUNDARY_CHIP_COUNT; k++) {
        const boundary_list *l = &r->boundary[k];
        table *t = new_table(j, r->z->boundary[k], l->n);
        for (size_t i = 0; i < l->n; i++) {
            const boundary_word *w = &l->words[i];
            fe **fixed = t->columns + t->c->n_committed;
            if (k == BOUNDARY_IMAGE) {
                fill_image(t->columns, i, w);
                fix_image(fixed, i, r->fixed.image[i].key, r->fixed.image[i].value,
                          r->fixed.image[i].read_only);
            } else if (k == BOUNDARY_OUTPUT) {
                fill_output(t->columns, i, w);
                fix_output(fixed, i, r->fixed.output + 8 * i, 2 * (unsigned)i);
            } else if (k == BOUNDARY_ZERO) {
                fill_zero(t->columns, i, w);
            } else {
                fill_input(t->columns, i, w, &r->z->map);
            }
        }
    }
    for (int k = 0; k < TABLE_CHIP_COUNT; k++)
        j->lookup[k] = new_table(j, r->z->tables[k], 1);
    j->program = new_table(j, r->z->boundary[BOUNDARY_PROGRAM], r->fixed.n_fetch);
    for (size_t i = 0; i < r->fixed.n_fetch; i++)
        fix_program(j->program->columns + j->program->c->n_committed, i, &r->fixed.fetch[i]);
}

static fe affine_at(const affine *a, const table *t, size_t row)
{
    fe sum = a->constant;
    for (uint32_t i = 0; i < a->n_terms; i++)
        sum = fe_mul_add(a->terms[i].coef, t->columns[a->terms[i].column][row], sum);
    return sum;
}

static int by_pc(const void *key, const void *row)
{
    fe pc = *(const fe *)key, other = ((const fetch_row *)row)->field[0];
    return pc < other ? -1 : pc > other;
}

// Counts one lookup; false when no table has the tuple.
static bool count_lookup(judging *j, tuple_domain domain, const fe *fields)
{
    if (domain == TUPLE_FETCH) {
        const fetch_row *f =
            bsearch(&fields[0], j->run->fixed.fetch, j->run->fixed.n_fetch, sizeof *f, by_pc);
        if (f == NULL || memcmp(f->field, fields, sizeof f->field) != 0)
            return false;
        j->program->columns[0][f - j->run->fixed.fetch]++;
        return true;
    }
    table_place place;
    if (!table_find(&place, domain, fields))
        return false;
    j->lookup[place.table]->columns[place.column][place.row]++;
    return true;
}

static bool count_lookups(judging *j, const table *t)
{
    for (uint32_t k = 0; k < t->c->n_interactions; k++) {
        const chip_interaction *it = &t->c->interactions[k];
        if (it->tuple->class != TUPLE_CLASS_TABLE || !it->is_send)
            continue;
        for (size_t row = 0; row < (size_t)1 << t->log_height; row++) {
            if (affine_at(&it->multiplicity, t, row) == 0)
                continue;
            fe fields[TUPLE_MAX_FIELDS];
            for (unsigned f = 0; f < it->n_fields; f++)
                fields[f] = affine_at(&it->fields[f], t, row);
            if (!count_lookup(j, it->tuple->domain, fields)) {
                j->what = it->tuple->name;
                return false;
            }
        }
    }
    return true;
}

static check_table view(const table *t)
{
    return (check_table){t->c, t->c->name, t->log_height, (const fe *const *)t->columns};
}

static verdict judge_bus(bus_tuple *first, const judging *j)
{
    bus_checker *bus;
    bus_tuple boundary[ZISK_BOUNDARY_TUPLES];
    size_t n;
    zisk_boundary(boundary, j->run->entry, j->run->publics);
    assert_int_equal(bus_checker_new(&bus, BUS_MAX_COUNTED, NULL), ZK_OK);
    bool more;
    do {
        for (unsigned i = 0; i < j->n; i++) {
            check_table t = view(&j->tables[i]);
            assert_int_equal(bus_table(bus, &t), ZK_OK);
        }
        for (unsigned i = 0; i < ZISK_BOUNDARY_TUPLES; i++)
            assert_int_equal(bus_boundary(bus, "boundary", &boundary[i]), ZK_OK);
        more = bus_next_pass(bus);
    } while (more && first != NULL);
    bool balanced = !more && bus_is_balanced(bus);
    if (!balanced && first != NULL)
        *first = bus_unbalanced_list(bus, &n)[0].tuple;
    bus_checker_free(bus);
    return balanced ? VERDICT_OK : VERDICT_BUS;
}

static verdict judge_tables(bus_tuple *first, judging *j)
{
    unsigned n_senders = j->n - TABLE_CHIP_COUNT - 1;
    for (unsigned i = 0; i < n_senders; i++) {
        check_table t = view(&j->tables[i]);
        bool found;
        check_failure failure;
        assert_int_equal(check_constraints(&found, &failure, &t), ZK_OK);
        if (found) {
            j->what = failure.constraint == UINT32_MAX ? "cell"
                                                       : t.c->constraints[failure.constraint].name;
            return VERDICT_CONSTRAINT;
        }
    }
    for (unsigned i = 0; i < n_senders; i++)
        if (!count_lookups(j, &j->tables[i]))
            return VERDICT_LOOKUP;
    return judge_bus(first, j);
}

verdict whole_run_judge(bus_tuple *first, const char **what, const whole_run *r)
{
    judging *j = calloc(1, sizeof *j);
    assert_non_null(j);
    j->run = r;
    fill_tables(j);
    verdict v = judge_tables(first, j);
    if (what != NULL)
        *what = j->what;
    for (unsigned i = 0; i < j->n; i++)
        for (uint32_t c = 0; c < CHIP_MAX_COLUMNS; c++)
            free(j->tables[i].columns[c]);
    free(j);
    return v;
}
