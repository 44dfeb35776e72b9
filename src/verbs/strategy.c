#include "strategy.h"

/*
 * In order; the first that fits.  RETURNING's order is not trusted: every row has its key, or its
 * ordinal, before the write, or is written by a statement of its own, or the keys surely rise.
 */
static const bm__rule rules[] = {
    {BM__FACT_MADE_BACK | BM__FACT_RISING | BM__FACT_UPSERT, 0, BM__INSERT_LOOKUP,
     "a conflict may update rows: their keys are looked up after the write"},
    {BM__FACT_MADE_BACK | BM__FACT_RISING, 0, BM__INSERT_KEYS,
     "the engine gives rising keys to the rows in their order, and returns them"},
    {BM__FACT_READS_BATCH | BM__FACT_MADE_BACK, 0, BM__HIGHEST_INSERT,
     "keys are counted on from the highest in use, inside the write transaction"},
    {BM__FACT_READS_BATCH | BM__FACT_TELLS, 0, BM__HIGHEST_INSERT,
     "which rows conflict is looked up by key, inside the write transaction"},
    {BM__FACT_READS_BATCH, 0, BM__INSERT, "the engine reads the batch as a table"},
    {BM__FACT_MADE_BACK | BM__FACT_EACH, 0, BM__INSERT_EACH,
     "keys are wanted, and no other way is sure of them"},
    {BM__FACT_MADE_BACK | BM__FACT_PROVED, 0, BM__INSERT_KEYS,
     "few rows: the table's own sequence makes rising keys, or nothing is written"},
    {BM__FACT_MADE_BACK | BM__FACT_MADE, 0, BM__INSERT_RETURNING,
     "few rows: keys are made of the table's own sequence, or nothing is written"},
    {BM__FACT_MADE_BACK, BM__FACT_DRAWABLE, BM__INSERT_EACH,
     "keys are wanted, and cannot be drawn ahead of the write"},
    {BM__FACT_MADE_BACK | BM__FACT_NO_CTE, 0, BM__INSERT_EACH,
     "keys are wanted, and a rule forbids a WITH that writes"},
    {BM__FACT_TELLS | BM__FACT_NO_CTE, 0, BM__INSERT_EACH,
     "outcomes are wanted, and a rule forbids a WITH that writes"},
    {BM__FACT_TELLS, 0, BM__INSERT_RETURNING, "a conflict may ignore or update rows"},
    {BM__FACT_MADE_BACK | BM__FACT_TRIGGER, 0, BM__INSERT_RETURNING,
     "keys are wanted, and a trigger may change rows"},
    {BM__FACT_MADE_BACK | BM__FACT_NO_COPY, 0, BM__INSERT_RETURNING,
     "keys are wanted, and COPY cannot write these rows into this table"},
    {BM__FACT_MADE_BACK | BM__FACT_SMALL, 0, BM__INSERT_RETURNING,
     "keys are wanted of few rows: one statement"},
    {BM__FACT_NO_COPY, 0, BM__INSERT, "COPY cannot write these rows into this table"},
    {BM__FACT_SMALL, 0, BM__INSERT, "few rows: one statement"},
    {BM__FACT_MADE_BACK, 0, BM__RESERVE_COPY, "keys are drawn first, then COPY with them"},
    {0, 0, BM__COPY, "many rows, nothing comes back"},
};

const bm__rule *bm__strategy_of(unsigned facts)
{
    const bm__rule *rule = rules;
    while ((facts & rule->needs) != rule->needs || (facts & rule->lacks) != 0) {
        rule++;
    }
    return rule;
}
