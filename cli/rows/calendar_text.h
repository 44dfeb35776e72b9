/* Dates, times and time stamps as ISO 8601 writes them, years 1 to 9999, proleptic Gregorian. */
#ifndef CLI_CALENDAR_TEXT_H
#define CLI_CALENDAR_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLI_USECS_PER_DAY INT64_C(86400000000)

typedef enum cli_zone { CLI_ZONE_NONE, CLI_ZONE_GIVEN } cli_zone;

/* Each reads the whole text; false when it is not one. */
bool cli_date_read(const char *text, size_t size, int32_t *days);
bool cli_time_read(const char *text, size_t size, int64_t *usecs);

/* A date, 'T' or a blank, a time, and "Z" or an offset "+02", "+02:00", "+0200", which is applied.
 * A date alone is its midnight. */
bool cli_timestamp_read(const char *text, size_t size, int64_t *usecs, cli_zone *zone);

/* Write, NUL-terminate, and return the length; 0 where the year is none of these. */
size_t cli_date_write(int32_t days, char out[48]);
size_t cli_time_write(int64_t usecs, char out[48]);
size_t cli_timestamp_write(int64_t usecs, bool utc, char out[48]);

#endif
