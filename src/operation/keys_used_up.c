#include "job_parts.h"
#include "sqlstate.h"

#include <string.h>

static bool is_given(const bm__plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->n_columns; i++) {
        const bm__plan_column *column = &plan->columns[i];
        bool rows = column->supply == BM__SUPPLY_FIELD && column->sql.flag == BM__NO_COLUMN;
        if (rows && column->sql.name != NULL && strcmp(column->sql.name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The integer columns that the database fills: how many, and one of them; `small`: not of int8. */
static size_t made_columns(const bm__plan *plan, const bm__table_column **one, bool *small)
{
    size_t n = 0;
    for (size_t i = 0; i < plan->table->n_columns; i++) {
        const bm__table_column *column = &plan->table->columns[i];
        bm_type type = plan->engine->type_of(column);
        bool narrow = type == BM_INT2 || type == BM_INT4;
        bool made = column->identity != '\0' || column->volatile_default;
        if (made && bm__type_is_integer(type) && !is_given(plan, column->name)) {
            *one = column;
            *small = *small || narrow;
            n++;
        }
    }
    return n;
}

/* A sequence's value that does not fit a smaller column: the cast that assigns it fails.  What else
 * may cast so, a trigger or a computed column, is not mistaken for it. */
static bool is_cast(const bm__plan *plan, const bm__answer *answer, const bm_error *err)
{
    const bm__engine *engine = plan->engine;
    const bm__table *table = plan->table;
    bool cast = engine->narrows != NULL && engine->narrows(answer->routine);
    bool computes = table->insert_trigger;
    for (size_t i = 0; i < table->n_columns; i++) {
        computes = computes || table->columns[i].generated;
    }
    return cast && !computes && bm__says_out_of_range(err);
}

bool bm__used_up(const bm__job *job, const bm__answer *answer, bm_error *err)
{
    bool makes = job->phase == BM__PHASE_WRITE || job->phase == BM__PHASE_RESERVE;
    const bm__table_column *one = NULL;
    bool small = false;
    size_t n = makes ? made_columns(job->plan, &one, &small) : 0;
    bool used_up = bm__says_sequence_ended(err);
    if (!used_up && !(small && is_cast(job->plan, answer, err))) {
        return false;
    }
    if (!used_up && n == 1) {
        bm__say(err, "column \"%s\" has run out of keys: its sequence is above its range",
                one->name);
    } else if (!used_up) {
        bm__say(err, "the sequence of a column of \"%s\" is above the column's range",
                job->plan->model->table);
    }
    err->status = BM_LIMIT;
    err->row = BM_NO_ROW;
    err->detail[0] = '\0';
    bm__copy_text(err->column, sizeof err->column, n == 1 ? one->name : "");
    return true;
}

/* SQLite says of a full disk and of the last key the same (sqlite.org/autoinc.html).  What was
 * written before is rolled back: so many keys were needed. */
void bm__used_up_highest(bm__job *job)
{
    const char *column = job->plan->highest_column;
    uint64_t left = job->highest < 0 ? UINT64_MAX : (uint64_t)(INT64_MAX - job->highest);
    if (left < job->inserted + job->n) {
        bm__say(&job->error, "column \"%s\" has run out of keys", column);
        bm__copy_text(job->error.column, sizeof job->error.column, column);
        job->error.row = BM_NO_ROW;
    }
}
