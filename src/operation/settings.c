#include "settings.h"

#include "options.h"

bm_status bm__check_switch(bm_switch value, const char *name, bm_error *err)
{
    if (value != BM_DEFAULT && value != BM_ON && value != BM_OFF) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "%s must be BM_DEFAULT, BM_ON or BM_OFF",
                        name);
    }
    return BM_OK;
}

bm_status bm__settings_read(bm__operation *o, const bm_call *given, size_t batch_size,
                            bm_switch concurrent, int max_workers, bm_error *err)
{
    BM_TRY(bm__options_read(&o->settings, sizeof o->settings, given, err));
    BM_TRY(bm__check_switch(o->settings.error_detail, "error_detail", err));
    BM_TRY(bm__check_switch(o->settings.dry_run, "dry_run", err));
    BM_TRY(bm__check_switch(o->settings.commit_check, "commit_check", err));
    BM_TRY(bm__check_switch(o->settings.take_over, "take_over", err));
    BM_TRY(bm__check_switch(concurrent, "concurrent", err));
    if ((unsigned)o->settings.on_error > BM_ON_ERROR_REJECT) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "on_error must be a bm_on_error value");
    }
    if (o->settings.retries < 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "retries must not be negative: %d",
                        o->settings.retries);
    }
    if (max_workers < 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "max_concurrent_workers must not be negative: %d", max_workers);
    }
    if (batch_size > PTRDIFF_MAX) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "batch_size must not be negative");
    }
    o->request.batch_size = batch_size;
    o->concurrent = concurrent;
    o->max_workers = max_workers;
    return BM_OK;
}
