// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "zisk.h"

#include <signal.h>
#include <stdio.h>

static cancel_flag interrupted;
static volatile sig_atomic_t caught;

// The second signal of a kind ends the process at once: SA_RESETHAND.
static void on_signal(int number)
{
    caught = number;
    cancel_raise(&interrupted);
}

const cancel_flag *catch_interrupts(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (unsigned k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
        struct sigaction present;
        // Whoever starts us with a signal ignored (nohup, a background job of sh) wants it ignored.
        if (sigaction(numbers[k], NULL, &present) == 0 && present.sa_handler == SIG_IGN)
            continue;
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_RESETHAND};
        sigemptyset(&action.sa_mask);
        (void)sigaction(numbers[k], &action, NULL);
    }
    return &interrupted;
}

int command_ended(const char *name, status result, const char *what_is_left)
{
    if (result != ZK_ECANCELED || caught == 0)
        return command_failed(name);
    const char *signal = caught == SIGINT ? "SIGINT" : caught == SIGTERM ? "SIGTERM" : "SIGHUP";
    fprintf(stderr, "zisk %s: stopped by %s; %s\n", name, signal, what_is_left);
    return 128 + caught;
}
