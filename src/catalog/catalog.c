#include "catalog.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

bm__table_column *bm__catalog_column(bm__catalog *catalog)
{
    bm__table *table = catalog->table;
    if (table->n_columns == catalog->capacity) {
        size_t capacity = catalog->capacity == 0 ? 16 : catalog->capacity * 2;
        bm__table_column *columns = realloc(table->columns, capacity * sizeof *columns);
        if (columns == NULL) {
            return NULL;
        }
        table->columns = columns;
        catalog->capacity = capacity;
    }
    bm__table_column *column = &table->columns[table->n_columns++];
    *column = (bm__table_column){.typmod = -1, .name = ""};
    return column;
}

const char *bm__catalog_text(bm__catalog *catalog, const bm__cell *cell)
{
    return bm__arena_copy(&catalog->table->arena, cell->data,
                          cell->kind == BM__CELL_NULL ? 0 : cell->size);
}

bm_status bm__catalog_named(bm__catalog *catalog, bm_error *err)
{
    bm__table *table = catalog->table;
    const bm_model *model = catalog->model;
    table->name = bm__arena_copy(&table->arena, model->table, strlen(model->table));
    if (model->schema != NULL) {
        table->schema = bm__arena_copy(&table->arena, model->schema, strlen(model->schema));
    }
    bool copied = table->name != NULL && (model->schema == NULL || table->schema != NULL);
    return copied ? BM_OK : bm__no_memory(err);
}

bm_status bm__catalog_begin(bm__catalog *catalog, const bm__dialect *dialect, const bm_model *model,
                            bm__step *step, bm_error *err)
{
    *catalog = (bm__catalog){.dialect = dialect, .model = model};
    *step = (bm__step){.kind = BM__STEP_EXEC, .expect = BM__EXPECT_ROWS, .context = catalog};
    catalog->table = calloc(1, sizeof *catalog->table);
    if (catalog->table == NULL) {
        return bm__no_memory(err);
    }
    if (!dialect->has_catalog) {
        return bm__catalog_from_model(catalog, err);
    }
    return dialect->reads_batch ? bm__catalog_ask_sqlite(catalog, step, err)
                                : bm__catalog_ask_postgresql(catalog, step, err);
}

bm_status bm__catalog_begin_same(bm__catalog *catalog, const bm__dialect *dialect,
                                 const bm_model *model, const bm__table *known, bm__step *step,
                                 bm_error *err)
{
    *catalog = (bm__catalog){.dialect = dialect, .model = model, .known = known};
    *step = (bm__step){.kind = BM__STEP_EXEC, .expect = BM__EXPECT_ROWS, .context = catalog};
    return dialect->has_catalog && !dialect->reads_batch
               ? bm__catalog_ask_postgresql_same(catalog, step, err)
               : BM_OK;
}

bm_status bm__catalog_end(bm__catalog *catalog, bm__table **out, bm_error *err)
{
    const bm_model *model = catalog->model;
    *out = NULL;
    if (catalog->table->n_columns == 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CATALOG, "there is no table \"%s%s%s\"",
                        model->schema != NULL ? model->schema : "",
                        model->schema != NULL ? "\".\"" : "", model->table);
    }
    if (strcmp(catalog->table->name, model->table) != 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CATALOG,
                        "the table's name is too long for the server: it found \"%s\"",
                        catalog->table->name);
    }
    *out = catalog->table;
    catalog->table = NULL;
    bm__catalog_free(catalog);
    return BM_OK;
}

void bm__catalog_free(bm__catalog *catalog)
{
    bm__table_free(catalog->table);
    catalog->table = NULL;
    bm__arena_free(&catalog->arena);
}
