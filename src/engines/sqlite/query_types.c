#include "sqlite_engine.h"

#include "statement.h"

#include <string.h>

/*
 * An expression has no declared type, and its values have one each: a column is of the type that
 * all its values have.  Where they differ it stays without one, and is read as text.
 */
static bool is_open(const bm__table_column *column)
{
    return column->type[0] == '\0';
}

static bool same(const bm__cell *a, const bm__cell *b)
{
    return a->kind == BM__CELL_TEXT && b->kind == BM__CELL_TEXT && a->size == b->size &&
           memcmp(a->data, b->data, a->size) == 0;
}

/* One row: the least and the greatest name of a type, for each open column. */
static bm_status push(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__catalog *catalog = context;
    bm__table *table = catalog->table;
    size_t at = 0;
    for (size_t i = 0; i < table->n_columns; i++) {
        if (!is_open(&table->columns[i])) {
            continue;
        }
        if (at + 2 > n) {
            return bm__fail(err, BM_DATABASE, BM_STAGE_CATALOG,
                            "unexpected answer about the query's types");
        }
        if (same(&cells[at], &cells[at + 1])) {
            const char *type = bm__catalog_text(catalog, &cells[at]);
            if (type == NULL) {
                return bm__no_memory(err);
            }
            table->columns[i].type = type;
        }
        at += 2;
    }
    return BM_OK;
}

bm_status bm__sqlite_ask_types(bm__catalog *catalog, bm__step *step, bm_error *err)
{
    const bm__table *table = catalog->table;
    bm__sql sql = bm__sql_begin(err);
    const char *between = "SELECT ";
    bool any = false;
    bm__sql_put_query(&sql, catalog->query, table->n_columns);
    for (size_t i = 0; i < table->n_columns; i++) {
        if (is_open(&table->columns[i])) {
            bm__sql_put(&sql,
                        "%smin(nullif(typeof(c%zu), 'null')), max(nullif(typeof(c%zu), 'null'))",
                        between, i, i);
            between = ", ";
            any = true;
        }
    }
    bm__sql_put(&sql, " FROM %s", BM__SQL_QUERY);
    const char *text;
    BM_TRY(bm__sql_end(&sql, &catalog->arena, &text));
    step->push = push;
    step->sql = any ? text : NULL;
    return BM_OK;
}
