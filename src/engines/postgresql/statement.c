/* How a batch stands in a statement, and the statements that other engines do not have. */
#include "operators.h"
#include "postgresql.h"
#include "statement_parts.h"

#include <string.h>

/* unnest of one array parameter a column */
static void put_source(bm__sql *sql, const bm__sql_shape *shape, bool ordinality)
{
    size_t arrays = 0;
    for (size_t i = 0; i < shape->n_columns; i++) {
        arrays += !shape->columns[i].made && !shape->columns[i].scalar;
    }
    /* unnest of several arrays has no schema: it is the parser's */
    bm__sql_put(sql, "%s%s", shape->fenced ? "(SELECT * FROM " : "",
                arrays > 1 ? "ROWS FROM (" : "");
    bool first = true;
    for (size_t i = 0; i < shape->n_columns; i++) {
        if (!shape->columns[i].made && !shape->columns[i].scalar) {
            bm__sql_put_separator(sql, &first, ", ");
            bm__sql_put(sql, "pg_catalog.UNNEST($%zu::pg_catalog.%s[])",
                        bm__sql_parameter(shape, i), shape->columns[i].type);
        }
    }
    bm__sql_put(sql, "%s%s AS v(", arrays > 1 ? ")" : "", ordinality ? " WITH ORDINALITY" : "");
    first = true;
    for (size_t i = 0; i < shape->n_columns; i++) {
        if (!shape->columns[i].made && !shape->columns[i].scalar) {
            bm__sql_put_separator(sql, &first, ", ");
            bm__sql_put(sql, "c%zu", i);
        }
    }
    bm__sql_put(sql, "%s)%s", ordinality ? ", ord" : "", shape->fenced ? " OFFSET 0) AS v" : "");
}

static void put_cell(bm__sql *sql, const bm__sql_shape *shape, size_t i)
{
    const bm__sql_column *column = &shape->columns[i];
    if (column->scalar) {
        bm__sql_put(sql, "$%zu%s%s", bm__sql_parameter(shape, i),
                    column->untyped ? "" : "::pg_catalog.", column->untyped ? "" : column->type);
    } else {
        bm__sql_put(sql, "v.c%zu", i);
    }
    if (column->cast != NULL) {
        bm__sql_put(sql, "::%s", column->cast);
    }
}

static void put_among(bm__sql *sql, const bm__sql_shape *shape, size_t i)
{
    const bm__sql_column *column = &shape->columns[i];
    bm__sql_put(sql, "t.");
    bm__sql_name(sql, column->name);
    bm__sql_put(sql, "%sANY($%zu::pg_catalog.%s[])", column->equal != NULL ? column->equal : EQ,
                bm__sql_parameter(shape, i), column->type);
}

/* a."x" = v."x" for each column of a list. */
static void put_equal(bm__sql *sql, const bm__sql_shape *shape, const char *alias, const size_t *at,
                      size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *own = shape->columns[at[i]].equal;
        bm__sql_put(sql, "%s%s.", i > 0 ? " AND " : "", alias);
        bm__sql_name(sql, shape->columns[at[i]].name);
        bm__sql_put(sql, "%sv.", own != NULL ? own : EQ);
        bm__sql_name(sql, shape->columns[at[i]].name);
    }
}

static bool is_unique(const bm__sql_shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->n_unique; i++) {
        const bm__sql_column *column = &shape->columns[shape->unique[i]];
        if (!column->key && strcmp(column->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* w returns them beside the keys and the conflict's columns, each once. */
static void put_also_once(bm__sql *sql, const bm__sql_shape *shape)
{
    for (size_t i = 0; i < shape->n_also; i++) {
        if (!is_unique(shape, shape->also[i])) {
            bm__sql_put(sql, ", ");
            bm__sql_name(sql, shape->also[i]);
        }
    }
}

/* Of w where it was inserted, else of u: their values may be NULL. */
static void put_also_of_upsert(bm__sql *sql, const bm__sql_shape *shape)
{
    for (size_t i = 0; i < shape->n_also; i++) {
        bm__sql_put(sql, ", CASE WHEN w.bm_inserted IS NOT NULL THEN w.");
        bm__sql_name(sql, shape->also[i]);
        bm__sql_put(sql, " ELSE u.");
        bm__sql_name(sql, shape->also[i]);
        bm__sql_put(sql, " END");
    }
}

/* Where there is no xmax: a statement sees the table as it was before its own INSERT.  A row that
 * another session inserts meanwhile counts as inserted, so outcomes of single rows are refused. */
static void put_was_inserted(bm__sql *sql, const bm__sql_shape *shape)
{
    if (!shape->no_xmax || shape->key_tells) {
        /* Not the key: a composite with a NULL in it IS NOT NULL is false. */
        bm__sql_put(sql, "w.bm_inserted IS NOT NULL");
        return;
    }
    bm__sql_put(sql, "NOT EXISTS (SELECT FROM ");
    bm__sql_put_target(sql, shape);
    bm__sql_put(sql, " AS o WHERE ");
    put_equal(sql, shape, "o", shape->unique, shape->n_unique);
    bm__sql_put(sql, ")");
}

/* May it be seen before the INSERT that a row has its values already?  A default may differ each
 * time that it is computed, a trigger may change the values, and of two rows whose keys are equal
 * to the server alone none may be left out. */
static bool is_compared_first(const bm__sql_shape *shape)
{
    for (size_t i = 0; i < shape->n_unique; i++) {
        const bm__sql_column *column = &shape->columns[shape->unique[i]];
        if (column->equal != NULL || column->base == NULL || strstr(column->base, "numeric")) {
            return false;
        }
    }
    for (size_t i = 0; i < shape->n_compare; i++) {
        const bm__sql_column *column = &shape->columns[shape->compare[i]];
        if (column->made || column->flag != BM__NO_COLUMN || column->base == NULL) {
            return false;
        }
    }
    return shape->keeps && shape->n_compare > 0 && !shape->triggered;
}

/* ROW of the columns to compare, of t or of the batch, in types without limits: what a limit would
 * change is not seen to be the same here, and is compared by the INSERT. */
static void put_image(bm__sql *sql, const bm__sql_shape *shape, bool batch)
{
    bm__sql_put(sql, "ROW(");
    for (size_t i = 0; i < shape->n_compare; i++) {
        const bm__sql_column *column = &shape->columns[shape->compare[i]];
        bm__sql_put(sql, "%s", i > 0 ? ", " : "");
        if (batch) {
            put_cell(sql, shape, shape->compare[i]);
        } else {
            bm__sql_put(sql, "t.");
            bm__sql_name(sql, column->name);
        }
        bm__sql_put(sql, "::%s", column->base);
    }
    bm__sql_put(sql, ")::pg_catalog.record");
}

/* Of an upsert that leaves rows as they are: the key of the row that is there, whether there is
 * one, and whether it has the values already: it is then not even locked. */
static void put_there(bm__sql *sql, const bm__sql_shape *shape)
{
    size_t keys[32];
    size_t n_keys = bm__sql_keys(shape, keys);
    for (size_t i = 0; i < n_keys; i++) {
        bm__sql_put(sql, ", t.");
        bm__sql_name(sql, shape->columns[keys[i]].name);
        bm__sql_put(sql, " AS bm_was%zu", i);
    }
    bm__sql_put(sql, ", t.");
    bm__sql_name(sql, shape->columns[shape->unique[0]].name);
    bm__sql_put(sql, " IS NOT NULL AS bm_there");
    if (is_compared_first(shape)) {
        bm__sql_put(sql, ", t.");
        bm__sql_name(sql, shape->columns[shape->unique[0]].name);
        bm__sql_put(sql, " IS NOT NULL AND NOT (");
        put_image(sql, shape, false);
        bm__sql_put(sql, IMAGE_NE);
        put_image(sql, shape, true);
        bm__sql_put(sql, ") AS bm_same");
    }
}

/* The rows of w by these columns, as `alias`.  No two of them agree there, and only DISTINCT lets
 * the planner know it: else it expects 200 different values in a million rows, and has the
 * statement compiled (jit_above_cost), which takes longer than the join. */
static void put_written(bm__sql *sql, const bm__sql_shape *shape, const char *alias,
                        const char *where, const size_t *at, size_t n)
{
    bool by_default = n > 0; /* DISTINCT takes the type's own operator */
    for (size_t i = 0; i < n; i++) {
        by_default = by_default && shape->columns[at[i]].equal == NULL;
    }
    bm__sql_put(sql, "(SELECT ");
    if (by_default) {
        bm__sql_put(sql, "DISTINCT ON (");
        for (size_t i = 0; i < n; i++) {
            bm__sql_put(sql, "%s", i > 0 ? ", " : "");
            bm__sql_name(sql, shape->columns[at[i]].name);
        }
        bm__sql_put(sql, ") ");
    }
    bm__sql_put(sql, "* FROM w%s) AS %s ON ", where, alias);
    put_equal(sql, shape, alias, at, n);
}

/* The rows that were written, found again by key (a row that was inserted) or by the conflict's
 * columns (a row that was there): RETURNING's order is never used. */
static void put_ord_keys(bm__sql *sql, const bm__sql_shape *shape)
{
    size_t keys[32];
    size_t n_keys = bm__sql_keys(shape, keys);
    bool by_unique = shape->conflict == BM__CONFLICT_UPDATE;
    bool distinct = shape->conflict == BM__CONFLICT_NOTHING;
    bm__sql_put(sql, " SELECT ");
    if (distinct) { /* two rows of the batch with one key: the first is the one inserted */
        bm__sql_put(sql, "DISTINCT ON (");
        bm__sql_put_key_names(sql, shape, "w.");
        bm__sql_put(sql, ") ");
    }
    bm__sql_put(sql, "v.bm_ord" MINUS "1, ");
    if (by_unique) {
        bm__sql_put(sql, shape->keeps
                             ? "CASE WHEN w.bm_inserted IS NULL AND u.bm_inserted IS NULL THEN 2 "
                               "WHEN "
                             : "");
        put_was_inserted(sql, shape);
        bm__sql_put(sql, shape->keeps ? " THEN 1 ELSE 0 END" : "");
        for (size_t i = 0; i < n_keys; i++) {
            bm__sql_put(sql, ", coalesce(w.");
            bm__sql_name(sql, shape->columns[keys[i]].name);
            bm__sql_put(sql, ", u.");
            bm__sql_name(sql, shape->columns[keys[i]].name);
            if (shape->keeps) {
                bm__sql_put(sql, ", v.bm_was%zu", i);
            }
            bm__sql_put(sql, ")");
            bm__sql_put_key_output(sql, shape, keys[i]);
        }
        put_also_of_upsert(sql, shape);
        bm__sql_put(sql, " FROM v LEFT JOIN ");
        put_written(sql, shape, "w", shape->key_tells ? "" : " WHERE bm_inserted", keys, n_keys);
        bm__sql_put(sql, " LEFT JOIN ");
        put_written(sql, shape, "u", shape->key_tells ? "" : " WHERE NOT bm_inserted",
                    shape->unique, shape->n_unique);
        bm__sql_put(sql, " WHERE w.bm_inserted IS NOT NULL OR u.bm_inserted IS NOT NULL%s",
                    shape->keeps ? " OR v.bm_there" : "");
        return;
    }
    bm__sql_put(sql, "w.bm_inserted, ");
    bm__sql_put_key_outputs(sql, shape, "w.");
    bm__sql_put_also(sql, shape, "w.");
    bm__sql_put(sql, " FROM v JOIN ");
    put_written(sql, shape, "w", "", keys, n_keys);
    if (distinct) {
        bm__sql_put(sql, " ORDER BY ");
        bm__sql_put_key_names(sql, shape, "w.");
        bm__sql_put(sql, ", v.bm_ord");
    }
}

static bool is_among(const size_t *at, size_t n, size_t column)
{
    for (size_t i = 0; i < n; i++) {
        if (at[i] == column) {
            return true;
        }
    }
    return false;
}

/* FROM v LEFT JOIN t, which has the columns that put_there reads. */
static void put_lookup(bm__sql *sql, const bm__sql_shape *shape)
{
    bool first = true;
    bm__sql_put_lookup(sql, shape, true);
    for (size_t i = 0; i < shape->n_columns; i++) {
        if (shape->columns[i].key || is_among(shape->unique, shape->n_unique, i) ||
            is_among(shape->compare, shape->n_compare, i)) {
            bm__sql_put_separator(sql, &first, ", ");
            bm__sql_put(sql, "t.");
            bm__sql_name(sql, shape->columns[i].name);
        }
    }
    bm__sql_put_looked_up(sql, shape, shape->unique, shape->n_unique, true);
}

/* WITH v AS (the batch, keys made), w AS (INSERT ... RETURNING) SELECT ord, inserted, key ... */
static void put_insert_returning(bm__sql *sql, const bm__sql_shape *shape)
{
    bm__sql_put(sql, "WITH v AS MATERIALIZED (SELECT ");
    for (size_t i = 0; i < shape->n_columns; i++) {
        if (shape->columns[i].written) {
            bm__sql_put_value(sql, shape, i);
            bm__sql_put(sql, " AS ");
            bm__sql_name(sql, shape->columns[i].name);
            bm__sql_put(sql, ", ");
        }
    }
    bm__sql_put(sql, "v.ord AS bm_ord");
    if (shape->keeps) {
        put_there(sql, shape);
        put_lookup(sql, shape);
    } else {
        bm__sql_put(sql, " FROM ");
        shape->dialect->source(sql, shape, true);
    }
    bm__sql_put_proof(sql, shape);
    bm__sql_put(sql, "), w AS (");
    bm__sql_put_insert_head(sql, shape);
    bm__sql_put(sql, " SELECT ");
    bool first = true;
    for (size_t i = 0; i < shape->n_columns; i++) {
        if (shape->columns[i].written) {
            bm__sql_put_separator(sql, &first, ", ");
            bm__sql_name(sql, shape->columns[i].name);
        }
    }
    bm__sql_put(sql, " FROM v%s ORDER BY bm_ord",
                is_compared_first(shape) ? " WHERE bm_same IS NOT TRUE" : "");
    bm__sql_put_conflict(sql, shape);
    bm__sql_put(sql, " RETURNING ");
    bm__sql_put_key_names(sql, shape, "");
    for (size_t i = 0; i < shape->n_unique; i++) {
        if (!shape->columns[shape->unique[i]].key) {
            bm__sql_put(sql, ", ");
            bm__sql_name(sql, shape->columns[shape->unique[i]].name);
        }
    }
    put_also_once(sql, shape);
    bm__sql_put(sql, "%s AS bm_inserted)",
                shape->conflict != BM__CONFLICT_UPDATE ? ", true"
                : shape->no_xmax                       ? ", false"
                                                       : ", xmax" EQ "0");
    put_ord_keys(sql, shape);
}

const bm__dialect bm__postgresql_dialect = {
    .equal = EQ,
    .not_equal = NE,
    .bits = BITS,
    .integer = "::pg_catalog.int8",
    .ordinal = "v.ord" MINUS "1",
    .as_text = "::pg_catalog.text",
    .image = IMAGE_NE,
    .record = "::pg_catalog.record",
    .count = "pg_catalog.count(*)",
    .temporary = "pg_temp",
    .lock = " FOR NO KEY UPDATE OF t",
    .fence = " OFFSET 0",
    .dollar_quotes = true,
    .clock = "pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())::pg_catalog.int8",
    .escapes = "E",
    .sorts_keys = true,
    .source = put_source,
    .cell = put_cell,
    .among = put_among,
    .insert_ord_keys = put_insert_returning,
    .proof = bm__postgresql_proof,
};

void bm__postgresql_copy_in(bm__sql *sql, const bm__sql_shape *shape)
{
    bm__sql_put(sql, "COPY ");
    bm__sql_put_target(sql, shape);
    bm__sql_put_written_names(sql, shape);
    bm__sql_put(sql, " FROM STDIN (FORMAT binary)");
}

void bm__postgresql_copy_out(bm__sql *sql, const bm__sql_shape *shape,
                             const bm__sql_output *outputs, size_t n, bool plain)
{
    bool ordered = false;
    for (size_t i = 0; i < n; i++) {
        ordered = ordered || outputs[i].order;
    }
    if (plain && !ordered && shape->filter == NULL && shape->order == NULL) {
        bm__sql_put(sql, "COPY ");
        bm__sql_put_target(sql, shape);
        bm__sql_put(sql, " (");
        bm__sql_put_outputs(sql, shape, "", outputs, n);
    } else {
        bm__sql_put(sql, "COPY (");
        bm__sql_select_all(sql, shape, outputs, n);
    }
    bm__sql_put(sql, ") TO STDOUT (FORMAT binary)");
}

void bm__postgresql_settle(bm__sql *sql, const bm__sql_shape *shape)
{
    (void)shape;
    bm__sql_put(sql, "SET CONSTRAINTS ALL IMMEDIATE");
}

void bm__postgresql_reserve(bm__sql *sql, const char *expression, const char *type, bool array)
{
    bm__sql_put(sql,
                "SELECT %s(%s)::%s%s FROM pg_catalog.generate_series(1::pg_catalog.int8, "
                "$1::pg_catalog.int8)",
                array ? "pg_catalog.array_send(pg_catalog.array_agg(" : "", expression, type,
                array ? "))" : "");
}
