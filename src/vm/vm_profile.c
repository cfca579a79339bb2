// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "vm/vm_profile.h"

#include "base/file.h"
#include "vm/vm_replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A node is a call stack; its steps are those executed in its innermost function.
typedef struct profile_node {
    const vm_symbol *function; // NULL: pc in no function of the symbol table
    uint32_t parent;
    uint32_t first_child; // 0: none (node 0 is the root and nobody's child)
    uint32_t next_sibling;
    uint64_t steps;
} profile_node;

// Callers on the way: the node that called and where it expects to go on. Deeper calls than
// MAX_DEPTH count as their caller at that depth.
typedef struct profile_frame {
    uint32_t node;
    uint64_t return_pc;
} profile_frame;

enum { MAX_DEPTH = 256, MAX_NODES = 1 << 22 };

struct vm_profile {
    const vm_program *program;
    vm_replay *replay;
    profile_node *nodes;
    uint32_t n_nodes;
    uint32_t capacity;
    uint32_t current; // 0 before the first chunk
    profile_frame frames[MAX_DEPTH];
    unsigned depth;
    uint64_t lost_depth; // calls beyond MAX_DEPTH that have not returned
    uint64_t ts;         // steps before it are counted
    uint64_t steps;
};

static status child_of(uint32_t *out, vm_profile *p, uint32_t parent, const vm_symbol *function)
{
    for (uint32_t k = p->nodes[parent].first_child; k != 0; k = p->nodes[k].next_sibling)
        if (p->nodes[k].function == function) {
            *out = k;
            return ZK_OK;
        }
    if (p->n_nodes == p->capacity) {
        FAIL_IF(p->capacity == MAX_NODES, ZK_ELIMIT, "the profile has more than %d call stacks",
                MAX_NODES);
        profile_node *nodes = realloc(p->nodes, 2 * p->capacity * sizeof *nodes);
        FAIL_IF(nodes == NULL, ZK_ENOMEM, "no memory for a profile");
        p->nodes = nodes;
        p->capacity *= 2;
    }
    p->nodes[p->n_nodes] = (profile_node){
        .function = function, .parent = parent, .next_sibling = p->nodes[parent].first_child};
    p->nodes[parent].first_child = p->n_nodes;
    *out = p->n_nodes++;
    return ZK_OK;
}

status vm_profile_open(vm_profile **out, const vm_program *program)
{
    *out = NULL;
    vm_profile *p = calloc(1, sizeof *p);
    FAIL_IF(p == NULL, ZK_ENOMEM, "no memory for a profile");
    p->program = program;
    p->capacity = 1024;
    p->nodes = calloc(p->capacity, sizeof *p->nodes);
    p->n_nodes = 1;
    status s = p->nodes == NULL ? status_fail(ZK_ENOMEM, __FILE__, __LINE__, "", "no memory")
                                : vm_replay_open(&p->replay, program);
    if (s != ZK_OK) {
        vm_profile_close(p);
        return s;
    }
    *out = p;
    return ZK_OK;
}

void vm_profile_close(vm_profile *p)
{
    if (p == NULL)
        return;
    vm_replay_close(p->replay);
    free(p->nodes);
    free(p);
}

static bool is_link(unsigned reg)
{
    return reg == 1 || reg == 5;
}

static status follow_jump(vm_profile *p, const row_jump *row)
{
    const vm_symbol *target = vm_program_symbol(p->program, row->head.next_pc);
    const insn *i = row->head.insn;
    if (is_link(i->rd)) {
        if (p->depth == MAX_DEPTH) {
            p->lost_depth++;
            return ZK_OK;
        }
        p->frames[p->depth++] = (profile_frame){p->current, row->head.pc + i->length};
        return child_of(&p->current, p, p->current, target);
    }
    if (i->op == OP_jalr && is_link(i->rs1)) {
        for (unsigned d = p->depth; d-- > 0;)
            if (p->frames[d].return_pc == row->head.next_pc) {
                p->lost_depth = 0;
                p->current = p->frames[d].node;
                p->depth = d;
                return ZK_OK;
            }
    }
    if (target != p->nodes[p->current].function && p->lost_depth == 0)
        return child_of(&p->current, p, p->nodes[p->current].parent, target);
    return ZK_OK;
}

// Jumps and calls in order of time: between two jumps a step is VM_STEP_SLOTS, but for the calls.
static status take_batch(void *arg, const vm_batch *b)
{
    vm_profile *p = arg;
    uint64_t call = 0;
    uint64_t extra = 0; // slots of calls beyond an ordinary step
    for (uint64_t k = 0; k < b->n_JUMP; k++) {
        const row_jump *row = &b->JUMP[k];
        for (; call < b->n_CALL && b->CALL[call].head.ts < row->head.ts; call++)
            extra += vm_precompiles[b->CALL[call].head.insn->call].slots - VM_STEP_SLOTS;
        uint64_t after = row->head.ts + VM_STEP_SLOTS;
        uint64_t steps = (after - p->ts - extra) / VM_STEP_SLOTS;
        p->nodes[p->current].steps += steps;
        p->steps += steps;
        p->ts = after;
        extra = 0;
        TRY(follow_jump(p, row));
    }
    // Steps after the last jump are counted with the next batch; calls among them must not be lost.
    for (; call < b->n_CALL; call++)
        p->ts += vm_precompiles[b->CALL[call].head.insn->call].slots - VM_STEP_SLOTS;
    return ZK_OK;
}

status vm_profile_take(void *arg, const vm_chunk *chunk)
{
    vm_profile *p = arg;
    if (p->current == 0) {
        p->ts = chunk->start.ts;
        TRY(child_of(&p->current, p, 0, vm_program_symbol(p->program, chunk->start.pc)));
    }
    vm_state end;
    TRY(vm_replay_chunk(&end, p->replay, chunk, (vm_batch_sink){take_batch, p}));
    uint64_t steps = (end.ts - p->ts) / VM_STEP_SLOTS;
    p->nodes[p->current].steps += steps;
    p->steps += steps;
    p->ts = end.ts;
    return ZK_OK;
}

uint64_t vm_profile_steps(const vm_profile *p)
{
    return p->steps;
}

static status put_stack(byte_buffer *out, const vm_profile *p, uint32_t node)
{
    if (p->nodes[node].parent != 0) {
        TRY(put_stack(out, p, p->nodes[node].parent));
        TRY(buffer_put_u8(out, ';'));
    }
    const vm_symbol *f = p->nodes[node].function;
    for (const char *c = f != NULL ? f->name : "[unknown]"; *c != '\0'; c++)
        TRY(buffer_put_u8(out, *c == ';' || (uint8_t)*c <= ' ' ? '_' : (uint8_t)*c));
    return ZK_OK;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static status put_lines(byte_buffer *out, const vm_profile *p)
{
    for (uint32_t k = 1; k < p->n_nodes; k++) {
        if (p->nodes[k].steps == 0)
            continue;
        char count[32];
        snprintf(count, sizeof count, " %llu", (unsigned long long)p->nodes[k].steps);
        TRY(put_stack(out, p, k));
        TRY(buffer_put_text(out, count));
        TRY(buffer_put_u8(out, '\0'));
    }
    return ZK_OK;
}

status vm_profile_write(const vm_profile *p, const char *path)
{
    byte_buffer text = buffer_new();
    byte_buffer sorted = buffer_new();
    char **lines = NULL;
    status result = ZK_OK;
    TRY_OUT(put_lines(&text, p));
    lines = calloc(p->n_nodes, sizeof *lines);
    FAIL_OUT_IF(lines == NULL, ZK_ENOMEM, "no memory for a profile");
    size_t n = 0;
    for (size_t at = 0; at < text.size; at += strlen((char *)text.data + at) + 1)
        lines[n++] = (char *)text.data + at;
    qsort(lines, n, sizeof *lines, compare_lines);
    for (size_t k = 0; k < n; k++) {
        TRY_OUT(buffer_put_text(&sorted, lines[k]));
        TRY_OUT(buffer_put_u8(&sorted, '\n'));
    }
    TRY_OUT(file_write_atomic(path, sorted.data, sorted.size));
out:
    free(lines);
    buffer_clear(&text);
    buffer_clear(&sorted);
    return result;
}
