#include "step.h"

#include "cancel.h"

void bm__step_until(bm__step *step, const char *limit, int64_t limit_ms, int64_t deadline_ns)
{
    if (deadline_ns != 0 && (step->deadline_ns == 0 || deadline_ns < step->deadline_ns)) {
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

bm_status bm__step_late(const bm__step *step, bm_stage stage, bm_error *err)
{
    if (step->limit == NULL) {
        return bm__fail(err, BM_TIMEOUT, stage, "the deadline passed");
    }
    if (step->limit_ms % 1000 == 0) {
        return bm__fail(err, BM_TIMEOUT, stage, "%s of %lld s passed", step->limit,
                        (long long)(step->limit_ms / 1000));
    }
    return bm__fail(err, BM_TIMEOUT, stage, "%s of %lld ms passed", step->limit,
                    (long long)step->limit_ms);
}
