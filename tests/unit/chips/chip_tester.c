// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "chip_tester.h"

#include "air/check.h"

enum { MAX_NODES = 1 << 14, MAX_REPAIRS = 12 };

static const chip *chip_at(const chip_tester *t, execution_chip which)
{
    return t->z->execution[which];
}

void tester_open(chip_tester *t, uint64_t seed)
{
    *t = (chip_tester){
        .rng = test_rng_new(seed), .dropped_constraint = UINT32_MAX, .dropped_lookup = UINT32_MAX};
    t->program.map = vm_map_get(VM_ABI_B);
    if (zisk_machine_new(&t->z, &t->program.map) != ZK_OK)
        fail_msg("%s", status_message());
}

void tester_close(chip_tester *t)
{
    zisk_machine_free(t->z);
}

void tester_fill(tester_row *out, const chip_tester *t, execution_chip which, const void *row)
{
    const chip *c = chip_at(t, which);
    fe *columns[CHIP_MAX_COLUMNS];
    memset(out, 0, sizeof *out);
    out->which = which;
    out->head = *(const row_head *)row;
    for (uint32_t j = 0; j < c->n_committed; j++)
        columns[j] = &out->cells[j];
    cursor at = {columns, 0, 0};
    const chip_spec *spec = execution_specs[which];
    spec->fill(&at, row, spec->context);
    assert_int_equal(at.next, c->n_committed);
}

fe *tester_cell(const chip_tester *t, tester_row *row, const char *column)
{
    int j = chip_find_column(chip_at(t, row->which), column);
    if (j < 0)
        fail_msg("chip %s has no column %s", chip_at(t, row->which)->name, column);
    return &row->cells[j];
}

// ---- Evaluation
// ----------------------------------------------------------------------------------

static void evaluate(fe *v, const chip *c, const fe *cells)
{
    assert_true(c->n_nodes <= MAX_NODES);
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        const expr_node *n = &c->nodes[i];
        switch (n->op) {
        case EXPR_COLUMN:
            v[i] = cells[n->value];
            break;
        case EXPR_CONST:
            v[i] = n->value;
            break;
        case EXPR_ADD:
            v[i] = fe_add(v[n->a], v[n->b]);
            break;
        case EXPR_SUB:
            v[i] = fe_sub(v[n->a], v[n->b]);
            break;
        case EXPR_MUL:
            v[i] = fe_mul(v[n->a], v[n->b]);
            break;
        case EXPR_NEG:
            v[i] = fe_neg(v[n->a]);
            break;
        }
    }
}

// The first constraint that fails; n_constraints when none does.
static uint32_t first_violated(const chip_tester *t, const chip *c, const fe *cells)
{
    static fe v[MAX_NODES];
    evaluate(v, c, cells);
    for (uint32_t j = 0; j < c->n_constraints; j++)
        if (v[c->constraints[j].node] != 0 && j != t->dropped_constraint)
            return j;
    return c->n_constraints;
}

static fe affine_of(const affine *a, const fe *cells)
{
    fe sum = a->constant;
    for (uint32_t i = 0; i < a->n_terms; i++)
        sum = fe_mul_add(a->terms[i].coef, cells[a->terms[i].column], sum);
    return sum;
}

bool tester_accepts(tester_tuples *tuples, const char **why, const chip_tester *t,
                    const tester_row *row)
{
    const chip *c = chip_at(t, row->which);
    const char *ignored;
    why = why != NULL ? why : &ignored;
    tuples->n = 0;
    uint32_t bad = first_violated(t, c, row->cells);
    if (bad < c->n_constraints) {
        *why = c->constraints[bad].name;
        return false;
    }
    for (uint32_t k = 0; k < c->n_interactions; k++) {
        const chip_interaction *it = &c->interactions[k];
        bus_tuple u = {it->tuple->domain, affine_of(&it->multiplicity, row->cells), {0}};
        for (unsigned f = 0; f < it->n_fields; f++)
            u.fields[f] = affine_of(&it->fields[f], row->cells);
        *why = it->tuple->name;
        if (it->tuple->domain == TUPLE_FETCH) {
            fetch_row expected;
            if (!fetch_row_of(&expected, &t->program, row->head.insn, row->head.pc) ||
                memcmp(expected.field, u.fields, sizeof expected.field) != 0)
                return false;
        } else if (it->tuple->class == TUPLE_CLASS_TABLE) {
            table_place place;
            if (k != t->dropped_lookup && !table_find(&place, u.domain, u.fields))
                return false;
        } else {
            assert_true(tuples->n < TESTER_MAX_TUPLES);
            tuples->t[tuples->n++] = u;
        }
    }
    return true;
}

// ---- Oracle ------------------------------------------------------------------------------------

static void add_tuple(tester_tuples *out, bool sent, tuple_domain domain, const fe *fields,
                      unsigned n)
{
    bus_tuple u = {domain, sent ? 1 : fe_neg(1), {0}};
    memcpy(u.fields, fields, n * sizeof *fields);
    out->t[out->n++] = u;
}

static void access_tuples(tester_tuples *out, tuple_space space, uint64_t address, uint64_t old,
                          uint64_t old_ts, uint64_t new, uint64_t ts)
{
    fe before[5] = {space, address, low32(old), high32(old), old_ts};
    fe after[5] = {space, address, low32(new), high32(new), ts};
    add_tuple(out, false, TUPLE_MEM, before, 5);
    add_tuple(out, true, TUPLE_MEM, after, 5);
}

static void read_tuples(tester_tuples *out, const row_head *h, unsigned reg, const reg_read *r,
                        unsigned slot)
{
    access_tuples(out, SPACE_REGISTER, reg, r->value, r->old_ts, r->value, h->ts + slot);
}

static void write_tuples(tester_tuples *out, const row_head *h, unsigned reg, const reg_write *w)
{
    access_tuples(out, SPACE_REGISTER, reg, w->old_value, w->old_ts, w->value, h->ts + VM_SLOT_RD);
}

static void word_tuples(tester_tuples *out, const row_head *h, const word_access *w)
{
    access_tuples(out, SPACE_MEMORY, w->address, w->old_value, w->old_ts, w->value,
                  h->ts + VM_SLOT_MEM);
}

void tester_oracle(tester_tuples *out, execution_chip which, const void *row)
{
    const any_row *r = row;
    const row_head *h = &r->head;
    const insn *i = h->insn;
    bool crosses = which == CHIP_LOAD_CROSS || which == CHIP_STORE_CROSS;
    out->n = 0;
    add_tuple(out, false, TUPLE_STATE, (fe[]){h->pc, h->ts}, 2);
    if (which == CHIP_HALT)
        add_tuple(out, true, TUPLE_HALT, (fe[]){93, 0}, 2);
    else
        add_tuple(out, true, TUPLE_STATE, (fe[]){h->next_pc, h->ts + VM_STEP_SLOTS}, 2);
    switch (vm_op_info[i->op].format) {
    case 'U':
    case 'P':
        write_tuples(out, h, i->rd, &r->upper.d);
        break;
    case 'B':
        read_tuples(out, h, i->rs1, &r->branch.a, VM_SLOT_RS1);
        read_tuples(out, h, i->rs2, &r->branch.b, VM_SLOT_RS2);
        break;
    case 'V':
        read_tuples(out, h, i->rs1, &r->jump.a, VM_SLOT_RS1);
        write_tuples(out, h, i->rd, &r->jump.d);
        break;
    case 'J':
        write_tuples(out, h, i->rd, &r->jump.d);
        break;
    case 'L':
        read_tuples(out, h, i->rs1, &r->load.a, VM_SLOT_RS1);
        for (int k = 0; k <= crosses; k++)
            word_tuples(out, h, &r->load.word[k]);
        write_tuples(out, h, i->rd, &r->load.d);
        break;
    case 'S':
        read_tuples(out, h, i->rs1, &r->store.a, VM_SLOT_RS1);
        read_tuples(out, h, i->rs2, &r->store.b, VM_SLOT_RS2);
        for (int k = 0; k <= crosses; k++)
            word_tuples(out, h, &r->store.word[k]);
        break;
    case 'W':
    case 'D':
    case 'w':
    case 'd':
        read_tuples(out, h, i->rs1, &r->atomic.a, VM_SLOT_RS1);
        read_tuples(out, h, i->rs2, &r->atomic.b, VM_SLOT_RS2);
        word_tuples(out, h, &r->atomic.word);
        write_tuples(out, h, i->rd, &r->atomic.d);
        break;
    case 'C':
    case 'Z':
        if (vm_op_info[i->op].format == 'C')
            read_tuples(out, h, i->rs1, &r->csr.a, VM_SLOT_RS1);
        word_tuples(out, h, &r->csr.word);
        write_tuples(out, h, i->rd, &r->csr.d);
        break;
    case 'F':
        write_tuples(out, h, i->rd, &r->free.d);
        break;
    case 'E':
        read_tuples(out, h, 17, &r->system.a7, VM_SLOT_RS1);
        read_tuples(out, h, 10, &r->system.a0, VM_SLOT_RS2);
        if (which == CHIP_ECALL)
            write_tuples(out, h, 1, &r->system.link);
        break;
    default:
        read_tuples(out, h, i->rs1, &r->alu.a, VM_SLOT_RS1);
        if (vm_op_info[i->op].format == 'R')
            read_tuples(out, h, i->rs2, &r->alu.b, VM_SLOT_RS2);
        write_tuples(out, h, i->rd, &r->alu.d);
        break;
    }
}

// Equal as multisets, restricted to those received (sent: false) or all.
static bool same_tuples(const tester_tuples *a, const tester_tuples *b, bool sent_too)
{
    bool used[TESTER_MAX_TUPLES] = {false};
    unsigned n = 0, matched = 0;
    for (unsigned i = 0; i < b->n; i++)
        n += sent_too || b->t[i].multiplicity != 1;
    for (unsigned i = 0; i < a->n; i++) {
        if (!sent_too && a->t[i].multiplicity == 1)
            continue;
        unsigned k = 0;
        while (k < b->n && (used[k] || memcmp(&a->t[i], &b->t[k], sizeof a->t[i]) != 0))
            k++;
        if (k == b->n)
            return false;
        used[k] = true;
        matched++;
    }
    return matched == n;
}

bool tester_same(const tester_tuples *a, const tester_tuples *b)
{
    return same_tuples(a, b, true);
}

// ---- The attack --------------------------------------------------------------------------------

// Columns that the received tuples and FETCH show as they are: altering one alone is no attack on
// determinism.
static void lock_columns(bool *locked, const chip *c)
{
    for (uint32_t k = 0; k < c->n_interactions; k++) {
        const chip_interaction *it = &c->interactions[k];
        bool fixed = it->tuple->domain == TUPLE_FETCH || !it->is_send;
        if (fixed && it->tuple->class == TUPLE_CLASS_FLAG)
            locked[it->multiplicity.terms[0].column] = true;
        for (unsigned f = 0; fixed && f < it->n_fields; f++)
            if (it->fields[f].n_terms == 1)
                locked[it->fields[f].terms[0].column] = true;
    }
}

static fe altered(test_rng *rng, fe x, unsigned kind)
{
    switch (kind) {
    case 0:
        return fe_add(x, 1);
    case 1:
        return fe_sub(x, 1);
    case 2:
        return 0;
    case 3:
        return 1;
    case 4:
        return fe_neg(1);
    case 5:
        return fe_add(x, 1 << 16);
    case 6:
        return fe_sub(x, 1 << 16);
    case 7:
        return fe_add(x, 1ULL << 32);
    case 8:
        return fe_sub(x, 1ULL << 32);
    case 9:
        return fe_sub(1, x);
    case 10:
        return fe_neg(x);
    case 11:
        return fe_from_u64(x ^ 1ULL << test_rng_u64(rng) % 64);
    case 12:
        return test_rng_u64(rng) & 0xffff;
    case 13:
        return fe_sub(x, 256);
    case 14:
        return fe_sub(1 << 15, x);
    case 15: // +-2^-32: what moves a unit across a limb in the field
        return fe_add(x, 0xffffffff);
    case 16:
        return fe_sub(x, 0xffffffff);
    default:
        return fe_from_u64(test_rng_u64(rng));
    }
}
enum { ALTERATIONS = 18 };

// Moves two columns of a field that must stay as it is against each other: limbs of an operand,
// flag bits of the instruction.
static void shift_field(chip_tester *t, const chip *c, fe *cells, bool *set)
{
    const chip_interaction *it = &c->interactions[test_rng_u64(&t->rng) % c->n_interactions];
    if (it->tuple->domain != TUPLE_FETCH && it->is_send)
        return;
    const affine *f = &it->fields[test_rng_u64(&t->rng) % it->n_fields];
    if (f->n_terms < 2)
        return;
    const affine_term *x = &f->terms[test_rng_u64(&t->rng) % f->n_terms];
    const affine_term *y = &f->terms[test_rng_u64(&t->rng) % f->n_terms];
    if (x->column == y->column)
        return;
    fe by = altered(&t->rng, 0, (unsigned)(test_rng_u64(&t->rng) % ALTERATIONS));
    by =
        test_rng_u64(&t->rng) % 2 == 0 ? fe_sub(1, fe_add(cells[x->column], cells[x->column])) : by;
    fe other = fe_mul(fe_mul(by, x->coef), fe_inv(y->coef));
    cells[x->column] = fe_add(cells[x->column], by);
    cells[y->column] = fe_sub(cells[y->column], other);
    set[x->column] = set[y->column] = true;
}

// Columns below a node that are free, at most `max`.
static uint32_t free_columns(uint32_t *out, uint32_t max, const chip *c, uint32_t root,
                             const bool *locked)
{
    static bool needed[MAX_NODES];
    uint32_t n = 0;
    memset(needed, 0, root + 1);
    needed[root] = true;
    for (uint32_t i = root + 1; i-- > 0;) {
        const expr_node *node = &c->nodes[i];
        if (!needed[i] || node->op == EXPR_CONST)
            continue;
        if (node->op == EXPR_COLUMN) {
            if (!locked[node->value] && n < max)
                out[n++] = (uint32_t)node->value;
            continue;
        }
        needed[node->a] = true;
        if (node->op != EXPR_NEG)
            needed[node->b] = true;
    }
    return n;
}

static fe constraint_at(const chip *c, fe *cells, uint32_t constraint, uint32_t column, fe value)
{
    static fe v[MAX_NODES];
    fe keep = cells[column];
    cells[column] = value;
    evaluate(v, c, cells);
    cells[column] = keep;
    return v[c->constraints[constraint].node];
}

// A limb that a repair left out of range hands its excess to the limb above: name.0 and name.1 of
// checked_limb. The packed value stays.
static void carry_limbs(const chip *c, fe *cells, const bool *locked)
{
    for (uint32_t j = 0; j + 1 < c->n_committed; j++) {
        const char *name = c->columns[j].name;
        size_t n = strlen(name);
        if (n < 2 || strcmp(name + n - 2, ".0") != 0 || locked[j] || locked[j + 1] ||
            strncmp(name, c->columns[j + 1].name, n - 1) != 0 ||
            c->columns[j + 1].name[n - 1] != '1')
            continue;
        fe whole = fe_add(cells[j], fe_mul(1 << 16, cells[j + 1]));
        if (cells[j] >> 16 == 0 || whole >> 32 != 0)
            continue;
        cells[j] = whole & 0xffff;
        cells[j + 1] = whole >> 16;
    }
}

// Solves violated constraints for columns that nobody has set yet.
static bool repair(chip_tester *t, const chip *c, fe *cells, bool *set, const bool *locked)
{
    for (int round = 0; round < MAX_REPAIRS; round++) {
        uint32_t j = first_violated(t, c, cells);
        if (j == c->n_constraints) {
            carry_limbs(c, cells, locked);
            return first_violated(t, c, cells) == c->n_constraints;
        }
        uint32_t columns[64];
        uint32_t n = free_columns(columns, 64, c, c->constraints[j].node, set);
        if (n == 0)
            return false;
        uint32_t column = columns[test_rng_u64(&t->rng) % n];
        fe y0 = constraint_at(c, cells, j, column, 0), y1 = constraint_at(c, cells, j, column, 1);
        fe y2 = constraint_at(c, cells, j, column, 2), slope = fe_sub(y1, y0);
        if (slope == 0 || fe_sub(y2, y1) != slope)
            return false;
        cells[column] = fe_mul(fe_neg(y0), fe_inv(slope));
        set[column] = true;
    }
    return first_violated(t, c, cells) == c->n_constraints;
}

// What a free row writes is the prover's choice, as long as it is a word.
static void forgive_free(chip_tester *t, const tester_tuples *got)
{
    for (unsigned i = 0; i < got->n; i++)
        if (got->t[i].domain == TUPLE_MEM && got->t[i].multiplicity == 1)
            t->broken |= got->t[i].fields[2] >> 32 != 0 || got->t[i].fields[3] >> 32 != 0;
    assert_true(!t->broken || t->weakened);
}

static void judge(chip_tester *t, const tester_row *honest, const tester_row *mutant,
                  const tester_tuples *expected)
{
    tester_tuples got;
    t->mutants++;
    if (!tester_accepts(&got, NULL, t, mutant) || !same_tuples(&got, expected, false))
        return;
    if (honest->which == CHIP_FREE) {
        forgive_free(t, &got);
        return;
    }
    t->equivalent++;
    if (same_tuples(&got, expected, true))
        return;
    t->broken = true;
    if (t->weakened)
        return;
    const chip *c = chip_at(t, honest->which);
    for (uint32_t j = 0; j < c->n_committed; j++)
        if (honest->cells[j] != mutant->cells[j])
            print_error("  %s: %llx -> %llx\n", c->columns[j].name,
                        (unsigned long long)honest->cells[j], (unsigned long long)mutant->cells[j]);
    fail_msg("chip %s accepts a second row for %s at pc 0x%x", c->name,
             vm_op_info[honest->head.insn->op].mnemonic, honest->head.pc);
}

static void attack(chip_tester *t, const tester_row *honest, const tester_tuples *expected,
                   unsigned effort)
{
    const chip *c = chip_at(t, honest->which);
    static tester_row mutant;
    bool locked[CHIP_MAX_COLUMNS] = {false}, set[CHIP_MAX_COLUMNS];
    lock_columns(locked, c);
    for (uint32_t j = 0; j < c->n_committed; j++)
        for (unsigned kind = 0; kind < ALTERATIONS; kind++) {
            mutant = *honest;
            mutant.cells[j] = altered(&t->rng, honest->cells[j], kind);
            if (mutant.cells[j] != honest->cells[j])
                judge(t, honest, &mutant, expected);
        }
    for (unsigned k = 0; k < effort; k++) {
        mutant = *honest;
        memcpy(set, locked, sizeof set);
        unsigned n = 1 + test_rng_u64(&t->rng) % 3;
        if (test_rng_u64(&t->rng) % 4 == 0)
            shift_field(t, c, mutant.cells, set);
        for (unsigned i = 0; i < n; i++) {
            uint32_t j = (uint32_t)(test_rng_u64(&t->rng) % c->n_committed);
            if (locked[j])
                continue;
            set[j] = true;
            mutant.cells[j] =
                altered(&t->rng, mutant.cells[j], (unsigned)(test_rng_u64(&t->rng) % ALTERATIONS));
        }
        if (repair(t, c, mutant.cells, set, locked)) {
            t->repaired++;
            judge(t, honest, &mutant, expected);
        }
    }
}

// Columns that a sent tuple shows as they are.
static void lock_sent(bool *locked, const chip *c)
{
    for (uint32_t k = 0; k < c->n_interactions; k++)
        for (unsigned f = 0; f < c->interactions[k].n_fields; f++)
            if (c->interactions[k].tuple->class == TUPLE_CLASS_FLAG &&
                c->interactions[k].fields[f].n_terms == 1)
                locked[c->interactions[k].fields[f].terms[0].column] = true;
}

bool tester_forge(chip_tester *t, execution_chip which, const any_row *row, const insn *real,
                  const tester_row *cells, unsigned effort)
{
    const chip *c = chip_at(t, which);
    static tester_row start, mutant;
    bool locked[CHIP_MAX_COLUMNS] = {false}, set[CHIP_MAX_COLUMNS];
    tester_tuples got, wanted;
    tester_fill(&start, t, which, row);
    start.head.insn = real;
    tester_oracle(&wanted, which, row);
    if (cells != NULL && tester_accepts(&got, NULL, t, cells) && tester_same(&got, &wanted))
        return true;
    lock_columns(locked, c);
    lock_sent(locked, c);
    for (unsigned k = 0; k < effort; k++) {
        mutant = cells != NULL && k % 2 == 0 ? *cells : start;
        memcpy(set, locked, sizeof set);
        unsigned n = k == 0 ? 0 : (unsigned)(test_rng_u64(&t->rng) % 4);
        if (k % 4 == 1)
            shift_field(t, c, mutant.cells, set);
        for (unsigned i = 0; i < n; i++) {
            uint32_t j = (uint32_t)(test_rng_u64(&t->rng) % c->n_committed);
            if (locked[j])
                continue;
            set[j] = true;
            mutant.cells[j] =
                altered(&t->rng, mutant.cells[j], (unsigned)(test_rng_u64(&t->rng) % ALTERATIONS));
        }
        t->mutants++;
        (void)repair(t, c, mutant.cells, set, locked);
        if (tester_accepts(&got, NULL, t, &mutant) && tester_same(&got, &wanted))
            return true;
    }
    return false;
}

void tester_check(chip_tester *t, execution_chip which, const void *row, unsigned effort)
{
    static tester_row honest;
    const row_head *h = row;
    tester_tuples got, expected;
    const char *why;
    tester_fill(&honest, t, which, row);
    t->rows++;
    if (!tester_accepts(&got, &why, t, &honest))
        fail_msg("chip %s refuses an honest row of %s: %s", chip_at(t, which)->name,
                 vm_op_info[h->insn->op].mnemonic, why);
    tester_oracle(&expected, which, row);
    if (!tester_same(&got, &expected))
        fail_msg("chip %s: other tuples than %s has", chip_at(t, which)->name,
                 vm_op_info[h->insn->op].mnemonic);
    attack(t, &honest, &expected, effort);
}

void tester_check_table(const chip_tester *t, execution_chip which, const tester_row *rows,
                        size_t n)
{
    enum { HEIGHT = 64 };
    const chip *c = chip_at(t, which);
    assert_true(n < HEIGHT);
    fe(*cells)[HEIGHT] = calloc(c->n_committed, sizeof *cells);
    const fe *columns[CHIP_MAX_COLUMNS];
    assert_non_null(cells);
    for (uint32_t j = 0; j < c->n_committed; j++) {
        columns[j] = cells[j];
        for (size_t i = 0; i < n; i++)
            cells[j][i] = rows[i].cells[j];
    }
    check_table table = {c, "test", 6, columns};
    bool found;
    check_failure failure;
    assert_int_equal(check_constraints(&found, &failure, &table), ZK_OK);
    if (found)
        fail_msg("chip %s, row %llu: %s", c->name, (unsigned long long)failure.row,
                 failure.constraint == UINT32_MAX ? "cell"
                                                  : c->constraints[failure.constraint].name);
    free(cells);
    const fe zeros[CHIP_MAX_COLUMNS] = {0};
    for (uint32_t k = 0; k < c->n_interactions; k++)
        assert_int_equal(affine_of(&c->interactions[k].multiplicity, zeros), 0);
}
