// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Verification of the proof of one instance (doc/protocol.md sections 2 to 7).
//
// Written in the circuit subset (field/fe.h): the sequence of operations depends on the machine,
// the parameter class and whether the preprocessed chips are present, on nothing else; heights
// enter through selects. No heap, no libc but memcpy; what fails is noted in the reader.
#include "sumcheck/eq.h"
#include "transcript/proof_reader.h"
#include "verifier/proof_key.h"
#include "whir/whir_verify.h"

enum { INSTANCE_MAX_LEVELS = 23, EQ_RUN_MAX = 2 * CHIP_MAX_COLUMNS };

// What the layout gives for a slot, as selectors.
typedef struct slot_selectors {
    fe present;
    fe is_level[INSTANCE_MAX_LEVELS]; // [h - 6] is 1 when the height is 2^h
    fe cell_position;                 // first column and first interaction, in units of the
    fe leaf_position;                 // slot's own height
} slot_selectors;

// Working memory of one verification; about 2 MiB.
typedef struct instance_scratch {
    slot_selectors slots[MACHINE_MAX_SLOTS];
    fe3 values[MACHINE_MAX_COLUMNS];         // claimed column values, numbered through
    fe3 weights[MACHINE_MAX_INTERACTIONS];   // s_k of section 6
    fe3 powers[MACHINE_MAX_CONSTRAINTS + 1]; // of alpha, then of mu
    fe3 run[EQ_RUN_MAX];
    fe3 point_scratch[PROOF_KEY_POINT_SCRATCH];
    whir_scratch whir;
    whir_result opened;
} instance_scratch;

// The bus sum of the instance, P/Q with Q != 0.
typedef struct instance_sum {
    fe3 p, q;
} instance_sum;

// Everything in c is canonical and the class of its header is that of params, one that
// proof_key_allows_class. The rest of the header is checked here, by the rules of
// instance_header_check. Reads exactly instance_proof_words(key, params, preprocessed) words; the
// caller looks at reader->ok. preprocessed: as in the header.
void instance_verify(instance_sum *sum, const proof_key *key, const whir_params *params,
                     bool preprocessed, digest challenge, bus_challenge bus,
                     const contribution_elements *c, proof_reader *reader,
                     instance_scratch *scratch);

// out[i] := eq(point, position + i) for i < n, where position + n <= 2^n_vars. room: EQ_RUN_MAX.
// Circuit subset: the position is data.
void eq_run(fe3 *out, size_t n, const fe3 *point, unsigned n_vars, fe position, fe3 *room);
