/* Errors: a returned status plus a struct that the caller owns.  Inside the library `err` is never
 * NULL, and the first failure wins. */
#ifndef BM_CORE_ERROR_H
#define BM_CORE_ERROR_H

#include "bulkmodel.h"

/* Return from the calling function with any status but BM_OK.  The only macro that hides a return.
 * */
#define BM_TRY(expression)                                                                         \
    do {                                                                                           \
        bm_status bm_try_ = (expression);                                                          \
        if (bm_try_ != BM_OK) {                                                                    \
            return bm_try_;                                                                        \
        }                                                                                          \
    } while (0)

#if defined(__GNUC__)
#define BM__PRINTF(format_, first_) __attribute__((format(printf, format_, first_)))
#else
#define BM__PRINTF(format_, first_)
#endif

/* Empty *err, keeping its size.  The first `size` bytes only, for callers of an older header. */
void bm__error_reset(bm_error *err);

/* Record a failure, unless one is recorded already, and return `status`. */
bm_status bm__fail(bm_error *err, bm_status status, bm_stage stage, const char *format, ...)
    BM__PRINTF(4, 5);

/* The same, of a cell: `row` in the caller's rows (or BM_NO_ROW) and a column (or NULL). */
bm_status bm__fail_cell(bm_error *err, bm_status status, bm_stage stage, size_t row,
                        const char *column, const char *format, ...) BM__PRINTF(6, 7);

/* Put another message in the place of the recorded one. */
void bm__say(bm_error *err, const char *format, ...) BM__PRINTF(2, 3);

/* A message that begins with a row's number begins with this one. */
void bm__number_message(bm_error *err, size_t row);

/* A callback of the caller's failed: its status is the call's, and what it said in `err` is kept;
 * else it is said after how many rows. */
bm_status bm__callback_failed(bm_error *err, bm_status status, const char *what, size_t rows);

/* BM_NOMEM, which needs no text of its own. */
bm_status bm__no_memory(bm_error *err);

/* Copy `text` into a fixed array as UTF-8, whatever its bytes are, cut between characters, always
 * terminated. */
void bm__copy_text(char *out, size_t size, const char *text);

/* The status that a five-character SQLSTATE stands for (PostgreSQL, appendix A); BM_DATABASE for
 * those that have no status of their own. */
bm_status bm__status_of_sqlstate(const char *sqlstate);

#endif
