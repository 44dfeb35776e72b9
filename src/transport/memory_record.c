/* What the database without I/O was asked, and the answers that it was told to give. */
#include "buffer.h"
#include "memory_conn.h"
#include "options.h"

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

/* Five digits and upper-case letters, and none of those that mean success. */
static bool is_error_state(const char *sqlstate)
{
    return strlen(sqlstate) == 5 && strspn(sqlstate, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 &&
           strncmp(sqlstate, "00", 2) != 0;
}

bm_status bm__memory_script(bm__conn *conn, const bm_memory_answer *answer, bm_error *err)
{
    if (conn == NULL || conn->transport != &bm__transport_memory || answer == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "a scripted answer is for a database opened with \"memory:\"");
    }
    bm__memory_conn *m = (bm__memory_conn *)conn;
    bm_memory_answer given;
    BM_TRY(bm__options_read(&given, sizeof given, answer, err));
    if (given.sqlstate != NULL && !is_error_state(given.sqlstate)) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "a scripted SQLSTATE that is no error's");
    }
    bm__scripted entry = {.disconnect = given.disconnect, .rows = given.rows};
    if (given.step == 0 || __builtin_add_overflow(given.step, (uint64_t)m->n_record, &entry.step)) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "a scripted answer for step 0 or one out of reach; 1 is the next");
    }
    for (size_t i = 0; i < m->n_script; i++) {
        if (m->script[i].step == entry.step) {
            return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "that step has an answer already");
        }
    }
    bm__copy_text(entry.sqlstate, sizeof entry.sqlstate, given.sqlstate);
    bm__scripted *grown = realloc(m->script, (m->n_script + 1) * sizeof *grown);
    if (grown == NULL) {
        return bm__no_memory(err);
    }
    m->script = grown;
    m->script[m->n_script++] = entry;
    return BM_OK;
}

size_t bm__memory_count(const bm__conn *conn)
{
    return conn != NULL && conn->transport == &bm__transport_memory
               ? ((const bm__memory_conn *)conn)->n_record
               : 0;
}

const char *bm__memory_at(const bm__conn *conn, size_t i)
{
    return i < bm__memory_count(conn) ? ((const bm__memory_conn *)conn)->record[i] : NULL;
}
