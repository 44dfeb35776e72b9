#include "bulkmodel.h"

#include <sys/random.h>

bm_status bm_uuid_random(bm_uuid *out)
{
    bm_uuid uuid;
    if (out == NULL) {
        return BM_INVALID;
    }
    if (getrandom(uuid.bytes, sizeof uuid.bytes, 0) != (ssize_t)sizeof uuid.bytes) {
        return BM_INTERNAL;
    }
    uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0F) | 0x40); /* RFC 9562, 5.4 */
    uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3F) | 0x80);
    *out = uuid;
    return BM_OK;
}
