// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Pass 2: replays chunks from their records alone, in any order, and yields their rows.
//
// A replayer is one thread's: open one per thread. Its memory is bounded by what a chunk touches.
#include "vm/vm_chunk.h"
#include "vm/events.h"
#include "vm/vm_program.h"

typedef struct vm_replay vm_replay;

// The program must outlive the replayer. ZK_ENOMEM.
MUST_CHECK status vm_replay_open(vm_replay **out, const vm_program *program);
void vm_replay_close(vm_replay *r); // NULL-safe

// Replays one chunk and hands its rows to sink in batches of at most VM_BATCH_STEPS steps. *end
// (may be NULL) is the state after it, which is the start of the next chunk. ZK_EINTERNAL when the
// record is not of this program; else only what the sink returns.
MUST_CHECK status vm_replay_chunk(vm_state *end, vm_replay *r, const vm_chunk *chunk,
                                  vm_batch_sink sink);

// Few, so that a batch stays in the cache between the replay that writes it and the sink that reads
// it: with 4096 steps a third of a megabyte of rows went through the outer caches, which threads
// share.
enum { VM_BATCH_STEPS = 256 };
