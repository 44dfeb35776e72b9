#include "sqlite_engine.h"

#include "quoting.h"

#include <string.h>
#include <strings.h>

/*
 * The table's name comes as a cell of the batch, so that no literal stands in SQL; only the schema
 * is a name in the text.  `hidden` of table_xinfo: 2 and 3 are generated columns, 1 is a hidden one
 * of a virtual table.  sqlite.org/pragma.html#pragma_table_xinfo
 * Only RAISE(IGNORE) and ON CONFLICT IGNORE leave a row out: both have that word.
 */
static bm_status put_question(bm__catalog *catalog, const char **out, bm_error *err)
{
    const char *schema = catalog->model->schema;
    const char *arguments = schema != NULL ? "v.c0, v.c1" : "v.c0";
    bm__sql master = bm__sql_begin(err);
    const char *from;
    bm__sql_table(&master, schema, "sqlite_master");
    BM_TRY(bm__sql_end(&master, &catalog->arena, &from));
    bm__sql sql = bm__sql_begin(err);
    bm__sql_put(
        &sql,
        "SELECT (SELECT m.type FROM %s m WHERE m.name = v.c0 COLLATE NOCASE), p.name, "
        "p.type, p.\"notnull\", p.dflt_value, p.pk, p.hidden, "
        "(SELECT count(*) FROM %s WHERE name = 'sqlite_sequence'), "
        "(SELECT count(*) FROM pragma_table_xinfo(%s) k WHERE k.pk > 0), "
        "(SELECT count(*) FROM (SELECT type, tbl_name FROM %s UNION ALL SELECT type, "
        "tbl_name FROM sqlite_temp_master) g WHERE g.type = 'trigger' AND g.tbl_name = v.c0 "
        "COLLATE NOCASE), (SELECT count(*) FROM pragma_foreign_key_list(%s) f WHERE f.\"table\" = "
        "v.c0 COLLATE NOCASE), (SELECT count(*) FROM (SELECT sql, tbl_name FROM %s UNION ALL "
        "SELECT "
        "sql, tbl_name FROM sqlite_temp_master) d WHERE d.tbl_name = v.c0 COLLATE NOCASE AND "
        "instr(lower(d.sql), 'ignore') > 0) FROM bulkmodel_batch v, pragma_table_xinfo(%s) p",
        from, from, arguments, from, arguments, from, arguments);
    return bm__sql_end(&sql, &catalog->arena, out);
}

enum {
    C_KIND,
    C_COLUMN,
    C_TYPE,
    C_NOT_NULL,
    C_DEFAULT,
    C_KEY,
    C_HIDDEN,
    C_SEQUENCES,
    C_KEYS,
    C_TRIGGERS,
    C_SELF,
    C_IGNORES,
    C_COUNT
};

static bool equals(const bm__cell *cell, const char *word)
{
    return cell->kind == BM__CELL_TEXT && cell->size == strlen(word) &&
           strncasecmp(cell->data, word, cell->size) == 0;
}

static bm_status push(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__catalog *catalog = context;
    bm__table *table = catalog->table;
    if (n != C_COUNT) {
        return bm__fail(err, BM_DATABASE, BM_STAGE_CATALOG, "unexpected answer from the catalog");
    }
    if (table->n_columns == 0) {
        /* SQLite's names are case-insensitive: what was asked for is what it found. */
        BM_TRY(bm__catalog_named(catalog, err));
        table->kind = equals(&cells[C_KIND], "view") ? 'v' : 'r';
        table->sequences = cells[C_SEQUENCES].integer > 0;
        table->insert_trigger = cells[C_TRIGGERS].integer > 0;
        table->self_reference = cells[C_SELF].integer > 0;
        table->may_ignore = cells[C_IGNORES].integer > 0;
        table->fingerprint = "";
    }
    bm__table_column *column = bm__catalog_column(catalog);
    if (column == NULL) {
        return bm__no_memory(err);
    }
    column->name = bm__catalog_text(catalog, &cells[C_COLUMN]);
    column->type = bm__catalog_text(catalog, &cells[C_TYPE]);
    if (column->name == NULL || column->type == NULL) {
        column->name = "";
        return bm__no_memory(err);
    }
    column->not_null = cells[C_NOT_NULL].integer != 0;
    column->primary_key = cells[C_KEY].integer != 0;
    column->generated = cells[C_HIDDEN].integer > 1;
    column->hidden = cells[C_HIDDEN].integer == 1;
    column->rowid =
        column->primary_key && cells[C_KEYS].integer == 1 && equals(&cells[C_TYPE], "INTEGER");
    column->may_reserve = column->rowid;
    if (cells[C_DEFAULT].kind != BM__CELL_NULL) {
        column->default_sql = bm__catalog_text(catalog, &cells[C_DEFAULT]);
        return column->default_sql != NULL ? BM_OK : bm__no_memory(err);
    }
    column->default_sql = "NULL";
    return BM_OK;
}

void bm__sqlite_ask_of_model(bm__catalog *catalog, bm__step *step)
{
    bool schema = catalog->model->schema != NULL;
    catalog->cells[0] = catalog->model->table;
    catalog->cells[1] = catalog->model->schema;
    for (size_t i = 0; i < 2; i++) {
        catalog->views[i] = (bm__view){.name = "name",
                                       .cells = {.type = BM_TEXT,
                                                 .layout = BM_CSTR,
                                                 .width = sizeof(char *),
                                                 .data = &catalog->cells[i]},
                                       .state_offset = BM_NO_STATE};
    }
    catalog->batch = (bm__batch){.views = catalog->views, .n_views = schema ? 2 : 1, .n_rows = 1};
    step->batch = &catalog->batch;
}

bm_status bm__sqlite_ask(bm__catalog *catalog, bm__step *step, bm_error *err)
{
    BM_TRY(put_question(catalog, &step->sql, err));
    bm__sqlite_ask_of_model(catalog, step);
    step->push = push;
    return BM_OK;
}
