/* A row of twenty columns: every scalar type, JSON, an array; a fifth of the cells NULL. */
#ifndef BM_BENCH_WIDE_H
#define BM_BENCH_WIDE_H

#include "bench.h"

#include <libpq-fe.h>

/* _(column and member, the member's type, bm_type, the column's type), but for key and array. */
#define WIDE_COLUMNS(_)                                                                            \
    _(small, int16_t, BM_INT2, int2)                                                               \
    _(medium, int32_t, BM_INT4, int4)                                                              \
    _(large, int64_t, BM_INT8, int8)                                                               \
    _(flag, bool, BM_BOOL, bool)                                                                   \
    _(ratio, double, BM_FLOAT8, float8)                                                            \
    _(weight, float, BM_FLOAT4, float4)                                                            \
    _(price, const char *, BM_NUMERIC, numeric)                                                    \
    _(name, const char *, BM_VARCHAR, varchar)                                                     \
    _(body, const char *, BM_TEXT, text)                                                           \
    _(code, const char *, BM_CHAR, bpchar)                                                         \
    _(data, bm_slice, BM_BYTEA, bytea)                                                             \
    _(day, int32_t, BM_DATE, date)                                                                 \
    _(hour, int64_t, BM_TIME, time)                                                                \
    _(made, int64_t, BM_TIMESTAMP, timestamp)                                                      \
    _(seen, int64_t, BM_TIMESTAMPTZ, timestamptz)                                                  \
    _(token, bm_uuid, BM_UUID, uuid)                                                               \
    _(note, const char *, BM_JSON, json)                                                           \
    _(document, const char *, BM_JSONB, jsonb)

enum {
#define WIDE_NUMBER(name_, c_, type_, sql_) WIDE_##name_,
    WIDE_COLUMNS(WIDE_NUMBER)
#undef WIDE_NUMBER
        WIDE_numbers,
    WIDE_STATES
};

#define WIDE_FIELDS (1 + WIDE_STATES)
#define WIDE_PRICE_BYTES 9 /* "123456.78" */

typedef struct wide {
    int64_t id;
#define WIDE_MEMBER(name_, c_, type_, sql_) c_ name_;
    WIDE_COLUMNS(WIDE_MEMBER)
#undef WIDE_MEMBER
    bm_array numbers;            /* int4 */
    uint8_t states[WIDE_STATES]; /* bm_state of each member but the key */
} wide;

extern const bm_model wide_model;

/* Rows of keys 1 .. n, made once, never freed. */
wide *wide_rows(size_t n);

/* The contenders (floor_wide.c): a binary COPY, keys left to the server or those of the rows, and
 * UPDATE FROM unnest of all columns but the array, one statement. */
void floor_wide_copy(PGconn *pg, const wide *rows, size_t n, bool with_keys);
void floor_wide_update(PGconn *pg, const wide *rows, size_t n);

#endif
