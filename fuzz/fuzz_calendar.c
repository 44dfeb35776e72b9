/* Texts of dates, times and UUIDs: what is read is written as a text that reads as the same. */
#include "calendar.h"

#include <stdlib.h>
#include <string.h>

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
    if (bm__timestamp_read(text, size, &usecs)) {
        must(bm__timestamp_read(out, bm__timestamp_text(usecs, out), &again) && again == usecs);
    }
}

static void check_uuid(const char *text, size_t size)
{
    char out[BM__TEXT_MAX];
    bm_uuid uuid;
    bm_uuid again;
    if (bm__uuid_read(text, size, &uuid)) {
        for (int dashes = 0; dashes < 2; dashes++) {
            must(bm__uuid_read(out, bm__uuid_text(&uuid, dashes != 0, out), &again));
            must(memcmp(&uuid, &again, sizeof uuid) == 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    check_date(text, size);
    check_time(text, size);
    check_timestamp(text, size);
    check_uuid(text, size);
    return 0;
}
