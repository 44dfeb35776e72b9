/* The answers that the database without I/O is told to give, and what it was asked: bm_memory_*. */
#include "memory_script.h"

#include "memory_conn.h"
#include "options.h"

#include <stdlib.h>
#include <string.h>

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
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "the scripted SQLSTATE is not that of an error");
    }
    bm__scripted entry = {.disconnect = given.disconnect, .rows = given.rows};
    if (given.step == 0 || __builtin_add_overflow(given.step, (uint64_t)m->n_record, &entry.step)) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "the step of a scripted answer is out of range; 1 is the next step");
    }
    for (size_t i = 0; i < m->n_script; i++) {
        if (m->script[i].step == entry.step) {
            return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "the step already has an answer");
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
