// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "air/closed.h"

const char *closed_kind_name(closed_kind kind)
{
    static const char *const names[CLOSED_KIND_COUNT] = {
        [CLOSED_CONST] = "const", [CLOSED_BITS] = "bits", [CLOSED_AND] = "and",
        [CLOSED_OR] = "or",       [CLOSED_XOR] = "xor",   [CLOSED_POW2] = "pow2",
        [CLOSED_MSB] = "msb",     [CLOSED_TOP] = "top"};
    return kind < CLOSED_KIND_COUNT ? names[kind] : "unknown";
}

static bool is_binary(closed_kind kind)
{
    return kind == CLOSED_AND || kind == CLOSED_OR || kind == CLOSED_XOR;
}

bool closed_is_valid(const closed_form *f, unsigned log_rows)
{
    if (f->kind == CLOSED_CONST)
        return f->bits == 0 && fe_is_canonical(f->value);
    if (f->kind >= CLOSED_KIND_COUNT || f->bits < 1 || f->bits > 32 ||
        (unsigned)f->shift + f->bits > log_rows)
        return false;
    if (!is_binary(f->kind))
        return true;
    unsigned low = f->shift < f->shift_b ? f->shift : f->shift_b;
    unsigned high = f->shift < f->shift_b ? f->shift_b : f->shift;
    return low + f->bits <= high && high + f->bits <= log_rows;
}

static uint64_t field_of(uint64_t row, unsigned shift, unsigned bits)
{
    return (row >> shift) & ((1ULL << bits) - 1);
}

fe closed_row(const closed_form *f, uint64_t row)
{
    uint64_t a = field_of(row, f->shift, f->bits);
    switch (f->kind) {
    case CLOSED_CONST:
        return f->value;
    case CLOSED_BITS:
        return a;
    case CLOSED_AND:
        return a & field_of(row, f->shift_b, f->bits);
    case CLOSED_OR:
        return a | field_of(row, f->shift_b, f->bits);
    case CLOSED_XOR:
        return a ^ field_of(row, f->shift_b, f->bits);
    case CLOSED_POW2:
        return fe_pow(2, a);
    case CLOSED_MSB:
        return a == 0 ? 0 : 63 - (unsigned)__builtin_clzll(a);
    case CLOSED_TOP:
        return a == 0 ? 0 : 1ULL << (63 - __builtin_clzll(a));
    default:
        ZK_ASSERT(!"closed form of unknown kind");
        return 0;
    }
}

void closed_fill(fe *out, const closed_form *f, uint64_t first, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = closed_row(f, first + i);
}
