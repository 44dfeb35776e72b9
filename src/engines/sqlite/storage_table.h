/* The table of SQLite's storage, and what its rows are made of: store_value.c, load_value.c. */
#ifndef BM_SQLITE_STORAGE_TABLE_H
#define BM_SQLITE_STORAGE_TABLE_H

#include "storage.h"

/* A cell that is given to SQLite, or the member that takes one. */
typedef struct bm__stored {
    bm_type type;
    bm_layout layout;
    size_t width;
    const void *cell;
    void *member;
} bm__stored;

/* NULL, or why it cannot be stored.  Text that is made is written to `scratch`. */
typedef const char *bm__give(const bm__stored *from, char scratch[BM__PRINT_MAX], bm__cell *out);

/* NULL, or why it is not a value of its type. */
typedef const char *bm__take(const bm__cell *cell, const bm__stored *to, bm__arena *arena);

/* As print and parse have it: the way of a type that the table does not name. */
bm__give bm__give_printed;
bm__take bm__take_printed;

bm__give bm__give_bool, bm__give_integer, bm__give_float, bm__give_number, bm__give_text;
bm__give bm__give_blob, bm__give_date, bm__give_time, bm__give_timestamp, bm__give_uuid;
bm__give bm__give_interval;
bm__take bm__take_integer, bm__take_float, bm__take_number, bm__take_text, bm__take_blob;
bm__take bm__take_date, bm__take_timestamp, bm__take_interval;

/* NULL where `size` bytes are a decimal number that SQLite can hold as one, else the reason. */
const char *bm__sqlite_number_fault(const char *text, size_t size);

/* Is the time in the years 1 to 9999, which are Django's? */
static inline bool bm__sqlite_has_year(int64_t usecs)
{
    return usecs >= BM__DATE_MIN * BM__USECS_PER_DAY &&
           usecs < (BM__DATE_MAX + 1) * BM__USECS_PER_DAY;
}

#endif
