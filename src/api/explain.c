#include "face.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *verb;
    bm__face face;
} faces[] = {
#define BM__VERB(name_) {#name_, bm__face_##name_},
#include "verbs.def"
#undef BM__VERB
};

bm_status bm_explain(bm_db *db, const char *verb, bm_rows rows, const void *options, char **text,
                     bm_error *err)
{
    bm_error local;
    bm__buffer buffer = {0};
    err = bm__error_begin(err, &local);
    BM_TRY(bm__check_out(text, err));
    *text = NULL;
    bm__execution x = bm__face_begin(db, rows);
    bm_status status = bm__model_check(rows.model, err);
    bm__face face = NULL;
    for (size_t i = 0; i < sizeof faces / sizeof faces[0]; i++) {
        if (verb != NULL && strcmp(faces[i].verb, verb) == 0) {
            face = faces[i].face;
        }
    }
    if (db == NULL || face == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        db == NULL ? "there is no database" : "there is no such verb");
    }
    if (status == BM_OK) {
        status = face(&x, options, err);
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
