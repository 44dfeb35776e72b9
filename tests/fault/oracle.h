/*
 * Rows that carry where they belong and a checksum, so that one query tells which were lost,
 * duplicated or altered; and a judge that compares what a call reported with the table.
 */
#ifndef TEST_FAULT_ORACLE_H
#define TEST_FAULT_ORACLE_H

#include "check.h"
#include "psql.h"

#include <bulkmodel.h>

typedef struct load_row {
    int64_t id;
    int32_t batch;
    int32_t place; /* of the row in its batch */
    int32_t revision;
    int64_t checksum;
    char payload[48];
} load_row;

/* The table "load"; the database makes the key. */
extern const bm_model load_assigned;
/* The same with the key given by the rows. */
extern const bm_model load_given;

/* All but the key of a row, and of the n rows of a batch. */
void oracle_fill_one(load_row *row, int32_t batch, int32_t place, int32_t revision);
void oracle_fill(load_row *rows, size_t n, int32_t batch, int32_t revision);

typedef struct oracle {
    PGconn *conn;
    char schema[TEST_NAME_MAX];
    int64_t n_rows; /* compared */
    int64_t lost;
    int64_t duplicated;
    int64_t altered;
    int64_t n_unknown; /* calls that could not say what became of their rows */
    int64_t n_partial;
} oracle;

/* Make the schema and the table; the connection is to the tests' server itself. */
void oracle_begin(oracle *o);
void oracle_end(oracle *o);

/* Connect again to a server that was restarted, or is at it. */
void oracle_reconnect(oracle *o);

enum { ORACLE_ABSENT = -1 };

/* What a call does with the n rows of a batch: their revision before and after it. */
typedef struct claim {
    int32_t batch;
    size_t n;
    int32_t before;
    int32_t after;
} claim;

/* Compare what the call reported with the table.  False, and a line on standard error: they
 * contradict each other. */
bool oracle_judge(oracle *o, claim what, bm_status status, const bm_error *err,
                  const bm_result *result);

/* Nobody reported: the rows are as before, as after, or, where `parts`, some are each. */
bool oracle_judge_silent(oracle *o, claim what, bool parts);

/* Wait until no backend of the schema's calls is at work: only then the table is final. */
void oracle_settle(oracle *o);

/* "# B-05: ...".  False: a row was lost, duplicated or altered. */
bool oracle_report(const oracle *o);

#endif
