// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "config/config_rows.h"

#include <string.h>

status config_check_url(const char *value)
{
    const char *host = strncmp(value, "http://", 7) == 0    ? value + 7
                       : strncmp(value, "https://", 8) == 0 ? value + 8
                                                            : NULL;
    FAIL_IF(host == NULL || strcspn(host, ":/?#") == 0, ZK_EINVAL,
            "\"%s\" is no URL of the form http://HOST:PORT or https://HOST:PORT", value);
    for (const char *c = value; *c != 0; c++)
        FAIL_IF((unsigned char)*c <= ' ' || *c == 0x7F, ZK_EINVAL,
                "the URL holds a space or a control character");
    return ZK_OK;
}
