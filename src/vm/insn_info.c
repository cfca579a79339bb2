// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "vm/insn.h"

const op_info vm_op_info[VM_OP_COUNT] = {
    [OP_NONE] = {"none", 0, VM_CLASS_SYSTEM},
    [OP_ILLEGAL] = {"illegal", 0, VM_CLASS_SYSTEM},
#define ISA(format, name, mnemonic, class, mask, match, semantics)                                 \
    [OP_##name] = {mnemonic, #format[0], VM_CLASS_##class},
#include "vm/isa.def"
#undef ISA
};

const char *vm_class_name(vm_class c)
{
    static const char *const names[VM_CLASS_COUNT] = {
#define CLASS(name, row) [VM_CLASS_##name] = #name,
        VM_CLASSES(CLASS)
#undef CLASS
    };
    return (unsigned)c < VM_CLASS_COUNT ? names[c] : "?";
}
