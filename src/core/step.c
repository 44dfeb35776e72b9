#include "step.h"

#include "cancel.h"

#include <assert.h>
#include <stdio.h>

void bm__step_until(bm__step *step, const char *limit, int64_t limit_ms, int64_t deadline_ns)
{
    if (deadline_ns != 0 && (step->deadline_ns == 0 || deadline_ns < step->deadline_ns)) {
        assert(limit_ms >= 0);
        step->deadline_ns = deadline_ns;
        step->limit = limit;
        step->limit_ms = limit_ms;
    }
}

void bm__step_within(bm__step *step, const char *limit, int64_t limit_ms)
{
    if (limit_ms > 0) {
        bm__step_until(step, limit, limit_ms, bm__after_ms(limit_ms));
    }
}

int64_t bm__step_moved(const bm__step *step, int64_t at_ns)
{
    assert(step->paused_ns == NULL || *step->paused_ns >= step->paused_before_ns);
    bool moves = at_ns != 0 && at_ns != INT64_MAX && step->paused_ns != NULL;
    return moves ? at_ns + *step->paused_ns - step->paused_before_ns : at_ns;
}

void bm__step_says(const bm__step *step, char *out, size_t size)
{
    assert(size > 0);
    bool seconds = step->limit_ms % 1000 == 0;
    if (step->limit == NULL) {
        snprintf(out, size, "the deadline passed");
    } else {
        snprintf(out, size, "%s of %lld %s passed", step->limit,
                 (long long)(seconds ? step->limit_ms / 1000 : step->limit_ms),
                 seconds ? "s" : "ms");
    }
}

bm_status bm__step_late(const bm__step *step, bm_stage stage, bm_error *err)
{
    char text[160];
    bm__step_says(step, text, sizeof text);
    return bm__fail(err, BM_TIMEOUT, stage, "%s", text);
}
