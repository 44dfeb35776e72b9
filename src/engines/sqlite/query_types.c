#include "sqlite_engine.h"

#include "query.h"

#include <assert.h>
#include <string.h>

/*
 * An expression has no declared type, and its values have one each: a column is of the type that
 * all its values have.  Where they differ it stays without one, and is read as text.  In a compound
 * SQLite gives the declared types of the first part: they hold where all values have such a type.
 */
static bool is_asked(const bm__catalog *catalog, const bm__table_column *column)
{
    return column->type[0] == '\0' || catalog->unites;
}

static bool says(const bm__cell *cell, const char *types)
{
    return cell->size == strlen(types) && memcmp(cell->data, types, cell->size) == 0;
}

/* Can a column of this declared type be read, whose values have the types in the cell? */
static bool holds(const bm__table_column *column, const bm__cell *cell)
{
    switch (bm__sqlite_type_of(column)) {
    case BM_INT8:
    case BM_BOOL:
        return says(cell, "integer");
    case BM_FLOAT8:
    case BM_NUMERIC:
        return says(cell, "integer") || says(cell, "real") || says(cell, "integer,real") ||
               says(cell, "real,integer");
    case BM_BYTEA:
        return says(cell, "blob");
    default: /* kept as text */
        return says(cell, "text");
    }
}

/* The cell has the types of the column's values, "integer,text", or is NULL: there are none. */
static bm_status set_type(bm__catalog *catalog, bm__table_column *column, const bm__cell *cell,
                          bm_error *err)
{
    if (cell->kind != BM__CELL_TEXT || (column->type[0] != '\0' && holds(column, cell))) {
        return BM_OK;
    }
    const bool several = memchr(cell->data, ',', cell->size) != NULL;
    const bm__cell type = {
        .kind = BM__CELL_TEXT, .data = cell->data, .size = several ? 0 : cell->size};
    column->type = bm__catalog_text(catalog, &type);
    if (column->type == NULL) {
        column->type = "";
        return bm__no_memory(err);
    }
    return BM_OK;
}

/* The one row: a cell for each column that was asked about. */
static bm_status push(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__catalog *catalog = context;
    bm__table *table = catalog->table;
    size_t at = 0;
    assert(catalog->n_typed == 0);
    for (size_t i = 0; i < table->n_columns; i++) {
        if (!is_asked(catalog, &table->columns[i])) {
            catalog->n_typed++;
        } else if (at < n) {
            BM_TRY(set_type(catalog, &table->columns[i], &cells[at++], err));
            catalog->n_typed++;
        }
    }
    return BM_OK;
}

bm_status bm__sqlite_ask_types(bm__catalog *catalog, bm__step *step, bm_error *err)
{
    const bm__table *table = catalog->table;
    const bm__dialect *dialect = catalog->engine->dialect;
    bm__sql sql = bm__sql_begin(err);
    const char *between = "SELECT ";
    bool any = false;
    bm__sql_put_query(&sql, dialect, catalog->query, table->n_columns);
    for (size_t i = 0; i < table->n_columns; i++) {
        if (is_asked(catalog, &table->columns[i])) {
            bm__sql_put(&sql, "%sgroup_concat(DISTINCT nullif(typeof(c%zu), 'null'))", between, i);
            between = ", ";
            any = true;
        }
    }
    bm__sql_put(&sql, " FROM ");
    bm__sql_put_query_name(&sql, catalog->query);
    const char *text;
    BM_TRY(bm__sql_end(&sql, &catalog->arena, &text));
    step->push = push;
    step->sql = any ? text : NULL;
    return BM_OK;
}
