#include "operators.h"
#include "postgresql.h"

void bm__postgresql_sequence(bm__sql *sql, const bm__sql_shape *shape, const char *column,
                             bool move)
{
    bm__arena arena = {0};
    const char *quoted = bm__postgresql_quoted(sql, shape, &arena);
    if (quoted != NULL) {
        bm__sql_put(sql, "SELECT %s FROM (SELECT pg_catalog.pg_get_serial_sequence(",
                    move ? "pg_catalog.setval(x.s, x.m)" : "1");
        bm__sql_name_text(sql, quoted);
        bm__sql_put(sql, ", ");
        bm__sql_name_text(sql, column);
        bm__sql_put(sql, ")::pg_catalog.regclass AS s, (SELECT pg_catalog.max(t.");
        bm__sql_name(sql, column);
        bm__sql_put(sql,
                    ") FROM %s AS t) AS m) AS x WHERE x.s IS NOT NULL AND x.m" GT
                    "coalesce(pg_catalog.pg_sequence_last_value(x.s), 0)",
                    quoted);
    }
    bm__arena_free(&arena);
}
