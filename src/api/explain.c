#include "entry.h"

#include <stdlib.h>

bm_status bm_explain(bm_db *db, const char *verb, bm_rows rows, const void *options, char **text,
                     bm_error *err)
{
    bm_error local;
    bm__buffer buffer = {0};
    err = bm__error_begin(err, &local);
    BM_TRY(bm__check_out(text, err));
    *text = NULL;
    const bm__verb *named = bm__verb_named(verb);
    bm__execution x = {.db = db, .op = {.verb = named, .rows = rows}};
    bm_status status = bm__model_check(rows.model, err);
    if (db == NULL || named == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        db == NULL ? "the database must not be NULL" : "unknown verb");
    }
    if (status == BM_OK) {
        status = named->options(&x.op, options, err);
    }
    if (status == BM_OK) {
        status = bm__explain(&x, &buffer, err);
    }
    bm__execution_free(&x);
    if (status != BM_OK) {
        bm__buffer_free(&buffer);
        return status;
    }
    *text = (char *)buffer.data;
    return BM_OK;
}

void bm_free(void *memory)
{
    free(memory);
}
