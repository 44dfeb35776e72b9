#include "lost_commit.h"

#include <string.h>

/* Pauses double from the first to the last. */
#define PAUSE_FIRST_MS 2
#define PAUSE_LAST_MS 100

static bool number_of(const bm__cell *cell, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; cell->kind == BM__CELL_BYTES && i < cell->size; i++) {
        uint8_t c = ((const uint8_t *)cell->data)[i];
        if (c < '0' || c > '9' || *out > (UINT64_MAX - 9) / 10) {
            return false;
        }
        *out = *out * 10 + (c - '0');
    }
    return true;
}

bm_status bm__xact_push(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__xact *xact = context;
    uint64_t backend;
    if (n == 1) { /* of another statement in the same message */
        return BM_OK;
    }
    if (n != 2 || !number_of(&cells[0], &xact->id) || !number_of(&cells[1], &backend) ||
        backend > INT32_MAX) {
        xact->id = 0;
        return bm__fail(err, BM_DATABASE, BM_STAGE_WRITE,
                        "the server's answer does not match the question");
    }
    xact->backend = (int)backend;
    return BM_OK;
}

void bm__commit_begin(bm__commit_question *q, const bm__commit_sql *asks, const bm__xact *xact,
                      int64_t now_ns, int64_t until_ns)
{
    *q = (bm__commit_question){
        .asks = asks, .xact = *xact, .begun_ns = now_ns, .until_ns = until_ns};
    q->fate = xact->id != 0        ? BM__COMMIT_OPEN
              : xact->backend != 0 ? BM__COMMIT_UNDONE
                                   : BM__COMMIT_UNKNOWN;
}

static bool is_text(const bm__cell *cell, const char *text)
{
    return cell->size == strlen(text) && memcmp(cell->data, text, cell->size) == 0;
}

/* NULL: the server has forgotten a transaction that is so old. */
static bm_status push_status(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__commit_question *q = context;
    (void)err;
    if (q->ends) {
        return BM_OK;
    }
    if (n != 1 || cells[0].kind != BM__CELL_BYTES) {
        q->fate = BM__COMMIT_UNKNOWN;
    } else if (is_text(&cells[0], "committed")) {
        q->fate = BM__COMMIT_DONE;
    } else if (is_text(&cells[0], "aborted")) {
        q->fate = BM__COMMIT_UNDONE;
    } else {
        q->in_progress = is_text(&cells[0], "in progress");
    }
    return BM_OK;
}

static int64_t pause_ms(const bm__commit_question *q)
{
    int64_t ms = PAUSE_FIRST_MS;
    for (unsigned i = 1; i < q->asked && ms < PAUSE_LAST_MS; i++) {
        ms *= 2;
    }
    return q->asked == 0 ? 0 : ms < PAUSE_LAST_MS ? ms : PAUSE_LAST_MS;
}

bool bm__commit_next(bm__commit_question *q, int64_t now_ns, bm__step *step, int64_t *wait_ms)
{
    if (q->fate == BM__COMMIT_OPEN && now_ns >= q->until_ns) {
        q->fate = BM__COMMIT_UNKNOWN;
    }
    if (q->fate != BM__COMMIT_OPEN) {
        return false;
    }
    bool late = now_ns - q->begun_ns > (q->until_ns - q->begun_ns) / 2;
    q->ends = late && q->in_progress && !q->ended;
    if (q->ends) {
        q->asks->end(q->sql, q->xact.id, q->xact.backend);
    } else {
        q->asks->ask(q->sql, q->xact.id);
    }
    *step = (bm__step){.kind = BM__STEP_EXEC,
                       .sql = q->sql,
                       .push = push_status,
                       .context = q,
                       .deadline_ns = q->until_ns,
                       .end_ns = q->until_ns};
    *wait_ms = q->ends ? 0 : pause_ms(q);
    return true;
}

/* A server that cannot be reached is tried again; one that does not know the transaction ("is in
 * the future") is another one. */
void bm__commit_answer(bm__commit_question *q, bm_status status)
{
    bool unreachable = status == BM_CONNECTION || status == BM_TIMEOUT || status == BM_LIMIT;
    q->asked++;
    if (q->ends) { /* a role may lack the right to do it */
        q->ended = status != BM_CONNECTION;
        q->ends = false;
    } else if (status != BM_OK && !unreachable) {
        q->fate = BM__COMMIT_UNKNOWN;
    }
}
