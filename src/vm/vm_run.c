// SPDX-License-Identifier: Apache-2.0 OR MIT
// The interpreter of pass 1: direct-threaded, one case an instruction, generated from isa.def.
//
// What keeps it fast: an instruction is one 16-byte entry of an array, the next one is reached by
// adding its length (vm_run.inc); nothing is counted per step but the timestamp; steps, fetches and
// rows are counted per block entry (ENTER); loads and stores that need anything but their word
// (first touch in the chunk, misaligned, no such memory) leave for cells.c.
//
// The last steps of a chunk that do not fill a block run through a second dispatch table, whose
// only case counts them down.
#include "vm/vm_state.h"
#include "vm/semantics.h"

#include <stddef.h>
#include <string.h>

#define LIKELY(c)   __builtin_expect(!!(c), 1)
#define UNLIKELY(c) __builtin_expect(!!(c), 0)

void machine_print(vm_machine *m, uint8_t byte)
{
    m->print_buffer[m->print_n++] = byte;
    if (m->print_n < sizeof m->print_buffer && byte != '\n')
        return;
    if (m->options.print != NULL)
        m->options.print(m->options.print_arg, m->print_buffer, m->print_n);
    m->print_n = 0;
}

// ---- The cold half: instructions that are rare or that leave the machine ----

static status csr_access(vm_machine *m, const insn *i, uint64_t source, uint64_t ts)
{
    uint64_t address = m->program->map.csr_base + 8 * (uint64_t)i->imm;
    vm_cell *c;
    TRY(memory_touch(&c, &m->memory, address, true));
    uint64_t old = c->value;
    switch (i->op) {
#define CSR_CASE(name, semantics)                                                                  \
    case OP_##name:                                                                                \
        c->value = semantics(old, source);                                                         \
        break;
        CSR_CASE(csrrw, sem_second)
        CSR_CASE(csrrs, sem_or)
        CSR_CASE(csrrc, sem_clear)
        CSR_CASE(csrrwi, sem_second)
        CSR_CASE(csrrsi, sem_or)
        CSR_CASE(csrrci, sem_clear)
#undef CSR_CASE
    }
    c->ts = ts + VM_SLOT_MEM;
    m->x[i->rd] = old;
    return ZK_OK;
}

static status read_free(vm_machine *m, const insn *i)
{
    vm_port port = {
        .free_words = &m->hint_results, .next_free = &m->next_free, .free_log = &m->free_log};
    return port_next_free(&port, &m->x[i->rd]);
}

static status call(vm_machine *m, const insn *i, uint64_t ts)
{
    vm_port port = {.memory = &m->memory,
                    .ts = ts,
                    .free_words = &m->hint_results,
                    .next_free = &m->next_free,
                    .free_log = &m->free_log};
    uint64_t result;
    TRY(call_execute(&result, &port, i, m->x));
    if (call_operands(i) & 8)
        m->x[i->rd] = result;
    m->chunk.rows.call_words[i->call] += port.words;
    return ZK_OK;
}

// Pushes the register (k = 0) or words of memory. Not an access: hints are no part of the proof.
static status hint_argument(vm_machine *m, const insn *i)
{
    static const uint16_t words[16] = {1,  2,  4,  8,  12, 16, 20,  24,
                                       28, 32, 48, 64, 80, 96, 128, 256};
    uint64_t value = m->x[i->rs3];
    uint64_t n = words[i->call & 15];
    FAIL_IF(m->hint_params.n + n > HINT_MAX_PARAMS, ZK_EGUEST,
            "more than %d parameter words before a hint call", HINT_MAX_PARAMS);
    if (i->call == 0)
        return word_list_push(&m->hint_params, value);
    FAIL_IF((value & 7) != 0 || value - VM_SPACE_BASE >= VM_SPACE_SIZE - 8 * n, ZK_EGUEST,
            "hint parameter of %llu words at 0x%llx: no aligned memory there",
            (unsigned long long)n, (unsigned long long)value);
    for (uint64_t k = 0; k < n; k++)
        TRY(word_list_push(&m->hint_params, memory_cell(&m->memory, value + 8 * k)->value));
    return ZK_OK;
}

static status hint_call(vm_machine *m, const insn *i)
{
    const vm_hint *h = hint_find((uint16_t)insn_hint_id(i));
    FAIL_IF(h == NULL, ZK_EGUEST, "there is no hint function number %u", insn_hint_id(i));
    m->hint_results.n = 0;
    m->next_free = 0;
    status s = h->execute(&m->hint_results, m->hint_params.words, m->hint_params.n);
    m->hint_params.n = 0;
    if (s == ZK_OK)
        return ZK_OK;
    FAIL(s, "hint %s: %s", h->name, status_message());
}

// Naturally aligned, so in one word; *out is its cell.
static status atomic_cell(vm_cell **out, vm_machine *m, uint64_t address, unsigned size)
{
    FAIL_IF((address & (size - 1)) != 0, ZK_EGUEST,
            "atomic access of %u bytes to 0x%llx, which is not aligned to its size", size,
            (unsigned long long)address);
    return memory_touch(out, &m->memory, address, true);
}

static status cannot_fetch(const insn *i, uint64_t pc)
{
    switch (i->op) {
    case OP_NONE:
        FAIL(ZK_EGUEST, "no instruction can be fetched from 0x%llx", (unsigned long long)pc);
    case OP_ebreak:
        FAIL(ZK_EGUEST, "the program stopped itself (ebreak)");
    default:
        FAIL_IF(insn_is_floating_point(i), ZK_EGUEST,
                "floating-point instruction; compile for rv64im, rv64ima or rv64imac");
        FAIL(ZK_EGUEST, "illegal or unsupported instruction");
    }
}

// Steps of the block that began at `slot`, before the one at `end`.
static uint64_t steps_between(const vm_machine *m, uint64_t slot, uint64_t end)
{
    uint64_t n = 0;
    for (; slot != end; slot += m->program->insns[slot].length / 2)
        n++;
    return n;
}

static void count_misaligned(vm_misaligned *n, uint64_t address, unsigned size, bool crosses)
{
    if ((address & (size - 1)) != 0)
        (crosses ? n->across : n->inside)[__builtin_ctz(size)]++;
}

static status load_slow(uint64_t *out, vm_machine *m, uint64_t address, unsigned size, uint64_t ts)
{
    bool crosses;
    TRY(memory_load(out, &m->memory, address, size, ts + VM_SLOT_MEM, &crosses));
    count_misaligned(&m->chunk.rows.loads, address, size, crosses);
    return ZK_OK;
}

static status store_slow(vm_machine *m, uint64_t address, uint64_t value, unsigned size,
                         uint64_t ts)
{
    bool crosses;
    TRY(memory_store(&m->memory, address, value, size, ts + VM_SLOT_MEM, &crosses));
    count_misaligned(&m->chunk.rows.stores, address, size, crosses);
    return ZK_OK;
}

// ---- The hot half: vm_run.inc with these cases ----

enum { TWO_BYTES = 2 << 8 }; // set in op_and_length of an instruction of 2 bytes, of no other
_Static_assert(VM_OP_COUNT <= 128, "LABEL_OF keeps 7 bits of the operation");
_Static_assert(offsetof(insn, op) == 0 && offsetof(insn, length) == 1, "read as one number");

static inline unsigned op_and_length(const insn *i)
{
    uint16_t both;
    memcpy(&both, i, sizeof both);
    return both;
}

#define RD  (x[i->rd])
#define A   (x[i->rs1])
#define B   (x[i->rs2])
#define IMM ((uint64_t)(int64_t)i->imm)
#define PC  (code_base + ((uint64_t)((const char *)i - (const char *)code) >> 3))

// The cell `bytes` behind `base`, in integers because it is not looked at before the check.
#define CELL(base, bytes) ((vm_cell *)((uintptr_t)(base) + ((bytes) >> 3) * sizeof(vm_cell)))

// Also within one word, which the cell could serve: those are counted, because another chip proves
// them, and compilers make few.
#define MISALIGNED(address, type) (((address) & (sizeof(type) - 1)) != 0)

#define DISPATCH() goto *labels[LABEL_OF(i)]
#define NEXT()                                                                                     \
    do {                                                                                           \
        ts += VM_STEP_SLOTS;                                                                       \
        i = (const insn *)((const char *)i + 8 * (uint64_t)LENGTH);                                \
        DISPATCH();                                                                                \
    } while (0)
// Begins the block at i. Entries of the two arrays have one size, so one offset serves both.
#define ENTER()                                                                                    \
    do {                                                                                           \
        block = (vm_block *)((char *)blocks + ((const char *)i - (const char *)code));             \
        left -= block->length;                                                                     \
        if (UNLIKELY(left < 0))                                                                    \
            goto cut_block;                                                                        \
        if (UNLIKELY(block->count++ == 0))                                                         \
            m->entered[m->n_entered++] = (uint32_t)(i - code);                                     \
        block->last_ts = ts;                                                                       \
        DISPATCH();                                                                                \
    } while (0)
// Continues at pc + offset, which the decoder made a multiple of 2 bytes.
#define JUMP_BY(offset)                                                                            \
    do {                                                                                           \
        ts += VM_STEP_SLOTS;                                                                       \
        i = (const insn *)((const char *)i + 8 * (offset));                                        \
        if (UNLIKELY((uint64_t)((const char *)i - (const char *)code) >= code_bytes))              \
            goto leave_code;                                                                       \
        ENTER();                                                                                   \
    } while (0)
#define CHECK(expr)                                                                                \
    do {                                                                                           \
        result = (expr);                                                                           \
        if (UNLIKELY(result != ZK_OK))                                                             \
            goto failed;                                                                           \
    } while (0)

#define CASE_R(name, semantics)                                                                    \
    LABEL(name) : RD = semantics(A, B);                                                            \
    NEXT();
#define CASE_I(name, semantics)                                                                    \
    LABEL(name) : RD = semantics(A, IMM);                                                          \
    NEXT();
#define CASE_H(name, semantics) CASE_I(name, semantics)
#define CASE_U(name, semantics)                                                                    \
    LABEL(name) : RD = IMM;                                                                        \
    NEXT();
#define CASE_P(name, semantics)                                                                    \
    LABEL(name) : RD = semantics(PC, IMM);                                                         \
    NEXT();
#define CASE_B(name, semantics)                                                                    \
    LABEL(name) : if (semantics(A, B)) JUMP_BY((int64_t)i->imm);                                   \
    JUMP_BY((int64_t)LENGTH);
#define CASE_J(name, semantics)                                                                    \
    LABEL(name) : RD = PC + LENGTH;                                                                \
    JUMP_BY((int64_t)i->imm);
#define CASE_V(name, semantics)                                                                    \
    LABEL(name) :                                                                                  \
    {                                                                                              \
        uint64_t target = (A + IMM) & ~1ULL;                                                       \
        RD = PC + LENGTH;                                                                          \
        ts += VM_STEP_SLOTS;                                                                       \
        uint64_t slot = (target - code_base) >> 1;                                                 \
        if (UNLIKELY(slot >= n_code)) {                                                            \
            slot = vm_program_slot(m->program, target);                                            \
            if (slot == n_code) {                                                                  \
                lost_pc = target;                                                                  \
                goto lost;                                                                         \
            }                                                                                      \
        }                                                                                          \
        i = code + slot;                                                                           \
        ENTER();                                                                                   \
    }
#define CASE_L(name, type)                                                                         \
    LABEL(name) :                                                                                  \
    {                                                                                              \
        uint64_t address = A + IMM;                                                                \
        vm_cell *c = CELL(cells, address - VM_SPACE_BASE);                                         \
        unsigned offset = address & 7;                                                             \
        if (UNLIKELY(address - VM_SPACE_BASE >= VM_SPACE_SIZE || MISALIGNED(address, type) ||      \
                     c->ts < chunk_ts)) {                                                          \
            uint64_t value;                                                                        \
            CHECK(load_slow(&value, m, address, sizeof(type), ts));                                \
            RD = (uint64_t)(int64_t)(type)value;                                                   \
            NEXT();                                                                                \
        }                                                                                          \
        type value;                                                                                \
        memcpy(&value, (const char *)&c->value + offset, sizeof value);                            \
        c->ts = ts + VM_SLOT_MEM;                                                                  \
        RD = (uint64_t)(int64_t)value;                                                             \
        NEXT();                                                                                    \
    }
#define CASE_S(name, type)                                                                         \
    LABEL(name) :                                                                                  \
    {                                                                                              \
        uint64_t address = A + IMM;                                                                \
        uint64_t in_ram = address - VM_RAM_BASE;                                                   \
        vm_cell *c = CELL(ram, in_ram);                                                            \
        unsigned offset = address & 7;                                                             \
        type value = (type)B;                                                                      \
        if (UNLIKELY(in_ram >= VM_RAM_SIZE || MISALIGNED(address, type) || c->ts < chunk_ts)) {    \
            CHECK(store_slow(m, address, value, sizeof(type), ts));                                \
        } else {                                                                                   \
            memcpy((char *)&c->value + offset, &value, sizeof value);                              \
            c->ts = ts + VM_SLOT_MEM;                                                              \
        }                                                                                          \
        if (sizeof(type) == 1 && UNLIKELY(address == uart))                                        \
            machine_print(m, (uint8_t)value);                                                      \
        NEXT();                                                                                    \
    }
#define CASE_W(name, semantics) CASE_ATOMIC(name, semantics, int32_t, uint32_t, old)
#define CASE_D(name, semantics) CASE_ATOMIC(name, semantics, int64_t, uint64_t, old)
#define CASE_w(name, semantics) CASE_ATOMIC(name, semantics, int32_t, uint32_t, 0)
#define CASE_d(name, semantics) CASE_ATOMIC(name, semantics, int64_t, uint64_t, 0)
#define CASE_ATOMIC(name, semantics, type, unsigned_type, to_rd)                                   \
    LABEL(name) :                                                                                  \
    {                                                                                              \
        vm_cell *c;                                                                                \
        uint64_t address = A;                                                                      \
        CHECK(atomic_cell(&c, m, address, sizeof(type)));                                          \
        char *at = (char *)&c->value + (address & 7);                                              \
        type word;                                                                                 \
        memcpy(&word, at, sizeof word);                                                            \
        uint64_t old = (uint64_t)(int64_t)word;                                                    \
        unsigned_type new = (unsigned_type)semantics(old, (uint64_t)(int64_t)(type)B);             \
        memcpy(at, &new, sizeof new);                                                              \
        c->ts = ts + VM_SLOT_MEM;                                                                  \
        (void)old;                                                                                 \
        RD = (uint64_t)(to_rd);                                                                    \
        NEXT();                                                                                    \
    }
#define CASE_C(name, semantics)                                                                    \
    LABEL(name) : CHECK(csr_access(m, i, A, ts));                                                  \
    NEXT();
#define CASE_Z(name, semantics)                                                                    \
    LABEL(name) : CHECK(csr_access(m, i, i->small, ts));                                           \
    NEXT();
// addi x0, x0, 0 to the proof, so the sink gets 0; Q and G too.
#define CASE_N(name, semantics)                                                                    \
    LABEL(name) : RD = 0;                                                                          \
    NEXT();
#define CASE_F(name, semantics)                                                                    \
    LABEL(name) : CHECK(read_free(m, i));                                                          \
    NEXT();
#define CASE_Q(name, semantics)                                                                    \
    LABEL(name) : RD = 0;                                                                          \
    CHECK(hint_argument(m, i));                                                                    \
    NEXT();
#define CASE_G(name, semantics)                                                                    \
    LABEL(name) : RD = 0;                                                                          \
    CHECK(hint_call(m, i));                                                                        \
    NEXT();
#define CASE_X(name, semantics)                                                                    \
    LABEL(name) : CHECK(call(m, i, ts));                                                           \
    ts += call_slots(i) - VM_STEP_SLOTS;                                                           \
    JUMP_BY((int64_t)i->length);
#define CASE_E(name, semantics)                                                                    \
    LABEL(name) : if (x[17] == 93)                                                                 \
    {                                                                                              \
        m->halted = true;                                                                          \
        m->exit_code = x[10];                                                                      \
        m->slot = (uint64_t)(i - code);                                                            \
        m->ts = ts + VM_STEP_SLOTS;                                                                \
        m->chunk.n_steps = (uint64_t)((int64_t)n_steps - left);                                    \
        return ZK_OK;                                                                              \
    }                                                                                              \
    RD = PC + LENGTH;                                                                              \
    m->link_ts = ts + VM_SLOT_RD;                                                                  \
    JUMP_BY((int64_t)LENGTH);
#define CASE_K(name, semantics) LABEL(name) : goto no_instruction;

// Programs without compressed instructions: every step is 4 bytes.
#define RUN_CHUNK   run_chunk_words
#define LABEL_OF(i) ((i)->op)
#define N_LABELS    VM_OP_COUNT
#include "vm/vm_run.inc"
#undef RUN_CHUNK
#undef LABEL_OF
#undef N_LABELS

// With them: each instruction has a case for either length, chosen by both bytes of the entry.
#define RUN_CHUNK   run_chunk_compressed
#define LABEL_OF(i) (op_and_length(i) & (TWO_BYTES | 127))
#define N_LABELS    (TWO_BYTES + VM_OP_COUNT)
#define BOTH_LENGTHS
#include "vm/vm_run.inc"

status run_chunk(vm_machine *m, uint64_t n_steps)
{
    return m->program->compressed ? run_chunk_compressed(m, n_steps) : run_chunk_words(m, n_steps);
}
