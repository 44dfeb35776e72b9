/* Texts of dates and times: what is read is written as a text that reads as the same. */
#include "calendar.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool right)
{
    if (!right) {
        abort();
    }
}

static void check_date(const char *text, size_t size)
{
    char out[BM__TEXT_MAX];
    int32_t days;
    int32_t again;
    if (bm__date_read(text, size, &days)) {
        must(bm__date_read(out, bm__date_text(days, out), &again) && again == days);
    }
}

static void check_time(const char *text, size_t size)
{
    char out[BM__TEXT_MAX];
    int64_t usecs;
    int64_t again;
    if (bm__time_read(text, size, &usecs)) {
        must(usecs >= 0 && usecs <= INT64_C(86400000000));
        must(bm__time_read(out, bm__time_text(usecs, out), &again) && again == usecs);
    }
}

static void check_timestamp(const char *text, size_t size)
{
    char out[BM__TEXT_MAX];
    int64_t usecs;
    int64_t again;
    bool has_offset;
    if (bm__timestamp_read(text, size, &usecs, &has_offset)) {
        must(bm__timestamp_read(out, bm__timestamp_text(usecs, false, out), &again, &has_offset) &&
             again == usecs && !has_offset);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    check_date(text, size);
    check_time(text, size);
    check_timestamp(text, size);
    return 0;
}
