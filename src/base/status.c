// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// One trail a thread. A trail that does not fit is cut at its outer end: the origin matters most.
enum { MESSAGE_BYTES = 512, TRAIL_BYTES = 2048 };
static _Thread_local char message[MESSAGE_BYTES];
static _Thread_local char trail[TRAIL_BYTES];
static _Thread_local size_t trail_length;

const char *status_name(status s)
{
    static const char *const names[ZK_STATUS_COUNT] = {
        [ZK_OK] = "ZK_OK",
        [ZK_EINVAL] = "ZK_EINVAL",
        [ZK_EPARSE] = "ZK_EPARSE",
        [ZK_EPROOF] = "ZK_EPROOF",
        [ZK_EGUEST] = "ZK_EGUEST",
        [ZK_ELIMIT] = "ZK_ELIMIT",
        [ZK_EIO] = "ZK_EIO",
        [ZK_EPROTO] = "ZK_EPROTO",
        [ZK_ETIMEOUT] = "ZK_ETIMEOUT",
        [ZK_ECANCELED] = "ZK_ECANCELED",
        [ZK_ENOMEM] = "ZK_ENOMEM",
        [ZK_EDEVICE] = "ZK_EDEVICE",
        [ZK_EINTERNAL] = "ZK_EINTERNAL",
    };
    return (unsigned)s < ZK_STATUS_COUNT ? names[s] : "ZK_UNKNOWN";
}

static void trail_add(const char *file, int line, const char *what)
{
    if (trail_length >= TRAIL_BYTES - 1)
        return;
    int n =
        snprintf(trail + trail_length, TRAIL_BYTES - trail_length, "%s:%d: %s\n", file, line, what);
    if (n > 0)
        trail_length += (size_t)n;
    if (trail_length > TRAIL_BYTES - 1)
        trail_length = TRAIL_BYTES - 1;
}

status status_fail(status s, const char *file, int line, const char *condition, const char *format,
                   ...)
{
    // By way of a copy: the arguments may hold the previous message, put into a wider sentence.
    char text[MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    memcpy(message, text, strlen(text) + 1);
    trail_length = 0;
    trail[0] = '\0';
    trail_add(file, line, status_name(s));
    if (condition[0] != '\0')
        trail_add(file, line, condition);
    return s;
}

status status_forward(status s, const char *file, int line, const char *expression)
{
    trail_add(file, line, expression);
    return s;
}

const char *status_message(void)
{
    return message;
}

const char *status_trail(void)
{
    return trail;
}

void status_clear(void)
{
    message[0] = '\0';
    trail[0] = '\0';
    trail_length = 0;
}

_Noreturn void zk_panic(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
    abort();
}
