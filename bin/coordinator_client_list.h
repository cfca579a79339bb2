// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The lists as text, for the commands and for top. now_s: seconds since 1970. width: of a screen,
// at which lines are cut; one below LIST_ROOMY gets the beginnings of long ids and leaves addresses
// and versions out, so that what is cut is not why a job or worker waits. 0: a pipe, nothing is
// cut.
#include "coordinator_client.h"

enum { LIST_ROOMY = 160 };

MUST_CHECK status list_put_jobs(byte_buffer *out, api_job_status *const *jobs, size_t n,
                                size_t width);
MUST_CHECK status list_put_workers(byte_buffer *out, api_worker_info *const *workers, size_t n,
                                   uint64_t now_s, size_t width);
