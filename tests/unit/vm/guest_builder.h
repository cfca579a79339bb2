// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Guests built by tests without a compiler: an assembler of base encodings and an ELF file around
// them. One executable segment at GUEST_CODE, one writable segment at GUEST_DATA. Tests that are
// compiled with GUEST_ELSEWHERE have another map, and code far up in ROM, off the round addresses.
#include "unit/test.h"

#include <elf.h>
#include <stdbool.h>

enum {
    GUEST_MAX_CODE = 1 << 20,
    GUEST_DATA_BYTES = 16384,
    OP_IMM = 0x13,
    OP_REG = 0x33,
    OP_LOAD = 0x03,
    OP_STORE = 0x23,
    OP_BRANCH = 0x63,
};
#ifdef GUEST_ELSEWHERE
#define GUEST_ABI  VM_ABI_C
#define GUEST_CODE 0x87001000ULL
#define GUEST_DATA 0xa0430000ULL
#else
#define GUEST_ABI  VM_ABI_B
#define GUEST_CODE 0x80000000ULL
#define GUEST_DATA 0xa0030000ULL
#endif

typedef struct guest {
    uint8_t *code;
    uint32_t n; // bytes of code
    uint8_t data[GUEST_DATA_BYTES];
    uint32_t data_file_bytes; // of data in the file; the rest is zeros
    bool compressed;
    uint32_t entry; // offset in code
} guest;

static inline void guest_init(guest *g)
{
    memset(g, 0, sizeof *g);
    g->code = malloc(GUEST_MAX_CODE);
    g->data_file_bytes = GUEST_DATA_BYTES;
    assert_non_null(g->code);
}

static inline void guest_clear(guest *g)
{
    free(g->code);
    g->code = NULL;
}

static inline uint32_t guest_pc(const guest *g)
{
    return (uint32_t)GUEST_CODE + g->n;
}

static inline void emit16(guest *g, uint16_t h)
{
    assert_true(g->n + 2 <= GUEST_MAX_CODE);
    memcpy(g->code + g->n, &h, 2);
    g->n += 2;
}

static inline void emit(guest *g, uint32_t w)
{
    assert_true(g->n + 4 <= GUEST_MAX_CODE);
    memcpy(g->code + g->n, &w, 4);
    g->n += 4;
}

static inline uint32_t enc_r(uint32_t match, unsigned rd, unsigned rs1, unsigned rs2)
{
    return match | rd << 7 | rs1 << 15 | rs2 << 20;
}

static inline uint32_t enc_i(uint32_t match, unsigned rd, unsigned rs1, int32_t imm)
{
    return match | rd << 7 | rs1 << 15 | (uint32_t)imm << 20;
}

static inline uint32_t enc_s(uint32_t match, unsigned rs2, unsigned rs1, int32_t imm)
{
    uint32_t u = (uint32_t)imm;
    return match | rs1 << 15 | rs2 << 20 | (u & 31) << 7 | (u >> 5 & 127) << 25;
}

static inline uint32_t enc_b(uint32_t match, unsigned rs1, unsigned rs2, int32_t offset)
{
    uint32_t u = (uint32_t)offset;
    return match | rs1 << 15 | rs2 << 20 | (u >> 11 & 1) << 7 | (u >> 1 & 15) << 8 |
           (u >> 5 & 63) << 25 | (u >> 12 & 1) << 31;
}

static inline uint32_t enc_j(unsigned rd, int32_t offset)
{
    uint32_t u = (uint32_t)offset;
    return 0x6f | rd << 7 | (u >> 12 & 255) << 12 | (u >> 11 & 1) << 20 | (u >> 1 & 1023) << 21 |
           (u >> 20 & 1) << 31;
}

static inline void emit_addi(guest *g, unsigned rd, unsigned rs1, int32_t imm)
{
    emit(g, enc_i(OP_IMM, rd, rs1, imm));
}

// rd := any 64-bit constant (8 instructions at most).
static inline void emit_li(guest *g, unsigned rd, uint64_t value)
{
    emit_addi(g, rd, 0, 0);
    for (int shift = 55; shift >= 0; shift -= 11) { // 6 pieces of 11 bits, the top one of 9
        uint32_t piece = (uint32_t)(value >> shift) & 0x7ff;
        if (shift != 55)
            emit(g, enc_i(0x1013, rd, rd, 11));
        emit_addi(g, rd, rd, (int32_t)piece);
    }
}

static inline void emit_halt(guest *g, int32_t code)
{
    emit_addi(g, 10, 0, code);
    emit_addi(g, 17, 0, 93);
    emit(g, 0x73);
}

// The ELF file; free() it.
static inline uint8_t *guest_elf(size_t *size, const guest *g)
{
    enum { CODE_AT = 0x1000 };
    size_t data_at = CODE_AT + (((size_t)g->n + 4095) & ~(size_t)4095);
    *size = data_at + g->data_file_bytes;
    uint8_t *file = calloc(1, *size);
    assert_non_null(file);
    Elf64_Ehdr h = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_RISCV,
        .e_version = EV_CURRENT,
        .e_entry = GUEST_CODE + g->entry,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_flags = g->compressed ? EF_RISCV_RVC : 0,
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 2,
    };
    Elf64_Phdr segments[2] = {
        {.p_type = PT_LOAD,
         .p_flags = PF_R | PF_X,
         .p_offset = CODE_AT,
         .p_vaddr = GUEST_CODE,
         .p_paddr = GUEST_CODE,
         .p_filesz = g->n,
         .p_memsz = g->n,
         .p_align = 4096},
        {.p_type = PT_LOAD,
         .p_flags = PF_R | PF_W,
         .p_offset = data_at,
         .p_vaddr = GUEST_DATA,
         .p_paddr = GUEST_DATA,
         .p_filesz = g->data_file_bytes,
         .p_memsz = GUEST_DATA_BYTES,
         .p_align = 4096},
    };
    memcpy(file, &h, sizeof h);
    memcpy(file + sizeof h, segments, sizeof segments);
    memcpy(file + CODE_AT, g->code, g->n);
    memcpy(file + data_at, g->data, g->data_file_bytes);
    return file;
}
