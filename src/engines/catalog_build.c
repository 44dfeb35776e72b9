#include "catalog.h"

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

void bm__catalog_free(bm__catalog *catalog)
{
    bm__table_free(catalog->table);
    catalog->table = NULL;
    bm__arena_free(&catalog->arena);
}
