#include "scope.h"

#include "statement_parts.h"

#include <assert.h>

#define KEPT "bulkmodel_scope"
#define MATCHED "bulkmodel_match"

static void put_own(bm__sql *sql, const bm__sql_scope *scope, const char *name)
{
    bm__sql_table(sql, scope->dialect->temporary, name);
}

static void put_target(bm__sql *sql, const bm__sql_scope *scope)
{
    bm__sql_table(sql, scope->schema, scope->table);
    bm__sql_put(sql, " AS t");
}

static void put_names(bm__sql *sql, const char *const *names, size_t n, const char *prefix)
{
    assert(n > 0);
    for (size_t i = 0; i < n; i++) {
        bm__sql_put(sql, "%s%s", i > 0 ? ", " : "", prefix);
        bm__sql_name(sql, names[i]);
    }
}

static void put_keys(bm__sql *sql, const bm__sql_scope *scope, const char *prefix)
{
    put_names(sql, scope->keys, scope->n_keys, prefix);
}

static const char *key_equal(const bm__sql_scope *scope, size_t i)
{
    return scope->equals[i] != NULL ? scope->equals[i] : scope->dialect->equal;
}

/* A comment in the condition ends with its line. */
static void put_where(bm__sql *sql, const bm__sql_scope *scope)
{
    assert(scope->where != NULL && scope->where[0] != '\0');
    bm__sql_put(sql, "(%s\n)", scope->where);
}

/* The key of `alias` is one of a table of ours, or is none of them.  One engine makes an index for
 * IN, and for EXISTS none; the other plans EXISTS as a join, and a long NOT IN as a loop. */
static void put_in(bm__sql *sql, const bm__sql_scope *scope, const char *alias, const char *other,
                   bool is_in)
{
    const bm__dialect *dialect = scope->dialect;
    if (dialect->deletes_in) {
        bm__sql_put(sql, "(");
        put_keys(sql, scope, alias);
        bm__sql_put(sql, is_in ? ") IN (SELECT " : ") NOT IN (SELECT ");
        put_keys(sql, scope, "");
        bm__sql_put(sql, " FROM ");
        put_own(sql, scope, other);
        bm__sql_put(sql, ")");
        return;
    }
    bm__sql_put(sql, is_in ? "EXISTS (SELECT 1 FROM " : "NOT EXISTS (SELECT 1 FROM ");
    put_own(sql, scope, other);
    for (size_t i = 0; i < scope->n_keys; i++) {
        bm__sql_put(sql, i > 0 ? " AND o." : " AS o WHERE o.");
        bm__sql_name(sql, scope->keys[i]);
        bm__sql_put(sql, "%s%s", key_equal(scope, i), alias);
        bm__sql_name(sql, scope->keys[i]);
    }
    bm__sql_put(sql, ")");
}

/* A table of ours, with keys of rows that a condition, which follows, selects. */
static void put_own_of_keys(bm__sql *sql, const bm__sql_scope *scope, const char *own)
{
    bm__sql_put(sql, "CREATE TABLE ");
    put_own(sql, scope, own);
    bm__sql_put(sql, " AS SELECT ");
    put_keys(sql, scope, "t.");
    bm__sql_put(sql, " FROM ");
    put_target(sql, scope);
    bm__sql_put(sql, " WHERE ");
}

void bm__sql_scope_take(bm__sql *sql, const bm__sql_scope *scope)
{
    put_own_of_keys(sql, scope, KEPT);
    put_where(sql, scope);
    if (scope->dialect->lock != NULL) { /* in one order: two calls do not wait for each other */
        bm__sql_put(sql, " ORDER BY ");
        put_keys(sql, scope, "t.");
        bm__sql_put(sql, "%s", scope->dialect->lock);
    }
}

void bm__sql_scope_matches(bm__sql *sql, const bm__sql_scope *scope)
{
    put_own_of_keys(sql, scope, MATCHED);
    bm__sql_put(sql, "false");
}

void bm__sql_scope_match(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_scope *scope)
{
    assert(shape->n_unique > 0);
    bm__sql_put(sql, "INSERT INTO ");
    put_own(sql, scope, MATCHED);
    bm__sql_put(sql, " SELECT ");
    put_keys(sql, scope, "t.");
    if (scope->dialect->fence != NULL) {
        bm__sql_put_lookup(sql, shape, false);
        put_keys(sql, scope, "t.");
        bm__sql_put_looked_up(sql, shape, shape->unique, shape->n_unique, false);
    } else {
        bm__sql_put_found(sql, shape, shape->unique, shape->n_unique);
    }
    for (size_t i = 0; scope->dialect->deletes_in && i < scope->n_keys; i++) {
        bm__sql_put(sql,
                    i > 0 ? " AND t." : " WHERE t."); /* NOT IN a list with NULL is never true */
        bm__sql_name(sql, scope->keys[i]);
        bm__sql_put(sql, " IS NOT NULL");
    }
}

static void put_count(bm__sql *sql, const bm__sql_scope *scope, const char *of, const char *not_in)
{
    bm__sql_put(sql, "(SELECT %s FROM ", scope->dialect->count);
    put_own(sql, scope, of);
    bm__sql_put(sql, " AS k");
    if (not_in != NULL) {
        bm__sql_put(sql, " WHERE ");
        put_in(sql, scope, "k.", not_in, false);
    }
    bm__sql_put(sql, ")");
}

void bm__sql_scope_count(bm__sql *sql, const bm__sql_scope *scope)
{
    bm__sql_put(sql, "SELECT ");
    put_count(sql, scope, KEPT, NULL);
    bm__sql_put(sql, ", ");
    put_count(sql, scope, MATCHED, NULL);
    bm__sql_put(sql, ", ");
    put_count(sql, scope, KEPT, MATCHED);
    bm__sql_put(sql, ", ");
    put_count(sql, scope, MATCHED, KEPT);
}

void bm__sql_scope_delete(bm__sql *sql, const bm__sql_scope *scope)
{
    bm__sql_put(sql, "DELETE FROM ");
    put_target(sql, scope);
    bm__sql_put(sql, " WHERE ");
    put_in(sql, scope, "t.", KEPT, true);
    bm__sql_put(sql, " AND ");
    put_in(sql, scope, "t.", MATCHED, false);
}

void bm__sql_scope_size(bm__sql *sql, const bm__sql_scope *scope)
{
    bm__sql_put(sql, "SELECT %s FROM ", scope->dialect->count);
    put_target(sql, scope);
    bm__sql_put(sql, " WHERE ");
    put_where(sql, scope);
}

/* The condition is asked where only `t` has columns: it may name them without `t`. */
void bm__sql_scope_outside(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_scope *scope)
{
    assert(shape->n_unique > 0 && scope->n_keys > 0);
    bm__sql_put(sql, "SELECT o.ord FROM (SELECT %s AS ord", shape->dialect->ordinal);
    for (size_t i = 0; i < scope->n_keys; i++) {
        bm__sql_put(sql, ", t.");
        bm__sql_name(sql, scope->keys[i]);
        bm__sql_put(sql, " AS k%zu", i);
    }
    bm__sql_put_found(sql, shape, shape->unique, shape->n_unique);
    bm__sql_put(sql, ") AS o WHERE NOT EXISTS (SELECT 1 FROM ");
    put_target(sql, scope);
    bm__sql_put(sql, " WHERE ");
    for (size_t i = 0; i < scope->n_keys; i++) {
        bm__sql_put(sql, "t.");
        bm__sql_name(sql, scope->keys[i]);
        bm__sql_put(sql, "%so.k%zu AND ", key_equal(scope, i), i);
    }
    put_where(sql, scope);
    bm__sql_put(sql, ")");
}

void bm__sql_scope_unique(bm__sql *sql, const bm__sql_scope *scope)
{
    put_names(sql, scope->unique, scope->n_unique, "");
}

/* Asked of the planner, which knows: nothing is carried out. */
void bm__sql_scope_arbiter(bm__sql *sql, const bm__sql_scope *scope)
{
    assert(scope->n_unique > 0);
    bm__sql_put(sql, "EXPLAIN INSERT INTO ");
    bm__sql_table(sql, scope->schema, scope->table);
    bm__sql_put(sql, " (");
    put_names(sql, scope->unique, scope->n_unique, "");
    bm__sql_put(sql, ")%s SELECT ", scope->overriding ? " OVERRIDING SYSTEM VALUE" : "");
    put_names(sql, scope->unique, scope->n_unique, "t.");
    bm__sql_put(sql, " FROM ");
    put_target(sql, scope);
    bm__sql_put(sql, " WHERE false ON CONFLICT (");
    put_names(sql, scope->unique, scope->n_unique, "");
    bm__sql_put(sql, ") DO NOTHING");
}

void bm__sql_scope_drop(bm__sql *sql, const bm__sql_scope *scope, bool matches)
{
    bm__sql_put(sql, "DROP TABLE ");
    put_own(sql, scope, matches ? MATCHED : KEPT);
}
