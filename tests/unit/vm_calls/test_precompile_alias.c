// SPDX-License-Identifier: Apache-2.0 OR MIT
// Every precompile with operands that coincide, overlap, or lie in the parameter block: the result
// is what disjoint operands of the same values give, written in the order of the slots.
#include "test_port.h"

enum { MAX_OPERANDS = 5, BLOCK = PORT_BASE + 0x100, APART = PORT_BASE + 0x1000, STEP = 0x200 };

typedef enum direction { IN, OUT, IN_OUT } direction;

typedef struct operand {
    unsigned block_word; // where the parameter block points at it
    unsigned words;
    direction direction;
} operand;

typedef struct shape {
    unsigned csr;
    unsigned n;
    operand operands[MAX_OPERANDS]; // outputs in the order of their slots
    int value_word;                 // word of the block that is a value, not a pointer; -1: none
} shape;

#define ARITH_MOD(csr, n)                                                                          \
    {                                                                                              \
        csr, 5, {{0, n, IN}, {1, n, IN}, {2, n, IN}, {3, n, IN}, {4, n, OUT}}, -1                  \
    }
#define IN_PLACE_2(csr, n)                                                                         \
    {                                                                                              \
        csr, 2, {{0, n, IN_OUT}, {1, n, IN}}, -1                                                   \
    }

static const shape shapes[] = {
    {0x801, 5, {{0, 4, IN}, {1, 4, IN}, {2, 4, IN}, {3, 4, OUT}, {4, 4, OUT}}, -1},
    ARITH_MOD(0x802, 4),
    ARITH_MOD(0x80b, 6),
    IN_PLACE_2(0x803, 8),
    IN_PLACE_2(0x806, 8),
    IN_PLACE_2(0x817, 8),
    IN_PLACE_2(0x80c, 12),
    IN_PLACE_2(0x808, 8),
    IN_PLACE_2(0x809, 8),
    IN_PLACE_2(0x80a, 8),
    IN_PLACE_2(0x80e, 12),
    IN_PLACE_2(0x80f, 12),
    IN_PLACE_2(0x810, 12),
    {0x805, 2, {{0, 4, IN_OUT}, {1, 8, IN}}, -1},
    {0x819, 2, {{1, 16, IN_OUT}, {2, 16, IN}}, 0},
    {0x811, 3, {{0, 4, IN}, {1, 4, IN}, {3, 4, OUT}}, 2},
};

// One operand, the state, at the pointer itself: nothing to coincide with.
static const unsigned in_place[] = {0x800, 0x804, 0x807, 0x80d, 0x812, 0x818};
enum { N_IN_PLACE = sizeof in_place / sizeof in_place[0] };

// One call with the operands at these addresses; value is the value word.
static status call(struct vm_port *port, const shape *s, const uint64_t *addresses, uint64_t value,
                   uint64_t *result)
{
    for (unsigned i = 0; i < s->n; i++)
        *port_word(port, BLOCK + 8 * s->operands[i].block_word) = addresses[i];
    if (s->value_word >= 0)
        *port_word(port, BLOCK + 8 * (unsigned)s->value_word) = value;
    return port_call(port, s->csr, &(call_args){.pointer = BLOCK}, result);
}

static void check_choice(const shape *s, const uint64_t *addresses, uint64_t value,
                         const struct vm_port *start)
{
    static struct vm_port aliased, apart;
    uint64_t separate[MAX_OPERANDS], aliased_result, apart_result;
    memcpy(aliased.memory, start->memory, sizeof aliased.memory);
    const status got = call(&aliased, s, addresses, value, &aliased_result);

    // The operands' values once the block is in place, at addresses of their own.
    memcpy(apart.memory, start->memory, sizeof apart.memory);
    for (unsigned i = 0; i < s->n; i++)
        *port_word(&apart, BLOCK + 8 * s->operands[i].block_word) = addresses[i];
    if (s->value_word >= 0)
        *port_word(&apart, BLOCK + 8 * (unsigned)s->value_word) = value;
    static uint64_t before[PORT_WORDS];
    memcpy(before, apart.memory, sizeof before);
    for (unsigned i = 0; i < s->n; i++) {
        separate[i] = APART + i * STEP;
        for (unsigned k = 0; k < s->operands[i].words; k++)
            *port_word(&apart, separate[i] + 8 * k) = before[(addresses[i] - PORT_BASE) / 8 + k];
    }
    const status wanted = call(&apart, s, separate, value, &apart_result);
    assert_int_equal(got, wanted);
    if (got != ZK_OK) {
        assert_int_equal(got, ZK_EGUEST);
        return;
    }
    assert_int_equal(aliased_result, apart_result);
    for (unsigned i = 0; i < s->n; i++)
        for (unsigned k = 0; k < s->operands[i].words && s->operands[i].direction != IN; k++)
            before[(addresses[i] - PORT_BASE) / 8 + k] = *port_word(&apart, separate[i] + 8 * k);
    assert_memory_equal(aliased.memory, before, sizeof before);
    port_clear(&aliased);
    port_clear(&apart);
}

static void test_all_aliasings(void **state)
{
    (void)state;
    static struct vm_port start;
    test_rng rng = test_rng_new(1);
    port_fill(&start, &rng);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const shape *s = &shapes[i];
        // Two places apart, two that overlap the first one, one in the block.
        const uint64_t places[] = {PORT_BASE + 0x300, PORT_BASE + 0x500, PORT_BASE + 0x308,
                                   PORT_BASE + 0x2f0, BLOCK + 8};
        enum { PLACES = sizeof places / sizeof places[0] };
        unsigned choices = 1;
        for (unsigned k = 0; k < s->n; k++)
            choices *= PLACES;
        for (unsigned c = 0; c < choices; c++) {
            uint64_t addresses[MAX_OPERANDS];
            unsigned digits = c;
            for (unsigned k = 0; k < s->n; k++, digits /= PLACES)
                addresses[k] = places[digits % PLACES];
            check_choice(s, addresses, c % 2, &start);
        }
    }
}

// Every precompile refuses unaligned operands and addresses outside memory.
static void test_bad_addresses(void **state)
{
    (void)state;
    static struct vm_port port;
    test_rng rng = test_rng_new(2);
    const uint64_t bad[] = {PORT_BASE + 0x304, 0, PORT_BASE + 8 * PORT_WORDS - 8, ~0ULL - 7};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const shape *s = &shapes[i];
        for (unsigned k = 0; k < s->n; k++) {
            for (size_t b = 0; b < sizeof bad / sizeof bad[0]; b++) {
                uint64_t addresses[MAX_OPERANDS], result;
                port_fill(&port, &rng);
                for (unsigned j = 0; j < s->n; j++)
                    addresses[j] = APART + j * STEP;
                addresses[k] = bad[b];
                assert_int_equal(call(&port, s, addresses, 0, &result), ZK_EGUEST);
            }
        }
        for (size_t b = 0; b < sizeof bad / sizeof bad[0]; b++)
            assert_int_equal(port_call_pointer(&port, s->csr, bad[b]), ZK_EGUEST);
    }
    for (size_t i = 0; i < N_IN_PLACE; i++)
        for (size_t b = 0; b < sizeof bad / sizeof bad[0]; b++)
            assert_int_equal(port_call_pointer(&port, in_place[i], bad[b]), ZK_EGUEST);
    port_clear(&port);
}

// No row of the table is left out. Ranges of bytes are in test_precompile_dma.c.
static void test_every_row_is_here(void **state)
{
    (void)state;
    for (unsigned row = 0; row < vm_precompile_count; row++) {
        const vm_precompile *p = &vm_precompiles[row];
        unsigned found = p->form != CALL_POINTER && p->form != CALL_RESULT;
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
            found += shapes[i].csr == p->csr;
        for (size_t i = 0; i < N_IN_PLACE; i++)
            found += in_place[i] == p->csr;
        if (found != 1)
            fail_msg("%s is tested %u times", p->name, found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_aliasings),
        cmocka_unit_test(test_bad_addresses),
        cmocka_unit_test(test_every_row_is_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
