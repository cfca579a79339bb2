// SPDX-License-Identifier: Apache-2.0 OR MIT
// Whatever the texts of an event and the filter are, a json line is one valid JSON object of one
// line, and the plain formats keep to one line without control characters.
#include "base/log_line.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void check_json(const char *text, size_t size)
{
    json_tokener *t = json_tokener_new();
    json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    json_object *o = json_tokener_parse_ex(t, text, (int)size - 1);
    demand(o != NULL && json_tokener_get_parse_end(t) == size - 1);
    demand(json_object_is_type(o, json_type_object) && json_object_object_length(o) == 5);
    json_object_put(o);
    json_tokener_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char out[LOG_LINE_MAX];
    // The input as a string (up to its first 0) and as bytes.
    char *text = malloc(size + 1);
    demand(text != NULL);
    if (size != 0)
        memcpy(text, data, size);
    text[size] = '\0';
    double number = 0;
    memcpy(&number, text, size < sizeof number ? size : sizeof number);
    const log_field fields[] = {log_str(text, text), log_bytes("bytes", data, size),
                                log_hex("hex", data, size), log_f64("number", number)};
    const log_event e = {LEVEL_INFO, size * 0x123456789abULL, text, text, fields, 4, true};
    for (int format = 0; format < LOG_FORMAT_COUNT; format++) {
        size_t n = log_line(out, &e, (log_format)format, false);
        demand(n >= 2 && n <= LOG_LINE_MAX && out[n - 1] == '\n');
        for (size_t i = 0; i + 1 < n; i++)
            demand((unsigned char)out[i] >= 0x20);
        if (format == LOG_JSON)
            check_json(out, n);
    }
    (void)!log_check_filter(text);
    free(text);
    return 0;
}
