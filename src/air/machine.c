// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "air/machine.h"
#include "air/program.h"

#include <string.h>

void machine_init(machine *m, const char *name)
{
    memset(m, 0, sizeof *m);
    m->name = name;
    m->max_degree = 1;
}

status machine_add(machine *m, const chip *c)
{
    unsigned block = 0;
    for (uint32_t s = 0; s < m->n_slots; s++) {
        if (m->slots[s].c == c)
            block++;
        else
            FAIL_IF(strcmp(m->slots[s].c->name, c->name) == 0, ZK_EINVAL,
                    "machine %s: two chips are named %s", m->name, c->name);
    }
    FAIL_IF(block > 1, ZK_EINVAL, "machine %s: chip %s has two slots already", m->name, c->name);
    FAIL_IF(block > 0 && c->n_preprocessed > 0, ZK_EINVAL,
            "machine %s: chip %s has preprocessed columns and can have one slot only", m->name,
            c->name);
    FAIL_IF(m->n_slots >= MACHINE_MAX_SLOTS, ZK_ELIMIT, "machine %s: more than %d slots", m->name,
            MACHINE_MAX_SLOTS);
    FAIL_IF(m->n_columns + c->n_columns > MACHINE_MAX_COLUMNS, ZK_ELIMIT,
            "machine %s: with chip %s it has %u columns, more than %d", m->name, c->name,
            m->n_columns + c->n_columns, MACHINE_MAX_COLUMNS);
    FAIL_IF(m->n_interactions + c->n_interactions > MACHINE_MAX_INTERACTIONS, ZK_ELIMIT,
            "machine %s: with chip %s it has %u interactions, more than %d", m->name, c->name,
            m->n_interactions + c->n_interactions, MACHINE_MAX_INTERACTIONS);
    FAIL_IF(m->n_constraints + c->n_constraints > MACHINE_MAX_CONSTRAINTS, ZK_ELIMIT,
            "machine %s: with chip %s it has %u constraints, more than %d", m->name, c->name,
            m->n_constraints + c->n_constraints, MACHINE_MAX_CONSTRAINTS);
    m->slots[m->n_slots++] = (machine_slot){.c = c,
                                            .block = block,
                                            .first_column = m->n_columns,
                                            .first_interaction = m->n_interactions,
                                            .first_constraint = m->n_constraints};
    m->n_columns += c->n_columns;
    m->n_interactions += c->n_interactions;
    m->n_constraints += c->n_constraints;
    if (c->max_degree > m->max_degree)
        m->max_degree = c->max_degree;
    if (c->n_columns > m->max_slot_columns)
        m->max_slot_columns = c->n_columns;
    if (air_scratch_point(c) > m->point_scratch)
        m->point_scratch = air_scratch_point(c);
    return ZK_OK;
}
