// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The program zisk-worker from its arguments to its exit code: settings, log, program and key, then
// the worker until it is told to stop.

enum { WORKER_DONE = 0, WORKER_FAILED = 1, WORKER_USAGE = 2 };

int worker_main(int argc, char **argv, char **environment);
