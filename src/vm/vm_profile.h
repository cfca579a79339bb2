// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Where the steps of a run go: a tree of call stacks, from the program's symbols and its jumps.
//
// A profile is fed with the chunks of a run in order (it replays them) and written as collapsed
// stacks: one line "outer;inner;innermost STEPS" for each stack that executed steps itself, which
// is what flame-graph tools read. Calls are jal and jalr that link in ra or t0; returns are jalr
// through these; other jumps into another function are tail calls.
#include "vm/vm_chunk.h"
#include "vm/vm_program.h"

typedef struct vm_profile vm_profile;

// The program must outlive the profile. ZK_ENOMEM.
MUST_CHECK status vm_profile_open(vm_profile **out, const vm_program *program);
void vm_profile_close(vm_profile *p); // NULL-safe

// A vm_chunk_sink's take; arg is the profile.
MUST_CHECK status vm_profile_take(void *arg, const vm_chunk *chunk);

// Steps so far, as they are in the tree.
uint64_t vm_profile_steps(const vm_profile *p);

// Writes the collapsed stacks, sorted, to `path`.
MUST_CHECK status vm_profile_write(const vm_profile *p, const char *path);
