#include "operators.h"
#include "postgresql.h"

void bm__postgresql_sequence(bm__sql *sql, const bm__sql_shape *shape, const char *column,
                             bool move)
{
    bm_error *err = sql->err;
    bm__arena arena = {0};
    bm__sql table = bm__sql_begin(err);
    const char *quoted;
    bm__sql_table(&table, shape->schema, shape->table);
    if (bm__sql_end(&table, &arena, &quoted) == BM_OK) {
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
    } else {
        sql->status = err->status;
    }
    bm__arena_free(&arena);
}
