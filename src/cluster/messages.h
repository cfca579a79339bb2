// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// From bytes of a peer to structs of the cluster's API, and back.
//
// zisk_distributed_api.pb-c.[ch] is generated (scripts/gen-proto) from proto/, which holds the
// original's names and field numbers. The generated unpacker believes what it reads: it checks no
// UTF-8, and a message of two-byte elements makes it allocate thirty times its size. So every
// message from outside goes through message_unpack, which walks the bytes first:
//
//   - strings are UTF-8 (RFC 3629) without NUL, so they are C strings;
//   - the memory that unpacking will take is computed and bounded by MESSAGE_MEMORY_FACTOR times
//     the limit on bytes;
//   - unknown fields are skipped by us and kept by the unpacker, at most MESSAGE_UNKNOWN_MAX.
//
// No message of the API contains itself, so its types bound the nesting.
//
// Presence: scalars are zero when absent; members of a oneof have a case field (also those written
// as `oneof _x { T x = N; }`, the original's `optional`); submessages are NULL when absent.
#include "base/status.h"
#include "cluster/zisk_distributed_api.pb-c.h"

#include <stddef.h>
#include <stdint.h>

enum {
    MESSAGE_BYTES_MAX = 128 << 20, // as the original, both directions
    MESSAGE_MEMORY_FACTOR = 4,
    MESSAGE_UNKNOWN_MAX = 1024
};

// The walk alone. ZK_EPARSE: not a message of this type, or a string that is not text. ZK_ELIMIT:
// above a limit; max_bytes is at most MESSAGE_BYTES_MAX. The message names the field.
MUST_CHECK status message_check(const ProtobufCMessageDescriptor *type, const uint8_t *bytes,
                                size_t n, size_t max_bytes);

// Walk, then unpack. *out is NULL unless ZK_OK; free it with message_free.
MUST_CHECK status message_unpack(ProtobufCMessage **out, const ProtobufCMessageDescriptor *type,
                                 const uint8_t *bytes, size_t n, size_t max_bytes);
void message_free(ProtobufCMessage *m); // NULL-safe

// *out comes from malloc, fit for rpc_send_take. ZK_ENOMEM, ZK_ELIMIT above MESSAGE_BYTES_MAX.
// Strings of m are the caller's and must be UTF-8.
MUST_CHECK status message_pack(uint8_t **out, size_t *out_n, const ProtobufCMessage *m);
