// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "unit/test.h"

#include "base/bytes.h"

static void integers_are_little_endian(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0x0f, 0x0e,
                                       0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08, 'h',  'i',  0x10,
                                       0,    0,    0,    0,    0,    0,    0,    0x11, 0,
                                       0,    0,    0,    0,    0,    0};
    const uint64_t words[] = {0x10, 0x11};
    byte_buffer b = buffer_new();
    assert_int_equal(buffer_put_u8(&b, 0x01), ZK_OK);
    assert_int_equal(buffer_put_u16(&b, 0x0203), ZK_OK);
    assert_int_equal(buffer_put_u32(&b, 0x04050607), ZK_OK);
    assert_int_equal(buffer_put_u64(&b, 0x08090a0b0c0d0e0f), ZK_OK);
    assert_int_equal(buffer_put_text(&b, "hi"), ZK_OK);
    assert_int_equal(buffer_put_u64s(&b, words, 2), ZK_OK);
    assert_int_equal(b.size, sizeof expected);
    assert_memory_equal(b.data, expected, sizeof expected);

    uint8_t fixed[sizeof expected];
    byte_writer w = writer_new(fixed, sizeof fixed);
    assert_int_equal(writer_put_u8(&w, 0x01), ZK_OK);
    assert_int_equal(writer_put_u16(&w, 0x0203), ZK_OK);
    assert_int_equal(writer_put_u32(&w, 0x04050607), ZK_OK);
    assert_int_equal(writer_put_u64(&w, 0x08090a0b0c0d0e0f), ZK_OK);
    assert_int_equal(writer_put(&w, "hi", 2), ZK_OK);
    assert_int_equal(writer_put_u64s(&w, words, 2), ZK_OK);
    assert_int_equal(writer_left(&w), 0);
    assert_memory_equal(fixed, expected, sizeof expected);
    assert_int_equal(writer_put_u8(&w, 1), ZK_ELIMIT);

    byte_reader r = reader_new(b.data, b.size);
    uint8_t v8;
    uint16_t v16;
    uint32_t v32;
    uint64_t v64, back[2];
    char text[2];
    assert_int_equal(reader_u8(&v8, &r), ZK_OK);
    assert_int_equal(reader_u16(&v16, &r), ZK_OK);
    assert_int_equal(reader_u32(&v32, &r), ZK_OK);
    assert_int_equal(reader_u64(&v64, &r), ZK_OK);
    assert_int_equal(reader_finish(&r), ZK_EPARSE);
    assert_int_equal(reader_copy(text, &r, 2), ZK_OK);
    assert_int_equal(reader_u64s(back, &r, 2), ZK_OK);
    assert_int_equal(reader_finish(&r), ZK_OK);
    assert_true(v8 == 0x01 && v16 == 0x0203 && v32 == 0x04050607 && v64 == 0x08090a0b0c0d0e0f);
    assert_true(text[0] == 'h' && text[1] == 'i' && back[0] == 0x10 && back[1] == 0x11);
    buffer_clear(&b);
}

// Every read at every length of data, with the data on the heap so that AddressSanitizer sees a
// byte too many: fails exactly when too little is left, and then takes nothing.
static void short_data_is_refused(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 20; size++) {
        uint8_t *data = malloc(size);
        memset(data, 1, size);
        uint8_t sink[32];
        const uint8_t *view;
        byte_reader part;
        for (int kind = 0; kind < 8; kind++) {
            static const size_t widths[] = {1, 2, 4, 8, 16, 11, 13, 7};
            byte_reader r = reader_new(size == 0 ? NULL : data, size);
            status s = ZK_EINTERNAL;
            switch (kind) {
            case 0:
                s = reader_u8(sink, &r);
                break;
            case 1:
                s = reader_u16((uint16_t *)sink, &r);
                break;
            case 2:
                s = reader_u32((uint32_t *)sink, &r);
                break;
            case 3:
                s = reader_u64((uint64_t *)sink, &r);
                break;
            case 4:
                s = reader_u64s((uint64_t *)sink, &r, 2);
                break;
            case 5:
                s = reader_copy(sink, &r, 11);
                break;
            case 6:
                s = reader_view(&view, &r, 13);
                break;
            case 7:
                s = reader_slice(&part, &r, 7);
                assert_int_equal(reader_left(&part), size >= 7 ? 7 : 0);
                break;
            }
            bool enough = size >= widths[kind];
            assert_int_equal(s, enough ? ZK_OK : ZK_EPARSE);
            assert_int_equal(reader_left(&r), enough ? size - widths[kind] : size);
        }
        byte_reader r = reader_new(data, size);
        assert_int_equal(reader_skip(&r, SIZE_MAX), ZK_EPARSE);
        assert_int_equal(reader_u64s(NULL, &r, SIZE_MAX / 4), ZK_EPARSE);
        assert_int_equal(reader_left(&r), size);
        free(data);
    }
}

static void hostile_counts_are_refused(void **state)
{
    (void)state;
    byte_buffer b = buffer_new();
    assert_int_equal(buffer_put_u32(&b, 3), ZK_OK);
    assert_int_equal(buffer_put_u64s(&b, (const uint64_t[]){1, 2, 3}, 3), ZK_OK);
    size_t n;
    byte_reader r = reader_new(b.data, b.size);
    assert_int_equal(reader_count(&n, &r, 3, 8, "items"), ZK_OK);
    assert_int_equal(n, 3);
    assert_int_equal(reader_left(&r), 24);

    r = reader_new(b.data, b.size);
    assert_int_equal(reader_count(&n, &r, 2, 8, "items"), ZK_EPARSE); // above the maximum
    assert_string_equal(status_message(), "3 items are more than the 2 allowed");
    assert_int_equal(n, 0);
    assert_int_equal(reader_count(&n, &r, 9, 9, "items"), ZK_EPARSE); // 27 bytes of 24
    assert_int_equal(reader_count(&n, &r, 9, SIZE_MAX, "items"), ZK_EPARSE);
    assert_int_equal(reader_left(&r), b.size);
    r = reader_new(b.data, 3);
    assert_int_equal(reader_count(&n, &r, 9, 1, "items"), ZK_EPARSE);
    buffer_clear(&b);
}

static void buffer_grows_and_keeps_its_content(void **state)
{
    (void)state;
    byte_buffer b = buffer_new();
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(buffer_put_u32(&b, i), ZK_OK);
    byte_reader r = reader_new(b.data, b.size);
    for (unsigned i = 0; i < 100000; i++) {
        uint32_t v;
        assert_int_equal(reader_u32(&v, &r), ZK_OK);
        assert_int_equal(v, i);
    }
    size_t size = b.size;
    uint8_t *place;
    assert_int_equal(buffer_extend(&place, &b, SIZE_MAX - 10), ZK_ENOMEM);
    assert_null(place);
    assert_int_equal(buffer_reserve(&b, SIZE_MAX), ZK_ENOMEM);
    assert_int_equal(buffer_put_u64s(&b, NULL, SIZE_MAX / 2), ZK_ENOMEM);
    assert_int_equal(b.size, size);
    assert_int_equal(buffer_put(&b, NULL, 0), ZK_OK);
    buffer_clear(&b);
    assert_int_equal(b.size + b.capacity, 0);
}

static void full_writer_writes_nothing(void **state)
{
    (void)state;
    uint8_t memory[4] = {0, 0, 0, 0xee};
    byte_writer w = writer_new(memory, 3);
    assert_int_equal(writer_put_u32(&w, 0x01020304), ZK_ELIMIT);
    assert_int_equal(writer_put_u64s(&w, NULL, SIZE_MAX / 2), ZK_ELIMIT);
    assert_memory_equal(memory, "\0\0\0\xee", 4);
    assert_int_equal(writer_put_u16(&w, 0x0201), ZK_OK);
    assert_int_equal(writer_put_u16(&w, 0x0403), ZK_ELIMIT);
    assert_int_equal(writer_left(&w), 1);
    assert_memory_equal(memory, "\1\2\0\xee", 4);
    w = writer_new(NULL, 0);
    assert_int_equal(writer_put(&w, NULL, 0), ZK_OK);
    assert_int_equal(writer_put_u8(&w, 0), ZK_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_little_endian),
        cmocka_unit_test(short_data_is_refused),
        cmocka_unit_test(hostile_counts_are_refused),
        cmocka_unit_test(buffer_grows_and_keeps_its_content),
        cmocka_unit_test(full_writer_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
