#include "statement_parts.h"

#include "query.h"

#include <assert.h>

/* One value equals another. */
static const char *equal(const bm__sql_shape *shape, size_t column)
{
    const char *own = shape->columns[column].equal;
    return own != NULL ? own : shape->dialect->equal;
}

void bm__sql_put_target(bm__sql *sql, const bm__sql_shape *shape)
{
    bm__sql_table(sql, shape->schema, shape->table);
}

void bm__sql_put_value(bm__sql *sql, const bm__sql_shape *shape, size_t i)
{
    const bm__sql_column *column = &shape->columns[i];
    if (column->made) {
        bm__sql_put(sql, "%s", column->default_sql);
    } else if (column->flag != BM__NO_COLUMN) {
        bm__sql_put(sql, "CASE WHEN ");
        shape->dialect->cell(sql, shape, column->flag);
        bm__sql_put(sql, " THEN (%s) ELSE ", column->default_sql);
        shape->dialect->cell(sql, shape, i);
        bm__sql_put(sql, " END");
    } else {
        shape->dialect->cell(sql, shape, i);
    }
}

void bm__sql_put_written_names(bm__sql *sql, const bm__sql_shape *shape)
{
    bool first = true;
    bm__sql_put(sql, " (");
    for (size_t i = 0; i < shape->n_columns; i++) {
        if (shape->columns[i].written) {
            bm__sql_put_separator(sql, &first, ", ");
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

void bm__sql_put_conflict(bm__sql *sql, const bm__sql_shape *shape)
{
    bool ignored = shape->conflict == BM__CONFLICT_NOTHING && shape->dialect->insert_ignore;
    if (shape->conflict == BM__CONFLICT_ERROR || ignored) {
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
    if (shape->n_compare > 0) {
        bm__sql_put(sql, " WHERE (");
        bm__sql_put_differs(sql, shape, false);
        bm__sql_put(sql, ")");
    }
    if (shape->where != NULL) { /* a comment in it ends with its line */
        bm__sql_put(sql, "%s (%s\n)", shape->n_compare > 0 ? " AND" : " WHERE", shape->where);
    }
}

static void set_quote(bm__sql *sql, const bm__sql_shape *shape)
{
    if (shape->dialect->quote != 0) {
        sql->quote = shape->dialect->quote;
    }
}

void bm__sql_put_insert_head(bm__sql *sql, const bm__sql_shape *shape)
{
    bool ignore = shape->dialect->insert_ignore && shape->conflict == BM__CONFLICT_NOTHING;
    set_quote(sql, shape);
    bm__sql_put(sql, ignore ? "INSERT IGNORE INTO " : "INSERT INTO ");
    bm__sql_put_target(sql, shape);
    bm__sql_put(sql, shape->n_compare > 0 || shape->where != NULL ? " AS t" : "");
    bm__sql_put_written_names(sql, shape);
    if (shape->overriding) {
        bm__sql_put(sql, " OVERRIDING SYSTEM VALUE");
    }
}

void bm__sql_put_key_names(bm__sql *sql, const bm__sql_shape *shape, const char *prefix)
{
    bool first = true;
    for (size_t i = 0; i < shape->n_columns; i++) {
        if (shape->columns[i].key) {
            bm__sql_put_separator(sql, &first, ", ");
            bm__sql_put(sql, "%s", prefix);
            bm__sql_name(sql, shape->columns[i].name);
        }
    }
}

void bm__sql_put_also(bm__sql *sql, const bm__sql_shape *shape, const char *prefix)
{
    for (size_t i = 0; i < shape->n_also; i++) {
        bm__sql_put(sql, ", %s", prefix);
        bm__sql_name(sql, shape->also[i]);
    }
}

void bm__sql_put_key_output(bm__sql *sql, const bm__sql_shape *shape, size_t column)
{
    bm__sql_put(sql, "%s", shape->columns[column].as_text ? shape->dialect->as_text : "");
}

void bm__sql_put_key_outputs(bm__sql *sql, const bm__sql_shape *shape, const char *prefix)
{
    bool first = true;
    for (size_t i = 0; i < shape->n_columns; i++) {
        if (shape->columns[i].key) {
            bm__sql_put_separator(sql, &first, ", ");
            bm__sql_put(sql, "%s", prefix);
            bm__sql_name(sql, shape->columns[i].name);
            bm__sql_put_key_output(sql, shape, i);
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

void bm__sql_put_proof(bm__sql *sql, const bm__sql_shape *shape)
{
    if (shape->proof != BM__PROOF_NOTHING) {
        bm__sql_put(sql, " WHERE ");
        shape->dialect->proof(sql, shape);
    }
}

static void put_insert_plain(bm__sql *sql, const bm__sql_shape *shape)
{
    bool row = shape->dialect->binds_rows || shape->lone;
    bool ordered = shape->returning == BM__RETURN_KEYS && !row && shape->dialect->sorts_keys &&
                   makes_keys(shape);
    bm__sql_put_insert_head(sql, shape);
    bm__sql_put(sql, row ? " VALUES (" : " SELECT ");
    bool first = true;
    for (size_t i = 0; i < shape->n_columns; i++) {
        if (shape->columns[i].written) {
            bm__sql_put_separator(sql, &first, ", ");
            bm__sql_put_value(sql, shape, i);
        }
    }
    bm__sql_put(sql, row ? ")" : " FROM ");
    if (!row) {
        shape->dialect->source(sql, shape, ordered);
        bm__sql_put_proof(sql, shape);
    }
    if (ordered) { /* defaults are computed above the sort: keys are made in this order */
        bm__sql_put(sql, " ORDER BY v.ord");
    }
    if (shape->dialect->where_conflict && shape->conflict != BM__CONFLICT_ERROR) {
        bm__sql_put(sql, " WHERE true"); /* else ON would be that of a join */
    }
    bm__sql_put_conflict(sql, shape);
    if (shape->returning == BM__RETURN_KEYS) {
        bm__sql_put(sql, " RETURNING ");
        bm__sql_put_key_outputs(sql, shape, "");
        bm__sql_put_also(sql, shape, "");
    }
}

size_t bm__sql_keys(const bm__sql_shape *shape, size_t out[32])
{
    size_t n = 0;
    for (size_t i = 0; i < shape->n_columns && n < 32; i++) {
        if (shape->columns[i].key) {
            out[n++] = i;
        }
    }
    return n;
}

void bm__sql_insert(bm__sql *sql, const bm__sql_shape *shape)
{
    if (shape->returning == BM__RETURN_ORD_KEYS) {
        shape->dialect->insert_ord_keys(sql, shape);
    } else {
        put_insert_plain(sql, shape);
    }
}

void bm__sql_put_match(bm__sql *sql, const bm__sql_shape *shape, bm__sql_put_cell *cell)
{
    bool first = true;
    for (size_t i = 0; i < shape->n_columns; i++) {
        if (shape->columns[i].key) {
            bm__sql_put_separator(sql, &first, " AND ");
            bm__sql_put(sql, "t.");
            bm__sql_name(sql, shape->columns[i].name);
            bm__sql_put(sql, "%s", equal(shape, i));
            cell(sql, shape, i);
        }
    }
}

static bool has_key(const bm__sql_shape *shape)
{
    size_t keys[32];
    return bm__sql_keys(shape, keys) > 0;
}

/* Beside the keys: whether rows are found by the key or by the filter, they are few, and a hash of
 * the batch tells which are meant. */
static void put_filter(bm__sql *sql, const bm__sql_shape *shape)
{
    size_t keys[32];
    if (shape->filter == NULL) {
        return;
    }
    if (shape->among && bm__sql_keys(shape, keys) > 0) {
        bm__sql_put(sql, " AND ");
        shape->dialect->among(sql, shape, keys[0]);
    }
    bm__sql_put(sql, " AND (%s)", shape->filter);
}

void bm__sql_put_set(bm__sql *sql, const bm__sql_shape *shape, const char *prefix,
                     bm__sql_put_cell *cell, bm__sql_put_cell *value)
{
    bool first = true;
    bm__sql_put(sql, " SET ");
    for (size_t i = 0; i < shape->n_columns; i++) {
        const bm__sql_column *column = &shape->columns[i];
        if (!column->written) {
            continue;
        }
        bm__sql_put_separator(sql, &first, ", ");
        bm__sql_put(sql, "%s", prefix);
        bm__sql_name(sql, column->name);
        bm__sql_put(sql, " = ");
        if (column->mask != BM__NO_COLUMN) {
            bm__sql_put(sql, "CASE WHEN ");
            cell(sql, shape, column->mask);
            bm__sql_put(sql, "%s%llu%s%s0 THEN ", shape->dialect->bits, 1ULL << column->bit,
                        shape->dialect->integer, shape->dialect->not_equal);
        }
        value(sql, shape, i);
        if (column->mask != BM__NO_COLUMN) {
            bm__sql_put(sql, " ELSE t.");
            bm__sql_name(sql, column->name);
            bm__sql_put(sql, " END");
        }
    }
}

static void put_update_joined(bm__sql *sql, const bm__sql_shape *shape)
{
    assert(has_key(shape) && shape->returning == BM__RETURN_NOTHING);
    bm__sql_put(sql, "UPDATE ");
    shape->dialect->source(sql, shape, false);
    bm__sql_put(sql, "%s", shape->dialect->join);
    bm__sql_put_target(sql, shape);
    bm__sql_put(sql, " AS t ON ");
    bm__sql_put_match(sql, shape, shape->dialect->cell);
    bm__sql_put_set(sql, shape, "t.", shape->dialect->cell, bm__sql_put_value);
    if (shape->filter != NULL) {
        bm__sql_put(sql, " WHERE (%s)", shape->filter);
    }
}

void bm__sql_update(bm__sql *sql, const bm__sql_shape *shape)
{
    bool ordinals = shape->returning == BM__RETURN_ORDINALS;
    set_quote(sql, shape);
    if (shape->dialect->join != NULL) {
        put_update_joined(sql, shape);
        return;
    }
    bm__sql_put(sql, "UPDATE ");
    bm__sql_put_target(sql, shape);
    bm__sql_put(sql, " AS t");
    bm__sql_put_set(sql, shape, "", shape->dialect->cell, bm__sql_put_value);
    if (has_key(shape)) {
        if (!shape->dialect->binds_rows) {
            bm__sql_put(sql, " FROM ");
            shape->dialect->source(sql, shape, ordinals);
        }
        bm__sql_put(sql, " WHERE ");
        bm__sql_put_match(sql, shape, shape->dialect->cell);
        put_filter(sql, shape);
    } else if (shape->dialect->batch_has_all) { /* all rows; the batch is one row */
        bm__sql_put(sql, " FROM ");
        shape->dialect->source(sql, shape, false);
    }
    if (ordinals) {
        bm__sql_put(sql, " RETURNING %s", shape->dialect->ordinal);
    }
}

void bm__sql_delete(bm__sql *sql, const bm__sql_shape *shape)
{
    size_t keys[32];
    size_t n = bm__sql_keys(shape, keys);
    bm__sql_put(sql, "DELETE FROM ");
    bm__sql_put_target(sql, shape);
    if (!shape->dialect->deletes_in) {
        bool ordinals = shape->returning == BM__RETURN_ORDINALS;
        if (shape->among) {
            bm__sql_put(sql, " AS t WHERE ");
            shape->dialect->among(sql, shape, keys[0]);
            return;
        }
        bm__sql_put(sql, " AS t");
        if (!shape->dialect->binds_rows) {
            bm__sql_put(sql, " USING ");
            shape->dialect->source(sql, shape, ordinals);
        }
        bm__sql_put(sql, " WHERE ");
        bm__sql_put_match(sql, shape, shape->dialect->cell);
        if (ordinals) {
            bm__sql_put(sql, " RETURNING %s", shape->dialect->ordinal);
        }
        return;
    }
    bm__sql_put(sql, " WHERE (");
    put_names(sql, shape, keys, n);
    bm__sql_put(sql, ") IN (SELECT ");
    for (size_t i = 0; i < n; i++) {
        bm__sql_put(sql, "%sv.c%zu", i > 0 ? ", " : "", keys[i]);
    }
    bm__sql_put(sql, " FROM ");
    shape->dialect->source(sql, shape, false);
    bm__sql_put(sql, ")");
}

/* t."x" = v.c0 AND ... */
static void put_on(bm__sql *sql, const bm__sql_shape *shape, const size_t *by, size_t n_by)
{
    for (size_t i = 0; i < n_by; i++) {
        bm__sql_put(sql, "%st.", i > 0 ? " AND " : "");
        bm__sql_name(sql, shape->columns[by[i]].name);
        bm__sql_put(sql, "%s", equal(shape, by[i]));
        shape->dialect->cell(sql, shape, by[i]);
    }
}

void bm__sql_put_found(bm__sql *sql, const bm__sql_shape *shape, const size_t *by, size_t n_by)
{
    bm__sql_put(sql, " FROM ");
    shape->dialect->source(sql, shape, true);
    bm__sql_put(sql, " JOIN ");
    bm__sql_put_target(sql, shape);
    bm__sql_put(sql, " AS t ON ");
    put_on(sql, shape, by, n_by);
}

void bm__sql_put_lookup(bm__sql *sql, const bm__sql_shape *shape, bool outer)
{
    bm__sql_put(sql, " FROM ");
    shape->dialect->source(sql, shape, true);
    bm__sql_put(sql, outer ? " LEFT JOIN LATERAL (SELECT " : ", LATERAL (SELECT ");
}

void bm__sql_put_looked_up(bm__sql *sql, const bm__sql_shape *shape, const size_t *by, size_t n_by,
                           bool outer)
{
    bm__sql_put(sql, shape->only ? " FROM ONLY " : " FROM ");
    bm__sql_put_target(sql, shape);
    bm__sql_put(sql, " AS t WHERE ");
    put_on(sql, shape, by, n_by);
    bm__sql_put(sql, outer ? "%s) AS t ON true" : "%s) AS t", shape->dialect->fence);
}

void bm__sql_present(bm__sql *sql, const bm__sql_shape *shape, const size_t *by, size_t n_by,
                     bool keys)
{
    bm__sql_put(sql, "SELECT %s", shape->dialect->ordinal);
    if (keys) {
        bm__sql_put(sql, ", false, ");
        bm__sql_put_key_outputs(sql, shape, "t.");
    }
    bm__sql_put_found(sql, shape, by, n_by);
}

/* The new value of column i: as the batch has it, or as the row that conflicts would have it. */
static void put_new(bm__sql *sql, const bm__sql_shape *shape, size_t i, bool batch)
{
    if (batch) {
        bm__sql_put_value(sql, shape, i);
    } else {
        bm__sql_put(sql, "excluded.");
        bm__sql_name(sql, shape->columns[i].name);
    }
}

void bm__sql_put_differs(bm__sql *sql, const bm__sql_shape *shape, bool batch)
{
    const bm__dialect *dialect = shape->dialect;
    bool image = dialect->image != NULL;
    for (size_t i = 0; i < shape->n_compare; i++) {
        bm__sql_put(sql, "%st.", i > 0 ? (image ? ", " : " OR ") : image ? "ROW(" : "");
        bm__sql_name(sql, shape->columns[shape->compare[i]].name);
        if (!image) {
            bm__sql_put(sql, "%s", dialect->differs);
            put_new(sql, shape, shape->compare[i], batch);
            bm__sql_put(sql, "%s", dialect->binary);
        }
    }
    for (size_t i = 0; image && i < shape->n_compare; i++) {
        if (i == 0) {
            bm__sql_put(sql, ")%s%sROW(", dialect->record, dialect->image);
        }
        bm__sql_put(sql, "%s", i > 0 ? ", " : "");
        put_new(sql, shape, shape->compare[i], batch);
    }
    bm__sql_put(sql, image ? ")%s" : "%s", image ? dialect->record : "");
}

void bm__sql_differing(bm__sql *sql, const bm__sql_shape *shape)
{
    bm__sql_put(sql, "SELECT %s, ", shape->dialect->ordinal);
    if (shape->n_compare > 0) {
        bm__sql_put_differs(sql, shape, true);
    } else {
        bm__sql_put(sql, "true");
    }
    bm__sql_put_found(sql, shape, shape->unique, shape->n_unique);
}

void bm__sql_key_there(bm__sql *sql, const bm__sql_shape *shape, size_t key)
{
    if (shape->keeps) { /* the statement looks the row up: bm__sql_put_lookup */
        bm__sql_put(sql, "t.");
        bm__sql_name(sql, shape->columns[key].name);
        return;
    }
    bm__sql_put(sql, "(SELECT t.");
    bm__sql_name(sql, shape->columns[key].name);
    bm__sql_put(sql, shape->only ? " FROM ONLY " : " FROM ");
    bm__sql_put_target(sql, shape);
    bm__sql_put(sql, " AS t WHERE ");
    put_on(sql, shape, shape->unique, shape->n_unique);
    bm__sql_put(sql, ")");
}

void bm__sql_first(bm__sql *sql, const bm__sql_shape *shape, const size_t *by, size_t n_by)
{
    bm__sql_put(sql, "SELECT min(%s)", shape->dialect->ordinal);
    bm__sql_put_found(sql, shape, by, n_by);
    bm__sql_put(sql, " GROUP BY ");
    bm__sql_put_key_names(sql, shape, "t.");
}

void bm__sql_put_outputs(bm__sql *sql, const bm__sql_shape *shape, const char *prefix,
                         const bm__sql_output *outputs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bm__sql_put(sql, "%s%s", i > 0 ? ", " : "", prefix);
        bm__sql_name(sql, outputs[i].name);
        bm__sql_put(sql, "%s", outputs[i].as_text ? shape->dialect->as_text : "");
    }
}

void bm__sql_select_all(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_output *outputs,
                        size_t n)
{
    if (shape->query != NULL) {
        bm__sql_put_query(sql, shape->dialect, shape->query, shape->n_query);
    }
    bm__sql_put(sql, "SELECT ");
    bm__sql_put_outputs(sql, shape, "t.", outputs, n);
    bm__sql_put(sql, " FROM ");
    if (shape->query != NULL) {
        bm__sql_put_query_name(sql, shape->query);
    } else {
        bm__sql_put_target(sql, shape);
    }
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
}

void bm__sql_select_keys(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_output *outputs,
                         size_t n)
{
    bm__sql_put(sql, "SELECT %s, ", shape->dialect->ordinal);
    bm__sql_put_outputs(sql, shape, "t.", outputs, n);
    bm__sql_put(sql, " FROM ");
    shape->dialect->source(sql, shape, true);
    bm__sql_put(sql, " JOIN ");
    bm__sql_put_target(sql, shape);
    bm__sql_put(sql, " AS t ON ");
    bm__sql_put_match(sql, shape, shape->dialect->cell);
    bm__sql_put(sql, " ORDER BY v.ord");
}

void bm__sql_ask_proof(bm__sql *sql, const bm__sql_shape *shape)
{
    bm__sql_put(sql, "SELECT ");
    shape->dialect->proof(sql, shape);
}

void bm__sql_delete_all(bm__sql *sql, const bm__sql_shape *shape)
{
    bm__sql_put(sql, "DELETE FROM ");
    bm__sql_put_target(sql, shape);
}

void bm__sql_truncate(bm__sql *sql, const bm__sql_shape *shape)
{
    bm__sql_put(sql, "TRUNCATE ");
    bm__sql_put_target(sql, shape);
}

void bm__sql_analyze(bm__sql *sql, const bm__sql_shape *shape)
{
    bm__sql_put(sql, "ANALYZE ");
    bm__sql_put_target(sql, shape);
}
