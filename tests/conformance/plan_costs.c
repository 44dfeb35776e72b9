/*
 * No statement of a verb costs so much by the planner's estimate that PostgreSQL compiles it
 * (jit_above_cost): for statements of this kind LLVM takes longer than it saves.  The judge asks
 * for the plan of each statement as it is sent, with as many elements in each array.
 */
#include "world.h"

enum { TABLE = 20001, MANY = 20001, MOST_PARAMETERS = 16 };

static const double jit_above_cost = 100000; /* PostgreSQL's default */

typedef struct costs {
    world *w;
    double highest;
    char *dearest; /* the statement, to be freed */
    size_t asked;
} costs;

/* How many parameters there are; those of an array, "$1::pg_catalog.int8[]", are `array`, the
 * others a single value. */
static int parameters_of(const char *sql, const char *array, const char *values[MOST_PARAMETERS])
{
    int n = 0;
    for (const char *at = strchr(sql, '$'); at != NULL; at = strchr(at + 1, '$')) {
        int number = (int)strtol(at + 1, NULL, 10);
        assert_in_range(number, 1, MOST_PARAMETERS);
        const char *end = at + strcspn(at, "[ ,)");
        values[number - 1] = *end == '[' ? array : "0";
        n = number > n ? number : n;
    }
    return n;
}

/* '{1,2,...}': a literal of each type of the table. */
static char *array_of(size_t n)
{
    char *text;
    FILE *out = text_begin(&text);
    fputc('{', out);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "%s%zu", i > 0 ? "," : "", i);
    }
    fputc('}', out);
    fclose(out);
    return text;
}

/* The last number of "cost=0.00..12.34" in the first line. */
static double cost_of(const world *w, const char *sql, size_t rows)
{
    const char *values[MOST_PARAMETERS];
    char *explain;
    char *array = array_of(rows);
    int n = parameters_of(sql, array, values);
    FILE *out = text_begin(&explain);
    fprintf(out, "EXPLAIN %s", sql);
    fclose(out);
    PGresult *r = PQexecParams(w->pg, explain, n, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(r) != PGRES_TUPLES_OK) {
        fail_msg("%s%s", PQerrorMessage(w->pg), explain);
    }
    const char *cost = strstr(PQgetvalue(r, 0, 0), "..");
    assert_non_null(cost);
    double found = strtod(cost + 2, NULL);
    PQclear(r);
    free(array);
    free(explain);
    return found;
}

/* Only statements on a batch: those on all rows of a sync grow with the table. */
static void ask_cost(void *user, const char *sql, uint64_t rows)
{
    costs *c = user;
    bool of_a_batch = strstr(sql, "UNNEST($") != NULL;
    if (!of_a_batch) {
        return;
    }
    double found = cost_of(c->w, sql, (size_t)rows);
    c->asked++;
    if (found > c->highest) {
        c->highest = found;
        free(c->dearest);
        c->dearest = strdup(sql);
    }
}

typedef struct verb {
    const char *name;
    bm_status (*call)(world *w, const item *rows, size_t n, const bm_call *call);
} verb;

static bm_status ignoring(world *w, const item *rows, size_t n, const bm_call *call)
{
    return bm_bulk_create(w->db, bm_structs(&item_model, rows, n),
                          CREATE(.call = call, .ignore_conflicts = BM_ON, .return_queryset = BM_ON,
                                 .return_outcomes = BM_ON),
                          fresh(w), &w->err);
}

static bm_status updating_conflicts(world *w, const item *rows, size_t n, const bm_call *call)
{
    return bm_bulk_create(w->db, bm_structs(&item_model, rows, n),
                          CREATE(.call = call, .update_conflicts = BM_ON,
                                 .unique_fields = BM_NAMES("name"),
                                 .update_fields = BM_NAMES("value"), .return_queryset = BM_ON),
                          fresh(w), &w->err);
}

static bm_status upsert(world *w, const bm_model *model, const item *rows, size_t n,
                        const bm_upsert_options *options)
{
    return bm_upsert(w->db, bm_structs(model, rows, n), options, fresh(w), &w->err);
}

#define UPSERT(...) BM_OPTIONS(bm_upsert_options, .call = call, __VA_ARGS__)
#define BY_NAME .unique_fields = BM_NAMES("name")

static bm_status upserting(world *w, const item *rows, size_t n, const bm_call *call)
{
    return upsert(w, &item_model, rows, n,
                  UPSERT(BY_NAME, .return_outcomes = BM_ON, .return_queryset = BM_ON));
}

static bm_status upserting_all(world *w, const item *rows, size_t n, const bm_call *call)
{
    return upsert(w, &item_model, rows, n, UPSERT(BY_NAME, .update_unchanged = BM_ON));
}

static bm_status upserting_by_key(world *w, const item *rows, size_t n, const bm_call *call)
{
    return upsert(w, &item_given_model, rows, n, UPSERT(.return_outcomes = BM_ON));
}

static bm_status syncing(world *w, const item *rows, size_t n, const bm_call *call)
{
    return bm_sync(w->db, bm_structs(&item_model, rows, n),
                   BM_OPTIONS(bm_sync_options, .call = call, BY_NAME, .where = "true",
                              .max_deletes_percent = 100),
                   fresh(w), &w->err);
}

static bm_status updating_fields(world *w, const item *rows, size_t n, const bm_call *call)
{
    return bm_update_fields(w->db, bm_structs(&item_given_model, rows, n),
                            BM_OPTIONS(bm_update_fields_options, .call = call,
                                       .fields = BM_NAMES("value"), .return_outcomes = BM_ON),
                            fresh(w), &w->err);
}

static bm_status updating(world *w, const item *rows, size_t n, const bm_call *call)
{
    static const item values = {.value = 1};
    return bm_update(w->db, bm_structs(&item_given_model, rows, n),
                     SET(.call = call, .values = &values, .fields = BM_NAMES("value")), fresh(w),
                     &w->err);
}

static bm_status reading(world *w, const item *rows, size_t n, const bm_call *call)
{
    return bm_copy_to(w->db, bm_structs(&item_given_model, rows, n), COPY(.call = call), fresh(w),
                      &w->err);
}

static bm_status deleting(world *w, const item *rows, size_t n, const bm_call *call)
{
    return bm_delete(w->db, bm_structs(&item_given_model, rows, n), DELETE(.call = call), fresh(w),
                     &w->err);
}

static const verb verbs[] = {
    {"bulk_create, conflicts ignored", ignoring},
    {"bulk_create, conflicts updated", updating_conflicts},
    {"upsert", upserting},
    {"upsert, update_unchanged", upserting_all},
    {"upsert by the key", upserting_by_key},
    {"sync", syncing},
    {"update_fields", updating_fields},
    {"update", updating},
    {"copy_to", reading},
    {"delete", deleting},
};

/* Rows of which the first half is in the table, "n0" to "n<TABLE - 1>". */
static item *half_new(size_t n)
{
    item *rows = some_items(n + TABLE, 1, 1);
    memmove(rows, rows + TABLE - n / 2, n * sizeof *rows);
    return rows;
}

static void make(world *w, bool analyzed)
{
    make_items(w, ", UNIQUE (name)");
    run(w, "ALTER TABLE item SET (autovacuum_enabled = off)");
    run(w,
        "INSERT INTO item SELECT g + 1, 'n' || g, g, 'note' FROM generate_series(0, %d) g; "
        "SELECT setval(pg_get_serial_sequence('item', 'id'), 1000000)",
        TABLE - 1);
    if (analyzed) {
        run(w, "ANALYZE item");
    }
}

static void play(world *w, const verb *v, const item *rows, bool analyzed)
{
    costs c = {.w = w};
    const bm_call call = {
        .size = sizeof call, .user = &c, .on_statement = ask_cost, .dry_run = BM_ON};
    ok(w, v->call(w, rows, MANY, &call));
    assert_true(c.asked > 0);
    if (c.highest >= jit_above_cost) {
        fail_msg("%s, %sanalyzed: cost %.0f of %s", v->name, analyzed ? "" : "not ", c.highest,
                 c.dearest);
    }
    free(c.dearest);
}

/* Of more rows than any statement takes. */
static void no_statement_of_a_batch_is_compiled(world *w)
{
    item *rows = half_new(MANY);
    /* The sync's own tables, which only its session has. */
    run(w, "CREATE TEMPORARY TABLE bulkmodel_match (id bigint)");
    run(w, "CREATE TEMPORARY TABLE bulkmodel_scope (id bigint)");
    for (int analyzed = 0; analyzed < 2; analyzed++) {
        make(w, analyzed == 1);
        for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
            play(w, &verbs[i], rows, analyzed == 1);
        }
        run(w, "DROP TABLE item");
    }
    free(rows);
}

int main(void)
{
    const conformance_case cases[] = {
        CASE(ON_POSTGRESQL, no_statement_of_a_batch_is_compiled),
    };
    return conformance_run("plan_costs", cases, sizeof cases / sizeof cases[0]);
}
