// SPDX-License-Identifier: Apache-2.0 OR MIT
// Any bytes as code: the decoder gives an instruction that the engines can take, and it has a text.
#include "vm/insn.h"
#include "vm/precompile.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const insn *i, size_t left)
{
    bool ok = i->op != OP_NONE && i->op < VM_OP_COUNT && i->rd < VM_REGISTERS && i->rs1 < 32 &&
              i->rs2 < 32 && i->rs3 < 32 && i->length >= 2 && i->length <= 12 &&
              i->length % 2 == 0 && i->length <= left;
    if (i->op == OP_call)
        ok = ok && i->call < vm_precompile_count;
    if (!ok)
        abort();
    char text[INSN_TEXT_BYTES];
    insn_text(text, i, 0x80000000);
    if (strlen(text) == 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t at = 0; at + 2 <= size; at += 2)
        for (int compressed = 0; compressed < 2; compressed++) {
            size_t left = (size - at) & ~(size_t)1;
            insn i = insn_decode(data + at, left, compressed);
            check(&i, left);
        }
    return 0;
}
