#include "entry.h"

#include "create_table.h"
#include "options.h"
#include "settings.h"

#include <string.h>

static bool is_column(const bm_create_table_options *o, const char *name)
{
    for (size_t i = 0; i < o->n_columns; i++) {
        if (strcmp(o->columns[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bm_status check_columns(const bm_create_table_options *o, bm_error *err)
{
    for (size_t i = 0; i < o->n_columns; i++) {
        const bm_new_column *column = &o->columns[i];
        const bool named = column->name != NULL && column->name[0] != '\0';
        if (!named || column->type == NULL || column->type[0] == '\0') {
            return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW,
                                 named ? column->name : "", "column %zu has no %s", i,
                                 named ? "type" : "name");
        }
        BM_TRY(bm__check_switch(column->not_null, "not_null", err));
    }
    return BM_OK;
}

static bm_status check(const bm_create_table_options *o, bm_error *err)
{
    const bool adds = o->add_columns == BM_ON;
    const char *const *key = o->key;
    BM_TRY(bm__check_switch(o->add_columns, "add_columns", err));
    if (o->table == NULL || o->table[0] == '\0' || (o->columns == NULL && o->n_columns > 0)) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "the table needs a name and columns");
    }
    if (!adds && o->n_columns == 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "table \"%s\" has no columns", o->table);
    }
    if (adds && key != NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "key cannot be used with add_columns: the table has its key");
    }
    BM_TRY(check_columns(o, err));
    for (size_t i = 0; key != NULL && key[i] != NULL; i++) {
        if (!is_column(o, key[i])) {
            return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, key[i],
                                 "\"%s\" is in the key, and is not a column of \"%s\"", key[i],
                                 o->table);
        }
    }
    return BM_OK;
}

bm_status bm_create_table_sql(const bm_create_table_options *options, char **sql, bm_error *err)
{
    bm_error local;
    bm_create_table_options o;
    bm__arena arena = {0};
    const char *text;
    err = bm__error_begin(err, &local);
    BM_TRY(bm__check_out(sql, err));
    *sql = NULL;
    BM_TRY(bm__options_read(&o, sizeof o, options, err));
    BM_TRY(check(&o, err));
    bm__sql out = bm__sql_begin(err);
    if (o.add_columns == BM_ON) {
        bm__sql_add_columns(&out, &o);
    } else {
        bm__sql_create_table(&out, &o);
    }
    bm_status status = bm__sql_end(&out, &arena, &text);
    if (status == BM_OK) {
        *sql = strdup(text);
        status = *sql != NULL ? BM_OK : bm__no_memory(err);
    }
    bm__arena_free(&arena);
    return status;
}
