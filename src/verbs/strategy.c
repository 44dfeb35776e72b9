#include "strategy.h"

/*
 * In order; the first that fits.  RETURNING's order is not trusted: every row has its key, or its
 * ordinal, before the write, or is written by a statement of its own, or the keys surely rise.
 */
static const bm__rule rules[] = {
    {BM__FACT_MADE_BACK | BM__FACT_RISING | BM__FACT_UPSERT, 0, BM__INSERT_LOOKUP,
     "a conflict may update rows: their keys are looked up after the write"},
    {BM__FACT_MADE_BACK | BM__FACT_RISING, 0, BM__INSERT_KEYS,
     "the engine assigns rising keys in the order of the rows, and returns them"},
    {BM__FACT_READS_BATCH | BM__FACT_MADE_BACK, 0, BM__HIGHEST_INSERT,
     "keys follow the highest one in use, which is read inside the transaction"},
    {BM__FACT_READS_BATCH | BM__FACT_TELLS, 0, BM__HIGHEST_INSERT,
     "conflicting rows are looked up by key, inside the transaction"},
    {BM__FACT_READS_BATCH, 0, BM__INSERT, "the engine reads the batch as a table"},
    {BM__FACT_MADE_BACK | BM__FACT_EACH, 0, BM__INSERT_EACH,
     "the call returns keys, and only a statement a row matches them to rows"},
    {BM__FACT_MADE_BACK | BM__FACT_PROVED, 0, BM__INSERT_KEYS,
     "few rows: one statement, which checks that its own sequence gives rising keys"},
    {BM__FACT_MADE_BACK | BM__FACT_MADE, 0, BM__INSERT_RETURNING,
     "few rows: one statement, which checks that the keys are of its own sequence"},
    {BM__FACT_MADE_BACK, BM__FACT_DRAWABLE, BM__INSERT_EACH,
     "the call returns keys, and they cannot be reserved before the write"},
    {BM__FACT_MADE_BACK | BM__FACT_NO_CTE, 0, BM__INSERT_EACH,
     "the call returns keys, and a rule of the table forbids a WITH that writes"},
    {BM__FACT_TELLS | BM__FACT_NO_CTE, 0, BM__INSERT_EACH,
     "the call returns outcomes, and a rule of the table forbids a WITH that writes"},
    {BM__FACT_TELLS, 0, BM__INSERT_RETURNING, "a conflict may ignore or update rows"},
    {BM__FACT_MADE_BACK | BM__FACT_FOREIGN, BM__FACT_TRIGGER, BM__RESERVE_INSERT,
     "rows go to other servers: keys are reserved first, then an INSERT that returns nothing is "
     "sent to them in batches"},
    {BM__FACT_MADE_BACK | BM__FACT_TRIGGER, 0, BM__INSERT_RETURNING,
     "the call returns keys, and a trigger may change rows"},
    {BM__FACT_MADE_BACK | BM__FACT_NO_COPY, 0, BM__INSERT_RETURNING,
     "the call returns keys, and COPY cannot write these rows into this table"},
    {BM__FACT_MADE_BACK | BM__FACT_SMALL, 0, BM__INSERT_RETURNING,
     "few rows, and the call returns keys: one statement"},
    {BM__FACT_FOREIGN, 0, BM__INSERT,
     "rows go to other servers: an INSERT that returns nothing is sent to them in batches"},
    {BM__FACT_NO_COPY, 0, BM__INSERT, "COPY cannot write these rows into this table"},
    {BM__FACT_SMALL, 0, BM__INSERT, "few rows: one statement"},
    {BM__FACT_MADE_BACK, 0, BM__RESERVE_COPY,
     "keys are reserved first, then COPY writes the rows with them"},
    {0, 0, BM__COPY, "many rows, and the call returns nothing about them"},
};

const bm__rule *bm__strategy_of(unsigned facts)
{
    const bm__rule *rule = rules;
    while ((facts & rule->needs) != rule->needs || (facts & rule->lacks) != 0) {
        rule++;
    }
    return rule;
}
