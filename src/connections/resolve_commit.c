/* A COMMIT that was not answered: the driver of the question that operation/lost_commit.h asks. */
#include "lost_commit.h"

#include "db.h"

#include <poll.h>

/* A COMMIT that took all of its time leaves so much for the question. */
#define LEAST_MS 300

/* A connection beside the pool, whose places may be taken by those who wait for this answer. */
static bm_status ask(bm_db *root, bm__conn *lost, const bm__step *step, bm__conn **other)
{
    bm_error ignored = BM_ERROR;
    bm__answer answer = {.row = BM_NO_ROW};
    if (*other == NULL) {
        BM_TRY(root->transport->again(lost, root->url, &root->options, step, other, &ignored));
    }
    bm_status status = root->transport->perform(*other, step, &answer, &ignored);
    if (root->transport->state(*other, false) == BM__CONN_CLOSED) {
        root->transport->close(*other);
        *other = NULL;
    }
    return status;
}

static bm_status settle(const bm__commit_question *question, bm_error *err)
{
    if (question->fate == BM__COMMIT_DONE) {
        bm__error_reset(err);
        return BM_OK;
    }
    if (question->fate == BM__COMMIT_UNDONE) {
        bm__error_reset(err);
        bm__fail(err, BM_CONNECTION, BM_STAGE_COMMIT,
                 "the connection was lost at COMMIT, and the transaction was rolled back");
        err->retryable = true;
        return BM_CONNECTION;
    }
    return BM_COMMIT_UNKNOWN;
}

bm_status bm__commit_resolve(bm_db *root, bm__conn *lost, const bm__xact *xact, int64_t until_ns,
                             bm_error *err)
{
    int64_t least_ns = bm__after_ms(LEAST_MS);
    int64_t wait_ms;
    bm__commit_question question;
    bm__conn *other = NULL;
    bm__step step;
    if (root->transport->again == NULL || root->engine->commits == NULL) {
        return BM_COMMIT_UNKNOWN;
    }
    until_ns = until_ns == 0 ? bm__after_ms(BM__COMMIT_MS) : until_ns;
    bm__commit_begin(&question, root->engine->commits, xact, bm__now_ns(),
                     until_ns < least_ns ? least_ns : until_ns);
    while (bm__commit_next(&question, bm__now_ns(), &step, &wait_ms)) {
        (void)poll(NULL, 0, (int)wait_ms);
        bm__commit_answer(&question, ask(root, lost, &step, &other));
    }
    root->transport->close(other);
    return settle(&question, err);
}
