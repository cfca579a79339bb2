// SPDX-License-Identifier: Apache-2.0 OR MIT
// Which steps there are: operations of a chip, all their inputs, and what passes through a chip.
#include "small_machine.h"

// ---- Which chips and operations ----------------------------------------------------------------

fetch_class class_of_op(vm_op op)
{
    insn i = {.op = (uint8_t)op};
    return fetch_class_of(&i);
}

fetch_class class_of_chip(execution_chip which)
{
    switch (which) {
    case CHIP_LOAD8:
    case CHIP_LOAD4:
    case CHIP_LOAD_SMALL:
    case CHIP_LOAD_ODD:
    case CHIP_LOAD_CROSS:
        return FETCH_LOAD;
    case CHIP_STORE8:
    case CHIP_STORE4:
    case CHIP_STORE_SMALL:
    case CHIP_STORE_ODD:
    case CHIP_STORE_CROSS:
        return FETCH_STORE;
    case CHIP_HALT:
        return FETCH_ECALL;
    default:
        break;
    }
    static const char *const names[EXECUTION_CHIP_COUNT] = {
#define CHIP(name, row) [CHIP_##name] = #name,
        EXECUTION_CHIPS(CHIP)
#undef CHIP
    };
    for (int c = 1; c < FETCH_CLASS_COUNT; c++)
        if (strcmp(fetch_class_name((fetch_class)c), names[which]) == 0)
            return (fetch_class)c;
    fail_msg("chip %s proves no class", names[which]);
    return FETCH_NONE;
}

bool is_memory(execution_chip which)
{
    fetch_class c = class_of_chip(which);
    return c == FETCH_LOAD || c == FETCH_STORE;
}

bool is_op_of(execution_chip which, vm_op op)
{
    return vm_op_info[op].format != 0 && strchr("QG", vm_op_info[op].format) == NULL &&
           op != OP_mark && class_of_op(op) == class_of_chip(which);
}

// ---- All inputs of an operation ----------------------------------------------------------------

small_inputs small_inputs_of(vm_op op, const word_shape *w, bool all_pcs)
{
    uint64_t words = 1ULL << word_bits(w), limbs = 1ULL << limb_bits(w), amounts = word_bits(w);
    small_inputs n = {1, 1, 1, 1, 1, 1, 2};
    switch (vm_op_info[op].format) {
    case 'R':
    case 'E':
        n.a = n.b = words;
        break;
    case 'B':
        n.a = n.b = words;
        n.pc = n.target = all_pcs ? limbs : 1;
        break;
    case 'I':
    case 'V':
        n.a = n.imm = words;
        break;
    case 'H':
        n.a = words;
        n.imm =
            class_of_op(op) == FETCH_SLLIW || class_of_op(op) == FETCH_SRIW ? amounts / 2 : amounts;
        break;
    case 'U':
    case 'P':
        n.imm = words;
        break;
    case 'C':
        n.a = n.word = words;
        break;
    case 'Z':
        n.imm = limbs;
        n.word = words;
        break;
    case 'W':
    case 'D':
    case 'w':
    case 'd':
        n.a = n.b = n.word = words;
        break;
    default: // N, J, F
        break;
    }
    return n;
}

bool small_input(small_step *s, small_chip *t, vm_op op, const small_inputs *n, uint64_t i)
{
    *s = (small_step){.op = op};
    small_passing(t, s);
    uint64_t r = test_rng_u64(&t->rng);
#define DIGIT(field, size)                                                                         \
    if ((size) > 1)                                                                                \
        (field) = i % (size);                                                                      \
    i /= (size);
    DIGIT(s->compressed, n->compressed)
    DIGIT(s->b, n->b)
    DIGIT(s->a, n->a)
    DIGIT(s->imm, n->imm)
    DIGIT(s->word[0], n->word)
    DIGIT(s->pc, n->pc)
    DIGIT(s->target, n->target)
#undef DIGIT
    if (n->compressed == 1)
        s->compressed = r & 1;
    return i == 0;
}

void small_fail(const small_chip *t, const small_step *s)
{
    fail_msg("chip %s, %s%s, a %llu, b %llu, imm %llu, word %llu %llu: %s", t->c->name,
             vm_op_info[s->op].mnemonic, s->compressed ? " (compressed)" : "",
             (unsigned long long)s->a, (unsigned long long)s->b, (unsigned long long)s->imm,
             (unsigned long long)s->word[0], (unsigned long long)s->word[1], t->why);
}

// ---- What passes through, and time -------------------------------------------------------------

static bool is_in_condition(const row_solver *s, uint32_t column, condition_kind kind)
{
    for (uint32_t k = 0; k < s->n_conditions; k++)
        for (unsigned i = 0; i < s->conditions[k].n_columns; i++)
            if (s->conditions[k].kind == kind && s->conditions[k].columns[i] == column)
                return true;
    return false;
}

static void assert_passes(const small_chip *t, const affine *form)
{
    bool is_branch = t->which == CHIP_BEQ || t->which == CHIP_BLT; // all pcs and targets are tried
    if (form->n_terms == 0)
        return;
    uint32_t column = form->terms[0].column;
    bool single = form->n_terms == 1 && form->terms[0].coef == 1 && form->constant == 0;
    if (!single || is_in_condition(t->solver, column, CONDITION_LOOKUP) ||
        (!is_branch && is_in_condition(t->solver, column, CONDITION_CONSTRAINT)))
        fail_msg("chip %s: column %s does not pass through", t->c->name,
                 t->c->columns[column].name);
}

// The digits of a distance: in range checks of their own and the received timestamp.
static void assert_only_time(const small_chip *t, const affine *old_ts, uint32_t ts)
{
    for (uint32_t i = 0; i < old_ts->n_terms; i++) {
        uint32_t column = old_ts->terms[i].column;
        if (column == ts)
            continue;
        assert_false(is_in_condition(t->solver, column, CONDITION_CONSTRAINT));
        for (uint32_t k = 0; k < t->solver->n_conditions; k++) {
            const condition *q = &t->solver->conditions[k];
            for (unsigned j = 0; j < q->n_columns; j++)
                if (q->columns[j] == column)
                    assert_true(q->kind == CONDITION_LOOKUP ? q->n_columns == 1 : q->pin == old_ts);
        }
    }
}

void small_check_passing(const small_chip *t)
{
    uint32_t ts = UINT32_MAX;
    for (uint32_t i = 0; i < t->c->n_interactions; i++) {
        const chip_interaction *it = &t->c->interactions[i];
        if (it->tuple->domain == TUPLE_STATE && !it->is_send) {
            assert_passes(t, &it->fields[0]);
            assert_passes(t, &it->fields[1]);
            ts = it->fields[1].terms[0].column;
        } else if (it->tuple->domain == TUPLE_FETCH) {
            for (unsigned f = 2; f <= 4; f++) // rd, rs1, rs2
                assert_passes(t, &it->fields[f]);
            if (t->which == CHIP_CSR || t->which == CHIP_CSRI || t->which == CHIP_JAL)
                assert_passes(t, &it->fields[5]);
        } else if (it->tuple->domain == TUPLE_MEM && !it->is_send) {
            assert_only_time(t, &it->fields[4], ts);
            if (t->slot[i] == VM_SLOT_RD + 1) { // the old value of rd
                assert_passes(t, &it->fields[2]);
                assert_passes(t, &it->fields[3]);
            }
        }
    }
}

static small_step some_step(small_chip *t)
{
    small_step s;
    for (int op = 0; op < VM_OP_COUNT; op++) {
        if (!is_op_of(t->which, (vm_op)op))
            continue;
        uint64_t words = 1ULL << word_bits(t->shape);
        for (uint64_t a = 0; a < words; a++) {
            s = (small_step){.op = (vm_op)op, .a = a};
            small_passing(t, &s);
            if (small_proves(t, &s))
                return s;
        }
    }
    fail_msg("chip %s proves nothing", t->c->name);
    return s;
}

bool small_time_is_right(small_chip *t)
{
    small_step s = some_step(t);
    uint64_t limit = 1ULL << (2 * t->shape->time_bits);
    for (unsigned at = 0; at < 5; at++) {
        bool is_there = false;
        for (uint32_t i = 0; i < t->c->n_interactions; i++)
            is_there =
                is_there || (t->c->interactions[i].tuple->domain == TUPLE_MEM && t->slot[i] == at);
        for (uint64_t k = 0; is_there && k < limit + 8; k++) {
            small_step moved = s;
            moved.distance[at] = fe_sub(k, 4);
            bool accepted = small_check(t, &moved);
            if (accepted != (moved.distance[at] < limit))
                return false;
        }
    }
    return true;
}
