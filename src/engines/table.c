#include "table.h"

#include <stdlib.h>
#include <string.h>

const bm__table_column *bm__table_find(const bm__table *table, const char *column)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        if (strcmp(table->columns[i].name, column) == 0) {
            return &table->columns[i];
        }
    }
    return NULL;
}

void bm__table_free(bm__table *table)
{
    if (table != NULL) {
        bm__arena_free(&table->arena);
        free(table->columns);
        free(table);
    }
}
