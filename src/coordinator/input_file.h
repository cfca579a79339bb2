// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Opens an input that a request names, and only below the inputs folder: neither "..", nor a
// symbolic link, nor an absolute path leads out of it. The kernel itself resolves the name under
// that rule (openat2, Linux 5.6).
#include "base/status.h"

#include <stdint.h>

// *fd is a regular file of *size bytes, to be closed by the caller. `name` is a path relative to
// `folder`, or an absolute one that begins with it. ZK_EINVAL: it lies outside, is no file, or
// there is no such file; ZK_EIO. No message tells more about what lies outside than that it does.
MUST_CHECK status input_file_open(int *fd, uint64_t *size, const char *folder, const char *name);
