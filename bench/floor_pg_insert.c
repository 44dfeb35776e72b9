#include "floor.h"
#include "server.h"
#include "wire.h"

#include <stdlib.h>

#define OID_INT4 23
#define OID_TEXT 25
#define ARRAY_HEADER 20

static char *put_header(char *at, uint32_t oid, size_t n)
{
    at = put_int32(at, 1);
    at = put_int32(at, 0);
    at = put_int32(at, oid);
    at = put_int32(at, (uint32_t)n);
    return put_int32(at, 1);
}

void floor_pg_insert(PGconn *pg, foo *rows, size_t n)
{
    size_t text = ARRAY_HEADER;
    for (size_t i = 0; i < n; i++) {
        text += 4 + strlen(rows[i].name);
    }
    char *names = malloc(text);
    char *numbers = malloc(ARRAY_HEADER + 8 * n);
    if (names == NULL || numbers == NULL) {
        die("no memory");
    }
    char *name = put_header(names, OID_TEXT, n);
    char *number = put_header(numbers, OID_INT4, n);
    for (size_t i = 0; i < n; i++) {
        name = put_bytes(name, rows[i].name, strlen(rows[i].name));
        number = put_int32(number, 4);
        number = put_int32(number, (uint32_t)rows[i].value);
    }
    const char *values[] = {names, numbers, (const char *)rows[0].bm_create_uuid.bytes};
    const int sizes[] = {(int)text, (int)(number - numbers), 16};
    const int binary[] = {1, 1, 1};
    PGresult *keys = PQexecParams(
        pg,
        "INSERT INTO foo (name, value, bm_create_uuid) SELECT v.name, v.value, $3::uuid"
        " FROM unnest($1::text[], $2::int4[]) AS v(name, value) RETURNING id",
        3, NULL, values, sizes, binary, 1);
    if (PQresultStatus(keys) != PGRES_TUPLES_OK || (size_t)PQntuples(keys) != n) {
        die("%s", PQerrorMessage(pg));
    }
    for (size_t i = 0; i < n; i++) {
        rows[i].id = get_int64(PQgetvalue(keys, (int)i, 0));
    }
    PQclear(keys);
    free(names);
    free(numbers);
}
