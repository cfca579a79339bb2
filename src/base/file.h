// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Whole files: read with a limit, written so that a reader, or a crash at any moment, sees either
// the old content or the new one, never a part.
#include "base/bytes.h"

// Replaces the content of *out by that of the file (or pipe) at `path`. ZK_EIO when it cannot be
// opened or read, ZK_ELIMIT when it has more than max_bytes; *out is then empty.
MUST_CHECK status file_read(byte_buffer *out, const char *path, size_t max_bytes);

// Writes a temporary file beside `path`, brings it to the disk and renames it to `path`. On ZK_EIO
// the temporary file is gone and the old one untouched, except when only the last step failed, the
// sync of the folder. When ZK_OK is returned the new content survives a loss of power. Permissions
// are 0666 less the umask. What stands at `path` and is no regular file is refused.
MUST_CHECK status file_write_atomic(const char *path, const void *data, size_t size);
// The same with the content of the file `from`, of any size.
MUST_CHECK status file_copy_atomic(const char *path, const char *from);

// Whether a file can be made at `path`, for those who would rather know before hours of work: makes
// the temporary file of file_write_atomic and removes it. ZK_EIO as there.
MUST_CHECK status file_check_target(const char *path);

// Makes the directory and its parents where they do not exist yet (0777 less the umask).
MUST_CHECK status file_make_directories(const char *path);
// The same for the directory that holds `path`.
MUST_CHECK status file_make_parent(const char *path);

// Raises the number of files that the process may have open to what the system allows it. The
// default is 1024 for programs that use select(), which ours do not.
void file_raise_limit(void);
