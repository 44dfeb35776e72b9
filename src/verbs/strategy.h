/* Which statement, by facts. */
#ifndef BM_VERBS_STRATEGY_H
#define BM_VERBS_STRATEGY_H

#include "plan.h"

/* Facts of a create, or-ed together. */
enum {
    BM__FACT_READS_BATCH = 1, /* the engine reads the batch itself */
    BM__FACT_SMALL = 2,       /* rows up to engine.small_rows */
    BM__FACT_MADE_BACK = 4,   /* the database makes the key, and the caller wants it */
    BM__FACT_DRAWABLE = 8,    /* keys can be drawn ahead of the write */
    BM__FACT_NO_COPY = 16,    /* view, foreign table, rules, row security, DEFAULT cells, conflicts,
                                  a type that COPY has no bytes for */
    BM__FACT_NO_CTE = 32,     /* rules refuse a data-modifying WITH */
    BM__FACT_TELLS = 64,      /* which rows were written must come back: conflicts */
    BM__FACT_TRIGGER = 128,   /* a BEFORE INSERT trigger may change or drop rows */
    BM__FACT_RISING = 256,    /* keys rise with the rows, and an INSERT returns them */
    BM__FACT_PROVED = 512,    /* nobody asked the catalog: keys rise with the rows (KEYS_PROVED) */
    BM__FACT_UPSERT = 1024,   /* a conflict updates the row that is there */
    BM__FACT_MADE = 2048,     /* nobody asked the catalog: keys are made in the statement */
    BM__FACT_EACH = 4096,     /* a statement a row was asked for */
    BM__FACT_FOREIGN = 8192   /* rows go to other servers */
};

typedef struct bm__rule {
    unsigned needs;
    unsigned lacks;
    bm__strategy strategy;
    const char *why;
} bm__rule;

/* The first rule whose needs are all there and whose lacks are not; there always is one. */
const bm__rule *bm__strategy_of(unsigned facts);

#endif
