/* Calendar and identifier text, proleptic Gregorian, as ISO 8601 and RFC 9562 write them. */
#ifndef BM_CORE_CALENDAR_H
#define BM_CORE_CALENDAR_H

#include "bulkmodel.h"

#define BM__USECS_PER_DAY INT64_C(86400000000)
#define BM__DATE_MIN (-719162) /* 0001-01-01, days since 1970 */
#define BM__DATE_MAX 2932896   /* 9999-12-31 */
#define BM__TEXT_MAX 40        /* room for any text that these functions write */

/* Write and NUL-terminate; return the length.  Years 1 to 9999 only: the caller checks.
 * Times carry ".ffffff" only where there is a fraction, as Python's str() does. */
size_t bm__date_text(int32_t days, char out[BM__TEXT_MAX]);       /* 2024-02-29 */
size_t bm__time_text(int64_t usecs, char out[BM__TEXT_MAX]);      /* 13:45:00.000250 */
size_t bm__timestamp_text(int64_t usecs, char out[BM__TEXT_MAX]); /* date, blank, time */
size_t bm__uuid_text(const bm_uuid *uuid, bool dashes, char out[BM__TEXT_MAX]);

/* Read the same forms back (also 'T' for the blank, 1 to 6 digits of fraction, an offset "+00:00"
 * or "Z" behind a timestamp, applied when present); false when the text is not one. */
bool bm__date_read(const char *text, size_t size, int32_t *days);
bool bm__time_read(const char *text, size_t size, int64_t *usecs);
bool bm__timestamp_read(const char *text, size_t size, int64_t *usecs);
bool bm__uuid_read(const char *text, size_t size, bm_uuid *uuid);

#endif
