#include "locate_row.h"
#include "run_job.h"

static void perform_all(bm__locate *locate, bm__conn *conn, const bm__hooks *hooks)
{
    int64_t until = bm__after_ms(BM__LOCATE_MS);
    bm__step step;
    while (bm__locate_next(locate, &step)) {
        bm_error err = BM_ERROR;
        bm__answer answer = {.row = BM_NO_ROW};
        if (!bm__locate_ends(locate)) {
            step.cancel = bm__call_whole(locate->job->call)->asked;
            bm__step_until(&step, "the search for the row", BM__LOCATE_MS, until);
        }
        bm_status status = bm__run_step(locate->job, conn, &step, &answer, &err);
        bm__locate_answer(locate, status, &err);
        if (hooks->on_statement != NULL && step.sql != NULL) {
            hooks->on_statement(hooks->user, step.sql, step.n_rows);
        }
    }
}

void bm__run_locate(bm__call *call, bm__job_mode mode, bm__conn *conn, const bm__hooks *hooks,
                    bm_result *result, bm_error *err)
{
    const bm_error failure = *err;
    bm_error ignored = BM_ERROR;
    bm__locate locate;
    bm__job job;
    call->collects = false;
    if (bm__job_begin(&job, call, mode, &ignored) == BM_OK &&
        bm__locate_begin(&locate, &job, &failure, &call->suspects)) {
        perform_all(&locate, conn, hooks);
        result->statements += locate.statements;
        err->row = locate.row;
        bool lost = conn->transport->state(conn, false) == BM__CONN_CLOSED;
        if ((lost || locate.stuck) && err->fate == BM_FATE_IN_CALLERS_TRANSACTION) {
            err->fate = BM_FATE_ROLLED_BACK; /* with all of the caller's transaction */
        }
    }
    bm__job_free(&job);
}
