// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Blobs named by their SHA-256: inputs that clients uploaded, proofs that workers uploaded.
//
//     FOLDER/ab/abcd....           64 hex digits of the content
//     FOLDER/part-PID-NUMBER       being written; removed when the folder is opened
//
// A blob is written aside, its size and digest checked, synced and renamed, so a file that has a
// blob's name is that blob. Names come from digests alone, never from a peer. The results of the
// job store, files of the same naming, can be read here too.
//
// The sum of all sizes is bounded; a writer reserves its size when it begins. All functions may be
// called by any thread; those marked "disk" take as long as the disk does, so not on a loop's
// thread. One writer belongs to one thread at a time.
#include "base/bytes.h"

#include <stdint.h>

typedef struct artifacts artifacts;
typedef struct artifact_writer artifact_writer;

enum { ARTIFACT_DIGEST = 32, ARTIFACT_PATH = 4096 + 96 };

typedef struct artifacts_options {
    const char *folder;
    const char *results;      // folder of the job store's results; NULL: none
    uint64_t max_total_bytes; // of all blobs here
    uint64_t max_bytes;       // of one
} artifacts_options;

// Disk. Makes the folder. ZK_EIO.
MUST_CHECK status artifacts_open(artifacts **out, const artifacts_options *o);
void artifacts_close(artifacts *a); // no writer is left; NULL is allowed
uint64_t artifacts_bytes(const artifacts *a);

// The file that holds these bytes; false: there is none. *size may be NULL. A blob that was asked
// for counts as new for the two functions below.
bool artifacts_find(artifacts *a, const uint8_t sha256[ARTIFACT_DIGEST], char path[ARTIFACT_PATH],
                    uint64_t *size);

// Disk. sha256 NULL: whatever the bytes give. ZK_ELIMIT: too large, or no room for `size` more
// bytes.
MUST_CHECK status artifact_begin(artifact_writer **out, artifacts *a, const uint8_t *sha256,
                                 uint64_t size);
// Disk. ZK_EPROTO: more bytes than announced; ZK_EIO.
MUST_CHECK status artifact_write(artifact_writer *w, const void *data, size_t n);
// Disk. Ends the writer, also on failure. On ZK_OK the blob survives a loss of power, and digest
// (may be NULL) holds its name. ZK_EPROTO: another size or digest than announced; ZK_EIO.
MUST_CHECK status artifact_commit(artifact_writer *w, uint8_t digest[ARTIFACT_DIGEST]);
void artifact_abort(artifact_writer *w); // NULL is allowed

// Disk. Appends the digests of the blobs that were neither written nor asked for within age_ms.
MUST_CHECK status artifacts_list_old(byte_buffer *digests, artifacts *a, uint64_t age_ms);
// Disk. Removes those of the n digests that are still as old as that. Returns how many.
size_t artifacts_remove_old(artifacts *a, uint64_t age_ms, const uint8_t *digests, size_t n);
