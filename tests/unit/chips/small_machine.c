// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "small_machine.h"

#include "chip_tester.h"
#include "vm/semantics.h"

const word_shape shape_4 = {
    .byte_bits = 1,
    .part_bits = 1,
    .carry_bits = 5,
    .time_bits = 1,
    .ram_base = 0,
    .ram_bits = 0,
    .halt_call = 1,
};

const word_shape shape_8 = {
    .byte_bits = 1,
    .part_bits = 2,
    .carry_bits = 6,
    .time_bits = 1,
    .ram_base = 8,
    .ram_bits = 0,
    .halt_call = 13,
};

// ---- What instructions do ----------------------------------------------------------------------

static uint64_t cut(uint64_t x, unsigned n)
{
    return n == 64 ? x : x & ((1ULL << n) - 1);
}

static int64_t sign(uint64_t x, unsigned n)
{
    return (int64_t)(x << (64 - n)) >> (64 - n);
}

// The low half of a word, extended by its sign.
static uint64_t half(uint64_t x, unsigned n)
{
    return cut((uint64_t)sign(cut(x, n / 2), n / 2), n);
}

typedef unsigned __int128 wide;

static uint64_t high_product(wide x, wide y, unsigned n)
{
    return cut((uint64_t)(x * y >> n), n);
}

// Quotient and remainder of words of n bits; of signed ones from the magnitudes.
static uint64_t divide_unsigned(uint64_t x, uint64_t y, bool remainder, unsigned n)
{
    if (y == 0)
        return remainder ? x : cut(~0ULL, n);
    return remainder ? x % y : x / y;
}

static uint64_t divide_signed(uint64_t x, uint64_t y, bool remainder, unsigned n)
{
    bool negative_x = sign(x, n) < 0, negative_y = sign(y, n) < 0;
    if (y == 0)
        return divide_unsigned(x, y, remainder, n);
    uint64_t q = divide_unsigned(negative_x ? cut(0 - x, n) : x, negative_y ? cut(0 - y, n) : y,
                                 remainder, n);
    bool negative = remainder ? negative_x : negative_x != negative_y;
    return negative ? cut(0 - q, n) : q;
}

static uint64_t low(uint64_t x, unsigned n)
{
    return cut(x, n / 2);
}

// SMALL(NAME, value): small_sem_NAME. a and b are words of n bits, so is the value.
#define SMALL(name, value)                                                                         \
    static uint64_t small_##name(uint64_t a, uint64_t b, unsigned n)                               \
    {                                                                                              \
        (void)a, (void)b;                                                                          \
        return cut((uint64_t)(value), n);                                                          \
    }
SMALL(sem_first, a)
SMALL(sem_second, b)
SMALL(sem_clear, a & ~b)
SMALL(sem_add, a + b)
SMALL(sem_sub, a - b)
SMALL(sem_addw, half(a + b, n))
SMALL(sem_subw, half(a - b, n))
SMALL(sem_lt, sign(a, n) < sign(b, n))
SMALL(sem_ltu, a < b)
SMALL(sem_eq, a == b)
SMALL(sem_ne, a != b)
SMALL(sem_ge, sign(a, n) >= sign(b, n))
SMALL(sem_geu, a >= b)
SMALL(sem_and, a &b)
SMALL(sem_or, a | b)
SMALL(sem_xor, a ^ b)
SMALL(sem_sll, a << b % n)
SMALL(sem_srl, a >> b % n)
SMALL(sem_sra, sign(a, n) >> b % n)
SMALL(sem_sllw, half(a << b % (n / 2), n))
SMALL(sem_srlw, half(low(a, n) >> b % (n / 2), n))
SMALL(sem_sraw, half((uint64_t)(sign(low(a, n), n / 2) >> b % (n / 2)), n))
SMALL(sem_mul, a *b)
SMALL(sem_mulh, high_product((wide)sign(a, n), (wide)sign(b, n), n))
SMALL(sem_mulhu, high_product(a, b, n))
SMALL(sem_mulhsu, high_product((wide)sign(a, n), b, n))
SMALL(sem_mulw, half(a *b, n))
SMALL(sem_div, divide_signed(a, b, false, n))
SMALL(sem_divu, divide_unsigned(a, b, false, n))
SMALL(sem_rem, divide_signed(a, b, true, n))
SMALL(sem_remu, divide_unsigned(a, b, true, n))
SMALL(sem_divw, half(divide_signed(low(a, n), low(b, n), false, n / 2), n))
SMALL(sem_divuw, half(divide_unsigned(low(a, n), low(b, n), false, n / 2), n))
SMALL(sem_remw, half(divide_signed(low(a, n), low(b, n), true, n / 2), n))
SMALL(sem_remuw, half(divide_unsigned(low(a, n), low(b, n), true, n / 2), n))
SMALL(sem_min, sign(a, n) < sign(b, n) ? a : b)
SMALL(sem_max, sign(a, n) > sign(b, n) ? a : b)
SMALL(sem_minu, a < b ? a : b)
SMALL(sem_maxu, a > b ? a : b)

// Of the operations whose `semantics` is a function: that function, and the one for small words.
typedef struct op_value {
    uint64_t (*full)(uint64_t a, uint64_t b);
    uint64_t (*small)(uint64_t a, uint64_t b, unsigned n);
} op_value;

#define BOTH(f)    f, small_##f
#define VALUE_R(f) BOTH(f)
#define VALUE_I(f) BOTH(f)
#define VALUE_H(f) BOTH(f)
#define VALUE_U(f) BOTH(f)
#define VALUE_P(f) BOTH(f)
#define VALUE_B(f) BOTH(f)
#define VALUE_W(f) BOTH(f)
#define VALUE_D(f) BOTH(f)
#define VALUE_w(f) BOTH(f)
#define VALUE_d(f) BOTH(f)
#define VALUE_C(f) BOTH(f)
#define VALUE_Z(f) BOTH(f)
#define VALUE_J(f) NULL, NULL
#define VALUE_V(f) NULL, NULL
#define VALUE_L(f) NULL, NULL
#define VALUE_S(f) NULL, NULL
#define VALUE_N(f) NULL, NULL
#define VALUE_E(f) NULL, NULL
#define VALUE_K(f) NULL, NULL
#define VALUE_F(f) NULL, NULL
#define VALUE_Q(f) NULL, NULL
#define VALUE_G(f) NULL, NULL
#define VALUE_X(f) NULL, NULL
static const op_value op_values[VM_OP_COUNT] = {
#define ISA(format, name, mnemonic, class, mask, match, semantics)                                 \
    [OP_##name] = {VALUE_##format(semantics)},
#include "vm/isa.def"
#undef ISA
};

bool has_value(vm_op op)
{
    return op_values[op].full != NULL;
}

uint64_t small_value(vm_op op, uint64_t a, uint64_t b, unsigned n)
{
    assert_true(has_value(op));
    return op_values[op].small(a, b, n);
}

uint64_t full_value(vm_op op, uint64_t a, uint64_t b)
{
    assert_true(has_value(op));
    return op_values[op].full(a, b);
}

unsigned access_bytes(vm_op op)
{
    switch (op) {
    case OP_lb:
    case OP_lbu:
    case OP_sb:
        return 1;
    case OP_lh:
    case OP_lhu:
    case OP_sh:
        return 2;
    case OP_lw:
    case OP_lwu:
    case OP_sw:
        return 4;
    default:
        return 8;
    }
}

bool is_signed_load(vm_op op)
{
    return op != OP_lbu && op != OP_lhu && op != OP_lwu;
}

// ---- The effect of a step ----------------------------------------------------------------------

typedef struct small_access {
    tuple_space space;
    fe address;
    uint64_t before, after; // words
} small_access;

enum { SLOTS = VM_STEP_SLOTS + 1 }; // the second word of memory has number VM_SLOT_MEM + 1 ..
enum { AT_RS1 = 0, AT_RS2 = 1, AT_WORD0 = 2, AT_WORD1 = 3, AT_RD = 4 };

typedef struct small_effect {
    fe next_pc;
    small_access access[SLOTS]; // AT_
} small_effect;

static char format_of(vm_op op)
{
    return vm_op_info[op].format;
}

static bool is_double(vm_op op)
{
    return format_of(op) == 'D' || format_of(op) == 'd';
}

static uint64_t address_of(const word_shape *w, const small_step *s)
{
    uint64_t imm = format_of(s->op) == 'L' || format_of(s->op) == 'S' ? s->imm : 0;
    return cut(s->a + imm, word_bits(w));
}

bool small_proves(const small_chip *t, const small_step *s)
{
    const word_shape *w = t->shape;
    uint64_t address = address_of(w, s),
             ram_end = w->ram_base + ((uint64_t)word_bytes(w) << w->ram_bits);
    unsigned bytes = access_bytes(s->op), offset = address % word_bytes(w);
    bool in_ram = address >= w->ram_base && address < ram_end,
         in_memory = address >> limb_bits(w) == 0;
    switch (t->which) {
    case CHIP_LOAD8:
        return in_memory && bytes == 8 && offset == 0;
    case CHIP_STORE8:
        return in_ram && bytes == 8 && offset == 0;
    case CHIP_LOAD4:
        return in_memory && bytes == 4 && offset % 4 == 0;
    case CHIP_STORE4:
        return in_ram && bytes == 4 && offset % 4 == 0;
    case CHIP_LOAD_SMALL:
        return in_memory && bytes <= 2 && offset % bytes == 0;
    case CHIP_STORE_SMALL:
        return in_ram && bytes <= 2 && offset % bytes == 0;
    case CHIP_LOAD_ODD:
        return in_memory && bytes > 1 && offset + bytes <= 8 && bytes < 8;
    case CHIP_STORE_ODD:
        return in_ram && bytes > 1 && offset + bytes <= 8 && bytes < 8;
    case CHIP_LOAD_CROSS:
        return in_memory && bytes > 1;
    case CHIP_STORE_CROSS:
        return in_ram && bytes > 1;
    case CHIP_AMO:
    case CHIP_AMO_BIT:
    case CHIP_AMO_MINMAX:
        return in_ram && offset % (is_double(s->op) ? word_bytes(w) : word_bytes(w) / 2) == 0;
    case CHIP_JALR:
        return cut(s->a + s->imm, word_bits(w)) >> limb_bits(w) == 0;
    case CHIP_ECALL:
        return s->a != w->halt_call;
    case CHIP_HALT:
        return s->a == w->halt_call && s->b == 0;
    default:
        return true;
    }
}

static small_access reads(fe reg, uint64_t value)
{
    return (small_access){SPACE_REGISTER, reg, value, value};
}

// The bytes [offset, offset + bytes) of the two words.
static uint64_t window(const word_shape *w, const uint64_t pair[2], unsigned offset, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned k = 0; k < bytes; k++) {
        uint64_t byte = pair[(offset + k) / 8] >> (w->byte_bits * ((offset + k) % 8));
        value |= cut(byte, w->byte_bits) << (w->byte_bits * k);
    }
    return value;
}

static void put_window(const word_shape *w, uint64_t pair[2], unsigned offset, unsigned bytes,
                       uint64_t value)
{
    for (unsigned k = 0; k < bytes; k++) {
        unsigned shift = w->byte_bits * ((offset + k) % 8);
        uint64_t byte = cut(value >> (w->byte_bits * k), w->byte_bits);
        uint64_t *at = &pair[(offset + k) / 8];
        *at = (*at & ~(cut(~0ULL, w->byte_bits) << shift)) | byte << shift;
    }
}

static void atomic_effect(small_effect *e, const word_shape *w, const small_step *s, fe address)
{
    unsigned n = word_bits(w), limb = limb_bits(w);
    bool d = is_double(s->op), upper = !d && s->a % word_bytes(w) != 0;
    uint64_t old = s->word[0], x = d ? old : half(upper ? old >> limb : old, n);
    uint64_t y = small_value(s->op, x, d ? s->b : half(s->b, n), n), value = y;
    if (!d)
        value = upper ? low(y, n) << limb | low(old, n) : old >> limb << limb | low(y, n);
    bool sc = s->op == OP_sc_w || s->op == OP_sc_d;
    e->access[AT_WORD0] = (small_access){SPACE_MEMORY, address, old, value};
    e->access[AT_RD].after = sc ? 0 : x;
}

static small_effect effect_of(const small_chip *t, const small_step *s)
{
    const word_shape *w = t->shape;
    unsigned n = word_bits(w), bytes = word_bytes(w), offset = address_of(w, s) % bytes;
    fe length = s->compressed ? 2 : 4, on = fe_add(s->pc, length);
    uint64_t at = address_of(w, s) / bytes * bytes, pair[2] = {s->word[0], s->word[1]};
    small_effect e = {.next_pc = on};
    e.access[AT_RS1] = reads(s->rs1, s->a);
    e.access[AT_RS2] = reads(s->rs2, s->b);
    e.access[AT_WORD0] = (small_access){SPACE_MEMORY, at, pair[0], pair[0]};
    e.access[AT_WORD1] = (small_access){SPACE_MEMORY, at + bytes, pair[1], pair[1]};
    e.access[AT_RD] = (small_access){SPACE_REGISTER, s->rd, s->rd_old, 0};
    uint64_t *rd = &e.access[AT_RD].after;
    switch (format_of(s->op)) {
    case 'R':
        *rd = small_value(s->op, s->a, s->b, n);
        break;
    case 'I':
    case 'H':
        *rd = small_value(s->op, s->a, s->imm, n);
        break;
    case 'N':
        *rd = small_value(OP_addi, s->a, s->imm, n);
        break;
    case 'U':
    case 'P':
        *rd = s->imm;
        break;
    case 'B':
        e.next_pc = small_value(s->op, s->a, s->b, n) ? s->target : on;
        break;
    case 'J':
        e.next_pc = s->target;
        break;
    case 'V':
        e.next_pc = cut(s->a + s->imm, n) & ~1ULL;
        break;
    case 'L': {
        uint64_t value = window(w, pair, offset, access_bytes(s->op));
        unsigned bits = w->byte_bits * access_bytes(s->op);
        *rd = is_signed_load(s->op) ? cut((uint64_t)sign(value, bits), n) : value;
        break;
    }
    case 'S':
        put_window(w, pair, offset, access_bytes(s->op), s->b);
        e.access[AT_WORD0].after = pair[0];
        e.access[AT_WORD1].after = pair[1];
        break;
    case 'W':
    case 'D':
    case 'w':
    case 'd':
        atomic_effect(&e, w, s, at);
        break;
    case 'C':
    case 'Z': {
        uint64_t source = format_of(s->op) == 'C' ? s->a : s->imm;
        uint64_t value = small_value(s->op, pair[0], source, n);
        e.access[AT_WORD0] = (small_access){SPACE_MEMORY, s->target, pair[0], value};
        *rd = pair[0];
        break;
    }
    case 'E':
        e.access[AT_RS1].address = 17;
        e.access[AT_RS2].address = 10;
        e.access[AT_RD].address = 1;
        break;
    default:
        break;
    }
    return e;
}

// ---- Chip and pins -----------------------------------------------------------------------------

// What the program table has for the step.
static void fetch_fields(fe out[FETCH_FIELDS], const word_shape *w, const small_step *s)
{
    static vm_program program;
    unsigned limb = limb_bits(w);
    uint64_t amount = s->imm, imm = s->imm, flags;
    fetch_row row;
    insn i;
    program.map = vm_map_get(VM_ABI_B);
    tester_insn(&i, s->op, (row_operands){.compressed = s->compressed});
    assert_true(fetch_row_of(&row, &program, &i, 0x1000));
    flags = row.field[7];
    fe lo = cut(imm, limb), hi = imm >> limb, rd = s->rd, rs1 = s->rs1, rs2 = s->rs2;
    switch ((fetch_class)row.field[1]) {
    case FETCH_SLLI:
    case FETCH_SLLIW:
        flags |= amount >= limb ? 2 : 0;
        lo = 1ULL << amount % limb;
        hi = 0;
        break;
    case FETCH_SRI:
    case FETCH_SRIW:
        flags |= amount >= limb ? 4 : 0;
        lo = 1ULL << (limb - 1 - amount % limb);
        hi = 0;
        break;
    case FETCH_BEQ:
    case FETCH_BLT:
    case FETCH_JAL:
    case FETCH_CSR:
        lo = s->target;
        hi = 0;
        break;
    case FETCH_CSRI:
        lo = s->target;
        hi = cut(imm, limb);
        break;
    case FETCH_ADDI:
    case FETCH_ADDIW:
    case FETCH_LTI:
    case FETCH_BITI:
    case FETCH_UPPER:
    case FETCH_JALR:
    case FETCH_LOAD:
    case FETCH_STORE:
        break;
    default:
        lo = hi = 0;
        break;
    }
    // Registers that the format does not have are 0; an ecall has its own.
    char f = format_of(s->op);
    bool has_rd = strchr("BS", f) == NULL, has_rs1 = strchr("UPJZFE", f) == NULL;
    bool has_rs2 = strchr("RBSWDwd", f) != NULL;
    fe fields[FETCH_FIELDS] = {
        s->pc, row.field[1], has_rd ? rd : 0, has_rs1 ? rs1 : 0, has_rs2 ? rs2 : 0, lo, hi, flags};
    if (f == 'E')
        fields[2] = 1, fields[3] = 17, fields[4] = 10;
    memcpy(out, fields, sizeof fields);
}

void small_open(small_chip *t, execution_chip which, const word_shape *shape, uint64_t seed)
{
    *t = (small_chip){.shape = shape, .which = which, .rng = test_rng_new(seed)};
    if (execution_chip_build(&t->c, execution_specs[which], shape) != ZK_OK)
        fail_msg("%s", status_message());
    t->solver = malloc(sizeof *t->solver);
    assert_non_null(t->solver);
    solver_open(t->solver, t->c, shape);
    unsigned n_words = 0;
    for (uint32_t i = 0; i < t->c->n_interactions; i++) {
        const chip_interaction *it = &t->c->interactions[i];
        tuple_domain domain = it->tuple->domain;
        if (domain == TUPLE_MEM && !it->is_send) {
            // access_word receives and then sends; what it sends is of its slot.
            const chip_interaction *sent = &t->c->interactions[i + 1];
            assert_true(sent->tuple->domain == TUPLE_MEM && sent->is_send);
            unsigned slot = (unsigned)sent->fields[4].constant;
            t->slot[i] = slot == VM_SLOT_MEM  ? AT_WORD0 + n_words++
                         : slot == VM_SLOT_RD ? AT_RD
                                              : slot;
            t->slot[i + 1] = t->slot[i];
            t->first_pin[i] = solver_pin(t->solver, &it->fields[2]);
            (void)solver_pin(t->solver, &it->fields[3]);
            (void)solver_pin(t->solver, &it->fields[4]);
        } else if (domain == TUPLE_FETCH || (domain == TUPLE_STATE && !it->is_send)) {
            t->first_pin[i] = solver_pin(t->solver, &it->fields[0]);
            for (unsigned f = 1; f < it->n_fields; f++)
                (void)solver_pin(t->solver, &it->fields[f]);
        }
    }
    solver_ready(t->solver);
    solver_activate(t->solver, NULL, UINT32_MAX);
}

void small_close(small_chip *t)
{
    solver_close(t->solver);
    free(t->solver);
    chip_free(t->c);
}

void small_passing(small_chip *t, small_step *s)
{
    fe *const fields[] = {&s->pc, &s->ts, &s->rd, &s->rs1, &s->rs2, &s->target};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        *fields[i] = fe_from_u64(test_rng_u64(&t->rng));
    uint64_t r = test_rng_u64(&t->rng);
    s->rd_old = r >> 32 & ((1ULL << word_bits(t->shape)) - 1);
    for (unsigned i = 0; i < SLOTS; i++)
        s->distance[i] = r >> (4 * i) & ((1ULL << (2 * t->shape->time_bits)) - 1);
}

static unsigned slot_of(unsigned at)
{
    return at == AT_RD ? VM_SLOT_RD : at >= AT_WORD0 ? VM_SLOT_MEM : at;
}

void small_pin(small_chip *t, const small_step *s)
{
    unsigned limb = limb_bits(t->shape);
    small_effect e = effect_of(t, s);
    if (t->which == CHIP_JAL || t->which == CHIP_JALR || t->which == CHIP_ECALL)
        e.access[AT_RD].after = 0; // a sum of elements of F: below
    for (uint32_t i = 0; i < t->c->n_interactions; i++) {
        const chip_interaction *it = &t->c->interactions[i];
        fe *x = t->expected[i];
        const small_access *m = &e.access[t->slot[i]];
        unsigned from = 0, n = it->n_fields;
        bool pinned = !it->is_send;
        switch (it->tuple->domain) {
        case TUPLE_STATE:
            x[0] = it->is_send ? e.next_pc : s->pc;
            x[1] = it->is_send ? fe_add(s->ts, VM_STEP_SLOTS) : s->ts;
            break;
        case TUPLE_FETCH:
            fetch_fields(x, t->shape, s);
            pinned = true;
            break;
        case TUPLE_HALT:
            x[0] = t->shape->halt_call;
            x[1] = 0;
            break;
        case TUPLE_MEM: {
            uint64_t value = it->is_send ? m->after : m->before;
            fe ts = fe_add(s->ts, slot_of(t->slot[i]));
            x[0] = m->space;
            x[1] = m->address;
            x[2] = cut(value, limb);
            x[3] = value >> limb;
            x[4] = it->is_send ? ts : fe_sub(fe_sub(ts, 1), s->distance[t->slot[i]]);
            if (it->is_send && t->slot[i] == AT_RD &&
                (t->which == CHIP_JAL || t->which == CHIP_JALR || t->which == CHIP_ECALL)) {
                x[2] = fe_add(s->pc, s->compressed ? 2 : 4); // below 2^32: upper_jump.c
                x[3] = 0;
            }
            from = 2;
            n = 3;
            break;
        }
        default:
            continue;
        }
        for (unsigned f = 0; pinned && f < n; f++)
            t->solver->conditions[t->first_pin[i] + f].value = x[from + f];
    }
}

static bool is_free_word(const small_chip *t, const chip_interaction *it, unsigned field)
{
    return t->which == CHIP_FREE && it->tuple->domain == TUPLE_MEM && it->is_send &&
           (field == 2 || field == 3);
}

static bool look_at_row(void *arg, const row_solver *s)
{
    small_chip *t = arg;
    uint64_t free_word = 0;
    for (uint32_t i = 0; i < t->c->n_interactions; i++) {
        const chip_interaction *it = &t->c->interactions[i];
        if (it->tuple->class == TUPLE_CLASS_TABLE && it->tuple->domain != TUPLE_FETCH)
            continue;
        for (unsigned f = 0; f < it->n_fields; f++) {
            bool known = solver_is_known(s, &it->fields[f]);
            fe v = known ? solver_value(s, &it->fields[f]) : 0;
            if (known && is_free_word(t, it, f) && v >> limb_bits(t->shape) == 0) {
                free_word |= v << (f == 3 ? limb_bits(t->shape) : 0);
                continue;
            }
            if (known && v == t->expected[i][f])
                continue;
            t->wrong = true;
            snprintf(t->why, sizeof t->why, "%s %s, field %u, is %s%llu and not %llu",
                     it->is_send ? "sent" : "received", it->tuple->name, f,
                     known ? "" : "undecided ", (unsigned long long)v,
                     (unsigned long long)t->expected[i][f]);
            return false;
        }
    }
    if (t->which == CHIP_FREE) {
        if (t->seen[free_word])
            t->n_right--; // once more: the count will not do
        t->seen[free_word] = true;
    }
    t->n_right++;
    return true;
}

bool small_check(small_chip *t, const small_step *s)
{
    small_pin(t, s);
    t->n_steps++;
    t->n_right = 0;
    memset(t->seen, 0, sizeof t->seen);
    t->wrong = false;
    t->why[0] = 0;
    t->solver->is_stuck = false;
    solver_search(t->solver, look_at_row, t);
    if (t->wrong)
        return false;
    if (t->solver->is_stuck && !t->solver->weakened) {
        snprintf(t->why, sizeof t->why, "column %s has neither a range nor an equation",
                 t->c->columns[t->solver->stuck_column].name);
        return false;
    }
    bool proves = small_proves(t, s);
    uint64_t least = !proves ? 0 : t->which == CHIP_FREE ? 1ULL << word_bits(t->shape) : 1;
    if (t->n_right < least || (!proves && t->n_right > 0)) {
        snprintf(t->why, sizeof t->why, "%llu rows for a step that %s",
                 (unsigned long long)t->n_right, proves ? "it is to prove" : "is not its own");
        return false;
    }
    return true;
}
