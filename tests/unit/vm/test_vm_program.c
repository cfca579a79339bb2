// SPDX-License-Identifier: Apache-2.0 OR MIT
// ELF loading: what is accepted, and that each refusal names the header it is about.
#include "guest_builder.h"

#include "vm/vm_input.h"
#include "vm/vm_program.h"

typedef struct file {
    uint8_t *data;
    size_t n;
    Elf64_Ehdr *header;
    Elf64_Phdr *segments;
} file;

static file good_file(void)
{
    guest g;
    file f;
    guest_init(&g);
    emit_halt(&g, 0);
    g.data_file_bytes = 4096;
    f.data = guest_elf(&f.n, &g);
    f.header = (Elf64_Ehdr *)f.data;
    f.segments = (Elf64_Phdr *)(f.data + sizeof(Elf64_Ehdr));
    guest_clear(&g);
    return f;
}

static void refuse(file *f, const char *part)
{
    vm_program p;
    assert_int_equal(vm_program_load(&p, f->data, f->n, VM_ABI_AUTO), ZK_EPARSE);
    if (strstr(status_message(), part) == NULL)
        fail_msg("message is \"%s\", expected \"%s\" in it", status_message(), part);
    free(f->data);
}

#define REFUSE(change, part)                                                                       \
    do {                                                                                           \
        file f = good_file();                                                                      \
        change;                                                                                    \
        refuse(&f, part);                                                                          \
    } while (0)

static void bad_headers(void **state)
{
    (void)state;
    REFUSE(f.n = 63, "ELF header: the file has 63 bytes");
    REFUSE(f.n = 0, "ELF header: the file has 0 bytes");
    REFUSE(f.data[1] = 'F', "no ELF magic");
    REFUSE(f.header->e_ident[EI_CLASS] = ELFCLASS32, "64-bit");
    REFUSE(f.header->e_ident[EI_DATA] = ELFDATA2MSB, "little-endian");
    REFUSE(f.header->e_version = 2, "version");
    REFUSE(f.header->e_machine = EM_X86_64, "machine 62 is not RISC-V");
    REFUSE(f.header->e_type = ET_DYN, "static executable");
    REFUSE(f.header->e_type = ET_REL, "static executable");
    REFUSE(f.header->e_phentsize = 32, "program headers of 32 bytes");
    REFUSE(f.header->e_phnum = 0, "0 program headers");
    REFUSE(f.header->e_phnum = 0xffff, "65535 program headers");
    REFUSE(f.header->e_phoff = f.n - 8, "beyond the end");
    REFUSE(f.header->e_phoff = UINT64_MAX - 8, "beyond the end");
}

static void bad_segments(void **state)
{
    (void)state;
    REFUSE(f.n -= 1, "program header 1: its contents lie beyond the end of the file");
    REFUSE(f.segments[0].p_offset = UINT64_MAX, "program header 0: its contents");
    REFUSE(f.segments[0].p_filesz = f.segments[0].p_memsz + 1,
           "program header 0: more bytes in the file");
    REFUSE(f.segments[1].p_flags |= PF_X,
           "program header 1: segment at 0xa0030000 is writable and");
    REFUSE(f.segments[0].p_flags |= PF_W,
           "program header 0: segment at 0x80000000 is writable and");
    REFUSE(f.segments[0].p_vaddr = 0xa0100000, "program header 0: segment of 12 bytes");
    REFUSE(f.segments[0].p_vaddr = 0x88000000 - 8, "outside the ROM region");
    REFUSE(f.segments[1].p_vaddr = 0x80001000, "outside the RAM region");
    REFUSE(f.segments[1].p_memsz = UINT64_MAX, "outside the RAM region");
    REFUSE(f.segments[1].p_vaddr = 0xc0000000 - 8, "outside the RAM region");
    REFUSE(f.segments[1].p_vaddr = 0xffffffffffffff00, "outside the RAM region");
    REFUSE(f.segments[1].p_flags = PF_R, "program header 1"); // constants in RAM
    REFUSE((f.segments[1] = f.segments[0], f.segments[1].p_flags = PF_R),
           "program headers 0 and 1: the segments overlap at 0x80000000");
    REFUSE(
        (f.segments[1] = f.segments[0], f.segments[1].p_vaddr += 8, f.segments[1].p_flags = PF_R),
        "program headers 0 and 1: the segments overlap at 0x80000008");
    REFUSE(f.segments[0].p_vaddr += 1, "program header 0: code starts at the odd address");
    REFUSE(f.segments[0].p_type = PT_INTERP, "program header 0: the file asks for a dynamic");
    REFUSE(f.segments[1].p_vaddr = 0xa0010000, "program header 1: segment at 0xa0010000 has cont");
    REFUSE(f.segments[1].p_vaddr = 0xa0410000, "has contents in the system and output area");
}

static void bad_entries(void **state)
{
    (void)state;
    REFUSE(f.segments[0].p_flags = PF_R, "no executable segment");
    REFUSE(f.header->e_entry = 0x80000002, "entry point 0x80000002");
    REFUSE(f.header->e_entry = 0x80000001, "entry point 0x80000001");
    REFUSE(f.header->e_entry = 0x8000000c, "entry point 0x8000000c");
    REFUSE(f.header->e_entry = 0xa0030000, "entry point 0xa0030000");
    REFUSE(f.header->e_entry = 0x1000, "entry point 0x1000");
}

static vm_abi detected(uint64_t data_address)
{
    file f = good_file();
    vm_program p;
    f.segments[1].p_vaddr = data_address;
    f.segments[1].p_filesz = 0;
    assert_int_equal(vm_program_load(&p, f.data, f.n, VM_ABI_AUTO), ZK_OK);
    vm_abi abi = p.map.abi;
    vm_program_clear(&p);
    free(f.data);
    return abi;
}

static void memory_maps(void **state)
{
    (void)state;
    assert_int_equal(detected(0xa0000000), VM_ABI_C); // its stack
    assert_int_equal(detected(0xa0020000), VM_ABI_B);
    assert_int_equal(detected(0xa0030000), VM_ABI_B);
    assert_int_equal(detected(0xa0430000), VM_ABI_C);
    file f = good_file();
    for (int abi = 'A'; abi <= 'C'; abi++) {
        vm_program p;
        f.segments[1].p_vaddr = 0xa0430000; // free in all maps
        assert_int_equal(vm_program_load(&p, f.data, f.n, (vm_abi)abi), ZK_OK);
        assert_int_equal(p.map.abi, abi);
        assert_int_equal(p.map.input_base, abi == 'A' ? 0x90000000 : 0x40000000);
        assert_int_equal(p.map.output, abi == 'C' ? 0xa0410000 : 0xa0010000);
        assert_int_equal(p.map.csr_base, abi == 'C' ? 0xa0408000 : 0xa0008000);
        vm_program_clear(&p);
    }
    free(f.data);
}

// Code, data and marchid, in ascending ranges of whole words.
static void image_is_complete(void **state)
{
    (void)state;
    file f = good_file();
    vm_program p;
    f.data[f.segments[1].p_offset] = 0x5a;
    f.segments[1].p_filesz = 13;
    assert_int_equal(vm_program_load(&p, f.data, f.n, VM_ABI_AUTO), ZK_OK);
    assert_int_equal(p.n_image, 3);
    assert_int_equal(p.image[0].address, GUEST_CODE);
    assert_int_equal(p.image[0].n_words, 2);
    assert_false(p.image[0].writable);
    assert_memory_equal(p.image[0].words, f.data + f.segments[0].p_offset, 12);
    assert_int_equal(p.image[0].words[1] >> 32, 0);
    assert_int_equal(p.image[1].address, 0xa0008000 + 8 * 0xf12);
    assert_int_equal(p.image[1].words[0], 0xfffeeee);
    assert_true(p.image[1].writable);
    assert_int_equal(p.image[2].address, GUEST_DATA);
    assert_int_equal(p.image[2].n_words, 2);
    assert_int_equal(p.image[2].words[0], 0x5a);
    vm_program_clear(&p);
    free(f.data);
}

// Two segments that share a word keep the bytes of both.
static void neighbours_share_a_word(void **state)
{
    (void)state;
    file f = good_file();
    vm_program p;
    f.segments[1] = (Elf64_Phdr){.p_type = PT_LOAD,
                                 .p_flags = PF_R,
                                 .p_offset = f.segments[0].p_offset,
                                 .p_vaddr = GUEST_CODE + 12,
                                 .p_filesz = 4,
                                 .p_memsz = 4};
    assert_int_equal(vm_program_load(&p, f.data, f.n, VM_ABI_AUTO), ZK_OK);
    assert_int_equal(p.image[0].n_words, 2);
    assert_memory_equal(p.image[0].words, f.data + f.segments[0].p_offset, 12);
    assert_memory_equal((uint8_t *)p.image[0].words + 12, f.data + f.segments[0].p_offset, 4);
    vm_program_clear(&p);
    free(f.data);
}

static void slots_and_pcs(void **state)
{
    (void)state;
    file f = good_file();
    vm_program p;
    assert_int_equal(vm_program_load(&p, f.data, f.n, VM_ABI_AUTO), ZK_OK);
    assert_int_equal(p.n_code, 6);
    for (uint64_t slot = 0; slot < p.n_code; slot += 2)
        assert_int_equal(vm_program_slot(&p, vm_program_pc(&p, slot)), slot);
    for (uint64_t slot = p.exit_slot; slot < p.n_slots; slot += 2)
        assert_int_equal(vm_program_slot(&p, vm_program_pc(&p, slot)), slot);
    const uint64_t outside[] = {0,         1, 0x80000001, 0x8000000c, 0x7ffffffe, VM_EXIT_PC + 12,
                                UINT64_MAX};
    for (unsigned k = 0; k < 7; k++)
        assert_int_equal(p.insns[vm_program_slot(&p, outside[k])].op, OP_NONE);
    vm_program_clear(&p);
    free(f.data);
}

// No prefix of a file and no flipped bit may do more than be refused.
static void damaged_files_never_crash(void **state)
{
    (void)state;
    file f = good_file();
    for (size_t n = 0; n < f.n; n += n < 300 ? 1 : 97) {
        vm_program p;
        uint8_t *cut = malloc(n + 1);
        memcpy(cut, f.data, n);
        if (vm_program_load(&p, cut, n, VM_ABI_AUTO) == ZK_OK)
            vm_program_clear(&p);
        free(cut);
    }
    for (size_t bit = 0; bit < 8 * (sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr)); bit++) {
        vm_program p;
        f.data[bit / 8] ^= 1u << bit % 8;
        if (vm_program_load(&p, f.data, f.n, VM_ABI_AUTO) == ZK_OK)
            vm_program_clear(&p);
        f.data[bit / 8] ^= 1u << bit % 8;
    }
    free(f.data);
}

// ---- Input ----

static void inputs(void **state)
{
    (void)state;
    const vm_map b = vm_map_get(VM_ABI_B);
    const vm_map a = vm_map_get(VM_ABI_A);
    vm_input in;
    assert_int_equal(vm_input_load(&in, &b, NULL, 0, false), ZK_OK);
    assert_int_equal(in.n_words, 0);
    assert_int_equal(vm_input_load(&in, &b, "abcdefghij", 10, true), ZK_OK);
    assert_int_equal(in.n_words, 3);
    assert_int_equal(in.words[0], 10);
    assert_memory_equal(in.words + 1, "abcdefghij\0\0\0\0\0\0", 16);
    vm_input_clear(&in);
    assert_int_equal(vm_input_load(&in, &b, NULL, 0, true), ZK_OK);
    assert_int_equal(in.n_words, 1);
    vm_input_clear(&in);
    const uint64_t records[] = {3, 0x636261, 0, 16, 1, 2};
    assert_int_equal(vm_input_load(&in, &b, records, sizeof records, false), ZK_OK);
    assert_int_equal(in.n_words, 6);
    assert_memory_equal(in.words, records, sizeof records);
    vm_input_clear(&in);
    assert_int_equal(vm_input_load(&in, &a, "xyz", 3, false), ZK_OK);
    assert_int_equal(in.n_words, 2);
    assert_int_equal(in.words[0], 3);
    assert_int_equal(a.input_data, a.input_base + 8);
    vm_input_clear(&in);
}

static void bad_inputs(void **state)
{
    (void)state;
    const vm_map b = vm_map_get(VM_ABI_B);
    vm_input in;
    assert_int_equal(vm_input_load(&in, &b, "abc", 3, false), ZK_EPARSE);
    assert_non_null(strstr(status_message(), "--raw-input"));
    const uint64_t longer[] = {8, 1, 9, 0};
    assert_int_equal(vm_input_load(&in, &b, longer, sizeof longer, false), ZK_EPARSE);
    assert_non_null(strstr(status_message(), "record 1 at byte 16 says 9 bytes but 8 follow"));
    const uint64_t huge[] = {UINT64_MAX - 3, 0};
    assert_int_equal(vm_input_load(&in, &b, huge, sizeof huge, false), ZK_EPARSE);
    assert_int_equal(vm_input_load(&in, &b, NULL, 1ULL << 30, true), ZK_ELIMIT);
    assert_int_equal(vm_input_load(&in, &b, NULL, (1ULL << 30) - 15, true), ZK_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_headers),
        cmocka_unit_test(bad_segments),
        cmocka_unit_test(bad_entries),
        cmocka_unit_test(memory_maps),
        cmocka_unit_test(image_is_complete),
        cmocka_unit_test(neighbours_share_a_word),
        cmocka_unit_test(slots_and_pcs),
        cmocka_unit_test(damaged_files_never_crash),
        cmocka_unit_test(inputs),
        cmocka_unit_test(bad_inputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
