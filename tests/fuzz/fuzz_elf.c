// SPDX-License-Identifier: Apache-2.0 OR MIT
// Any bytes as a guest: the loader refuses or accepts, the disassembler prints what it accepted,
// and the machine runs it for a moment; every chunk of the run replays.
#include "vm/vm_machine.h"
#include "vm/vm_replay.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static status replay_chunk(void *arg, const vm_chunk *chunk)
{
    if (vm_replay_chunk(NULL, arg, chunk, (vm_batch_sink){0}) != ZK_OK)
        abort(); // pass 1 ran it, so pass 2 must
    return ZK_OK;
}

static void run(const vm_program *p)
{
    vm_machine *m;
    vm_replay *r;
    if (vm_replay_open(&r, p) != ZK_OK)
        return;
    vm_options options = {
        .max_steps = 500, .max_memory_bytes = 1 << 20, .chunk_log = 6, .sink = {replay_chunk, r}};
    if (vm_machine_open(&m, p, NULL, &options) == ZK_OK) {
        status s = vm_machine_run(m);
        if (s != ZK_OK && s != ZK_EGUEST && s != ZK_ELIMIT)
            abort();
        vm_machine_close(m);
    }
    vm_replay_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    vm_program p;
    if (vm_program_load(&p, data, size, VM_ABI_AUTO) != ZK_OK)
        return 0;
    for (uint64_t k = 0; k < p.n_segments; k++)
        for (uint64_t slot = p.code[k].first; slot < p.code[k].first + p.code[k].n; slot++) {
            char text[INSN_TEXT_BYTES];
            uint64_t pc = vm_program_pc(&p, slot);
            insn_text(text, &p.insns[slot], pc);
            (void)vm_program_symbol(&p, pc);
        }
    run(&p);
    vm_program_clear(&p);
    return 0;
}
