// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Any message of the API as one line of JSON, for people's scripts: names as in the .proto file,
// numbers as numbers, bytes in hexadecimal, timestamps as "2025-10-03T14:30:00.000Z", enums by
// name, members of a oneof only where they are set, absent submessages as null.
#include "base/bytes.h"

#include <protobuf-c/protobuf-c.h>

MUST_CHECK status message_put_json(byte_buffer *out, const ProtobufCMessage *m); // ZK_ENOMEM
