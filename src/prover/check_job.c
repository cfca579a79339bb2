// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "prover/check_job.h"

#include <stdio.h>
#include <stdlib.h>

#include "air/check.h"

typedef struct checking {
    const zisk_run *run;
    const zisk_plan *plan;
    pool *threads;
    const cancel_flag *cancel;
    bus_checker *bus;
    byte_buffer *report;
    bool failed;
    char (*labels)[32]; // one an instance; the bus checker borrows them
} checking;

static status check_slot(checking *k, const instance *in, size_t i, uint32_t s, bool first_pass)
{
    const machine_slot *slot = &k->run->program->z->m.slots[s];
    const fe *columns[CHIP_MAX_COLUMNS];
    for (uint32_t j = 0; j < slot->c->n_committed + slot->c->n_preprocessed; j++)
        columns[j] = j < slot->c->n_committed ? instance_column(in, s, j)
                                              : in->key->fixed_columns[slot->first_column + j];
    check_table table = {.c = slot->c,
                         .label = k->labels[i],
                         .log_height = in->header.log_heights[s],
                         .columns = columns};
    bool found = false;
    check_failure failure;
    if (first_pass)
        TRY(check_constraints(&found, &failure, &table));
    if (found) {
        k->failed = true;
        return check_describe_failure(k->report, &table, &failure);
    }
    return bus_table(k->bus, &table);
}

static status check_instances(checking *k, bool first_pass)
{
    for (size_t i = 0; i < k->plan->n && !k->failed; i++) {
        const plan_instance *p = &k->plan->instances[i];
        status result = ZK_OK;
        instance in;
        TRY(instance_new(&in, &k->run->program->key, &p->header));
        TRY_OUT(zisk_instance_fill(&in, k->run, p, k->threads, k->cancel));
        for (uint32_t s = 0; s < k->run->program->z->m.n_slots && !k->failed; s++) {
            FAIL_OUT_IF(cancel_raised(k->cancel), ZK_ECANCELED, "canceled");
            if (in.header.log_heights[s] != 0)
                TRY_OUT(check_slot(k, &in, i, s, first_pass));
        }
    out:
        instance_clear(&in);
        TRY(result);
    }
    return ZK_OK;
}

static status check_boundary(checking *k)
{
    bus_tuple boundary[ZISK_BOUNDARY_TUPLES];
    zisk_boundary(boundary, k->run->program->vm.entry, k->run->publics);
    for (int i = 0; i < ZISK_BOUNDARY_TUPLES; i++)
        TRY(bus_boundary(k->bus, "boundary", &boundary[i]));
    return ZK_OK;
}

status zisk_check(bool *ok, byte_buffer *report, const zisk_run *run, const zisk_plan *plan,
                  pool *threads, const cancel_flag *cancel)
{
    status result = ZK_OK;
    checking k = {.run = run, .plan = plan, .threads = threads, .cancel = cancel, .report = report};
    *ok = false;
    k.labels = calloc(plan->n, sizeof *k.labels);
    FAIL_IF(k.labels == NULL, ZK_ENOMEM, "no memory to check");
    for (size_t i = 0; i < plan->n; i++)
        snprintf(k.labels[i], sizeof k.labels[i], "instance %zu", i);
    TRY_OUT(bus_checker_new(&k.bus, BUS_MAX_COUNTED, threads));
    bool first_pass = true;
    do {
        TRY_OUT(check_instances(&k, first_pass));
        if (k.failed)
            goto out;
        TRY_OUT(check_boundary(&k));
        first_pass = false;
    } while (bus_next_pass(k.bus));
    *ok = bus_is_balanced(k.bus);
    if (!*ok)
        TRY_OUT(bus_describe(report, k.bus));
out:
    bus_checker_free(k.bus);
    free(k.labels);
    return result;
}
