// SPDX-License-Identifier: Apache-2.0 OR MIT
// zisk-worker: computes the shares of proofs that a coordinator assigns to it.
#include "worker/worker_main.h"

extern char **environ;

int main(int argc, char **argv)
{
    return worker_main(argc, argv, environ);
}
