/* Statements over a stage: a table that has the batch, so that no parameter is needed. */
#include "statement_parts.h"

#define ORDINAL "bm_ord"

static void put_staged(bm__sql *sql, const bm__sql_shape *shape, size_t i)
{
    bm__sql_put(sql, "v.");
    bm__sql_name(sql, shape->columns[i].name);
}

/* Flags have no name: what they decide is decided before a row gets into the stage. */
void bm__sql_stage(bm__sql *sql, const bm__sql_shape *shape, const char *stage)
{
    bm__sql_put(sql, "INSERT INTO %s (" ORDINAL, stage);
    for (size_t i = 0; i < shape->n_columns; i++) {
        if (shape->columns[i].name != NULL) {
            bm__sql_put(sql, ", ");
            bm__sql_name(sql, shape->columns[i].name);
        }
    }
    bm__sql_put(sql, ") SELECT %s", shape->dialect->ordinal);
    for (size_t i = 0; i < shape->n_columns; i++) {
        if (shape->columns[i].name != NULL) {
            bm__sql_put(sql, ", ");
            bm__sql_put_value(sql, shape, i);
        }
    }
    bm__sql_put(sql, " FROM ");
    shape->dialect->source(sql, shape, true);
}

void bm__sql_stage_clean(bm__sql *sql, const char *stage)
{
    bm__sql_put(sql, "DELETE FROM %s", stage);
}

/* One part of the table. */
static void put_part(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_part *part,
                     bool update)
{
    if (part->here) {
        bm__sql_shape here = *shape;
        here.table = part->table;
        here.schema = part->stage;
        here.returning = BM__RETURN_ORDINALS;
        here.among = false;
        (update ? bm__sql_update : bm__sql_delete)(sql, &here);
        return;
    }
    bm__sql_put(sql, "%s %s AS t", update ? "UPDATE" : "DELETE FROM", part->table);
    if (update) {
        bm__sql_put_set(sql, shape, "", put_staged, put_staged);
    }
    bm__sql_put(sql, " %s %s AS v WHERE ", update ? "FROM" : "USING", part->stage);
    bm__sql_put_match(sql, shape, put_staged);
    bm__sql_put(sql, " RETURNING v." ORDINAL);
}

void bm__sql_staged(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_part *parts, size_t n,
                    bool update)
{
    for (size_t i = 0; i < n; i++) {
        bm__sql_put(sql, "%sw%zu AS (", i == 0 ? "WITH " : ", ", i);
        put_part(sql, shape, &parts[i], update);
        bm__sql_put(sql, ")");
    }
    for (size_t i = 0; i < n; i++) {
        bm__sql_put(sql, "%sSELECT w.ord FROM w%zu AS w(ord)", i == 0 ? " " : " UNION ALL ", i);
    }
}
