// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "random_guest.h"

#include "vm/insn.h"

// Registers with a purpose; random instructions never write them.
enum { SP = 2, COUNTER = 7, BASE = 8, SCRATCH = 9, MAX_PATCHES = 32 };

typedef struct patch {
    uint32_t at;
    unsigned items; // until the target
    uint32_t word;  // branch or jal without offset
    bool compressed;
} patch;

typedef struct generator {
    guest *g;
    test_rng *rng;
    patch patches[MAX_PATCHES];
    unsigned n_patches;
    unsigned loop_items; // until the end of the loop, 0: in none
    uint32_t loop_start;
} generator;

typedef struct row {
    char format;
    uint32_t mask;
    uint32_t match;
} row;

static const row rows[] = {
#define ISA(format, name, mnemonic, class, mask, match, semantics) {#format[0], mask, match},
#include "vm/isa.def"
#undef ISA
};

static uint64_t pick(generator *x, uint64_t below)
{
    return test_rng_u64(x->rng) % below;
}

static unsigned source(generator *x)
{
    return (unsigned)pick(x, 32);
}

static bool is_reserved(unsigned reg)
{
    return reg == SP || reg == COUNTER || reg == BASE || reg == SCRATCH;
}

static unsigned destination(generator *x)
{
    unsigned reg;
    do
        reg = source(x);
    while (is_reserved(reg));
    return reg;
}

// A random row among those of the given formats.
static const row *pick_row(generator *x, const char *formats)
{
    for (;;) {
        const row *r = &rows[pick(x, sizeof rows / sizeof rows[0])];
        if (strchr(formats, r->format) != NULL && r->mask != 0)
            return r;
    }
}

static uint32_t random_operands(generator *x, const row *r)
{
    return r->match | ((uint32_t)test_rng_u64(x->rng) & ~r->mask);
}

static uint32_t with_rd(uint32_t w, unsigned rd)
{
    return (w & ~(31u << 7)) | rd << 7;
}

static uint32_t with_rs1(uint32_t w, unsigned rs1)
{
    return (w & ~(31u << 15)) | rs1 << 15;
}

static void item_arithmetic(generator *x)
{
    emit(x->g, with_rd(random_operands(x, pick_row(x, "RIHUP")), destination(x)));
}

// SCRATCH := BASE + (random register & mask).
static void emit_address(generator *x, int32_t mask)
{
    emit(x->g, enc_i(0x7013, SCRATCH, source(x), mask));
    emit(x->g, enc_r(OP_REG, SCRATCH, SCRATCH, BASE));
}

// BASE points into the middle of the working area: any 12-bit offset stays inside.
static void item_memory(generator *x)
{
    const row *r = pick_row(x, "LS");
    uint32_t w = random_operands(x, r);
    unsigned base = BASE;
    if (pick(x, 3) == 0) {
        emit_address(x, 0x7ff);
        base = SCRATCH;
    }
    w = with_rs1(w, base);
    emit(x->g, r->format == 'L' ? with_rd(w, destination(x)) : w);
}

static void item_atomic(generator *x)
{
    const row *r = pick_row(x, "WD");
    uint32_t w = with_rs1(random_operands(x, r), SCRATCH);
    emit_address(x, r->format == 'D' ? 0x7f8 : 0x7fc);
    emit(x->g, with_rd(w, destination(x)));
}

// A store-conditional alone may fail elsewhere, so it follows its load at once.
static void item_reserved_pair(generator *x)
{
    uint32_t wide = pick(x, 2) != 0 ? 0x3000 : 0x2000;
    emit_address(x, 0x7f8);
    emit(x->g, enc_r(0x1000002f | wide, destination(x), SCRATCH, 0));
    emit(x->g, enc_r(0x1800002f | wide, destination(x), SCRATCH, source(x)));
}

// The 16-bit form of a base instruction, 0 when there is none.
static uint16_t compress(uint32_t word)
{
    for (uint32_t h = 1; h < 0x10000; h++)
        if ((h & 3) != 3 && insn_expand_compressed((uint16_t)h) == word)
            return (uint16_t)h;
    return 0;
}

static void item_compressed(generator *x)
{
    for (;;) {
        uint16_t h = (uint16_t)test_rng_u64(x->rng);
        insn i = insn_decode((const uint8_t *)&h, 2, true);
        if ((h & 3) == 3 || i.op == OP_ILLEGAL)
            continue;
        char format = vm_op_info[i.op].format;
        bool arithmetic = strchr("RIHU", format) != NULL && !is_reserved(i.rd);
        bool memory = (format == 'S' || (format == 'L' && !is_reserved(i.rd))) &&
                      (i.rs1 == BASE || i.rs1 == SP);
        if (!arithmetic && !memory)
            continue;
        emit16(x->g, h);
        return;
    }
}

static void add_patch(generator *x, uint32_t word, bool compressed)
{
    patch *p = &x->patches[x->n_patches++];
    *p = (patch){
        .at = x->g->n, .items = 1 + (unsigned)pick(x, 4), .word = word, .compressed = compressed};
    if (compressed)
        emit16(x->g, 0);
    else
        emit(x->g, 0);
}

static void item_forward(generator *x)
{
    if (x->n_patches == MAX_PATCHES)
        return;
    bool compressed = x->g->compressed && pick(x, 2) == 0;
    switch (pick(x, 4)) {
    case 0:
        add_patch(x, enc_j(compressed ? 0 : destination(x), 0), compressed);
        return;
    case 1: // jalr over 0 to 2 instructions, the lowest bit of the target is ignored
    {
        unsigned skip = (unsigned)pick(x, 3);
        emit(x->g, 0x17 | SCRATCH << 7);
        emit(x->g, enc_i(0x67, destination(x), SCRATCH, (int32_t)(8 + 4 * skip + pick(x, 2))));
        for (unsigned k = 0; k < skip; k++)
            item_arithmetic(x);
        return;
    }
    default:
        if (compressed) {
            add_patch(x, enc_b(pick(x, 2) != 0 ? 0x63 : 0x1063, 8 + (unsigned)pick(x, 8), 0, 0),
                      true);
        } else {
            const row *r = pick_row(x, "B");
            add_patch(x, enc_b(r->match, source(x), source(x), 0), false);
        }
    }
}

static void resolve(guest *g, const patch *p)
{
    int32_t offset = (int32_t)(g->n - p->at);
    bool jump = (p->word & 127) == 0x6f;
    uint32_t word = p->word | (jump ? enc_j(0, offset) : enc_b(0, 0, 0, offset));
    if (p->compressed) {
        uint16_t h = compress(word);
        assert_int_not_equal(h, 0);
        memcpy(g->code + p->at, &h, 2);
    } else {
        memcpy(g->code + p->at, &word, 4);
    }
}

// One item further: resolves what ends here.
static void advance(generator *x, bool all)
{
    unsigned kept = 0;
    for (unsigned k = 0; k < x->n_patches; k++) {
        if (all || --x->patches[k].items == 0)
            resolve(x->g, &x->patches[k]);
        else
            x->patches[kept++] = x->patches[k];
    }
    x->n_patches = kept;
    if (x->loop_items != 0 && (all || --x->loop_items == 0)) {
        x->loop_items = 0;
        emit_addi(x->g, COUNTER, COUNTER, -1);
        emit(x->g, enc_b(0x1063, COUNTER, 0, (int32_t)(x->loop_start - x->g->n)));
    }
}

// Nothing may jump into a loop past its counter, so loops begin where no jump is open.
static void item_loop(generator *x)
{
    if (x->loop_items != 0 || x->n_patches != 0)
        return;
    emit_addi(x->g, COUNTER, 0, 1 + (int32_t)pick(x, 20));
    x->loop_start = x->g->n;
    x->loop_items = 2 + (unsigned)pick(x, 12);
}

static void random_item(generator *x)
{
    uint64_t kind = pick(x, 100);
    if (kind < 45)
        item_arithmetic(x);
    else if (kind < 60)
        x->g->compressed ? item_compressed(x) : item_arithmetic(x);
    else if (kind < 76)
        item_memory(x);
    else if (kind < 82)
        item_atomic(x);
    else if (kind < 84)
        item_reserved_pair(x);
    else if (kind < 95)
        item_forward(x);
    else if (kind < 99)
        item_loop(x);
    else
        emit(x->g, pick(x, 2) != 0 ? 0x0ff0000f : 0x100f);
}

static void random_program(generator *x, unsigned index, unsigned max_items)
{
    guest *g = x->g;
    for (unsigned reg = 1; reg < 32; reg++) {
        if (is_reserved(reg))
            continue;
        if (pick(x, 3) == 0)
            emit_addi(g, reg, 0, (int32_t)pick(x, 4096) - 2048);
        else
            emit(g, enc_i(0x3003, reg, BASE, 8 * (int32_t)pick(x, 256)));
    }
    for (unsigned n = 1 + (unsigned)pick(x, max_items); n != 0; n--) {
        random_item(x);
        advance(x, false);
    }
    while (x->loop_items != 0) // inner jumps may end behind the loop
        advance(x, false);
    advance(x, true);
    int32_t dump = RANDOM_WORK_BYTES + RANDOM_DUMP_BYTES * (int32_t)index - 2048;
    emit(g, 0x37 | SCRATCH << 7 | (uint32_t)(dump + 2048) >> 12 << 12);
    emit(g, enc_r(OP_REG, SCRATCH, SCRATCH, BASE));
    emit_addi(g, SCRATCH, SCRATCH, dump - (dump + 2048) / 4096 * 4096);
    for (unsigned reg = 1; reg < 32; reg++)
        emit(g, enc_s(0x3023, reg, SCRATCH, 8 * (int32_t)reg));
}

static uint64_t random_word(generator *x)
{
    static const uint64_t edges[] = {
        0, 1, UINT64_MAX, 1ULL << 63, INT64_MAX, 0x80000000, 0x7fffffff, 0xffffffff80000000, 64, 32,
    };
    uint64_t r = test_rng_u64(x->rng);
    switch (r >> 61) {
    case 0:
    case 1:
        return edges[r % (sizeof edges / sizeof edges[0])];
    case 2:
        return (uint64_t)(int64_t)(int32_t)r;
    case 3:
        return r & 0xff;
    default:
        return test_rng_u64(x->rng);
    }
}

void random_guest(guest *g, test_rng *rng, unsigned n_programs, unsigned max_items)
{
    guest_init(g);
    generator x = {.g = g, .rng = rng};
    g->compressed = pick(&x, 4) != 0;
    for (unsigned k = 0; k < RANDOM_WORK_BYTES / 8; k++) {
        uint64_t w = random_word(&x);
        memcpy(g->data + 8 * k, &w, 8);
    }
    emit_li(g, BASE, GUEST_DATA + 2048);
    emit_li(g, SP, GUEST_DATA + 2048);
    emit_addi(g, COUNTER, 0, 0);
    for (unsigned k = 0; k < n_programs; k++)
        random_program(&x, k, max_items);
    emit_addi(g, 10, 0, 1);
    emit_li(g, 11, GUEST_DATA);
    emit_li(g, 12, GUEST_DATA_BYTES);
    emit_addi(g, 17, 0, 64);
    emit(g, 0x73);
    emit_halt(g, 0);
}
