#include "entry.h"

#include "type.h"

#include <stdlib.h>
#include <string.h>

/* The model, its fields and all names are one block: where the next piece of it goes. */
typedef struct block {
    bm_model model;
    bm_field fields[];
} block;

static char *put_name(char **at, const char *name)
{
    char *put = *at;
    size_t size = strlen(name) + 1;
    memcpy(put, name, size);
    *at += size;
    return put;
}

static unsigned flags_of(const bm__table_column *column)
{
    bool made = column->rowid || column->identity != '\0' || column->volatile_default;
    unsigned flags = 0;
    flags |= column->primary_key ? BM_KEY : 0;
    flags |= column->primary_key && made ? BM_ASSIGNED : 0;
    flags |= column->generated ? BM_READ_ONLY : 0;
    return flags;
}

/* Every member begins at a multiple of 8; the states stand behind the members. */
static void lay_out(bm_field *fields, size_t n, bm_model *model)
{
    size_t offset = 0;
    for (size_t i = 0; i < n; i++) {
        fields[i].offset = offset;
        offset += (fields[i].width + 7) / 8 * 8;
    }
    for (size_t i = 0; i < n; i++) {
        fields[i].state_offset = offset++;
    }
    model->row_size = (offset + 7) / 8 * 8;
}

static bm_field field_of(const bm__engine *engine, const bm__table_column *column, char **at)
{
    bm_type type = engine->type_of(column);
    size_t width = bm__type(type)->width;
    return (bm_field){.name = put_name(at, column->name),
                      .type = type,
                      .layout = width != 0 ? BM_FIXED : BM_SLICE,
                      .width = width != 0 ? width : sizeof(bm_slice),
                      .flags = flags_of(column)};
}

static bm_status make(const bm__engine *engine, const bm__table *table, const bm_model *asked,
                      bm_model **out, bm_error *err)
{
    size_t n = table->n_columns;
    size_t size = sizeof(block) + n * sizeof(bm_field) + strlen(asked->table) + 1;
    size += asked->schema != NULL ? strlen(asked->schema) + 1 : 0;
    for (size_t i = 0; i < n; i++) {
        size += strlen(table->columns[i].name) + 1;
    }
    block *made = malloc(size);
    if (made == NULL) {
        return bm__no_memory(err);
    }
    char *at = (char *)&made->fields[n];
    made->model = (bm_model){.size = sizeof made->model, .fields = made->fields};
    for (size_t i = 0; i < n; i++) {
        const bm__table_column *column = &table->columns[i];
        if (!column->hidden) {
            made->fields[made->model.n_fields++] = field_of(engine, column, &at);
        }
    }
    made->model.table = put_name(&at, asked->table);
    made->model.schema = asked->schema != NULL ? put_name(&at, asked->schema) : NULL;
    lay_out(made->fields, made->model.n_fields, &made->model);
    *out = &made->model;
    return BM_OK;
}

/* Two columns of one name could not be told apart, and a name must be one. */
static bm_status check_query_names(const bm__table *table, bm_error *err)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        const char *name = table->columns[i].name;
        if (strpbrk(name, "\r\n\t") != NULL) {
            return bm__fail(err, BM_INVALID, BM_STAGE_CATALOG,
                            "column %zu of the query has a tab or a line end in its name: give it "
                            "another with AS",
                            i + 1);
        }
        if (name[0] == '\0') {
            return bm__fail(err, BM_INVALID, BM_STAGE_CATALOG,
                            "column %zu of the query has no name: give it one with AS", i + 1);
        }
        if (bm__table_find(table, name) != &table->columns[i]) {
            return bm__fail_cell(err, BM_INVALID, BM_STAGE_CATALOG, BM_NO_ROW, name,
                                 BM__TWICE_IN_QUERY, name);
        }
    }
    return BM_OK;
}

bm_status bm_describe(bm_db *db, const char *schema, const char *table, bm_model **out,
                      bm_error *err)
{
    bm_error local;
    bm__lookup lookup;
    err = bm__error_begin(err, &local);
    BM_TRY(bm__check_out(out, err));
    *out = NULL;
    BM_TRY(bm__lookup_begin(&lookup, db, schema, table, err));
    bm__known_table *known = NULL;
    bool fresh;
    bm__tables_drop(lookup.root, NULL); /* it is asked for what the table is now */
    bm_status status = bm__tables_get(lookup.root, lookup.conn, &lookup.asked, &lookup.limits,
                                      &known, &fresh, err);
    if (status == BM_OK) {
        status = make(lookup.root->engine, known->table, &lookup.asked, out, err);
        bm__tables_release(lookup.root, known);
    }
    bm__lookup_end(&lookup, db);
    return status;
}

bm_status bm_describe_query(bm_db *db, const char *query, bm_model **out, bm_error *err)
{
    bm_error local;
    bm__lookup lookup;
    err = bm__error_begin(err, &local);
    BM_TRY(bm__check_out(out, err));
    *out = NULL;
    if (query == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "the query must not be NULL");
    }
    BM_TRY(bm__lookup_begin(&lookup, db, NULL, "query", err));
    bm__known_table *known = NULL;
    bm__step run = bm__db_limits(db, NULL);
    bm__step_within(&run, "the statement timeout", bm__own_ms(lookup.conn, BM__STATEMENT_MS));
    bm_status status = bm__tables_query(lookup.root, lookup.conn, &lookup.asked, query,
                                        &lookup.limits, &run, &known, err);
    if (status == BM_OK) {
        status = check_query_names(known->table, err);
    }
    if (status == BM_OK) {
        status = make(lookup.root->engine, known->table, &lookup.asked, out, err);
    }
    bm__tables_release(lookup.root, known);
    bm__lookup_end(&lookup, db);
    return status;
}
