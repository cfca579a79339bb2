// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "zisk.h"

#include <stdio.h>
#include <string.h>

static const char help[] = "usage: zisk disasm ELF [--abi auto|A|B|C]\n"
                           "\n"
                           "Prints each instruction of the executable segments: address, encoding, "
                           "text. Precompile calls\n"
                           "appear under their names. In a program with compressed instructions "
                           "only those are shown that\n"
                           "follow one another from the start of a segment or of a function.\n";

static void print_instruction(const vm_program *p, uint64_t slot)
{
    const insn *i = &p->insns[slot];
    uint64_t pc = vm_program_pc(p, slot);
    char text[INSN_TEXT_BYTES];
    insn_text(text, i, pc);
    if (i->length == 2)
        printf("%8llx:     %04x  %s\n", (unsigned long long)pc, i->word, text);
    else
        printf("%8llx: %08x  %s\n", (unsigned long long)pc, i->word, text);
}

static void print_segment(const vm_program *p, const vm_code *code)
{
    uint64_t slot = code->first;
    const vm_symbol *function = NULL;
    while (slot < code->first + code->n) {
        uint64_t pc = vm_program_pc(p, slot);
        const vm_symbol *s = vm_program_symbol(p, pc);
        if (s != NULL && s != function && s->address == pc)
            printf("\n%s:\n", s->name);
        function = s;
        unsigned op = p->insns[slot].op;
        if (op == OP_NONE) {
            slot++;
            continue;
        }
        print_instruction(p, slot);
        // The rest of a call pattern is shown too: it can be jumped to.
        slot += op == OP_call ? 2 : p->insns[slot].length / 2;
    }
}

int command_disasm(int argc, char **argv)
{
    static const struct option options[] = {
        {"abi", required_argument, NULL, 'a'}, {"help", no_argument, NULL, 'h'}, {0}};
    vm_abi abi = VM_ABI_AUTO;
    int option;
    while ((option = next_option(argv[0], argc, argv, "h", options)) != -1) {
        switch (option) {
        case 'a':
            if (!parse_abi(&abi, optarg))
                return command_usage("disasm", "--abi takes auto, A, B or C");
            break;
        case 'h':
            fputs(help, stdout);
            return EXIT_DONE;
        default:
            return EXIT_USAGE;
        }
    }
    if (argc - optind != 1)
        return command_usage("disasm", "give one ELF file");
    vm_program program;
    if (load_program(&program, argv[optind], abi) != ZK_OK)
        return command_failed("disasm");
    printf("; entry 0x%llx, memory map %c\n", (unsigned long long)program.entry, program.map.abi);
    for (uint64_t k = 0; k + 1 < program.n_segments; k++) // the last one is the exit
        print_segment(&program, &program.code[k]);
    vm_program_clear(&program);
    return EXIT_DONE;
}
