// SPDX-License-Identifier: Apache-2.0 OR MIT
// unpack_takes_only_what_packs_again: the first byte chooses the message, the rest is its bytes.
// What message_unpack takes can be packed, and unpacks to the same bytes again.
#include "cluster/messages.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ProtobufCServiceDescriptor *service =
        &zisk__distributed__api__v1__zisk_distributed_api__descriptor;
    if (size == 0)
        return 0;
    const ProtobufCMethodDescriptor *method =
        &service->methods[(data[0] >> 1) % service->n_methods];
    const ProtobufCMessageDescriptor *type = data[0] & 1 ? method->output : method->input;
    ProtobufCMessage *m, *again;
    if (message_unpack(&m, type, data + 1, size - 1, 1 << 16) != ZK_OK)
        return 0;
    uint8_t *packed, *repacked;
    size_t n, repacked_n;
    ZK_ASSERT(message_pack(&packed, &n, m) == ZK_OK);
    // Packing may be larger than what came (a field merged from many), hence the larger limit.
    ZK_ASSERT(message_unpack(&again, type, packed, n, 1 << 22) == ZK_OK);
    ZK_ASSERT(message_pack(&repacked, &repacked_n, again) == ZK_OK);
    ZK_ASSERT(repacked_n == n && memcmp(packed, repacked, n) == 0);
    free(packed);
    free(repacked);
    message_free(m);
    message_free(again);
    return 0;
}
