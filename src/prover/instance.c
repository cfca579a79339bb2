// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "prover/instance.h"

#include "base/bigmem.h"

status instance_new(instance *i, const prover_key *key, const instance_header *header)
{
    *i = (instance){.key = key, .header = *header, .params = whir_params_any(header->class_id)};
    if (instance_header_check(header, &key->key, true) != ZK_OK)
        FAIL(ZK_EINVAL, "the heights of an instance cannot be proved: %s", status_message());
    TRY(machine_layout_compute(&i->layout, key->key.machine, header->log_heights,
                               instance_max_log_height(i->params), i->params->log_stack));
    void *block;
    TRY(bigmem_alloc(&block, (size_t)1 << i->params->log_stack, sizeof(fe)));
    i->stack = block;
    return ZK_OK;
}

void instance_clear(instance *i)
{
    if (i->stack != NULL)
        bigmem_free(i->stack, (size_t)1 << i->params->log_stack, sizeof(fe));
    *i = (instance){0};
}

fe *instance_column(const instance *i, uint32_t slot, uint32_t j)
{
    ZK_VERIFY(i->layout.slots[slot].log_height != 0);
    ZK_VERIFY(j < i->key->key.machine->slots[slot].c->n_committed);
    return i->stack + layout_column(&i->layout, slot, j);
}

status instance_commit(contribution *out, whir_commitment *c, const instance *i, uint32_t index,
                       pool *threads, const cancel_flag *cancel)
{
    status result = ZK_OK;
    TRY(whir_commit(c, i->params, i->key->key.hash, i->stack, threads, cancel));
    *out = (contribution){.index = index, .header = i->header, .root = merkle_root(&c->tree)};
    contribution_elements elements;
    contribution_to_elements(&elements, out);
    fe3 z = contribution_point(&i->key->key, &elements);
    const cancel_flag *before = pool_abandon_on(cancel);
    result = whir_ood_answer(&out->answer, i->params, i->stack, z, threads);
    (void)pool_abandon_on(before);
    TRY_OUT(result);
    FAIL_OUT_IF(cancel_raised(cancel), ZK_ECANCELED, "canceled during a commitment");
out:
    if (result != ZK_OK)
        whir_clear(c);
    return result;
}
