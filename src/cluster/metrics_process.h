// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What the kernel knows about this process, under the names that Prometheus' own client libraries
// use: process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds,
// process_max_fds, process_start_time_seconds.
// Source: https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
#include "cluster/metrics_text.h"

// Appends the families, without those that /proc does not give at the moment, for instance because
// no file descriptor is left: a series with a gap, not a page that fails. ZK_ENOMEM.
MUST_CHECK status metrics_put_process(byte_buffer *b);
