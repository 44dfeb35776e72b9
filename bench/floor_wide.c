/* The wide row by hand. */
#include "server.h"
#include "wide.h"
#include "wire.h"

#include <stdlib.h>

#define BUFFER_BYTES 65536
#define ROW_BYTES_MAX 1024
#define ARRAY_HEADER 20
#define EPOCH_DAYS 10957
#define EPOCH_USECS INT64_C(946684800000000)

static char *put_null(char *at)
{
    return put_int32(at, UINT32_MAX);
}

static char *put_int2(char *at, int16_t value)
{
    return put_int16(put_int32(at, 2), (uint16_t)value);
}

static char *put_int4(char *at, int32_t value)
{
    return put_int32(put_int32(at, 4), (uint32_t)value);
}

static char *put_int8(char *at, int64_t value)
{
    return put_int64(put_int32(at, 8), (uint64_t)value);
}

static char *put_bool(char *at, bool value)
{
    at = put_int32(at, 1);
    *at = (char)value;
    return at + 1;
}

static char *put_float8(char *at, double value)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put_int8(at, bits);
}

static char *put_float4(char *at, float value)
{
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put_int4(at, bits);
}

static unsigned digits_of(const char *text, size_t n)
{
    unsigned value = 0;
    for (size_t i = 0; i < n; i++) {
        value = 10 * value + (unsigned)(text[i] - '0');
    }
    return value;
}

/* "123456.78" as 12 3456 7800. */
static char *put_numeric(char *at, const char *text)
{
    const uint16_t words[] = {3,
                              1,
                              0,
                              2,
                              (uint16_t)digits_of(text, 2),
                              (uint16_t)digits_of(text + 2, 4),
                              (uint16_t)(digits_of(text + 7, 2) * 100)};
    at = put_int32(at, sizeof words);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        at = put_int16(at, words[i]);
    }
    return at;
}

static char *put_text(char *at, const char *text)
{
    return put_bytes(at, text, strlen(text));
}
#define put_varchar put_text
#define put_bpchar put_text
#define put_json put_text

static char *put_jsonb(char *at, const char *text)
{
    size_t size = strlen(text);
    at = put_int32(at, (uint32_t)size + 1);
    *at++ = 1;
    memcpy(at, text, size);
    return at + size;
}

static char *put_bytea(char *at, bm_slice bytes)
{
    return put_bytes(at, bytes.data, bytes.size);
}

static char *put_date(char *at, int32_t days)
{
    return put_int4(at, days - EPOCH_DAYS);
}
#define put_time put_int8

static char *put_timestamp(char *at, int64_t usecs)
{
    return put_int8(at, usecs - EPOCH_USECS);
}
#define put_timestamptz put_timestamp

static char *put_uuid(char *at, bm_uuid uuid)
{
    return put_bytes(at, uuid.bytes, sizeof uuid.bytes);
}

static char *put_header(char *at, uint32_t oid, size_t n, bool has_null)
{
    at = put_int32(at, 1);
    at = put_int32(at, has_null);
    at = put_int32(at, oid);
    at = put_int32(at, (uint32_t)n);
    return put_int32(at, 1);
}

static char *put_numbers(char *at, const bm_array *numbers)
{
    const int32_t *each = numbers->data;
    at = put_int32(at, (uint32_t)(ARRAY_HEADER + 8 * numbers->count));
    at = put_header(at, 23, numbers->count, false);
    for (size_t i = 0; i < numbers->count; i++) {
        at = put_int4(at, each[i]);
    }
    return at;
}

static char *put_row(char *at, const wide *row, bool with_keys)
{
    at = put_int16(at, with_keys ? WIDE_FIELDS : WIDE_FIELDS - 1);
    if (with_keys) {
        at = put_int8(at, row->id);
    }
#define PUT_CELL(name_, c_, type_, sql_)                                                           \
    at = row->states[WIDE_##name_] != BM_VALUE ? put_null(at) : put_##sql_(at, row->name_);
    WIDE_COLUMNS(PUT_CELL)
#undef PUT_CELL
    return row->states[WIDE_numbers] != BM_VALUE ? put_null(at) : put_numbers(at, &row->numbers);
}

static void put(PGconn *pg, const char *buffer, const char *end)
{
    if (PQputCopyData(pg, buffer, (int)(end - buffer)) != 1) {
        die("%s", PQerrorMessage(pg));
    }
}

#define LISTED(name_, c_, type_, sql_) #name_ ", "
#define NAMES WIDE_COLUMNS(LISTED) "numbers"

void floor_wide_copy(PGconn *pg, const wide *rows, size_t n, bool with_keys)
{
    static const char header[19] = "PGCOPY\n\377\r\n";
    static char buffer[BUFFER_BYTES];
    char *at = buffer + sizeof header;
    server_expect(pg,
                  PQexec(pg, with_keys ? "COPY wide (id, " NAMES ") FROM STDIN BINARY"
                                       : "COPY wide (" NAMES ") FROM STDIN BINARY"),
                  PGRES_COPY_IN);
    memcpy(buffer, header, sizeof header);
    for (size_t i = 0; i < n; i++) {
        if (at > buffer + sizeof buffer - ROW_BYTES_MAX) {
            put(pg, buffer, at);
            at = buffer;
        }
        at = put_row(at, &rows[i], with_keys);
    }
    at = put_int16(at, UINT16_MAX);
    put(pg, buffer, at);
    if (PQputCopyEnd(pg, NULL) != 1) {
        die("%s", PQerrorMessage(pg));
    }
    server_expect(pg, PQgetResult(pg), PGRES_COMMAND_OK);
    PQclear(PQgetResult(pg));
}

/* ---- update: a binary array for each column */

#define CELL_BYTES_MAX 80

static const uint32_t oids[WIDE_numbers] = {21,   23, 20,   16,   701,  700,  1700, 1043, 25,
                                            1042, 17, 1082, 1083, 1114, 1184, 2950, 114,  3802};

#define PUT_COLUMN(name_, c_, type_, sql_)                                                         \
    static char *put_column_##name_(char *at, const wide *rows, size_t n)                          \
    {                                                                                              \
        at = put_header(at, oids[WIDE_##name_], n, true);                                          \
        for (size_t i = 0; i < n; i++) {                                                           \
            at = rows[i].states[WIDE_##name_] != BM_VALUE ? put_null(at)                           \
                                                          : put_##sql_(at, rows[i].name_);         \
        }                                                                                          \
        return at;                                                                                 \
    }
WIDE_COLUMNS(PUT_COLUMN)

static char *put_keys(char *at, const wide *rows, size_t n)
{
    at = put_header(at, 20, n, false);
    for (size_t i = 0; i < n; i++) {
        at = put_int8(at, rows[i].id);
    }
    return at;
}

#define SET_COLUMN(name_, c_, type_, sql_) #name_ " = v." #name_ ", "
#define ARRAY_NAME(name_, c_, type_, sql_) ", " #name_
#define PUT_OF(name_, c_, type_, sql_) put_column_##name_,

static const char update_sql[] = "UPDATE wide SET " WIDE_COLUMNS(
    SET_COLUMN) "numbers = wide.numbers FROM unnest($1::int8[], $2::int2[],"
                " $3::int4[], $4::int8[], $5::bool[], $6::float8[], $7::float4[], $8::numeric[],"
                " $9::varchar[], $10::text[], $11::bpchar[], $12::bytea[], $13::date[], "
                "$14::time[],"
                " $15::timestamp[], $16::timestamptz[], $17::uuid[], $18::json[], $19::jsonb[])"
                " AS v(id" WIDE_COLUMNS(ARRAY_NAME) ") WHERE wide.id = v.id";

void floor_wide_update(PGconn *pg, const wide *rows, size_t n)
{
    static char *(*const put_column[])(char *, const wide *, size_t) = {put_keys,
                                                                        WIDE_COLUMNS(PUT_OF)};
    enum { COLUMNS = sizeof put_column / sizeof put_column[0] };
    char *values[COLUMNS];
    const char *given[COLUMNS];
    int sizes[COLUMNS];
    int binary[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++) {
        values[i] = malloc(ARRAY_HEADER + CELL_BYTES_MAX * n);
        if (values[i] == NULL) {
            die("no memory");
        }
        sizes[i] = (int)(put_column[i](values[i], rows, n) - values[i]);
        given[i] = values[i];
        binary[i] = 1;
    }
    PGresult *result = PQexecParams(pg, update_sql, COLUMNS, NULL, given, sizes, binary, 1);
    if (PQresultStatus(result) != PGRES_COMMAND_OK ||
        strtoull(PQcmdTuples(result), NULL, 10) != n) {
        die("%s", PQerrorMessage(pg));
    }
    PQclear(result);
    for (size_t i = 0; i < COLUMNS; i++) {
        free(values[i]);
    }
}
