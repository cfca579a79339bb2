// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "vm/cells.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const uint64_t SPACE_CELLS = VM_SPACE_SIZE / 8;

// Address space only: pages come with their first touch.
static status reserve(void **out, uint64_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    FAIL_IF(p == MAP_FAILED, ZK_ENOMEM,
            "the system refuses %llu MiB of address space for the guest's memory (ulimit -v, "
            "vm.overcommit_memory)",
            (unsigned long long)bytes >> 20);
    *out = p;
    return ZK_OK;
}

status memory_open(vm_memory *m, const vm_program *program, bool replay)
{
    *m = (vm_memory){.program = program, .replay = replay, .max_pages = UINT64_MAX};
    TRY(reserve((void **)&m->cells, SPACE_CELLS * sizeof(vm_cell)));
    // Large pages where guests live: at most 1 GiB, and a random access then costs one miss, not
    // two. Only a hint, so its failure is none.
    madvise(memory_cell(m, VM_RAM_BASE), VM_RAM_SIZE / 8 * sizeof(vm_cell), MADV_HUGEPAGE);
    if (replay)
        return ZK_OK;
    m->page_used = calloc(VM_SPACE_SIZE / VM_PAGE_BYTES, 1);
    FAIL_IF(m->page_used == NULL, ZK_ENOMEM, "no memory for the page table");
    return ZK_OK;
}

void memory_close(vm_memory *m)
{
    if (m->cells != NULL)
        munmap(m->cells, SPACE_CELLS * sizeof(vm_cell));
    free(m->page_used);
    free(m->touches);
    free(m->accesses);
    *m = (vm_memory){0};
}

// Whether the word is memory that the guest may use. Regions are whole words.
static status check_word(const vm_memory *m, uint64_t address, bool write)
{
    const vm_map *map = &m->program->map;
    unsigned long long at = address;
    const char *verb = write ? "store to" : "load from";
    uint64_t word = address & ~7ULL;
    if (word - VM_RAM_BASE < VM_RAM_SIZE)
        return ZK_OK;
    if (word - map->input_base < map->input_bytes) {
        FAIL_IF(write, ZK_EGUEST, "store to 0x%llx: the input region is read-only", at);
        FAIL_IF(word == map->input_base, ZK_EGUEST,
                "load from 0x%llx: the free-word port is not memory; use csrr rd, 0xFFE", at);
        return ZK_OK;
    }
    if (word - VM_ROM_BASE < m->program->rom_end - VM_ROM_BASE) {
        FAIL_IF(write, ZK_EGUEST, "store to 0x%llx: the program's code and constants are read-only",
                at);
        return ZK_OK;
    }
    // What it mostly is: C guests of map C have their stack at the bottom of the RAM.
    enum { NEAR_ZERO = 1 << 12, NEAR_RAM = 1 << 26 };
    const char *guess = at < NEAR_ZERO ? "; a null pointer?"
                        : VM_RAM_BASE - at <= NEAR_RAM && map->abi == VM_ABI_C
                            ? "; is the stack full?"
                            : "";
    FAIL(ZK_EGUEST,
         "%s 0x%llx: no memory there (map %c: input 0x%llx, RAM 0xa0000000 to 0xc0000000)%s", verb,
         at, map->abi, (unsigned long long)map->input_base, guess);
}

static status note_first_touch(vm_memory *m, uint64_t address, const vm_cell *c)
{
    if (m->n_touches == m->touches_capacity) {
        uint64_t capacity = m->touches_capacity == 0 ? 4096 : 2 * m->touches_capacity;
        vm_touch *touches = realloc(m->touches, capacity * sizeof *touches);
        FAIL_IF(touches == NULL, ZK_ENOMEM, "no memory for the record of a chunk");
        m->touches = touches;
        m->touches_capacity = capacity;
    }
    m->touches[m->n_touches++] =
        (vm_touch){.address = (uint32_t)address & ~7u, .value = c->value, .ts = c->ts};
    if (c->ts != 0)
        return ZK_OK;
    uint8_t *used = &m->page_used[(address - VM_SPACE_BASE) / VM_PAGE_BYTES];
    if (*used)
        return ZK_OK;
    FAIL_IF(m->pages >= m->max_pages, ZK_ELIMIT,
            "the program touches more than %llu KiB of memory, the limit set for this run",
            (unsigned long long)(m->max_pages * VM_PAGE_BYTES) >> 10);
    *used = 1;
    m->pages++;
    return ZK_OK;
}

// The cell of a word that the guest may access; in replay one that the record has.
static status find_cell(vm_cell **out, const vm_memory *m, uint64_t address, bool write)
{
    TRY(check_word(m, address, write));
    *out = memory_cell(m, address);
    FAIL_IF(m->replay && ((*out)->ts & CELL_PRESENT) == 0, ZK_EINTERNAL,
            "replay needs the word at 0x%llx, which the chunk's record does not have",
            (unsigned long long)address);
    return ZK_OK;
}

status memory_touch(vm_cell **out, vm_memory *m, uint64_t address, bool write)
{
    TRY(find_cell(out, m, address, write));
    if (!m->replay && (*out)->ts < m->chunk_ts)
        TRY(note_first_touch(m, address, *out));
    return ZK_OK;
}

status memory_peek(uint64_t *out, const vm_memory *m, uint64_t address)
{
    vm_cell *c = NULL;
    TRY(find_cell(&c, m, address, false));
    *out = c->value;
    return ZK_OK;
}

status memory_load(uint64_t *out, vm_memory *m, uint64_t address, unsigned size, uint64_t ts,
                   bool *crosses)
{
    unsigned offset = address & 7;
    uint64_t words[2] = {0};
    vm_cell *c = NULL;
    *crosses = offset + size > 8;
    TRY(memory_touch(&c, m, address, false));
    words[0] = c->value;
    c->ts = ts;
    if (*crosses) {
        TRY(memory_touch(&c, m, address + 8 - offset, false));
        words[1] = c->value;
        c->ts = ts;
    }
    *out = extract_bytes(words, offset, size);
    return ZK_OK;
}

status memory_store(vm_memory *m, uint64_t address, uint64_t value, unsigned size, uint64_t ts,
                    bool *crosses)
{
    unsigned offset = address & 7;
    vm_cell *c[2] = {NULL, NULL};
    *crosses = offset + size > 8;
    TRY(memory_touch(&c[0], m, address, true));
    if (*crosses)
        TRY(memory_touch(&c[1], m, address + 8 - offset, true));
    uint64_t old[2] = {c[0]->value, *crosses ? c[1]->value : 0};
    uint64_t new[2];
    merge_bytes(new, old, offset, value, size);
    for (unsigned k = 0; k < 2 && c[k] != NULL; k++) {
        c[k]->value = new[k];
        c[k]->ts = ts;
    }
    return ZK_OK;
}
