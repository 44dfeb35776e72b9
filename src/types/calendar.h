/* Dates and times as text, proleptic Gregorian, as ISO 8601 and PostgreSQL write them. */
#ifndef BM_TYPES_CALENDAR_H
#define BM_TYPES_CALENDAR_H

#include "type.h"

#define BM__USECS_PER_DAY INT64_C(86400000000)
#define BM__DATE_MIN (-719162) /* 0001-01-01, days since 1970 */
#define BM__DATE_MAX 2932896   /* 9999-12-31 */
#define BM__TEXT_MAX 48        /* room for any text that these functions write */

/* 1970-01-01 .. 2000-01-01, from where PostgreSQL counts. */
#define BM__EPOCH_DAYS 10957
#define BM__EPOCH_USECS INT64_C(946684800000000)

/* Write and NUL-terminate; return the length.  A year has four digits or more; " BC" follows where
 * it is before the first.  Times carry ".ffffff" only where there is a fraction, as Python's str()
 * does. */
size_t bm__date_text(int32_t days, char out[BM__TEXT_MAX]);                 /* 2024-02-29 */
size_t bm__time_text(int64_t usecs, char out[BM__TEXT_MAX]);                /* 13:45:00.000250 */
size_t bm__timestamp_text(int64_t usecs, bool utc, char out[BM__TEXT_MAX]); /* +00 for utc */

/* Read the same forms back; false when the text is not one.  A time may have no seconds, and 1 to
 * 6 digits of a fraction.  A timestamp may have 'T' for the blank, no time, which is midnight,
 * and "Z" or an offset "+02", "+02:00", "+0200", "+02:00:00", which is applied. */
bool bm__date_read(const char *text, size_t size, int32_t *days);
bool bm__time_read(const char *text, size_t size, int64_t *usecs);
bool bm__timestamp_read(const char *text, size_t size, int64_t *usecs, bool *has_offset);

/* 1 for "infinity", -1 for "-infinity", in any case; 0 for all else. */
int bm__infinity_read(bm_slice text);
void bm__infinity_put(bm__sink *out, bool positive);

/* What is wrong with a text that is not a date or a date with a time, to be read after a subject;
 * `form` is said where nothing more is known, `other` where it has the form and is not one. */
const char *bm__calendar_fault(const char *text, size_t size, const char *form, const char *other);

#endif
