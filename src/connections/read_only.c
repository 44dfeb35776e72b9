#include "db.h"

#include <assert.h>
#include <string.h>

static void copy(char *out, size_t size, const bm__cell *cell)
{
    size_t n = cell->kind == BM__CELL_NULL ? 0 : cell->size;
    n = n < size ? n : size - 1;
    assert(n == 0 || cell->data != NULL);
    if (n > 0) {
        memcpy(out, cell->data, n);
    }
    out[n] = '\0';
}

/* (why, SQLSTATE) */
static bm_status push(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm_error *refusal = context;
    char why[sizeof refusal->message];
    if (n != 2) {
        return bm__fail(err, BM_DATABASE, BM_STAGE_CHECK,
                        "unexpected answer to whether the server can write");
    }
    copy(why, sizeof why, &cells[0]);
    bm__fail(refusal, BM_DATABASE, BM_STAGE_CHECK, "%s", why);
    copy(refusal->sqlstate, sizeof refusal->sqlstate, &cells[1]);
    return BM_OK;
}

bm_status bm__conn_writes(bm__conn *conn, const bm__step *limits, bm_error *err)
{
    bm_error refusal = BM_ERROR;
    bm__answer answer;
    bm__step step = *limits;
    assert(conn != NULL && conn->engine != NULL);
    if (!conn->server.read_only || conn->engine->read_only == NULL) {
        return BM_OK;
    }
    step.kind = BM__STEP_EXEC;
    step.sql = conn->engine->read_only;
    step.push = push;
    step.context = &refusal;
    BM_TRY(conn->transport->perform(conn, &step, &answer, err));
    conn->server.read_only = refusal.status != BM_OK;
    if (refusal.status != BM_OK) {
        assert(refusal.fate == BM_FATE_NOT_STARTED && refusal.message[0] != '\0');
        bm__fail(err, refusal.status, refusal.stage, "%s", refusal.message);
        bm__copy_text(err->sqlstate, sizeof err->sqlstate, refusal.sqlstate);
    }
    return refusal.status;
}
