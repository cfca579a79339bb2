// SPDX-License-Identifier: Apache-2.0 OR MIT
// ELF loading. The file is hostile: every offset is checked against the size of the file before it
// is used, every refusal names the header it is about.
#include "vm/vm_program.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_PROGRAM_HEADERS = 256,
    MAX_SYMBOLS = 1 << 20,
    GUARD_SLOTS = 6, // the longest call pattern, so that walking off the end stays in the array
    EXIT_SLOTS = 6,
};

typedef struct elf_file {
    const uint8_t *data;
    uint64_t size;
    Elf64_Ehdr header;
    Elf64_Phdr *segments;
} elf_file;

static bool inside(uint64_t offset, uint64_t n, uint64_t size)
{
    return offset <= size && n <= size - offset;
}

static bool within(uint64_t address, uint64_t n, uint64_t base, uint64_t size)
{
    return address >= base && inside(address - base, n, size);
}

static status read_header(elf_file *f)
{
    Elf64_Ehdr *h = &f->header;
    FAIL_IF(f->size < sizeof *h, ZK_EPARSE, "ELF header: the file has %llu bytes, needs %zu",
            (unsigned long long)f->size, sizeof *h);
    memcpy(h, f->data, sizeof *h);
    FAIL_IF(memcmp(h->e_ident, ELFMAG, SELFMAG) != 0, ZK_EPARSE,
            "ELF header: no ELF magic; give the guest's executable");
    FAIL_IF(h->e_ident[EI_CLASS] != ELFCLASS64, ZK_EPARSE,
            "ELF header: not a 64-bit file; compile for rv64");
    FAIL_IF(h->e_ident[EI_DATA] != ELFDATA2LSB, ZK_EPARSE, "ELF header: not little-endian");
    FAIL_IF(h->e_ident[EI_VERSION] != EV_CURRENT || h->e_version != EV_CURRENT, ZK_EPARSE,
            "ELF header: unknown version %u", h->e_version);
    FAIL_IF(h->e_machine != EM_RISCV, ZK_EPARSE, "ELF header: machine %u is not RISC-V",
            h->e_machine);
    FAIL_IF(h->e_type != ET_EXEC, ZK_EPARSE,
            "ELF header: type %u is not a static executable; link with -static -no-pie", h->e_type);
    FAIL_IF(h->e_phentsize != sizeof(Elf64_Phdr), ZK_EPARSE,
            "ELF header: program headers of %u bytes, expected %zu", h->e_phentsize,
            sizeof(Elf64_Phdr));
    FAIL_IF(h->e_phnum == 0 || h->e_phnum > MAX_PROGRAM_HEADERS, ZK_EPARSE,
            "ELF header: %u program headers, expected 1 to %d", h->e_phnum, MAX_PROGRAM_HEADERS);
    FAIL_IF(!inside(h->e_phoff, (uint64_t)h->e_phnum * sizeof(Elf64_Phdr), f->size), ZK_EPARSE,
            "ELF header: the program headers lie beyond the end of the file");
    return ZK_OK;
}

static bool is_load(const Elf64_Phdr *s)
{
    return s->p_type == PT_LOAD && s->p_memsz != 0;
}

static uint64_t end_of(const Elf64_Phdr *s)
{
    return s->p_vaddr + s->p_memsz;
}

// What can be said of one segment without the map.
static status check_segment(const elf_file *f, unsigned k)
{
    const Elf64_Phdr *s = &f->segments[k];
    FAIL_IF(s->p_type == PT_INTERP, ZK_EPARSE,
            "program header %u: the file asks for a dynamic loader; link with -static", k);
    if (!is_load(s))
        return ZK_OK;
    unsigned long long at = s->p_vaddr;
    unsigned long long n = s->p_memsz;
    FAIL_IF(s->p_filesz > s->p_memsz, ZK_EPARSE,
            "program header %u: more bytes in the file than in memory", k);
    FAIL_IF(!inside(s->p_offset, s->p_filesz, f->size), ZK_EPARSE,
            "program header %u: its contents lie beyond the end of the file (truncated file?)", k);
    FAIL_IF((s->p_flags & (PF_W | PF_X)) == (PF_W | PF_X), ZK_EPARSE,
            "program header %u: segment at 0x%llx is writable and executable", k, at);
    bool rom = (s->p_flags & PF_W) == 0;
    bool no_contents = s->p_filesz == 0 && (s->p_flags & PF_X) == 0;
    bool fits = (rom && within(at, n, VM_ROM_BASE, VM_ROM_SIZE)) ||
                ((!rom || no_contents) && within(at, n, VM_RAM_BASE, VM_RAM_SIZE));
    FAIL_IF(!fits, ZK_EPARSE,
            "program header %u: segment of %llu bytes at 0x%llx is outside %s; check the linker "
            "script",
            k, n, at,
            rom ? "the ROM region 0x80000000 to 0x88000000 of read-only segments"
                : "the RAM region 0xa0000000 to 0xc0000000 of writable segments");
    FAIL_IF((s->p_flags & PF_X) != 0 && (at & 1) != 0, ZK_EPARSE,
            "program header %u: code starts at the odd address 0x%llx", k, at);
    for (unsigned j = 0; j < k; j++) {
        const Elf64_Phdr *o = &f->segments[j];
        FAIL_IF(is_load(o) && at < end_of(o) && o->p_vaddr < end_of(s), ZK_EPARSE,
                "program headers %u and %u: the segments overlap at 0x%llx", j, k,
                (unsigned long long)(at > o->p_vaddr ? at : o->p_vaddr));
    }
    return ZK_OK;
}

static vm_abi detect_abi(const elf_file *f)
{
    uint64_t lowest = UINT64_MAX;
    for (unsigned k = 0; k < f->header.e_phnum; k++) {
        const Elf64_Phdr *s = &f->segments[k];
        if (is_load(s) && (s->p_flags & PF_W) != 0 && s->p_vaddr < lowest)
            lowest = s->p_vaddr;
    }
    if (lowest == UINT64_MAX)
        return VM_ABI_B;
    return lowest < 0xa0010000 || lowest >= 0xa0400000 ? VM_ABI_C : VM_ABI_B;
}

static status check_map(const elf_file *f, const vm_map *map)
{
    uint64_t reserved_end = map->output + map->output_bytes;
    for (unsigned k = 0; k < f->header.e_phnum; k++) {
        const Elf64_Phdr *s = &f->segments[k];
        bool clash = is_load(s) && s->p_filesz != 0 && s->p_vaddr < reserved_end &&
                     s->p_vaddr + s->p_filesz > map->system_base;
        FAIL_IF(clash, ZK_EPARSE,
                "program header %u: segment at 0x%llx has contents in the system and output area "
                "0x%llx to 0x%llx of memory map %c",
                k, (unsigned long long)s->p_vaddr, (unsigned long long)map->system_base,
                (unsigned long long)reserved_end, map->abi);
    }
    return ZK_OK;
}

// ---- Image ----

typedef struct span {
    uint64_t begin; // word-aligned
    uint64_t end;
} span;

static int compare_spans(const void *a, const void *b)
{
    const span *x = a;
    const span *y = b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

// Word spans of all file contents and of marchid, sorted, merged where they share or touch a word.
static uint64_t image_spans(span *spans, const elf_file *f, const vm_map *map)
{
    uint64_t n = 0;
    uint64_t marchid = map->csr_base + 8 * VM_CSR_MARCHID;
    spans[n++] = (span){marchid, marchid + 8};
    for (unsigned k = 0; k < f->header.e_phnum; k++) {
        const Elf64_Phdr *s = &f->segments[k];
        if (is_load(s) && s->p_filesz != 0)
            spans[n++] = (span){s->p_vaddr & ~7ULL, (s->p_vaddr + s->p_filesz + 7) & ~7ULL};
    }
    qsort(spans, n, sizeof *spans, compare_spans);
    uint64_t merged = 0;
    for (uint64_t k = 1; k < n; k++) {
        if (spans[k].begin <= spans[merged].end) {
            if (spans[k].end > spans[merged].end)
                spans[merged].end = spans[k].end;
        } else {
            spans[++merged] = spans[k];
        }
    }
    return merged + 1;
}

static void image_copy(vm_program *p, uint64_t address, const uint8_t *data, uint64_t n)
{
    for (uint64_t k = 0; k < p->n_image; k++) {
        vm_range *r = &p->image[k];
        if (within(address, n, r->address, 8 * r->n_words)) {
            memcpy((uint8_t *)r->words + (address - r->address), data, n);
            return;
        }
    }
    ZK_ASSERT(!"every segment has a range");
}

static status build_image(vm_program *p, const elf_file *f)
{
    span spans[MAX_PROGRAM_HEADERS + 1];
    uint64_t n = image_spans(spans, f, &p->map);
    p->image = calloc(n, sizeof *p->image);
    FAIL_IF(p->image == NULL, ZK_ENOMEM, "no memory for the image");
    for (uint64_t k = 0; k < n; k++) {
        vm_range *r = &p->image[p->n_image++];
        r->address = spans[k].begin;
        r->n_words = (spans[k].end - spans[k].begin) / 8;
        r->writable = r->address >= VM_RAM_BASE;
        r->words = calloc(r->n_words, 8);
        FAIL_IF(r->words == NULL, ZK_ENOMEM, "no memory for an image of %llu words",
                (unsigned long long)r->n_words);
    }
    for (unsigned k = 0; k < f->header.e_phnum; k++) {
        const Elf64_Phdr *s = &f->segments[k];
        if (is_load(s) && s->p_filesz != 0)
            image_copy(p, s->p_vaddr, f->data + s->p_offset, s->p_filesz);
        if (is_load(s) && s->p_vaddr < VM_RAM_BASE && end_of(s) > p->rom_end)
            p->rom_end = (end_of(s) + 7) & ~7ULL;
    }
    const uint64_t marchid = VM_MARCHID;
    image_copy(p, p->map.csr_base + 8 * VM_CSR_MARCHID, (const uint8_t *)&marchid, 8);
    return ZK_OK;
}

// ---- Code ----

static bool is_code(const Elf64_Phdr *s)
{
    return is_load(s) && (s->p_flags & PF_X) != 0 && s->p_filesz >= 2;
}

static void decode_segment(vm_program *p, const elf_file *f, const Elf64_Phdr *s)
{
    uint64_t stride = p->compressed ? 2 : 4;
    uint64_t begin = (s->p_vaddr + stride - 1) & ~(stride - 1);
    uint64_t end = (s->p_vaddr + s->p_filesz) & ~1ULL;
    const uint8_t *bytes = f->data + s->p_offset;
    for (uint64_t pc = begin; pc < end; pc += stride)
        p->insns[(pc - p->code_base) / 2] =
            insn_decode(bytes + (pc - s->p_vaddr), end - pc, p->compressed);
    p->code[p->n_segments++] = (vm_code){(s->p_vaddr - p->code_base) / 2, (end - s->p_vaddr) / 2};
}

static void add_exit(vm_program *p)
{
    static const uint32_t words[3] = {0x00000513, 0x05d00893, 0x00000073};
    for (uint64_t k = 0; k < 3; k++)
        p->insns[p->exit_slot + 2 * k] = insn_decode((const uint8_t *)&words[k], 4, false);
    p->code[p->n_segments++] = (vm_code){p->exit_slot, EXIT_SLOTS};
}

static status build_code(vm_program *p, const elf_file *f)
{
    uint64_t begin = UINT64_MAX;
    uint64_t end = 0;
    uint64_t n = 0;
    for (unsigned k = 0; k < f->header.e_phnum; k++) {
        const Elf64_Phdr *s = &f->segments[k];
        if (!is_code(s))
            continue;
        n++;
        begin = s->p_vaddr < begin ? s->p_vaddr : begin;
        end = s->p_vaddr + s->p_filesz > end ? s->p_vaddr + s->p_filesz : end;
    }
    FAIL_IF(n == 0, ZK_EPARSE, "ELF header: no executable segment among %u program headers",
            f->header.e_phnum);
    p->compressed = (f->header.e_flags & EF_RISCV_RVC) != 0;
    p->code_base = begin & ~3ULL;
    p->n_code = (end - p->code_base) / 2;
    p->exit_slot = p->n_code + GUARD_SLOTS;
    p->n_slots = p->exit_slot + EXIT_SLOTS;
    p->insns = calloc(p->n_slots, sizeof *p->insns);
    p->code = calloc(n + 1, sizeof *p->code);
    FAIL_IF(p->insns == NULL || p->code == NULL, ZK_ENOMEM, "no memory for %llu instructions",
            (unsigned long long)p->n_slots);
    for (unsigned k = 0; k < f->header.e_phnum; k++)
        if (is_code(&f->segments[k]))
            decode_segment(p, f, &f->segments[k]);
    add_exit(p);
    p->entry = f->header.e_entry;
    unsigned op = p->insns[vm_program_slot(p, p->entry)].op;
    FAIL_IF(op == OP_NONE || p->entry < p->code_base, ZK_EPARSE,
            "ELF header: the entry point 0x%llx is not an instruction of an executable segment",
            (unsigned long long)p->entry);
    return ZK_OK;
}

// ---- Symbols: optional, for people; a damaged table counts as none ----

static int compare_symbols(const void *a, const void *b)
{
    const vm_symbol *x = a;
    const vm_symbol *y = b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return (x->size < y->size) - (x->size > y->size);
}

static bool find_symbol_sections(Elf64_Shdr *symbols, Elf64_Shdr *strings, const elf_file *f)
{
    const Elf64_Ehdr *h = &f->header;
    if (h->e_shentsize != sizeof(Elf64_Shdr) ||
        !inside(h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf64_Shdr), f->size))
        return false;
    for (unsigned k = 0; k < h->e_shnum; k++) {
        memcpy(symbols, f->data + h->e_shoff + k * sizeof *symbols, sizeof *symbols);
        if (symbols->sh_type != SHT_SYMTAB || symbols->sh_link >= h->e_shnum)
            continue;
        memcpy(strings, f->data + h->e_shoff + symbols->sh_link * sizeof *strings, sizeof *strings);
        return inside(symbols->sh_offset, symbols->sh_size, f->size) &&
               inside(strings->sh_offset, strings->sh_size, f->size) && strings->sh_size != 0 &&
               symbols->sh_size / sizeof(Elf64_Sym) <= MAX_SYMBOLS;
    }
    return false;
}

static status read_symbols(vm_program *p, const elf_file *f)
{
    Elf64_Shdr symbols;
    Elf64_Shdr strings;
    if (!find_symbol_sections(&symbols, &strings, f))
        return ZK_OK;
    uint64_t n = symbols.sh_size / sizeof(Elf64_Sym);
    p->names = malloc(strings.sh_size + 1);
    p->symbols = calloc(n + 1, sizeof *p->symbols);
    FAIL_IF(p->names == NULL || p->symbols == NULL, ZK_ENOMEM, "no memory for %llu symbols",
            (unsigned long long)n);
    memcpy(p->names, f->data + strings.sh_offset, strings.sh_size);
    p->names[strings.sh_size] = '\0';
    for (uint64_t k = 0; k < n; k++) {
        Elf64_Sym s;
        memcpy(&s, f->data + symbols.sh_offset + k * sizeof s, sizeof s);
        if (ELF64_ST_TYPE(s.st_info) != STT_FUNC || s.st_name >= strings.sh_size)
            continue;
        p->symbols[p->n_symbols++] = (vm_symbol){s.st_value, s.st_size, p->names + s.st_name};
    }
    qsort(p->symbols, p->n_symbols, sizeof *p->symbols, compare_symbols);
    return ZK_OK;
}

const vm_symbol *vm_program_symbol(const vm_program *p, uint64_t pc)
{
    uint64_t low = 0;
    uint64_t high = p->n_symbols;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (p->symbols[middle].address <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    const vm_symbol *s = &p->symbols[low - 1];
    return s->size == 0 || pc - s->address < s->size ? s : NULL;
}

static status load(vm_program *p, elf_file *f, vm_abi abi)
{
    uint64_t n = f->header.e_phnum;
    memcpy(f->segments, f->data + f->header.e_phoff, n * sizeof *f->segments);
    for (unsigned k = 0; k < n; k++)
        TRY(check_segment(f, k));
    p->map = vm_map_get(abi == VM_ABI_AUTO ? detect_abi(f) : abi);
    TRY(check_map(f, &p->map));
    TRY(build_image(p, f));
    TRY(build_code(p, f));
    return read_symbols(p, f);
}

status vm_program_load(vm_program *out, const void *elf, uint64_t n, vm_abi abi)
{
    *out = (vm_program){0};
    elf_file f = {.data = elf, .size = n};
    TRY(read_header(&f));
    Elf64_Phdr segments[MAX_PROGRAM_HEADERS];
    f.segments = segments;
    status s = load(out, &f, abi);
    if (s != ZK_OK)
        vm_program_clear(out);
    return s;
}

void vm_program_clear(vm_program *p)
{
    for (uint64_t k = 0; k < p->n_image; k++)
        free(p->image[k].words);
    free(p->image);
    free(p->code);
    free(p->insns);
    free(p->symbols);
    free(p->names);
    *p = (vm_program){0};
}
