// SPDX-License-Identifier: Apache-2.0 OR MIT
// The client's commands as a program of their own, for tests.
#include "../../bin/coordinator_client.h"

int main(int argc, char **argv)
{
    int code = coordinator_client_main(argc, argv);
    return code < 0 ? 99 : code;
}
