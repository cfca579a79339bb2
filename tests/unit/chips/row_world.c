// SPDX-License-Identifier: Apache-2.0 OR MIT
// Rows of single steps, made from semantics.h and slots.h without the machine.
#include "chip_tester.h"
#include "vm/semantics.h"

static const uint32_t matches[VM_OP_COUNT] = {
#define ISA(format, name, mnemonic, class, mask, match, semantics) [OP_##name] = (match),
#include "vm/isa.def"
#undef ISA
};

static const uint64_t edges[] = {
    0,
    1,
    2,
    3,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x10000,
    0x7fffffff,
    0x80000000,
    0x80000001,
    0xfffffffe,
    0xffffffff,
    1ULL << 32,
    ~0ULL << 32,
    ~0ULL << 31,
    (1ULL << 32) + 1,
    ~0ULL >> 1,
    1ULL << 63,
    ~0ULL,
    ~0ULL - 1,
    -256ULL,
    256,
    (1ULL << 63) + 1,
    31,
    63,
    64,
    0xaaaaaaaaaaaaaaaa,
    0x5555555500000000,
};

uint64_t tester_value(test_rng *rng, uint64_t other)
{
    uint64_t r = test_rng_u64(rng);
    switch (r % 8) {
    case 0:
        return other;
    case 1:
        return other + (r >> 8) % 3 - 1;
    case 2:
        return 0 - other;
    case 3:
    case 4:
    case 5:
        return edges[(r >> 8) % (sizeof edges / sizeof *edges)];
    case 6:
        return test_rng_u64(rng) >> ((r >> 8) % 64);
    default:
        return test_rng_u64(rng);
    }
}

// A timestamp before `now`, near or far, or 0.
static uint64_t earlier(test_rng *rng, uint64_t now)
{
    uint64_t r = test_rng_u64(rng), distance = 1 + (test_rng_u64(rng) >> (24 + r % 40));
    return distance > now || r % 16 == 0 ? 0 : now - distance;
}

void tester_world(row_world *w, test_rng *rng)
{
    uint64_t r = test_rng_u64(rng);
    w->ts = r % 3 == 0   ? VM_TS_START
            : r % 3 == 1 ? (1ULL << VM_TS_BITS) - 8
                         : VM_TS_START + (test_rng_u64(rng) >> (25 + r % 36));
    w->pc = (uint32_t)(VM_ROM_BASE + (test_rng_u64(rng) % VM_ROM_SIZE & ~1ULL));
    uint64_t last = 0;
    for (int i = 1; i < VM_REGISTERS; i++)
        last = w->x[i] = tester_value(rng, last);
    w->x[0] = 0;
    for (int i = 0; i < VM_REGISTERS; i++)
        w->x_ts[i] = earlier(rng, w->ts);
    for (int i = 0; i < 2; i++) {
        w->word[i] = tester_value(rng, last);
        w->word_ts[i] = earlier(rng, w->ts);
    }
    w->free_word = tester_value(rng, 7);
}

void tester_insn(insn *out, vm_op op, row_operands o)
{
    uint32_t u = (uint32_t)o.imm, w = matches[op], rd = o.rd << 7, rs1 = o.rs1 << 15;
    uint32_t rs2 = o.rs2 << 20;
    switch (vm_op_info[op].format) {
    case 'R':
        w |= rd | rs1 | rs2;
        break;
    case 'W':
    case 'D':
    case 'w':
    case 'd':
        w |= rd | rs1 | (op == OP_lr_w || op == OP_lr_d ? 0 : rs2);
        break;
    case 'I':
    case 'V':
    case 'L':
    case 'C':
    case 'Z':
        w |= rd | rs1 | u << 20;
        break;
    case 'H':
        w |= rd | rs1 | (u & (matches[op] & 8 ? 31 : 63)) << 20;
        break;
    case 'U':
    case 'P':
        w |= rd | (u & 0xfffff000);
        break;
    case 'J':
        w |= rd | (u >> 12 & 255) << 12 | (u >> 11 & 1) << 20 | (u >> 1 & 1023) << 21 |
             (u >> 20 & 1) << 31;
        break;
    case 'B':
        w |= rs1 | rs2 | (u >> 11 & 1) << 7 | (u >> 1 & 15) << 8 | (u >> 5 & 63) << 25 |
             (u >> 12 & 1) << 31;
        break;
    case 'S':
        w |= rs1 | rs2 | (u & 31) << 7 | (u >> 5 & 127) << 25;
        break;
    case 'F': // csrr rd, 0xffe
        w = 0xffe02073 | rd;
        break;
    default:
        break;
    }
    uint8_t code[16] = {0};
    memcpy(code, &w, 4);
    *out = insn_decode(code, sizeof code, true);
    assert_int_equal(out->op, op);
    if (o.compressed)
        out->length = 2;
}

static reg_read read_x(row_world *w, unsigned reg, unsigned slot)
{
    reg_read a = {w->x[reg], w->x_ts[reg]};
    w->x_ts[reg] = w->ts + slot;
    return a;
}

static reg_write write_x(row_world *w, unsigned reg, uint64_t value)
{
    reg_write d = {w->x[reg], value, w->x_ts[reg]};
    w->x[reg] = value;
    w->x_ts[reg] = w->ts + VM_SLOT_RD;
    return d;
}

static word_access touch(row_world *w, unsigned k, uint64_t address, uint64_t value)
{
    word_access a = {.old_value = w->word[k],
                     .value = value,
                     .old_ts = w->word_ts[k],
                     .address = (uint32_t)address,
                     .slot = VM_SLOT_MEM};
    w->word[k] = value;
    w->word_ts[k] = w->ts + VM_SLOT_MEM;
    return a;
}

// Bytes [offset, offset + size) of the two words.
static uint64_t window(const row_world *w, unsigned offset, unsigned size)
{
    uint64_t value = 0;
    for (unsigned k = 0; k < size; k++)
        value |= (w->word[(offset + k) / 8] >> (8 * ((offset + k) % 8)) & 0xff) << (8 * k);
    return value;
}

static uint64_t atomic_operand(uint64_t whole, unsigned size, bool upper)
{
    return size == 8 ? whole : sext32(upper ? whole >> 32 : whole);
}

static void step_atomic(row_atomic *row, row_world *w, const insn *i, unsigned size,
                        uint64_t (*f)(uint64_t, uint64_t), bool old_to_rd)
{
    row->a = read_x(w, i->rs1, VM_SLOT_RS1);
    row->b = read_x(w, i->rs2, VM_SLOT_RS2);
    bool upper = size == 4 && (row->a.value & 4);
    uint64_t x = atomic_operand(w->word[0], size, upper);
    uint64_t b = size == 8 ? row->b.value : sext32(row->b.value);
    uint64_t y = f(x, b), value = y;
    if (size == 4) {
        unsigned shift = upper ? 32 : 0;
        value = (w->word[0] & ~(0xffffffffULL << shift)) | (y & 0xffffffff) << shift;
    }
    row->word = touch(w, 0, row->a.value & ~7ULL, value);
    row->d = write_x(w, i->rd, old_to_rd ? x : 0);
}

execution_chip tester_step(any_row *out, row_world *w, const insn *i)
{
    memset(out, 0, sizeof *out);
    uint64_t imm = (uint64_t)(int64_t)i->imm, pc = w->pc, next_pc = pc + i->length;
    uint64_t a = w->x[i->rs1], b = w->x[i->rs2];
    execution_chip which = EXECUTION_CHIP_COUNT;
    out->head = (row_head){.ts = w->ts, .insn = i, .pc = w->pc};
#define ALU(second, f)                                                                             \
    out->alu.a = read_x(w, i->rs1, VM_SLOT_RS1);                                                   \
    out->alu.b = second;                                                                           \
    out->alu.d = write_x(w, i->rd, f(a, out->alu.b.value));                                        \
    which = chip_of_alu(&out->alu);
#define STEP_R(f, type) ALU(read_x(w, i->rs2, VM_SLOT_RS2), f)
#define STEP_I(f, type) ALU((reg_read){.value = imm}, f)
#define STEP_H(f, type) STEP_I(f, type)
#define STEP_N(f, type) STEP_I(sem_add, type)
#define STEP_Q(f, type) STEP_I(sem_add, type)
#define STEP_G(f, type) STEP_I(sem_add, type)
#define STEP_U(f, type)                                                                            \
    out->upper.d = write_x(w, i->rd, f(pc, imm));                                                  \
    which = CHIP_UPPER;
#define STEP_P(f, type) STEP_U(f, type)
#define STEP_B(f, type)                                                                            \
    out->branch.a = read_x(w, i->rs1, VM_SLOT_RS1);                                                \
    out->branch.b = read_x(w, i->rs2, VM_SLOT_RS2);                                                \
    next_pc = f(a, b) ? pc + imm : next_pc;                                                        \
    which = chip_of_branch(&out->branch);
#define STEP_J(f, type)                                                                            \
    out->jump.d = write_x(w, i->rd, next_pc);                                                      \
    next_pc = pc + imm;                                                                            \
    which = chip_of_jump(&out->jump);
#define STEP_V(f, type)                                                                            \
    out->jump.a = read_x(w, i->rs1, VM_SLOT_RS1);                                                  \
    out->jump.d = write_x(w, i->rd, next_pc);                                                      \
    next_pc = (a + imm) & ~1ULL;                                                                   \
    which = chip_of_jump(&out->jump);
#define STEP_L(f, type)                                                                            \
    uint64_t address = a + imm, value = window(w, address & 7, sizeof(type));                      \
    out->load.a = read_x(w, i->rs1, VM_SLOT_RS1);                                                  \
    for (unsigned k = 0; k <= ((address & 7) + sizeof(type) > 8); k++)                             \
        out->load.word[k] = touch(w, k, (address & ~7ULL) + 8 * k, w->word[k]);                    \
    out->load.d = write_x(w, i->rd, (uint64_t)(int64_t)(type)value);                               \
    which = chip_of_load(&out->load);
#define STEP_S(f, type)                                                                            \
    uint64_t address = a + imm, n = sizeof(type), value[2] = {w->word[0], w->word[1]};             \
    for (unsigned k = address & 7, j = 0; j < n; j++, k++)                                         \
        value[k / 8] = (value[k / 8] & ~(0xffULL << (8 * (k % 8)))) | (b >> (8 * j) & 0xff)        \
                                                                          << (8 * (k % 8));        \
    out->store.a = read_x(w, i->rs1, VM_SLOT_RS1);                                                 \
    out->store.b = read_x(w, i->rs2, VM_SLOT_RS2);                                                 \
    for (unsigned k = 0; k <= ((address & 7) + n > 8); k++)                                        \
        out->store.word[k] = touch(w, k, (address & ~7ULL) + 8 * k, value[k]);                     \
    which = chip_of_store(&out->store);
#define STEP_ATOMIC(f, size, old_to_rd)                                                            \
    step_atomic(&out->atomic, w, i, size, f, old_to_rd);                                           \
    which = chip_of_atomic(&out->atomic);
#define STEP_W(f, type) STEP_ATOMIC(f, 4, true)
#define STEP_D(f, type) STEP_ATOMIC(f, 8, true)
#define STEP_w(f, type) STEP_ATOMIC(f, 4, false)
#define STEP_d(f, type) STEP_ATOMIC(f, 8, false)
#define STEP_CSR(source, f)                                                                        \
    out->csr.a = source;                                                                           \
    uint64_t old = w->word[0];                                                                     \
    out->csr.word =                                                                                \
        touch(w, 0, vm_map_get(VM_ABI_B).csr_base + 8 * imm, f(old, out->csr.a.value));            \
    out->csr.d = write_x(w, i->rd, old);                                                           \
    which = chip_of_csr(&out->csr);
#define STEP_C(f, type) STEP_CSR(read_x(w, i->rs1, VM_SLOT_RS1), f)
#define STEP_Z(f, type) STEP_CSR((reg_read){.value = i->small}, f)
#define STEP_F(f, type)                                                                            \
    out->free.d = write_x(w, i->rd, w->free_word);                                                 \
    which = CHIP_FREE;
#define STEP_E(f, type)                                                                            \
    out->system.a7 = read_x(w, 17, VM_SLOT_RS1);                                                   \
    out->system.a0 = read_x(w, 10, VM_SLOT_RS2);                                                   \
    which = chip_of_system(&out->system);                                                          \
    if (which == CHIP_ECALL)                                                                       \
        out->system.link = write_x(w, 1, next_pc);                                                 \
    else                                                                                           \
        next_pc = pc;
#define STEP_K(f, type)
#define STEP_X(f, type)
    switch (i->op) {
#define ISA(format, name, mnemonic, class, mask, match, semantics)                                 \
    case OP_##name: {                                                                              \
        STEP_##format(semantics, semantics)                                                        \
    } break;
#include "vm/isa.def"
#undef ISA
    default:
        break;
    }
    assert_true(which != EXECUTION_CHIP_COUNT);
    out->head.next_pc = (uint32_t)next_pc;
    return which;
}
