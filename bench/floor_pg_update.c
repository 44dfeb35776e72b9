#include "floor.h"
#include "server.h"
#include "wire.h"

#include <stdlib.h>

#define OID_INT8 20
#define OID_INT4 23
#define ARRAY_HEADER 20

static char *put_header(char *at, uint32_t oid, size_t n)
{
    at = put_int32(at, 1);
    at = put_int32(at, 0);
    at = put_int32(at, oid);
    at = put_int32(at, (uint32_t)n);
    return put_int32(at, 1);
}

void floor_pg_update(PGconn *pg, const foo *rows, size_t n)
{
    char *keys = malloc(ARRAY_HEADER + 12 * n);
    char *numbers = malloc(ARRAY_HEADER + 8 * n);
    if (keys == NULL || numbers == NULL) {
        die("no memory");
    }
    char *key = put_header(keys, OID_INT8, n);
    char *number = put_header(numbers, OID_INT4, n);
    for (size_t i = 0; i < n; i++) {
        key = put_int32(key, 8);
        key = put_int64(key, (uint64_t)rows[i].id);
        number = put_int32(number, 4);
        number = put_int32(number, (uint32_t)rows[i].value);
    }
    const char *values[] = {keys, numbers};
    const int sizes[] = {(int)(key - keys), (int)(number - numbers)};
    const int binary[] = {1, 1};
    PGresult *result = PQexecParams(pg,
                                    "UPDATE foo SET value = v.value"
                                    " FROM unnest($1::int8[], $2::int4[]) AS v(id, value)"
                                    " WHERE foo.id = v.id",
                                    2, NULL, values, sizes, binary, 1);
    if (PQresultStatus(result) != PGRES_COMMAND_OK ||
        strtoull(PQcmdTuples(result), NULL, 10) != n) {
        die("%s", PQerrorMessage(pg));
    }
    PQclear(result);
    free(keys);
    free(numbers);
}
