#include "create_table.h"

#include <assert.h>

static void put_column(bm__sql *sql, const bm_new_column *column)
{
    assert(column->name != NULL && column->type != NULL);
    bm__sql_name(sql, column->name);
    bm__sql_put(sql, " %s%s", column->type, column->not_null == BM_ON ? " NOT NULL" : "");
}

void bm__sql_create_table(bm__sql *sql, const bm_create_table_options *options)
{
    const char *const *key = options->key;
    assert(options->table != NULL && options->n_columns > 0);
    bm__sql_put(sql, "CREATE TABLE ");
    bm__sql_table(sql, options->schema, options->table);
    for (size_t i = 0; i < options->n_columns; i++) {
        bm__sql_put(sql, i == 0 ? " (\n    " : ",\n    ");
        put_column(sql, &options->columns[i]);
    }
    for (size_t i = 0; key != NULL && key[i] != NULL; i++) {
        bm__sql_put(sql, i == 0 ? ",\n    PRIMARY KEY (" : ", ");
        bm__sql_name(sql, key[i]);
    }
    bm__sql_put(sql, key != NULL && key[0] != NULL ? ")\n);\n" : "\n);\n");
}

void bm__sql_add_columns(bm__sql *sql, const bm_create_table_options *options)
{
    assert(options->table != NULL);
    for (size_t i = 0; i < options->n_columns; i++) {
        bm__sql_put(sql, "ALTER TABLE ");
        bm__sql_table(sql, options->schema, options->table);
        bm__sql_put(sql, " ADD COLUMN ");
        put_column(sql, &options->columns[i]);
        bm__sql_put(sql, ";\n");
    }
}
