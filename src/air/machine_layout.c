// SPDX-License-Identifier: Apache-2.0 OR MIT
// The layout of an instance, native version: heights are data. No heap: used by the verifier.
#include "air/machine.h"

#include <string.h>

// Absent, or within the limits and the declared height.
static status check_height(const machine *m, uint32_t slot, unsigned log_height,
                           unsigned max_log_height)
{
    const chip *c = m->slots[slot].c;
    if (log_height == 0)
        return ZK_OK;
    FAIL_IF(log_height < CHIP_MIN_LOG_HEIGHT || log_height > max_log_height, ZK_EPROOF,
            "slot %u (%s) has height 2^%u, outside 2^%d..2^%u", slot, c->name, log_height,
            CHIP_MIN_LOG_HEIGHT, max_log_height);
    FAIL_IF(c->fixed_log_height != 0 && log_height != c->fixed_log_height, ZK_EPROOF,
            "slot %u (%s) has height 2^%u; the chip's height is fixed to 2^%u", slot, c->name,
            log_height, c->fixed_log_height);
    return ZK_OK;
}

// Offsets of the present slots, level by level from the tallest. At most 96 slots of 1024 columns
// and 2^26 rows: the sums stay below 2^43.
static status place(machine_layout *out, const machine *m, const uint8_t *log_heights,
                    unsigned max_log_height, bool preprocessed)
{
    ZK_ASSERT(max_log_height <= CHIP_MAX_LOG_HEIGHT);
    memset(out, 0, sizeof *out);
    for (uint32_t s = 0; s < m->n_slots; s++)
        TRY(check_height(m, s, log_heights[s], max_log_height));
    for (unsigned level = max_log_height; level >= CHIP_MIN_LOG_HEIGHT; level--)
        for (uint32_t s = 0; s < m->n_slots; s++) {
            const chip *c = m->slots[s].c;
            uint32_t n_columns = preprocessed ? c->n_preprocessed : c->n_committed;
            uint32_t n_leaves = preprocessed ? 0 : c->n_interactions;
            if (log_heights[s] != level || (preprocessed && n_columns == 0))
                continue;
            out->slots[s] =
                (slot_layout){.log_height = level, .cells = out->n_cells, .leaves = out->n_leaves};
            out->n_cells += (uint64_t)n_columns << level;
            out->n_leaves += (uint64_t)n_leaves << level;
        }
    return ZK_OK;
}

status machine_layout_compute(machine_layout *out, const machine *m, const uint8_t *log_heights,
                              unsigned max_log_height, unsigned log_stack)
{
    TRY(place(out, m, log_heights, max_log_height, false));
    out->log_stack = log_stack;
    FAIL_IF(out->n_cells > 1ULL << log_stack, ZK_EPROOF,
            "the columns take %llu cells and the stack has 2^%u", (unsigned long long)out->n_cells,
            log_stack);
    FAIL_IF(out->n_leaves > 1ULL << log_stack, ZK_EPROOF,
            "the interactions take %llu leaves and there are 2^%u",
            (unsigned long long)out->n_leaves, log_stack);
    return ZK_OK;
}

status machine_layout_preprocessed(machine_layout *out, const machine *m,
                                   const uint8_t *log_heights, unsigned max_log_height,
                                   unsigned min_log_stack)
{
    TRY(place(out, m, log_heights, max_log_height, true));
    out->log_stack = min_log_stack;
    while (out->n_cells > 1ULL << out->log_stack)
        out->log_stack++;
    return ZK_OK;
}
