/*
 * A join with the batch would be carried out here, a round trip a row.  So the rows of a chunk go
 * to a table beside the table, on the server that has the rows which they name, and that server
 * joins the two.  They are taken out again in the same transaction: nobody else ever sees them, and
 * what is found there at the start is of nobody.
 */
#include "staged.h"

#include "verb.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const bm__stage_line *line_of(const bm__table *table, char kind)
{
    const bm__stage_line *line = table->stage;
    while (line != NULL && line->kind != kind) {
        line = line->next;
    }
    return line;
}

static bool is_key(const bm__plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->n_columns; i++) {
        const bm__sql_column *column = &plan->columns[i].sql;
        if (column->key && strcmp(column->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The table is made with as many words as all of its columns need. */
static bool has_words(const bm__plan *plan)
{
    size_t words = (plan->table->n_columns + BM__MASK_BITS - 1) / BM__MASK_BITS;
    for (size_t i = 0; i < plan->n_columns; i++) {
        if (plan->columns[i].supply == BM__SUPPLY_MASK && plan->columns[i].word >= words) {
            return false;
        }
    }
    return true;
}

bool bm__is_staged(const bm__request *request, const bm__plan *plan)
{
    const char what = request->verb->hit == BM_ROW_DELETED ? 'd' : 'u';
    const bm__stage_line *stage = line_of(plan->table, 's');
    if (stage == NULL || strchr(stage->other, what) == NULL || request->whole_table ||
        request->filter != NULL || !has_words(plan)) {
        return false;
    }
    for (const bm__stage_line *line = plan->table->stage; line != NULL; line = line->next) {
        if (line->kind == 'p' && !is_key(plan, line->name)) {
            return false; /* where a row is cannot be said by its key */
        }
    }
    return true;
}

/* Masks get the names that they have in the stage. */
static bm_status name_masks(bm__plan *plan, bm__sql_column *columns, bm_error *err)
{
    for (size_t i = 0; i < plan->n_columns; i++) {
        char name[32];
        if (plan->columns[i].supply != BM__SUPPLY_MASK) {
            continue;
        }
        int size = snprintf(name, sizeof name, "bm_mask%zu", plan->columns[i].word);
        assert(size > 0 && (size_t)size < sizeof name);
        columns[i].name = bm__arena_copy(&plan->arena, name, (size_t)size);
        if (columns[i].name == NULL) {
            return bm__no_memory(err);
        }
    }
    return BM_OK;
}

static bm_status plan_write(bm__plan *plan, const bm__sql_shape *shape, bool update, bm_error *err)
{
    size_t n = 0;
    bool here = false;
    for (const bm__stage_line *line = plan->table->stage; line != NULL; line = line->next) {
        n += line->kind == 'l' || line->kind == 'h';
    }
    bm__sql_part *parts = bm__arena_array(&plan->arena, n + 1, sizeof *parts);
    if (parts == NULL) {
        return bm__no_memory(err);
    }
    n = 0;
    for (const bm__stage_line *line = plan->table->stage; line != NULL; line = line->next) {
        if (line->kind == 'l' || line->kind == 'h') {
            parts[n++] = (bm__sql_part){line->name, line->other, line->kind == 'h'};
            here = here || line->kind == 'h';
        }
    }
    bm__sql sql = bm__sql_begin(err);
    bm__sql_staged(&sql, shape, parts, n, update);
    plan->write = (bm__statement){NULL, BM__STEP_EXEC, BM__EXPECT_ORDINALS,
                                  here ? BM__TAKES_COLUMNS : BM__TAKES_NOTHING};
    return bm__sql_end(&sql, &plan->arena, &plan->write.sql);
}

/* The settings: behind BEGIN of our own, or around the chunks. */
static bm_status plan_joins(const bm__request *request, bm__plan *plan, bm_error *err)
{
    const bm__statement empty = {NULL, BM__STEP_EXEC, BM__EXPECT_COUNT, BM__TAKES_NOTHING};
    bool own = request->own_transaction;
    bm__statement *set = own ? &plan->setup : &plan->hint;
    bm__sql sql = bm__sql_begin(err);
    assert(set->sql == NULL && plan->unhint.sql == NULL);
    plan->engine->join_there(&sql, !own);
    *set = empty;
    BM_TRY(bm__sql_end(&sql, &plan->arena, &set->sql));
    if (own) {
        return BM_OK;
    }
    sql = bm__sql_begin(err);
    plan->engine->join_here(&sql);
    plan->unhint = empty;
    return bm__sql_end(&sql, &plan->arena, &plan->unhint.sql);
}

bm_status bm__staged_plan(const bm__request *request, bm__plan *plan, const bm__sql_shape *shape,
                          bm__sql_column *columns, bm_error *err)
{
    const char *stage = line_of(plan->table, 's')->name;
    bm__sql sql = bm__sql_begin(err);
    BM_TRY(name_masks(plan, columns, err));
    plan->why = "rows of other servers are found there, by way of the stage tables";
    bm__sql_stage_clean(&sql, stage);
    plan->clean = (bm__statement){NULL, BM__STEP_EXEC, BM__EXPECT_COUNT, BM__TAKES_NOTHING};
    BM_TRY(bm__sql_end(&sql, &plan->arena, &plan->clean.sql));
    sql = bm__sql_begin(err);
    bm__sql_stage(&sql, shape, stage);
    plan->stage = (bm__statement){NULL, BM__STEP_EXEC, BM__EXPECT_COUNT, BM__TAKES_COLUMNS};
    BM_TRY(bm__sql_end(&sql, &plan->arena, &plan->stage.sql));
    BM_TRY(plan_write(plan, shape, request->verb->hit != BM_ROW_DELETED, err));
    return plan_joins(request, plan, err);
}
