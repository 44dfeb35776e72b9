#include "statement.h"

#include "operators.h"

/* The parameter of column i: parameters are numbered in the order of the columns that have one. */
static size_t parameter(const bm__sql_shape *shape, size_t column)
{
    size_t number = 0;
    for (size_t i = 0; i <= column; i++) {
        number += !shape->columns[i].made;
    }
    return number;
}

/* One value equals another: what the dialect may call so. */
static const char *equal(const bm__sql_shape *shape, size_t column)
{
    const char *own = shape->columns[column].equal;
    return !shape->engine->has_arrays ? " = " : own != NULL ? own : EQ;
}

static void put_target(bm__sql *sql, const bm__sql_shape *shape)
{
    bm__sql_table(sql, shape->schema, shape->table);
}

static void put_plain_cell(bm__sql *sql, const bm__sql_shape *shape, size_t i)
{
    if (shape->engine->binds_rows) {
        bm__sql_put(sql, "?%zu", parameter(shape, i));
    } else {
        bm__sql_put(sql, "v.c%zu", i);
    }
}

/* The cell of column i as the statement sees it. */
static void put_cell(bm__sql *sql, const bm__sql_shape *shape, size_t i)
{
    const bm__sql_column *column = &shape->columns[i];
    if (column->scalar && !shape->engine->reads_batch && !shape->engine->binds_rows) {
        bm__sql_put(sql, "$%zu%s%s", parameter(shape, i), column->untyped ? "" : "::pg_catalog.",
                    column->untyped ? "" : column->type);
    } else {
        put_plain_cell(sql, shape, i);
    }
    if (column->cast != NULL) {
        bm__sql_put(sql, "::%s", column->cast);
    }
}

/* The same, with the column's default where its flag says so. */
static void put_value(bm__sql *sql, const bm__sql_shape *shape, size_t i)
{
    const bm__sql_column *column = &shape->columns[i];
    if (column->made) {
        bm__sql_put(sql, "%s", column->default_sql);
    } else if (column->flag != BM__NO_COLUMN) {
        bm__sql_put(sql, "CASE WHEN ");
        put_plain_cell(sql, shape, column->flag);
        bm__sql_put(sql, " THEN (%s) ELSE ", column->default_sql);
        put_cell(sql, shape, i);
        bm__sql_put(sql, " END");
    } else {
        put_cell(sql, shape, i);
    }
}

static void put_separator(bm__sql *sql, bool *first, const char *separator)
{
    if (!*first) {
        bm__sql_put(sql, "%s", separator);
    }
    *first = false;
}

/* v itself: what stands behind FROM. */
static void put_source(bm__sql *sql, const bm__sql_shape *shape, bool ordinality)
{
    if (shape->engine->reads_batch) {
        bm__sql_put(sql, "bulkmodel_batch AS v");
        return;
    }
    size_t arrays = 0;
    for (size_t i = 0; i < shape->n_columns; i++) {
        arrays += !shape->columns[i].made && !shape->columns[i].scalar;
    }
    /* unnest of several arrays has no schema: it is the parser's */
    bm__sql_put(sql, arrays > 1 ? "ROWS FROM (" : "");
    bool first = true;
    for (size_t i = 0; i < shape->n_columns; i++) {
        if (!shape->columns[i].made && !shape->columns[i].scalar) {
            put_separator(sql, &first, ", ");
            bm__sql_put(sql, "pg_catalog.UNNEST($%zu::pg_catalog.%s[])", parameter(shape, i),
                        shape->columns[i].type);
        }
    }
    bm__sql_put(sql, "%s%s AS v(", arrays > 1 ? ")" : "", ordinality ? " WITH ORDINALITY" : "");
    first = true;
    for (size_t i = 0; i < shape->n_columns; i++) {
        if (!shape->columns[i].made && !shape->columns[i].scalar) {
            put_separator(sql, &first, ", ");
            bm__sql_put(sql, "c%zu", i);
        }
    }
    bm__sql_put(sql, "%s)", ordinality ? ", ord" : "");
}

static const char *ordinal(const bm__sql_shape *shape)
{
    return shape->engine->reads_batch ? "v.ord" : "v.ord" MINUS "1";
}

static void put_written_names(bm__sql *sql, const bm__sql_shape *shape)
{
    bool first = true;
    bm__sql_put(sql, " (");
    for (size_t i = 0; i < shape->n_columns; i++) {
        if (shape->columns[i].written) {
            put_separator(sql, &first, ", ");
            bm__sql_name(sql, shape->columns[i].name);
        }
    }
    bm__sql_put(sql, ")");
}

static void put_names(bm__sql *sql, const bm__sql_shape *shape, const size_t *at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bm__sql_put(sql, i > 0 ? ", " : "");
        bm__sql_name(sql, shape->columns[at[i]].name);
    }
}

void bm__sql_copy_in(bm__sql *sql, const bm__sql_shape *shape)
{
    bm__sql_put(sql, "COPY ");
    put_target(sql, shape);
    put_written_names(sql, shape);
    bm__sql_put(sql, " FROM STDIN (FORMAT binary)");
}

static void put_conflict(bm__sql *sql, const bm__sql_shape *shape)
{
    if (shape->conflict == BM__CONFLICT_ERROR) {
        return;
    }
    bm__sql_put(sql, " ON CONFLICT");
    if (shape->n_unique > 0) {
        bm__sql_put(sql, " (");
        put_names(sql, shape, shape->unique, shape->n_unique);
        bm__sql_put(sql, ")");
    }
    if (shape->conflict == BM__CONFLICT_NOTHING) {
        bm__sql_put(sql, " DO NOTHING");
        return;
    }
    bm__sql_put(sql, " DO UPDATE SET ");
    for (size_t i = 0; i < shape->n_update; i++) {
        const char *name = shape->columns[shape->update[i]].name;
        bm__sql_put(sql, i > 0 ? ", " : "");
        bm__sql_name(sql, name);
        bm__sql_put(sql, " = excluded.");
        bm__sql_name(sql, name);
    }
}

/* INSERT INTO t (...) [OVERRIDING SYSTEM VALUE] */
static void put_insert_head(bm__sql *sql, const bm__sql_shape *shape)
{
    bm__sql_put(sql, "INSERT INTO ");
    put_target(sql, shape);
    put_written_names(sql, shape);
    if (shape->overriding) {
        bm__sql_put(sql, " OVERRIDING SYSTEM VALUE");
    }
}

/* Behind " RETURNING ": the key's columns. */
static void put_key_names(bm__sql *sql, const bm__sql_shape *shape, const char *prefix)
{
    bool first = true;
    for (size_t i = 0; i < shape->n_columns; i++) {
        if (shape->columns[i].key) {
            put_separator(sql, &first, ", ");
            bm__sql_put(sql, "%s", prefix);
            bm__sql_name(sql, shape->columns[i].name);
        }
    }
}

/* Does the table make the keys? */
static bool makes_keys(const bm__sql_shape *shape)
{
    bool given = false;
    for (size_t i = 0; i < shape->n_columns; i++) {
        const bm__sql_column *column = &shape->columns[i];
        if (column->key && (column->made || column->flag != BM__NO_COLUMN)) {
            return true;
        }
        given = given || column->key;
    }
    return !given;
}

/* Behind the source of rows. */
static void put_proof(bm__sql *sql, const bm__sql_shape *shape)
{
    if (shape->proof != BM__PROOF_NOTHING) {
        bm__sql_put(sql, " WHERE ");
        bm__sql_proof(sql, shape);
    }
}

static void put_insert_plain(bm__sql *sql, const bm__sql_shape *shape)
{
    bool row = shape->engine->binds_rows || shape->lone;
    bool ordered = shape->returning == BM__RETURN_KEYS && !row && !shape->engine->reads_batch &&
                   makes_keys(shape);
    put_insert_head(sql, shape);
    bm__sql_put(sql, row ? " VALUES (" : " SELECT ");
    bool first = true;
    for (size_t i = 0; i < shape->n_columns; i++) {
        if (shape->columns[i].written) {
            put_separator(sql, &first, ", ");
            put_value(sql, shape, i);
        }
    }
    bm__sql_put(sql, row ? ")" : " FROM ");
    if (!row) {
        put_source(sql, shape, ordered);
        put_proof(sql, shape);
    }
    if (ordered) { /* PostgreSQL computes defaults above the sort: keys are made in this order */
        bm__sql_put(sql, " ORDER BY v.ord");
    }
    if (shape->engine->reads_batch && shape->conflict != BM__CONFLICT_ERROR) {
        bm__sql_put(sql, " WHERE true"); /* SQLite: "Parsing Ambiguity" of lang_upsert.html */
    }
    put_conflict(sql, shape);
    if (shape->returning == BM__RETURN_KEYS) {
        bm__sql_put(sql, " RETURNING ");
        put_key_names(sql, shape, "");
    }
}

/* a."x" = v."x" for each column of a list. */
static void put_equal(bm__sql *sql, const bm__sql_shape *shape, const char *alias, const size_t *at,
                      size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bm__sql_put(sql, "%s%s.", i > 0 ? " AND " : "", alias);
        bm__sql_name(sql, shape->columns[at[i]].name);
        bm__sql_put(sql, "%sv.", equal(shape, at[i]));
        bm__sql_name(sql, shape->columns[at[i]].name);
    }
}

static size_t key_columns(const bm__sql_shape *shape, size_t out[32])
{
    size_t n = 0;
    for (size_t i = 0; i < shape->n_columns && n < 32; i++) {
        if (shape->columns[i].key) {
            out[n++] = i;
        }
    }
    return n;
}

/* The rows that were written, found again by key (a row that was inserted) or by the conflict's
 * columns (a row that was there): RETURNING's order is never used. */
static void put_ord_keys(bm__sql *sql, const bm__sql_shape *shape)
{
    size_t keys[32];
    size_t n_keys = key_columns(shape, keys);
    bool by_unique = shape->conflict == BM__CONFLICT_UPDATE;
    bool distinct = shape->conflict == BM__CONFLICT_NOTHING;
    bm__sql_put(sql, " SELECT ");
    if (distinct) { /* two rows of the batch with one key: the first is the one inserted */
        bm__sql_put(sql, "DISTINCT ON (");
        put_key_names(sql, shape, "w.");
        bm__sql_put(sql, ") ");
    }
    bm__sql_put(sql, "v.ord" MINUS "1, ");
    if (by_unique) {
        bm__sql_put(sql, "w.");
        bm__sql_name(sql, shape->columns[keys[0]].name);
        bm__sql_put(sql, " IS NOT NULL");
        for (size_t i = 0; i < n_keys; i++) {
            bm__sql_put(sql, ", coalesce(w.");
            bm__sql_name(sql, shape->columns[keys[i]].name);
            bm__sql_put(sql, ", u.");
            bm__sql_name(sql, shape->columns[keys[i]].name);
            bm__sql_put(sql, ")");
        }
        bm__sql_put(sql, " FROM v LEFT JOIN w ON ");
        put_equal(sql, shape, "w", keys, n_keys);
        bm__sql_put(sql, "%s LEFT JOIN w AS u ON ", shape->key_tells ? "" : " AND w.inserted");
        put_equal(sql, shape, "u", shape->unique, shape->n_unique);
        bm__sql_put(sql, shape->key_tells ? "" : " AND NOT u.inserted");
        bm__sql_put(sql, " WHERE w.");
        bm__sql_name(sql, shape->columns[keys[0]].name);
        bm__sql_put(sql, " IS NOT NULL OR u.");
        bm__sql_name(sql, shape->columns[keys[0]].name);
        bm__sql_put(sql, " IS NOT NULL");
        return;
    }
    bm__sql_put(sql, "w.inserted, ");
    put_key_names(sql, shape, "w.");
    bm__sql_put(sql, " FROM v JOIN w ON ");
    put_equal(sql, shape, "w", keys, n_keys);
    if (distinct) {
        bm__sql_put(sql, " ORDER BY ");
        put_key_names(sql, shape, "w.");
        bm__sql_put(sql, ", v.ord");
    }
}

/* WITH v AS (the batch, keys made), w AS (INSERT ... RETURNING) SELECT ord, inserted, key ... */
static void put_insert_returning(bm__sql *sql, const bm__sql_shape *shape)
{
    bm__sql_put(sql, "WITH v AS MATERIALIZED (SELECT ");
    for (size_t i = 0; i < shape->n_columns; i++) {
        if (shape->columns[i].written) {
            put_value(sql, shape, i);
            bm__sql_put(sql, " AS ");
            bm__sql_name(sql, shape->columns[i].name);
            bm__sql_put(sql, ", ");
        }
    }
    bm__sql_put(sql, "v.ord FROM ");
    put_source(sql, shape, true);
    put_proof(sql, shape);
    bm__sql_put(sql, "), w AS (");
    put_insert_head(sql, shape);
    bm__sql_put(sql, " SELECT ");
    bool first = true;
    for (size_t i = 0; i < shape->n_columns; i++) {
        if (shape->columns[i].written) {
            put_separator(sql, &first, ", ");
            bm__sql_name(sql, shape->columns[i].name);
        }
    }
    bm__sql_put(sql, " FROM v ORDER BY ord");
    put_conflict(sql, shape);
    bm__sql_put(sql, " RETURNING ");
    put_key_names(sql, shape, "");
    for (size_t i = 0; i < shape->n_unique; i++) {
        if (!shape->columns[shape->unique[i]].key) {
            bm__sql_put(sql, ", ");
            bm__sql_name(sql, shape->columns[shape->unique[i]].name);
        }
    }
    bm__sql_put(sql, "%s AS inserted)",
                shape->conflict != BM__CONFLICT_UPDATE ? ", true"
                : shape->no_xmax                       ? ", false"
                                                       : ", xmax" EQ "0");
    put_ord_keys(sql, shape);
}

void bm__sql_insert(bm__sql *sql, const bm__sql_shape *shape)
{
    if (shape->returning == BM__RETURN_ORD_KEYS) {
        put_insert_returning(sql, shape);
    } else {
        put_insert_plain(sql, shape);
    }
}

/* t."key" = cell AND ... */
static void put_match(bm__sql *sql, const bm__sql_shape *shape)
{
    bool first = true;
    for (size_t i = 0; i < shape->n_columns; i++) {
        if (shape->columns[i].key) {
            put_separator(sql, &first, " AND ");
            bm__sql_put(sql, "t.");
            bm__sql_name(sql, shape->columns[i].name);
            bm__sql_put(sql, "%s", equal(shape, i));
            put_cell(sql, shape, i);
        }
    }
}

static bool has_key(const bm__sql_shape *shape)
{
    size_t keys[32];
    return key_columns(shape, keys) > 0;
}

/* In a CASE with a column of v it is looked at when the row is found by its key, never before. */
static void put_filter(bm__sql *sql, const bm__sql_shape *shape)
{
    size_t keys[32];
    if (shape->filter == NULL) {
        return;
    }
    if (shape->fenced && key_columns(shape, keys) > 0) {
        bm__sql_put(sql, " AND CASE WHEN v.c%zu IS NOT NULL THEN (%s) END", keys[0], shape->filter);
    } else {
        bm__sql_put(sql, " AND (%s)", shape->filter);
    }
}

void bm__sql_update(bm__sql *sql, const bm__sql_shape *shape)
{
    bool ordinals = shape->returning == BM__RETURN_ORDINALS;
    bm__sql_put(sql, "UPDATE ");
    put_target(sql, shape);
    bm__sql_put(sql, " AS t SET ");
    bool first = true;
    for (size_t i = 0; i < shape->n_columns; i++) {
        const bm__sql_column *column = &shape->columns[i];
        if (!column->written) {
            continue;
        }
        put_separator(sql, &first, ", ");
        bm__sql_name(sql, column->name);
        bm__sql_put(sql, " = ");
        if (column->mask != BM__NO_COLUMN) {
            bm__sql_put(sql, "CASE WHEN ");
            put_plain_cell(sql, shape, column->mask);
            bool own = !shape->engine->has_arrays;
            bm__sql_put(sql, own ? " & %llu <> 0 THEN " : BITS "%llu::pg_catalog.int8" NE "0 THEN ",
                        1ULL << column->bit);
        }
        put_value(sql, shape, i);
        if (column->mask != BM__NO_COLUMN) {
            bm__sql_put(sql, " ELSE t.");
            bm__sql_name(sql, column->name);
            bm__sql_put(sql, " END");
        }
    }
    if (has_key(shape)) {
        if (!shape->engine->binds_rows) {
            bm__sql_put(sql, " FROM ");
            put_source(sql, shape, ordinals);
        }
        bm__sql_put(sql, " WHERE ");
        put_match(sql, shape);
        put_filter(sql, shape);
    } else if (shape->engine->reads_batch) {
        bm__sql_put(sql, " FROM bulkmodel_batch AS v"); /* all rows; the batch is one row */
    }
    if (ordinals) {
        bm__sql_put(sql, " RETURNING %s", ordinal(shape));
    }
}

void bm__sql_delete(bm__sql *sql, const bm__sql_shape *shape)
{
    size_t keys[32];
    size_t n = key_columns(shape, keys);
    bm__sql_put(sql, "DELETE FROM ");
    put_target(sql, shape);
    if (!shape->engine->reads_batch) {
        bool ordinals = shape->returning == BM__RETURN_ORDINALS;
        bm__sql_put(sql, " AS t USING ");
        put_source(sql, shape, ordinals);
        bm__sql_put(sql, " WHERE ");
        put_match(sql, shape);
        if (ordinals) {
            bm__sql_put(sql, " RETURNING v.ord" MINUS "1");
        }
        return;
    }
    bm__sql_put(sql, " WHERE (");
    put_names(sql, shape, keys, n);
    bm__sql_put(sql, ") IN (SELECT ");
    for (size_t i = 0; i < n; i++) {
        bm__sql_put(sql, "%sv.c%zu", i > 0 ? ", " : "", keys[i]);
    }
    bm__sql_put(sql, " FROM bulkmodel_batch AS v)");
}

/* FROM v JOIN t ON t."x" = v.c0 AND ... */
static void put_join(bm__sql *sql, const bm__sql_shape *shape, const size_t *by, size_t n_by)
{
    bm__sql_put(sql, " FROM ");
    put_source(sql, shape, !shape->engine->reads_batch);
    bm__sql_put(sql, " JOIN ");
    put_target(sql, shape);
    bm__sql_put(sql, " AS t ON ");
    for (size_t i = 0; i < n_by; i++) {
        bm__sql_put(sql, "%st.", i > 0 ? " AND " : "");
        bm__sql_name(sql, shape->columns[by[i]].name);
        bm__sql_put(sql, "%s", equal(shape, by[i]));
        put_cell(sql, shape, by[i]);
    }
}

void bm__sql_present(bm__sql *sql, const bm__sql_shape *shape, const size_t *by, size_t n_by,
                     bool keys)
{
    bm__sql_put(sql, "SELECT %s", ordinal(shape));
    if (keys) {
        bm__sql_put(sql, ", false, ");
        put_key_names(sql, shape, "t.");
    }
    put_join(sql, shape, by, n_by);
}

void bm__sql_first(bm__sql *sql, const bm__sql_shape *shape, const size_t *by, size_t n_by)
{
    bm__sql_put(sql, "SELECT min(%s)", ordinal(shape));
    put_join(sql, shape, by, n_by);
    bm__sql_put(sql, " GROUP BY ");
    put_key_names(sql, shape, "t.");
}

static void put_outputs(bm__sql *sql, const char *prefix, const bm__sql_output *outputs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bm__sql_put(sql, "%s%s", i > 0 ? ", " : "", prefix);
        bm__sql_name(sql, outputs[i].name);
        bm__sql_put(sql, outputs[i].as_text ? "::pg_catalog.text" : "");
    }
}

void bm__sql_copy_out(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_output *outputs,
                      size_t n, bool plain)
{
    bool copy = shape->engine->has_copy;
    bool ordered = false;
    for (size_t i = 0; i < n; i++) {
        ordered = ordered || outputs[i].order;
    }
    if (copy && plain && !ordered && shape->filter == NULL && shape->order == NULL) {
        bm__sql_put(sql, "COPY ");
        put_target(sql, shape);
        bm__sql_put(sql, " (");
        put_outputs(sql, "", outputs, n);
        bm__sql_put(sql, ") TO STDOUT (FORMAT binary)");
        return;
    }
    bm__sql_put(sql, "%sSELECT ", copy ? "COPY (" : "");
    put_outputs(sql, "t.", outputs, n);
    bm__sql_put(sql, " FROM ");
    put_target(sql, shape);
    bm__sql_put(sql, " AS t");
    if (shape->filter != NULL) { /* a comment in it ends with its line */
        bm__sql_put(sql, " WHERE (%s\n)", shape->filter);
    }
    bool first = true;
    for (size_t i = 0; i < n; i++) {
        if (outputs[i].order) {
            bm__sql_put(sql, first ? " ORDER BY t." : ", t.");
            first = false;
            bm__sql_name(sql, outputs[i].name);
        }
    }
    if (shape->order != NULL) {
        bm__sql_put(sql, " ORDER BY %s\n", shape->order);
    }
    bm__sql_put(sql, copy ? ") TO STDOUT (FORMAT binary)" : "");
}

void bm__sql_select_keys(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_output *outputs,
                         size_t n)
{
    bm__sql_put(sql, "SELECT %s, ", ordinal(shape));
    put_outputs(sql, "t.", outputs, n);
    bm__sql_put(sql, " FROM ");
    put_source(sql, shape, !shape->engine->reads_batch);
    bm__sql_put(sql, " JOIN ");
    put_target(sql, shape);
    bm__sql_put(sql, " AS t ON ");
    put_match(sql, shape);
    bm__sql_put(sql, " ORDER BY v.ord");
}

void bm__sql_reserve(bm__sql *sql, const char *expression, const char *type, bool array)
{
    bm__sql_put(sql,
                "SELECT %s(%s)::%s%s FROM pg_catalog.generate_series(1::pg_catalog.int8, "
                "$1::pg_catalog.int8)",
                array ? "pg_catalog.array_send(pg_catalog.array_agg(" : "", expression, type,
                array ? "))" : "");
}

void bm__sql_highest(bm__sql *sql, const bm__sql_shape *shape, const char *column, bool sequence)
{
    bm__sql_put(sql, "SELECT max(coalesce((SELECT max(");
    bm__sql_name(sql, column);
    bm__sql_put(sql, ") FROM ");
    put_target(sql, shape);
    bm__sql_put(sql, "), 0)");
    if (sequence) { /* sqlite.org/autoinc.html; the table's name comes as the batch's only cell */
        bm__sql_put(sql, ", coalesce((SELECT s.seq FROM ");
        if (shape->schema != NULL) {
            bm__sql_name(sql, shape->schema);
            bm__sql_put(sql, ".");
        }
        bm__sql_put(sql, "sqlite_sequence AS s, bulkmodel_batch AS v WHERE s.name = v.c0), 0)");
    }
    bm__sql_put(sql, ", 0)");
}
