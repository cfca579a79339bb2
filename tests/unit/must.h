// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What must succeed in a test: fails it with the message and the trail.
#include "unit/test.h"

#include "base/status.h"

static inline void must(status s)
{
    if (s != ZK_OK)
        fail_msg("%s: %s\n%s", status_name(s), status_message(), status_trail());
}
