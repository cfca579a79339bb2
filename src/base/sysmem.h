// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// How much memory the system can still give.
#include <stdint.h>

// Bytes that this process could get now without harming others: what the kernel estimates as
// available, free swap included, and no more than the limit of a container (cgroup version 2 or 1).
// UINT64_MAX where the system does not say. A moment's view, for a warning before long work.
uint64_t system_memory_available(void);

// The same with /proc and /sys below `root` instead of /: for tests.
uint64_t system_memory_available_below(const char *root);
