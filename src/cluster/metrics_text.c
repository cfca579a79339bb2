// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "cluster/metrics_text.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

void metrics_observe(metrics_histogram *h, metrics_buckets buckets, double value)
{
    size_t i = 0;
    while (i < buckets.n && value > buckets.bounds[i])
        i++;
    h->counts[i]++;
    h->sum += value;
}

status metrics_family(byte_buffer *b, const char *name, metric_type type, const char *help)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    TRY(buffer_printf(b, "# HELP %s ", name));
    for (const char *c = help; *c != 0; c++)
        TRY(*c == '\\'   ? buffer_put_text(b, "\\\\")
            : *c == '\n' ? buffer_put_text(b, "\\n")
                         : buffer_put_u8(b, (uint8_t)*c));
    return buffer_printf(b, "\n# TYPE %s %s\n", name, types[type]);
}

// Escaped are \ " and the end of the line, and nothing else; bytes that are no UTF-8 are replaced.
static status put_label_value(byte_buffer *b, const char *text)
{
    size_t size = strlen(text);
    for (size_t i = 0; i < size;) {
        uint32_t c;
        const uint8_t *at = (const uint8_t *)text + i;
        size_t n = text_utf8(&c, at, size - i);
        if (n == 0)
            TRY(buffer_put_text(b, "\xef\xbf\xbd"));
        else if (c == '\n')
            TRY(buffer_put_text(b, "\\n"));
        else if (c == '"' || c == '\\')
            TRY(buffer_printf(b, "\\%c", (char)c));
        else
            TRY(buffer_put(b, at, n));
        i += n != 0 ? n : 1;
    }
    return ZK_OK;
}

// name{a="x",le="1"} with `le` last, which may be NULL.
static status put_head(byte_buffer *b, const char *name, const char *suffix,
                       const metric_label *labels, size_t n, const char *le)
{
    TRY(buffer_printf(b, "%s%s", name, suffix));
    if (n == 0 && le == NULL)
        return buffer_put_u8(b, ' ');
    for (size_t i = 0; i < n; i++) {
        TRY(buffer_printf(b, "%s%s=\"", i == 0 ? "{" : ",", labels[i].name));
        TRY(put_label_value(b, labels[i].value));
        TRY(buffer_put_u8(b, '"'));
    }
    if (le != NULL)
        TRY(buffer_printf(b, "%sle=\"%s\"", n == 0 ? "{" : ",", le));
    return buffer_put_text(b, "} ");
}

status metrics_value(byte_buffer *b, const char *name, const metric_label *labels, size_t n_labels,
                     double value)
{
    TRY(put_head(b, name, "", labels, n_labels, NULL));
    return buffer_printf(b, "%.17g\n", value);
}

status metrics_count(byte_buffer *b, const char *name, const metric_label *labels, size_t n_labels,
                     uint64_t value)
{
    TRY(put_head(b, name, "", labels, n_labels, NULL));
    return buffer_printf(b, "%llu\n", (unsigned long long)value);
}

status metrics_single(byte_buffer *b, const char *name, metric_type type, const char *help,
                      uint64_t value)
{
    TRY(metrics_family(b, name, type, help));
    return metrics_count(b, name, NULL, 0, value);
}

status metrics_put_histogram(byte_buffer *b, const char *name, const metric_label *labels,
                             size_t n_labels, metrics_buckets buckets, const metrics_histogram *h)
{
    uint64_t count = 0;
    for (size_t i = 0; i <= buckets.n; i++) {
        char le[32] = "+Inf";
        if (i < buckets.n)
            snprintf(le, sizeof le, "%g", buckets.bounds[i]);
        count += h->counts[i];
        TRY(put_head(b, name, "_bucket", labels, n_labels, le));
        TRY(buffer_printf(b, "%llu\n", (unsigned long long)count));
    }
    TRY(put_head(b, name, "_sum", labels, n_labels, NULL));
    TRY(buffer_printf(b, "%.17g\n", h->sum));
    TRY(put_head(b, name, "_count", labels, n_labels, NULL));
    return buffer_printf(b, "%llu\n", (unsigned long long)count);
}
