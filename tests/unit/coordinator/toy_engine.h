// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// A stand-in for the engine (toy_engine.c): jobs "job-1", "job-2", ... that do what a test says.
// Launches above 100 units are refused for lack of capacity, the worker "refuse me" is refused.
#include "coordinator/engine.h"

typedef struct toy_record {
    size_t ticks, messages, losses;
    uint64_t last_connection;
    char lost_reason[256];
    size_t input_bytes; // of the last launch's input_digest
    uint8_t input[32];
    bool has_uri;
    bool busy; // a job runs: draining waits
} toy_record;

extern toy_record toy; // of the engine opened last

void toy_note(const char *job, const char *text);
void toy_progress(const char *job);
void toy_complete(const char *job, const uint8_t sha256[32]);
