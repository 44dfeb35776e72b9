#include "breaches.h"

#include "job_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- the statement */

typedef struct planned {
    bm__plan *plan;
    const bm__request *request;
    size_t *column_of; /* of each field: its column, or BM__NO_COLUMN */
    bm__sql_rule *rules;
    const bm__constraint **constraints;
    size_t n_rules;
} planned;

/* The column of the batch that holds a column of the table; false where the rows do not say its
 * value, or where it cannot be sent as an array. */
static bool column_of(planned *p, const char *name, size_t *out)
{
    const bm_model *model = p->plan->model;
    for (size_t i = 0; i < model->n_fields; i++) {
        const bm__table_column *server = bm__table_find(p->plan->table, model->fields[i].name);
        if (server == NULL || strcmp(server->name, name) != 0) {
            continue;
        }
        bm_error unwanted = BM_ERROR;
        bm__plan_column *column;
        bool held = p->request->has[i] && !p->request->defaults[i] && !server->generated;
        if (held && p->column_of[i] == BM__NO_COLUMN &&
            bm__plan_add_field(p->plan, i, BM__SUPPLY_FIELD, true, &column, &unwanted) == BM_OK) {
            p->column_of[i] = p->plan->n_columns - 1;
        }
        *out = p->column_of[i];
        return *out != BM__NO_COLUMN;
    }
    return false;
}

static bm_status add_rule(planned *p, const bm__constraint *constraint, bm_error *err)
{
    bm__arena *arena = &p->plan->arena;
    size_t *at = bm__arena_array(arena, 2 * constraint->n, sizeof *at);
    if (at == NULL) {
        return bm__no_memory(err);
    }
    size_t *provides = at + constraint->n;
    bool self = constraint->kind == BM__CONSTRAINT_SELF;
    bool wanted = constraint->kind == BM__CONSTRAINT_UNIQUE
                      ? p->request->constraints->looks_unique
                      : self || p->request->constraints->looks_references;
    if (!wanted) {
        return BM_OK;
    }
    for (size_t i = 0; i < constraint->n; i++) {
        bool held = column_of(p, constraint->column[i], &at[i]) &&
                    (!self || column_of(p, constraint->other[i], &provides[i]));
        if (!held) {
            return BM_OK; /* not looked for: a row that breaks it fails by itself */
        }
    }
    p->constraints[p->n_rules] = constraint;
    p->rules[p->n_rules++] =
        (bm__sql_rule){.kind = self                                        ? BM__RULE_SELF
                               : constraint->kind == BM__CONSTRAINT_UNIQUE ? BM__RULE_UNIQUE
                                                                           : BM__RULE_REFERENCE,
                       .target = constraint->target,
                       .n = constraint->n,
                       .at = at,
                       .provides = provides,
                       .other = constraint->other,
                       .equal = constraint->equal,
                       .collate = constraint->collate};
    return BM_OK;
}

static bm_status plan_breaches(const bm__request *request, bm__plan *plan, bm_error *err)
{
    const bm__constraints *all = request->constraints;
    BM_TRY(bm__plan_begin(request, plan, err));
    planned p = {.plan = plan, .request = request};
    const size_t n_fields = plan->model->n_fields;
    p.column_of = bm__arena_array(&plan->arena, n_fields, sizeof *p.column_of);
    p.rules = bm__arena_array(&plan->arena, all->n + 1, sizeof *p.rules);
    p.constraints = bm__arena_array(&plan->arena, all->n + 1, sizeof(void *));
    bm__sql_column *columns = bm__arena_array(&plan->arena, n_fields + 1, sizeof *columns);
    if (p.column_of == NULL || p.rules == NULL || p.constraints == NULL || columns == NULL) {
        return bm__no_memory(err);
    }
    for (size_t i = 0; i < n_fields; i++) {
        p.column_of[i] = BM__NO_COLUMN;
    }
    for (size_t i = 0; i < all->n; i++) {
        BM_TRY(add_rule(&p, &all->all[i], err));
    }
    assert(p.n_rules <= all->n && plan->n_columns <= n_fields);
    plan->rules = p.constraints;
    plan->n_rules = p.n_rules;
    plan->chunk_rows = SIZE_MAX;
    plan->why = "rows that a unique constraint or a foreign key refuses";
    if (p.n_rules == 0) {
        return BM_OK;
    }
    bm__sql_shape shape = bm__plan_shape(plan, columns);
    bm__sql sql = bm__sql_begin(err);
    bm__sql_breaches(&sql, &shape, p.rules, p.n_rules);
    plan->write = (bm__statement){NULL, BM__STEP_EXEC, BM__EXPECT_ROWS, BM__TAKES_COLUMNS};
    return bm__sql_end(&sql, &plan->arena, &plan->write.sql);
}

const bm__verb bm__verb_breaches = {.name = "bulk_create", .plan = plan_breaches, .creates = true};

/* ---- its answer */

static bool number(const bm__cell *cell, size_t end, size_t *out)
{
    int64_t value;
    bool fits = bm__cell_integer(cell, &value) && value >= 0 && (uint64_t)value < end;
    *out = fits ? (size_t)value : 0;
    return fits;
}

static bm_status push(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__job *job = context;
    bm__breaches *b = job->breaches;
    bm__breach one;
    size_t what;
    if (n != 4 || !number(&cells[0], job->n, &one.row) ||
        !number(&cells[1], job->plan->n_rules, &one.rule) ||
        !number(&cells[2], BM__BREACH_PROVIDES + 1, &what) ||
        !number(&cells[3], job->n, &one.group)) {
        return bm__fail(err, BM_DATABASE, BM_STAGE_WRITE,
                        "the server's answer does not match the question");
    }
    one.what = (int)what;
    if (b->n == b->capacity) {
        size_t capacity = b->capacity == 0 ? 64 : 2 * b->capacity;
        bm__breach *all = realloc(b->all, capacity * sizeof *all);
        if (all == NULL) {
            return bm__no_memory(err);
        }
        b->all = all;
        b->capacity = capacity;
    }
    b->all[b->n++] = one;
    return BM_OK;
}

bm_status bm__breaches_step(bm__breaches *breaches, bm__job *job, bm__step *step, bm_error *err)
{
    *step = (bm__step){.kind = BM__STEP_EXEC};
    BM_TRY(bm__job_take(job, 0, job->call->n_rows, err));
    BM_TRY(
        bm__encode_statement(job, &job->plan->write, job->plan->columns, &job->batch, step, err));
    job->breaches = breaches;
    job->phase = BM__PHASE_BEFORE; /* it takes as long as a write */
    step->context = job;
    step->push = push;
    return BM_OK;
}

static int by_row(const void *a, const void *b)
{
    const bm__breach *x = a;
    const bm__breach *y = b;
    if (x->row != y->row) {
        return x->row > y->row ? 1 : -1;
    }
    return (x->rule > y->rule) - (x->rule < y->rule);
}

/* What is known of a group so far. */
enum { HELD = 1, PROVIDED = 2 };

/* Does the row break the rule, given the rows before it that are not refused? */
static bool breaks(const bm__breach *b, const uint16_t *refused, uint8_t groups, bool provides)
{
    switch (b->what) {
    case BM__BREACH_ALWAYS:
        return true;
    case BM__BREACH_REPEATS:
        return refused[b->group] == 0 || (groups & HELD) != 0;
    case BM__BREACH_NEEDS:
        return (groups & PROVIDED) == 0 && !provides;
    default:
        return false;
    }
}

bm_status bm__breaches_decide(bm__breaches *breaches, size_t n, size_t n_rules, uint16_t *refused,
                              bm_error *err)
{
    bm__breach *all = breaches->all;
    uint8_t *groups = calloc(n * n_rules + 1, 1);
    if (groups == NULL) {
        return bm__no_memory(err);
    }
    if (breaches->n > 1) {
        qsort(all, breaches->n, sizeof *all, by_row);
    }
    memset(refused, 0, n * sizeof *refused);
    for (size_t i = 0, end; i < breaches->n; i = end) {
        const size_t row = all[i].row;
        assert(row < n && (i == 0 || all[i - 1].row < row));
        for (end = i; end < breaches->n && all[end].row == row; end++) {
        }
        for (size_t k = i; k < end && refused[row] == 0; k++) {
            bool provides = false; /* a row may be its own parent */
            for (size_t j = i; j < end; j++) {
                provides = provides || (all[j].what == BM__BREACH_PROVIDES &&
                                        all[j].rule == all[k].rule && all[j].group == all[k].group);
            }
            if (breaks(&all[k], refused, groups[all[k].rule * n + all[k].group], provides)) {
                refused[row] = (uint16_t)(all[k].rule + 1);
            }
        }
        for (size_t k = i; k < end && refused[row] == 0; k++) {
            uint8_t *group = &groups[all[k].rule * n + all[k].group];
            *group |= all[k].what == BM__BREACH_REPEATS    ? HELD
                      : all[k].what == BM__BREACH_PROVIDES ? PROVIDED
                                                           : 0;
        }
    }
    free(groups);
    return BM_OK;
}

void bm__breaches_free(bm__breaches *breaches)
{
    free(breaches->all);
    *breaches = (bm__breaches){0};
}
