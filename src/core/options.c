#include "options.h"

#include <assert.h>
#include <string.h>

static bm_status check_tail(size_t known, size_t size, const void *given, bm_error *err)
{
    for (size_t i = known; i < size; i++) {
        if (((const char *)given)[i] != 0) {
            return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK,
                            "an option that this version (" BM_VERSION ") does not know");
        }
    }
    return BM_OK;
}

bm_status bm__options_read(void *out, size_t known, const void *given, bm_error *err)
{
    assert(out != NULL && known >= sizeof(size_t));
    memset(out, 0, known);
    if (given == NULL) {
        return BM_OK;
    }
    size_t size;
    memcpy(&size, given, sizeof size);
    if (size < sizeof size) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "the size member of an options struct is not set");
    }
    memcpy(out, given, size < known ? size : known);
    return check_tail(known, size, given, err);
}

bm_status bm__options_check(size_t known, const void *given, const char *name, bm_error *err)
{
    size_t size;
    assert(given != NULL && known >= sizeof size);
    memcpy(&size, given, sizeof size);
    if (size < known) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "%s.size is wrong: set it to sizeof the struct", name);
    }
    return check_tail(known, size, given, err);
}
