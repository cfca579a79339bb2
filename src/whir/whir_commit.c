// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "whir/whir.h"
#include "whir/whir_passes.h"

#include "base/bigmem.h"
#include "field/vec.h"
#include "ntt/ntt.h"

static size_t code_cells(const whir_params *p)
{
    return whir_row_width(p, 0) << whir_log_rows(&p->round[0]);
}

status whir_encode(fe **code, const whir_params *p, const fe *cells, pool *threads,
                   const cancel_flag *cancel)
{
    const whir_round *r = &p->round[0];
    TRY(bigmem_new(code, code_cells(p)));
    const cancel_flag *before = pool_abandon_on(cancel);
    status s = ntt_encode(*code, cells, r->log_size - (unsigned)r->n_folds, r->log_inv_rate,
                          whir_row_width(p, 0), threads);
    (void)pool_abandon_on(before);
    if (s == ZK_OK && cancel_raised(cancel))
        s = status_fail(ZK_ECANCELED, __FILE__, __LINE__, "", "canceled while encoding");
    if (s != ZK_OK) {
        whir_free_code(*code, p);
        *code = NULL;
        return status_forward(s, __FILE__, __LINE__, "ntt_encode");
    }
    return ZK_OK;
}

void whir_free_code(fe *code, const whir_params *p)
{
    bigmem_free(code, code_cells(p), sizeof *code);
}

status whir_commit(whir_commitment *c, const whir_params *params, const hash_ops *hash,
                   const fe *cells, pool *threads, const cancel_flag *cancel)
{
    status result = ZK_OK;
    *c = (whir_commitment){.params = params};
    ZK_ASSERT(whir_params_valid(params));
    TRY_OUT(whir_encode(&c->code, params, cells, threads, cancel));
    FAIL_OUT_IF(cancel_raised(cancel), ZK_ECANCELED, "canceled during a commitment");
    TRY_OUT(whir_build_tree(&c->tree, hash, c->code, whir_log_rows(&params->round[0]),
                            whir_row_width(params, 0), threads, cancel));
out:
    if (result != ZK_OK)
        whir_clear(c);
    return result;
}

// Two polynomials of the size agree in at most rate * (number of rows) rows, so in at most that
// part of the groups of four rows under a node.
static status check_nodes(const whir_commitment *c, const hash_ops *hash)
{
    enum { DOMAIN_RESTORE = 0x72737472 };
    const whir_params *p = c->params;
    size_t width = whir_row_width(p, 0);
    uint64_t at[WHIR_RESTORE_CHECKS];
    transcript t;
    transcript_init(&t, hash, DOMAIN_RESTORE);
    transcript_absorb_digest(&t, LABEL_ROOT, merkle_root(&c->tree));
    transcript_squeeze_indices(&t, whir_log_rows(&p->round[0]) - 2, at, WHIR_RESTORE_CHECKS);
    for (size_t i = 0; i < WHIR_RESTORE_CHECKS; i++) {
        digest leaves[HASH_ARITY];
        hash->hash_rows(leaves, c->code + HASH_ARITY * at[i] * width, HASH_ARITY, width);
        FAIL_IF(!digest_equal(hash_node(hash, leaves), merkle_cap(&c->tree, 1)[at[i]]), ZK_EPARSE,
                "a stored commitment is not of these columns");
    }
    return ZK_OK;
}

status whir_restore(whir_commitment *c, const whir_params *params, const hash_ops *hash,
                    const fe *cells, const digest *nodes, pool *threads, const cancel_flag *cancel)
{
    status result = ZK_OK;
    *c = (whir_commitment){.params = params};
    unsigned log_rows = whir_log_rows(&params->round[0]);
    TRY_OUT(merkle_build_above(&c->tree, hash, nodes, log_rows, threads));
    TRY_OUT(whir_encode(&c->code, params, cells, threads, cancel));
    FAIL_OUT_IF(cancel_raised(cancel), ZK_ECANCELED, "canceled during a commitment");
    TRY_OUT(check_nodes(c, hash));
out:
    if (result != ZK_OK)
        whir_clear(c);
    return result;
}

void whir_drop_code(whir_commitment *c)
{
    if (c->code != NULL)
        whir_free_code(c->code, c->params);
    c->code = NULL;
}

void whir_clear(whir_commitment *c)
{
    whir_drop_code(c);
    merkle_clear(&c->tree);
    *c = (whir_commitment){0};
}

void whir_pow_weight(fe *low, fe *high, const whir_params *params, fe3 z, pool *threads)
{
    unsigned k = params->round[0].n_folds;
    size_t n_lanes = (size_t)1 << k, n_rows = (size_t)1 << (params->log_stack - k);
    whir_powers(low, n_lanes, n_lanes, z, NULL);
    whir_powers(high, n_rows, n_rows, fe3_pow(z, n_lanes), threads);
}

status whir_ood_answer(fe3 *y, const whir_params *params, const fe *cells, fe3 z, pool *threads)
{
    status result = ZK_OK;
    size_t n_lanes = whir_row_width(params, 0);
    size_t n_rows = ((size_t)1 << params->log_stack) / n_lanes;
    fe low[3 * WHIR_MAX_ROW], sums[3 * WHIR_MAX_ROW] = {0};
    fe *high = NULL, *out[1] = {sums};
    TRY_OUT(bigmem_new(&high, 3 * n_rows));
    whir_pow_weight(low, high, params, z, threads);
    TRY_OUT(whir_lane_sums(out, cells, n_rows, n_lanes, &(whir_weight){low, high}, 1, threads));
    *y = vec_get()->dot3(low, n_lanes, sums, n_lanes, n_lanes);
out:
    bigmem_free(high, 3 * n_rows, sizeof *high);
    return result;
}
