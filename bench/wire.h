/* PostgreSQL's integers, as a program writes them by hand. */
#ifndef BM_BENCH_WIRE_H
#define BM_BENCH_WIRE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline char *put_int16(char *out, uint16_t value)
{
    value = htobe16(value);
    memcpy(out, &value, sizeof value);
    return out + sizeof value;
}

static inline char *put_int32(char *out, uint32_t value)
{
    value = htobe32(value);
    memcpy(out, &value, sizeof value);
    return out + sizeof value;
}

static inline char *put_int64(char *out, uint64_t value)
{
    value = htobe64(value);
    memcpy(out, &value, sizeof value);
    return out + sizeof value;
}

static inline char *put_bytes(char *out, const void *bytes, size_t size)
{
    out = put_int32(out, (uint32_t)size);
    memcpy(out, bytes, size);
    return out + size;
}

static inline int64_t get_int64(const char *in)
{
    uint64_t value;
    memcpy(&value, in, sizeof value);
    return (int64_t)be64toh(value);
}

#endif
