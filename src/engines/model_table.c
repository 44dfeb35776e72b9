#include "catalog.h"

#include "type.h"

#include <stdlib.h>
#include <string.h>

/* A table that is as the model says: for a transport without a catalog. */
bm_status bm__catalog_from_model(bm__catalog *catalog, bm_error *err)
{
    const bm_model *model = catalog->model;
    bm__table *table = catalog->table;
    BM_TRY(bm__catalog_named(catalog, err));
    table->kind = 'r';
    table->fingerprint = "";
    for (size_t i = 0; i < model->n_fields; i++) {
        const bm_field *field = &model->fields[i];
        const bm__type_info *info = bm__type(field->type);
        bm__table_column *column = bm__catalog_column(catalog);
        if (column == NULL) {
            return bm__no_memory(err);
        }
        bool array = bm__is_array(field->layout);
        *column = (bm__table_column){
            .name = bm__arena_copy(&table->arena, field->name, strlen(field->name)),
            .type = info->name,
            .oid = array ? info->array_oid : info->oid,
            .element = array ? info->oid : 0,
            .typmod = -1,
            .kind = 'b',
            .element_kind = 'b',
            .default_sql = "NULL",
            .primary_key = (field->flags & BM_KEY) != 0};
        if (column->name == NULL) {
            column->name = "";
            return bm__no_memory(err);
        }
        if ((field->flags & BM_ASSIGNED) != 0) {
            column->default_sql = "nextval('key')";
            column->volatile_default = true;
            column->may_reserve = true;
        }
        column->generated = (field->flags & BM_READ_ONLY) != 0;
    }
    return BM_OK;
}

bm_status bm__table_of_model(const bm__engine *engine, const bm_model *model, bm__table **out,
                             bm_error *err)
{
    bm__catalog catalog = {.engine = engine, .model = model};
    catalog.table = calloc(1, sizeof *catalog.table);
    bm_status status =
        catalog.table != NULL ? bm__catalog_from_model(&catalog, err) : bm__no_memory(err);
    for (size_t i = 0; status == BM_OK && i < model->n_fields; i++) {
        bool made = (model->fields[i].flags & BM_ASSIGNED) != 0;
        bm__table_column *column = &catalog.table->columns[i];
        column->rowid = column->may_reserve = made && engine->highest != NULL;
    }
    if (status == BM_OK) {
        *out = catalog.table;
        catalog.table = NULL;
    }
    bm__catalog_free(&catalog);
    return status;
}
