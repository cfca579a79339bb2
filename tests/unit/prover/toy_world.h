// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The machine of toys and its key for a group of tests: toy_world_open and toy_world_close are
// cmocka's set-up and tear-down of the group.
#include "unit/prover/toy_prover.h"

static toy_machine *toys;
static prover_key key;

static inline int toy_world_open(void **state)
{
    (void)state;
    must(toy_machine_new(&toys));
    toy_key(&key, toys);
    return 0;
}

static inline int toy_world_close(void **state)
{
    (void)state;
    prover_key_clear(&key);
    toy_machine_free(toys);
    return 0;
}
