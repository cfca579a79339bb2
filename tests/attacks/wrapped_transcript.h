// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Transcripts that forget: while a label is in `dropped_labels`, no value under it is absorbed by
// anybody, header included. With an empty set the transcript is the real one.
#include "transcript/transcript.h"

extern uint32_t dropped_labels; // bit l: label l

// Challenges in K since the log was cleared, with the label under which something was last to be
// absorbed before.
enum { MAX_SQUEEZED = 1024 };
typedef struct squeeze_log {
    size_t n;
    fe3 value[MAX_SQUEEZED];
    transcript_label after[MAX_SQUEEZED];
} squeeze_log;
extern squeeze_log squeezed;
