// SPDX-License-Identifier: Apache-2.0 OR MIT
// Decoder and disassembler. Words and texts were taken from GNU as and objdump 2.40.
#include "unit/test.h"

#include "vm/insn.h"
#include "vm/precompile.h"

static insn decode_word(uint32_t w)
{
    return insn_decode((const uint8_t *)&w, 4, true);
}

static const struct {
    uint32_t word;
    const char *text;
} texts[] = {
    {0xfffff537, "lui        a0, 0xfffff"},
    {0x12345297, "auipc      t0, 0x12345"},
    {0x7ffff0ef, "jal        ra, 0x802ffffe"},
    {0x8000006f, "jal        zero, 0x80100000"},
    {0x800280e7, "jalr       ra, -2048(t0)"},
    {0x7eb50fe3, "beq        a0, a1, 0x80200ffe"},
    {0x80041063, "bne        s0, zero, 0x801ff000"},
    {0x0062c463, "blt        t0, t1, 0x80200008"},
    {0xffc3dce3, "bge        t2, t3, 0x801ffff8"},
    {0x00b560e3, "bltu       a0, a1, 0x80200800"},
    {0x00b57f63, "bgeu       a0, a1, 0x8020001e"},
    {0x80010503, "lb         a0, -2048(sp)"},
    {0x7ff11503, "lh         a0, 2047(sp)"},
    {0x00052583, "lw         a1, 0(a0)"},
    {0x00813083, "ld         ra, 8(sp)"},
    {0x00154f83, "lbu        t6, 1(a0)"},
    {0x00255503, "lhu        a0, 2(a0)"},
    {0x00456503, "lwu        a0, 4(a0)"},
    {0x80a10023, "sb         a0, -2048(sp)"},
    {0x7ea11fa3, "sh         a0, 2047(sp)"},
    {0x00b52fa3, "sw         a1, 31(a0)"},
    {0xfe113023, "sd         ra, -32(sp)"},
    {0x80010113, "addi       sp, sp, -2048"},
    {0x7ff5a513, "slti       a0, a1, 2047"},
    {0xfff5b513, "sltiu      a0, a1, -1"},
    {0xfff54513, "xori       a0, a0, -1"},
    {0x00556513, "ori        a0, a0, 5"},
    {0x0ff57513, "andi       a0, a0, 255"},
    {0x03f51513, "slli       a0, a0, 63"},
    {0x02055513, "srli       a0, a0, 32"},
    {0x40155513, "srai       a0, a0, 1"},
    {0xfff5051b, "addiw      a0, a0, -1"},
    {0x01f5151b, "slliw      a0, a0, 31"},
    {0x0015551b, "srliw      a0, a0, 1"},
    {0x4105551b, "sraiw      a0, a0, 16"},
    {0x00c58533, "add        a0, a1, a2"},
    {0x41498933, "sub        s2, s3, s4"},
    {0x02c5a533, "mulhsu     a0, a1, a2"},
    {0x03ff7ebb, "remuw      t4, t5, t6"},
    {0x1005a52f, "lr.w       a0, (a1)"},
    {0x18c5b52f, "sc.d       a0, a2, (a1)"},
    {0x06c5a52f, "amoadd.w   a0, a2, (a1)"},
    {0xe0c5b02f, "amomaxu.d  zero, a2, (a1)"},
    {0x0330000f, "fence"},
    {0x0000100f, "fence.i"},
    {0x00000073, "ecall"},
    {0x00100073, "ebreak"},
    {0x34059573, "csrrw      a0, 0x340, a1"},
    {0xf1202573, "csrrs      a0, 0xf12, zero"},
    {0x340fd073, "csrrwi     zero, 0x340, 31"},
    {0xffe022f3, "free       t0"},
    {0x8f352073, "hint.arg   3, a0"},
    {0x8c29d073, "hint.call  83"},
    {0x81a52073, "mark"},
    {0x0020f053, "fp         0x0020f053"}, // fadd.s
    {0x00a53027, "fp         0x00a53027"}, // fsd
};

static void words_have_their_text(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
        insn i = decode_word(texts[k].word);
        char text[INSN_TEXT_BYTES];
        insn_text(text, &i, 0x80200000);
        assert_string_equal(text, texts[k].text);
        assert_int_equal(i.length, 4);
        assert_int_equal(i.word, texts[k].word);
    }
}

static const struct {
    uint16_t half;
    uint32_t word;
} compressed[] = {
    {0x1fe8, 0x3fc10513}, // c.addi4spn a0,sp,1020
    {0x0044, 0x00410493}, // c.addi4spn s1,sp,4
    {0x0034, 0x00810693}, // c.addi4spn a3,sp,8
    {0x413c, 0x04052783}, // c.lw a5,64(a0)
    {0x40c0, 0x0044a403}, // c.lw s0,4(s1)
    {0x5c80, 0x0384a403}, // c.lw s0,56(s1)
    {0x7f7c, 0x0f873783}, // c.ld a5,248(a4)
    {0x6230, 0x04063603}, // c.ld a2,64(a2)
    {0xc17c, 0x04f52223}, // c.sw a5,68(a0)
    {0xe37c, 0x0cf73023}, // c.sd a5,192(a4)
    {0xfc80, 0x0284bc23}, // c.sd s0,56(s1)
    {0x0001, 0x00000013}, // c.nop
    {0x1f81, 0xfe0f8f93}, // c.addi t6,-32
    {0x00fd, 0x01f08093}, // c.addi ra,31
    {0x357d, 0xfff5051b}, // c.addiw a0,-1
    {0x2501, 0x0005051b}, // c.addiw a0,0
    {0x5d81, 0xfe000d93}, // c.li s11,-32
    {0x457d, 0x01f00513}, // c.li a0,31
    {0x7101, 0xe0010113}, // c.addi16sp sp,-512
    {0x617d, 0x1f010113}, // c.addi16sp sp,496
    {0x6141, 0x01010113}, // c.addi16sp sp,16
    {0x67fd, 0x0001f7b7}, // c.lui a5,0x1f
    {0x7781, 0xfffe07b7}, // c.lui a5,0xfffe0
    {0x917d, 0x03f55513}, // c.srli a0,63
    {0x8105, 0x00155513}, // c.srli a0,1
    {0x9485, 0x4214d493}, // c.srai s1,33
    {0x9b81, 0xfe07f793}, // c.andi a5,-32
    {0x8bfd, 0x01f7f793}, // c.andi a5,31
    {0x8d1d, 0x40f50533}, // c.sub a0,a5
    {0x8c25, 0x00944433}, // c.xor s0,s1
    {0x8d4d, 0x00b56533}, // c.or a0,a1
    {0x8d6d, 0x00b57533}, // c.and a0,a1
    {0x9e15, 0x40d6063b}, // c.subw a2,a3
    {0x9f3d, 0x00f7073b}, // c.addw a4,a5
    {0xaffd, 0x7fe0006f}, // c.j .+2046
    {0xb001, 0x801ff06f}, // c.j .-2048
    {0xa46d, 0x2aa0006f}, // c.j .+682
    {0xcd7d, 0x0e050f63}, // c.beqz a0,.+254
    {0xd081, 0xf00480e3}, // c.beqz s1,.-256
    {0xebb1, 0x04079a63}, // c.bnez a5,.+84
    {0xf7cd, 0xfa0795e3}, // c.bnez a5,.-86
    {0x12fe, 0x03f29293}, // c.slli t0,63
    {0x0286, 0x00129293}, // c.slli t0,1
    {0x597e, 0x0fc12903}, // c.lwsp s2,252(sp)
    {0x4906, 0x04012903}, // c.lwsp s2,64(sp)
    {0x79fe, 0x1f813983}, // c.ldsp s3,504(sp)
    {0x6086, 0x04013083}, // c.ldsp ra,64(sp)
    {0x8282, 0x00028067}, // c.jr t0
    {0x857e, 0x01f00533}, // c.mv a0,t6
    {0x9002, 0x00100073}, // c.ebreak
    {0x9302, 0x000300e7}, // c.jalr t1
    {0x9a56, 0x015a0a33}, // c.add s4,s5
    {0xdffe, 0x0ff12e23}, // c.swsp t6,252(sp)
    {0xc2aa, 0x04a12223}, // c.swsp a0,68(sp)
    {0xffde, 0x1f713c23}, // c.sdsp s7,504(sp)
    {0xe0a2, 0x04813023}, // c.sdsp s0,64(sp)
};

static void compressed_words_expand(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof compressed / sizeof compressed[0]; k++) {
        assert_int_equal(insn_expand_compressed(compressed[k].half), compressed[k].word);
        insn full = decode_word(compressed[k].word);
        insn half = insn_decode((const uint8_t *)&compressed[k].half, 2, true);
        assert_int_equal(half.length, 2);
        assert_int_equal(half.word, compressed[k].half);
        half.length = full.length;
        half.word = full.word;
        assert_memory_equal(&half, &full, sizeof full);
        half = insn_decode((const uint8_t *)&compressed[k].half, 2, false);
        assert_int_equal(half.op, OP_ILLEGAL);
    }
}

// Reserved encodings of the three quadrants, and the floating-point ones.
static void reserved_compressed_words_are_illegal(void **state)
{
    (void)state;
    static const uint16_t halves[] = {
        0x0000, 0x0004,         // all zeros; addi4spn with immediate 0
        0x2000, 0xa000, 0x8000, // fld, fsd, reserved
        0x2001, 0x6101, 0x6081, // addiw x0; addi16sp 0; lui with immediate 0
        0x9c41, 0x9c61,         // reserved register-register operations
        0x4002, 0x6002, 0x8002, // lwsp x0, ldsp x0, jr x0
        0x2002, 0xa002,         // fldsp, fsdsp
    };
    for (size_t k = 0; k < sizeof halves / sizeof halves[0]; k++)
        assert_int_equal(insn_expand_compressed(halves[k]), 0);
}

static void every_row_decodes_to_itself(void **state)
{
    (void)state;
    static const struct {
        uint32_t mask, match;
        vm_op op;
    } rows[] = {
#define ISA(format, name, mnemonic, class, mask, match, semantics) {mask, match, OP_##name},
#include "vm/isa.def"
#undef ISA
    };
    test_rng rng = test_rng_new(1);
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        if (rows[k].mask == 0)
            continue;
        for (int n = 0; n < 200; n++) {
            uint32_t w = rows[k].match | ((uint32_t)test_rng_u64(&rng) & ~rows[k].mask);
            if ((w & 0x7f) == 0x73 && (w & 0x7000) != 0)
                w = (w & 0xfffff) | 0x340u << 20; // a CSR without a meaning of its own
            assert_int_equal(decode_word(w).op, rows[k].op);
        }
    }
}

// Destinations are never x0, sources never the sink, unused fields are 0.
static void decoding_is_normal(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(2);
    for (int n = 0; n < 200000; n++) {
        uint32_t w = (uint32_t)test_rng_u64(&rng) | 3;
        insn i = decode_word(w);
        assert_true(i.op < VM_OP_COUNT && i.op != OP_NONE);
        assert_true(i.rd <= VM_REG_SINK && i.rs1 < 32 && i.rs2 < 32 && i.rs3 < 32);
        if (i.op == OP_ILLEGAL)
            continue;
        assert_true(i.length == 4);
        if (strchr("RIHUPJVLWDwdCZFNQG", vm_op_info[i.op].format) != NULL)
            assert_true(i.rd != 0);
        if (strchr("BS", vm_op_info[i.op].format) != NULL)
            assert_true(i.rd == 0);
    }
}

static void special_csrs(void **state)
{
    (void)state;
    assert_int_equal(decode_word(0xffe022f3).op, OP_free);
    assert_int_equal(decode_word(0xffe0a2f3).op, OP_ILLEGAL); // with a source
    assert_int_equal(decode_word(0xffe012f3).op, OP_ILLEGAL); // csrrw
    assert_int_equal(decode_word(0xf1251573).op, OP_ILLEGAL); // write of a read-only CSR
    assert_int_equal(decode_word(0xf1202573).op, OP_csrrs);
    assert_int_equal(decode_word(0xf120a573).op, OP_ILLEGAL);
    assert_int_equal(decode_word(0x85002073).op, OP_ILLEGAL); // library calls of another ABI
    insn arg = decode_word(0x8f352073);
    assert_int_equal(arg.op, OP_hint_arg);
    assert_int_equal(arg.call, 3);
    assert_int_equal(arg.rs3, 10);
    assert_true(arg.rs1 == 0 && arg.rs2 == 0 && arg.imm == 0 && arg.rd == VM_REG_SINK);
    insn call = decode_word(0x8c29d073);
    assert_int_equal(call.op, OP_hint_call);
    assert_int_equal(insn_hint_id(&call), 2 * 32 + 19);
    assert_int_equal(decode_word(0x8c2990f3).op, OP_ILLEGAL); // csrrw, not csrrwi
}

static void a_cut_word_is_illegal(void **state)
{
    (void)state;
    const uint8_t bytes[2] = {0x13, 0x00};
    insn i = insn_decode(bytes, 2, true);
    assert_int_equal(i.op, OP_ILLEGAL);
    assert_int_equal(i.length, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_have_their_text),
        cmocka_unit_test(compressed_words_expand),
        cmocka_unit_test(reserved_compressed_words_are_illegal),
        cmocka_unit_test(every_row_decodes_to_itself),
        cmocka_unit_test(decoding_is_normal),
        cmocka_unit_test(special_csrs),
        cmocka_unit_test(a_cut_word_is_illegal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
