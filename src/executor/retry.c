/* A call that failed for a reason that may be gone, and of which nothing is committed. */
#include "retry.h"

#include "cancel.h"
#include "settings.h"

#include <poll.h>
#include <string.h>
#include <sys/random.h>

bm__retry bm__retry_begin(const bm__execution *x)
{
    bm__retry retry = {.left = x->op.settings.retries, .most_ms = BM__RETRY_FIRST_MS};
    retry.until_ns = bm__after_ms(BM__RETRY_ALL_MS);
    if (x->limits.deadline_ns != 0 && x->limits.deadline_ns < retry.until_ns) {
        retry.until_ns = x->limits.deadline_ns;
    }
    return retry;
}

/* Serialization failures, deadlocks, a locked file, a connection that was lost. */
static bool may_be_gone(const bm__engine *engine, const bm_error *err)
{
    bool told = engine->says_passing != NULL && engine->says_passing(err);
    return (err->status == BM_RETRY && told) || err->status == BM_CONNECTION;
}

static bool nothing_is_in(const bm_error *err)
{
    return err->fate == BM_FATE_ROLLED_BACK || err->fate == BM_FATE_NOT_STARTED;
}

/* What the rows come from, and what was given out already. */
static bool can_be_repeated(const bm__execution *x)
{
    const bm_source *source = x->op.call.source;
    bool rewinds = source == NULL || source->rewind != NULL;
    return x->db->root == NULL && !x->inside && x->op.call.sink == NULL && rewinds;
}

static int random_pause(int most_ms)
{
    unsigned bits = 0;
    if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != (ssize_t)sizeof bits) {
        return most_ms;
    }
    return (int)(bits % (unsigned)(most_ms + 1));
}

static void wait(const bm__execution *x, int ms)
{
    const bm_cancel *token = x->limits.cancel;
    struct pollfd wake = {.fd = token != NULL ? token->fd : -1, .events = POLLIN};
    (void)poll(&wake, 1, ms);
}

/* The counts are those of the attempt that comes. */
static void forget_counts(bm_result *result)
{
    result->inserted = result->updated = result->unchanged = result->missing = 0;
    result->ignored = result->deleted = result->read = 0;
}

bool bm__retry_again(bm__retry *retry, bm__execution *x, bm_result *result, bm_error *err)
{
    int ms = random_pause(retry->most_ms);
    bool late = bm__after_ms(ms) >= retry->until_ns;
    if (retry->left <= 0 || late || bm__cancelled(x->limits.cancel) ||
        !may_be_gone(bm__db_root(x->db)->engine, err) || !nothing_is_in(err) ||
        !can_be_repeated(x)) {
        return false;
    }
    retry->left--;
    retry->most_ms =
        retry->most_ms < BM__RETRY_LONGEST_MS / 2 ? 2 * retry->most_ms : BM__RETRY_LONGEST_MS;
    result->replays++;
    if (x->op.settings.on_retry != NULL) {
        x->op.settings.on_retry(x->op.settings.user, result->replays, err);
    }
    wait(x, ms);
    bm__error_reset(err);
    forget_counts(result);
    return x->op.call.source == NULL || bm__stream_rewind(&x->op.call, err) == BM_OK;
}
