/* What the database without I/O was asked, and the answers that it was told to give. */
#include "buffer.h"
#include "memory_conn.h"

#include <stdlib.h>
#include <string.h>

bm_status bm__memory_one_more(char ***list, size_t count, size_t *capacity, bm_error *err)
{
    if (count < *capacity) {
        return BM_OK;
    }
    size_t more = *capacity == 0 ? 16 : *capacity * 2;
    char **grown =
        more <= PTRDIFF_MAX / sizeof *grown ? realloc(*list, more * sizeof *grown) : NULL;
    if (grown == NULL) {
        return bm__no_memory(err);
    }
    *list = grown;
    *capacity = more;
    return BM_OK;
}

const char *bm__memory_text(const bm__step *step)
{
    switch (step->kind) {
    case BM__STEP_BEGIN:
        return "BEGIN";
    case BM__STEP_COMMIT:
        return "COMMIT";
    case BM__STEP_ROLLBACK:
        return "ROLLBACK";
    default:
        return step->sql != NULL ? step->sql : "";
    }
}

bm_status bm__memory_record(bm__memory_conn *m, const bm__step *step, bm_error *err)
{
    BM_TRY(bm__memory_one_more(&m->record, m->n_record, &m->record_capacity, err));
    bm__buffer text = {0};
    bm_status status = bm__buffer_text(&text, bm__memory_text(step), err);
    if (status == BM_OK && step->n_rows > 0) {
        status = bm__buffer_format(&text, err, " [%zu rows]", step->n_rows);
    }
    if (status != BM_OK) {
        bm__buffer_free(&text);
        return status;
    }
    m->record[m->n_record++] = (char *)text.data;
    return BM_OK;
}

bool bm__memory_take_scripted(bm__memory_conn *m, bm__scripted *out)
{
    for (size_t i = 0; i < m->n_script; i++) {
        if (m->script[i].step == m->n_record) {
            *out = m->script[i];
            m->script[i] = m->script[--m->n_script];
            return true;
        }
    }
    return false;
}
