// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Prometheus text format 0.0.4: families of samples into a buffer.
//
//     TRY(metrics_family(&b, "coordinator_active_jobs", METRIC_GAUGE, "Jobs that run"));
//     TRY(metrics_value(&b, "coordinator_active_jobs", NULL, 0, 3));
//
// Names of families and labels are the caller's, in [a-z_]; values of labels may be anything. All
// samples of a family follow its family line.
#include "base/bytes.h"

#include <stdint.h>

typedef enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM } metric_type;

typedef struct metric_label {
    const char *name, *value;
} metric_label;

enum { METRICS_MAX_BUCKETS = 12 };

// Buckets with upper bounds, ascending; the last one, without a bound, is implied.
typedef struct metrics_histogram {
    uint64_t counts[METRICS_MAX_BUCKETS + 1]; // not cumulative
    double sum;
} metrics_histogram;

typedef struct metrics_buckets {
    const double *bounds;
    size_t n; // at most METRICS_MAX_BUCKETS
} metrics_buckets;

void metrics_observe(metrics_histogram *h, metrics_buckets buckets, double value);

// ZK_ENOMEM from all of them.
MUST_CHECK status metrics_family(byte_buffer *b, const char *name, metric_type type,
                                 const char *help);
MUST_CHECK status metrics_value(byte_buffer *b, const char *name, const metric_label *labels,
                                size_t n_labels, double value);
// Exact above 2^53.
MUST_CHECK status metrics_count(byte_buffer *b, const char *name, const metric_label *labels,
                                size_t n_labels, uint64_t value);
// A family of one sample without labels.
MUST_CHECK status metrics_single(byte_buffer *b, const char *name, metric_type type,
                                 const char *help, uint64_t value);
// _bucket, _sum and _count of one set of labels.
MUST_CHECK status metrics_put_histogram(byte_buffer *b, const char *name,
                                        const metric_label *labels, size_t n_labels,
                                        metrics_buckets buckets, const metrics_histogram *h);
