#include "floor.h"
#include "server.h"
#include "wire.h"

#include <stdlib.h>

#define BUFFER_BYTES 65536
#define ROW_BYTES_MAX 1024

static void begin_copy(PGconn *pg, bool with_keys)
{
    const char *sql = with_keys ? "COPY foo (id, name, value, bm_create_uuid) FROM STDIN BINARY"
                                : "COPY foo (name, value, bm_create_uuid) FROM STDIN BINARY";
    server_expect(pg, PQexec(pg, sql), PGRES_COPY_IN);
}

static void put(PGconn *pg, const char *buffer, const char *end)
{
    if (PQputCopyData(pg, buffer, (int)(end - buffer)) != 1) {
        die("%s", PQerrorMessage(pg));
    }
}

static char *put_row(char *at, const foo *row, bool with_keys)
{
    at = put_int16(at, with_keys ? 4 : 3);
    if (with_keys) {
        at = put_int32(at, 8);
        at = put_int64(at, (uint64_t)row->id);
    }
    at = put_bytes(at, row->name, strlen(row->name));
    at = put_int32(at, 4);
    at = put_int32(at, (uint32_t)row->value);
    return put_bytes(at, row->bm_create_uuid.bytes, 16);
}

void floor_pg_copy(PGconn *pg, const foo *rows, size_t n, bool with_keys)
{
    static const char header[19] = "PGCOPY\n\377\r\n";
    static char buffer[BUFFER_BYTES];
    char *at = buffer + sizeof header;
    begin_copy(pg, with_keys);
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

void floor_pg_copy_keys(PGconn *pg, foo *rows, size_t n)
{
    char count[8];
    const char *values[] = {count};
    const int sizes[] = {sizeof count};
    const int binary[] = {1};
    put_int64(count, n);
    PGresult *keys =
        PQexecParams(pg, "SELECT nextval('foo_id_seq') FROM generate_series(1, $1::int8)", 1, NULL,
                     values, sizes, binary, 1);
    if (PQresultStatus(keys) != PGRES_TUPLES_OK || (size_t)PQntuples(keys) != n) {
        die("%s", PQerrorMessage(pg));
    }
    for (size_t i = 0; i < n; i++) {
        rows[i].id = get_int64(PQgetvalue(keys, (int)i, 0));
    }
    PQclear(keys);
    floor_pg_copy(pg, rows, n, true);
}
