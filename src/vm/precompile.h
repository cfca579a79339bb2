// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The precompiles and the hint functions of the guest ABI: two tables, and the port through which
// their code reaches the guest's memory.
//
// A precompile runs in both passes: in pass 1 on the guest's memory, in replay on the words that
// the chunk's record holds. It must therefore be a pure function of its arguments and of what it
// reads through the port. The port checks addresses, keeps timestamps, records first touches and,
// in replay, lists the accesses for the chip. Operands are aligned to 8 bytes; the port refuses
// others.
//
// Slots. Slots 0, 1 and 2 of a call are its register operands (rs1, rs2, rs3; a form without one
// leaves the slot empty), the last slot is rd. Memory starts at slot VM_CALL_SLOT_MEMORY: one slot
// per operand (parameter block, then operands as the row's `layout` says), so that any aliasing of
// pointers is provable. Slots must not decrease from one port call to the next. An operand that is
// read and written whole (a hash state) is one access a word: peek it, then write it.
//
// Semantics in the presence of aliasing: all operands are read before any is written.
#include "base/status.h"

#include <stdint.h>

enum { VM_CALL_SLOT_MEMORY = 3 };

// Access to the guest's memory on behalf of the step under way. Failures are ZK_EGUEST (address
// outside the regions, unaligned, write to read-only memory): forward them with TRY.
typedef struct vm_port vm_port;

// out[0 .. n-1] := the words from `address`; each an access at `slot`.
MUST_CHECK status port_read(vm_port *port, uint64_t *out, unsigned slot, uint64_t address,
                            uint64_t n);

// The words from `address` := in[0 .. n-1]; each an access at `slot` that also shows the old value.
MUST_CHECK status port_write(vm_port *port, const uint64_t *in, unsigned slot, uint64_t address,
                             uint64_t n);

// As port_read but no access is made: for words that the same call then writes, and for nothing
// else (a word whose value matters without an access would be unconstrained in the proof).
MUST_CHECK status port_peek(vm_port *port, uint64_t *out, uint64_t address, uint64_t n);

// Pops the next free word (result of a hint function). ZK_EGUEST when there is none.
MUST_CHECK status port_next_free(vm_port *port, uint64_t *out);

typedef enum call_form {
    CALL_POINTER, // csrrs x0, CSR, rs1: rs1 points to the operands or the parameter block
    CALL_RESULT,  // csrrs rd, CSR, rs1: the same with a result register (rd, rs1 not x0)
    CALL_MEMCPY,  // csrrs x0, CSR, rs1=src ; add|addi x0, rs2=dst, rs3|imm = count
    CALL_MEMCMP,  // csrrs x0, CSR, rs1=src ; add|addi rd, rs2=dst, rs3|imm = count
    CALL_INPUT,   // csrrs x0, CSR, any     ; add|addi x0, rs2=dst, rs3|imm = count
    CALL_MEMSET,  // csrrs x0, CSR, rs2=dst ; addi x0, rs3=count, fill
                  // or csrrsi x0, CSR, 2 ; addi x0, rs2=dst, imm=count ; addi x0, rs2, fill
} call_form;

typedef struct call_args {
    uint64_t pointer; // CALL_POINTER, CALL_RESULT: rs1
    uint64_t dst;     // byte addresses and byte count of the DMA forms
    uint64_t src;
    uint64_t count;
    uint8_t fill;
} call_args;

typedef struct vm_precompile {
    const char *name;   // "keccakf"
    const char *layout; // operands and their slots in one line, for errors and documentation
    const char *chip;   // the chip that proves it, NULL while there is none
    uint16_t csr;
    uint8_t form;  // call_form
    uint8_t slots; // <= VM_CALL_MAX_SLOTS, all of the above plus one for rd where there is one
    // *result is what rd gets in the forms that have one (preset to 0).
    status (*execute)(vm_port *port, const call_args *args, uint64_t *result);
} vm_precompile;

enum { VM_PRECOMPILE_MAX = 64 }; // rows at most: counters are arrays of this length

// The table, ordered by CSR. Its order is part of program keys: append by number, never reorder.
extern const vm_precompile vm_precompiles[];
extern const unsigned vm_precompile_count;

// Index of the row for a CSR number, -1 when there is none.
int precompile_find(uint16_t csr);

// ---- Hint functions (fcalls): unverified advice, never part of the proof ----

enum {
    HINT_MAX_PARAMS = 1 << 16,  // words that a guest may push before a call
    HINT_MAX_RESULTS = 1 << 22, // words that a call may return
};

// Growing list of words. Zero-initialised is empty.
typedef struct word_list {
    uint64_t *words;
    uint64_t n;
    uint64_t capacity;
} word_list;

// ZK_ENOMEM.
MUST_CHECK status word_list_push(word_list *l, uint64_t word);
void word_list_clear(word_list *l); // frees; NULL-safe fields

typedef struct vm_hint {
    const char *name; // "secp256k1_fp_inverse"
    uint16_t id;
    // Appends the result words to *results (given empty). Bad parameters (too few, a division by
    // zero, a length that does not fit) are ZK_EGUEST with a message that names the function.
    status (*execute)(word_list *results, const uint64_t *params, uint64_t n_params);
} vm_hint;

extern const vm_hint vm_hints[];
extern const unsigned vm_hint_count;

// NULL when there is no function of that number.
const vm_hint *hint_find(uint16_t id);
