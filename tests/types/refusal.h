/* Values that a column cannot take, through every way in, and what a call must then leave. */
#ifndef TEST_TYPES_REFUSAL_H
#define TEST_TYPES_REFUSAL_H

#include "server.h"

/* A value of a member, and the column that refuses it. */
typedef struct refusal {
    const char *column; /* PostgreSQL's or SQLite's declaration */
    bm_type type;
    cell value;
    bm_status status;     /* 0: BM_CONVERT */
    const char *sqlstate; /* the server's; NULL: found here, before a byte is sent */
    bm_layout layout;     /* 0: the type's plain one */
    bool null;            /* the value is NULL */
} refusal;

#define SLICE_OF(text_)                                                                            \
    {                                                                                              \
        .text = { text_, sizeof(text_) - 1 }                                                       \
    }

/* A row of the tables that are written: its id, and v of any type. */
typedef struct any_row {
    int64_t id;
    cell v;
    uint8_t state;
} any_row;

/* The model of a table (id, v). */
typedef struct any_model {
    bm_model model;
    bm_field fields[2];
} any_model;

void any_model_set(any_model *m, const char *table, bm_type type, bm_layout layout);

/* `n` rows with a value that any column of the type takes; the caller frees them. */
any_row *good_rows(const refusal *r, size_t n);

/* The error must be the refusal's, name row `row` and column v, and show no value.  Of what the
 * server refuses in an INSERT or UPDATE it says no column, but of NULL. */
void judge_refusal(const refusal *r, const bm_error *err, size_t row, bool copy);

#endif
