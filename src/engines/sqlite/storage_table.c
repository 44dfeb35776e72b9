/* SQLite's storage of each type, as Django stores it: one table. */
#include "storage_table.h"

typedef struct storage {
    bm__give *give;
    bm__take *take;
    bool always; /* every value of the type can be stored */
} storage;

/* By bm_type.  What is not here is TEXT, as it is printed and parsed. */
static const storage storages[BM__TYPE_COUNT] = {
    [BM_BOOL] = {bm__give_bool, bm__take_integer, true},
    [BM_INT2] = {bm__give_integer, bm__take_integer, true},
    [BM_INT4] = {bm__give_integer, bm__take_integer, true},
    [BM_INT8] = {bm__give_integer, bm__take_integer, true},
    [BM_FLOAT4] = {bm__give_float, bm__take_float, false},
    [BM_FLOAT8] = {bm__give_float, bm__take_float, false},
    [BM_NUMERIC] = {bm__give_number, bm__take_number, false},
    [BM_TEXT] = {bm__give_text, bm__take_text, false},
    [BM_VARCHAR] = {bm__give_text, bm__take_text, false},
    [BM_CHAR] = {bm__give_text, bm__take_text, false},
    [BM_BYTEA] = {bm__give_blob, bm__take_blob, false},
    [BM_DATE] = {bm__give_date, bm__take_date, false},
    [BM_TIME] = {bm__give_time, bm__take_printed, false},
    [BM_TIMESTAMP] = {bm__give_timestamp, bm__take_timestamp, false},
    [BM_TIMESTAMPTZ] = {bm__give_timestamp, bm__take_timestamp, false},
    [BM_UUID] = {bm__give_uuid, bm__take_printed, true},
    [BM_JSON] = {bm__give_text, bm__take_text, false},
    [BM_JSONB] = {bm__give_text, bm__take_text, false},
    [BM_ENUM] = {bm__give_text, bm__take_text, false},
    [BM_INTERVAL] = {bm__give_interval, bm__take_interval, false},
};

static const storage *storage_of(bm_type type)
{
    static const storage printed = {bm__give_printed, bm__take_printed, true};
    const storage *found = &storages[type];
    return found->give != NULL ? found : &printed;
}

bm_status bm__sqlite_resolve(bm_type type, bm_layout layout, size_t width, bm_error *err)
{
    const bm__type_info *info = bm__type(type);
    if (info == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "unknown type %d", (int)type);
    }
    if (bm__is_array(layout)) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK, "SQLite has no arrays (of %s)",
                        info->name);
    }
    if (!bm__type_fits(type, layout, width)) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "a value of type %s cannot have this layout (%zu bytes)", info->name,
                        width);
    }
    return BM_OK;
}

const char *bm__sqlite_value(bm_type type, bm_layout layout, size_t width, const void *cell,
                             char scratch[BM__PRINT_MAX], bm__cell *out)
{
    const bm__stored from = {type, layout, width, cell, NULL};
    return storage_of(type)->give(&from, scratch, out);
}

const char *bm__sqlite_read(bm_type type, bm_layout layout, size_t width, const bm__cell *cell,
                            void *member, bm__arena *arena)
{
    const bm__stored to = {type, layout, width, NULL, member};
    return storage_of(type)->take(cell, &to, arena);
}

static bm_status check_block(const bm__batch *batch, size_t column, size_t from, size_t n,
                             bm_error *err)
{
    const bm__view *view = &batch->views[column];
    const bm_column *cells = &view->cells;
    char scratch[BM__PRINT_MAX];
    bm__cell unused;
    for (size_t i = 0; i < n; i++) {
        const size_t row = bm__batch_row(batch, from + i);
        if (bm__view_state(view, row) != BM_VALUE) {
            continue;
        }
        const char *fault = bm__sqlite_value(cells->type, cells->layout, cells->width,
                                             bm__view_cell(view, row), scratch, &unused);
        if (fault != NULL) {
            return bm__fail_cell(err, BM_CONVERT, BM_STAGE_CONVERT, from + i, view->name,
                                 "the value cannot be stored: %s", fault);
        }
    }
    return BM_OK;
}

bm_status bm__sqlite_check(const bm__batch *batch, bm_error *err)
{
    for (size_t from = 0; from < batch->n_rows; from += BM__BLOCK) {
        size_t left = batch->n_rows - from;
        size_t n = left < BM__BLOCK ? left : BM__BLOCK;
        for (size_t column = 0; column < batch->n_views; column++) {
            if (!storage_of(batch->views[column].cells.type)->always) {
                BM_TRY(check_block(batch, column, from, n, err));
            }
        }
    }
    return BM_OK;
}
