/* Which rows of a batch break a constraint, by one statement. */
#include "statement_parts.h"

static void put_cell(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_rule *rule, size_t i,
                     const size_t *at)
{
    shape->dialect->cell(sql, shape, at[i]);
    bm__sql_put(sql, "%s", rule->collate[i]);
}

static void put_not_null(bm__sql *sql, const bm__sql_shape *shape, const size_t *at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bm__sql_put(sql, i > 0 ? " AND " : "");
        shape->dialect->cell(sql, shape, at[i]);
        bm__sql_put(sql, " IS NOT NULL");
    }
}

/* A subquery that is run for each row: with LIMIT no planner makes a join of it, which would read
 * the whole target for a few rows. */
static void put_found(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_rule *rule)
{
    bm__sql_put(sql, "(SELECT 1 FROM %s AS t WHERE ", rule->target);
    for (size_t i = 0; i < rule->n; i++) {
        const char *equal =
            rule->equal[i] != NULL ? rule->equal[i] : shape->columns[rule->at[i]].equal;
        bm__sql_put(sql, i > 0 ? " AND t." : "t.");
        bm__sql_name(sql, rule->other[i]);
        bm__sql_put(sql, "%s", equal != NULL ? equal : shape->dialect->equal);
        put_cell(sql, shape, rule, i, rule->at);
    }
    bm__sql_put(sql, " LIMIT 1)");
}

static void put_batch(bm__sql *sql, const bm__sql_shape *shape, const size_t *at, size_t n)
{
    bm__sql_put(sql, " FROM ");
    shape->dialect->source(sql, shape, true);
    bm__sql_put(sql, " WHERE ");
    put_not_null(sql, shape, at, n);
}

/* Those that the target has, or lacks. */
static void put_always(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_rule *rule,
                       size_t number)
{
    bool unique = rule->kind == BM__RULE_UNIQUE;
    bm__sql_put(sql, "SELECT %s, %zu, %d, %s", shape->dialect->ordinal, number, BM__BREACH_ALWAYS,
                shape->dialect->ordinal);
    put_batch(sql, shape, rule->at, rule->n);
    bm__sql_put(sql, " AND ");
    put_found(sql, shape, rule);
    bm__sql_put(sql, unique ? " IS NOT NULL" : " IS NULL");
}

static void put_repeats(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_rule *rule,
                        size_t number)
{
    bm__sql_put(sql,
                " UNION ALL SELECT r.o, %zu, %d, r.g FROM (SELECT %s AS o, min(%s) OVER "
                "(PARTITION BY ",
                number, BM__BREACH_REPEATS, shape->dialect->ordinal, shape->dialect->ordinal);
    for (size_t i = 0; i < rule->n; i++) {
        bm__sql_put(sql, i > 0 ? ", " : "");
        put_cell(sql, shape, rule, i, rule->at);
    }
    bm__sql_put(sql, ") AS g");
    put_batch(sql, shape, rule->at, rule->n);
    bm__sql_put(sql, ") r WHERE r.o%sr.g", shape->dialect->not_equal);
}

static void put_side(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_rule *rule,
                     const size_t *at, int breach)
{
    bm__sql_put(sql, "SELECT %s AS o, %d AS b", shape->dialect->ordinal, breach);
    for (size_t i = 0; i < rule->n; i++) {
        bm__sql_put(sql, ", ");
        shape->dialect->cell(sql, shape, at[i]);
        bm__sql_put(sql, " AS k%zu", i);
    }
    put_batch(sql, shape, at, rule->n);
}

/* Those whose parent is not in the table, and all that may be the parent: a group has one key. */
static void put_parents(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_rule *rule,
                        size_t number)
{
    bm__sql_put(sql, "SELECT u.o, %zu, u.b, min(u.o) OVER (PARTITION BY ", number);
    for (size_t i = 0; i < rule->n; i++) {
        bm__sql_put(sql, "%su.k%zu", i > 0 ? ", " : "", i);
    }
    bm__sql_put(sql, ") FROM (");
    put_side(sql, shape, rule, rule->at, BM__BREACH_NEEDS);
    bm__sql_put(sql, " AND ");
    put_found(sql, shape, rule);
    bm__sql_put(sql, " IS NULL UNION ALL ");
    put_side(sql, shape, rule, rule->provides, BM__BREACH_PROVIDES);
    bm__sql_put(sql, ") u");
}

void bm__sql_breaches(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bm__sql_put(sql, i > 0 ? " UNION ALL " : "");
        if (rules[i].kind == BM__RULE_SELF) {
            put_parents(sql, shape, &rules[i], i);
            continue;
        }
        put_always(sql, shape, &rules[i], i);
        if (rules[i].kind == BM__RULE_UNIQUE) {
            put_repeats(sql, shape, &rules[i], i);
        }
    }
}
