/*
 * S1: whatever the planner's statistics are, no statement of ours takes more than three times what
 * the same statement takes that is left to the planner.  Both are run here, in turn, on the same
 * table; the best of each are compared.  A busy machine gets more rounds; a wrong plan is slow in
 * all of them.
 */
#include "world.h"

#include <time.h>

enum { ROUNDS = 40, TABLE = 20000, MANY = 10000, FEW = 400 };

/* A ratio of times says nothing below this: a busy machine. */
static const double leeway_s = 0.15;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- tables whose statistics are such */

static void table(world *w, const char *more)
{
    make_items(w, more);
    run(w, "ALTER TABLE item SET (autovacuum_enabled = off)");
}

static void insert(world *w, int first, int last)
{
    run(w,
        "INSERT INTO item (id, name, value, note) SELECT g, 'name ' || g, g, 'note' "
        "FROM generate_series(%d, %d) g",
        first, last);
}

static void analyzed_while_inserted(world *w, int first, int last)
{
    PGconn *other = psql_open(NULL);
    run(w, "BEGIN");
    insert(w, first, last);
    psql_run(other, "ANALYZE %s.item", w->schema);
    run(w, "COMMIT");
    psql_close(other, NULL);
}

static void never(world *w, int n)
{
    table(w, "");
    insert(w, 1, n);
}

static void uncommitted(world *w, int n)
{
    table(w, "");
    analyzed_while_inserted(w, 1, n);
    expect_number(w, 0, "SELECT reltuples::int8 FROM pg_class WHERE oid = 'item'::regclass");
}

static void partly_committed(world *w, int n)
{
    table(w, "");
    insert(w, 1, 10);
    analyzed_while_inserted(w, 11, n);
}

static void grown(world *w, int n)
{
    table(w, "");
    insert(w, 1, n / 1000);
    run(w, "ANALYZE item");
    insert(w, n / 1000 + 1, n);
}

static void emptied(world *w, int n)
{
    table(w, "");
    insert(w, 1, 5 * n);
    run(w, "ANALYZE item");
    run(w, "DELETE FROM item WHERE id > %d", n);
}

static void wrong_distinct(world *w, int n)
{
    table(w, "");
    insert(w, 1, n);
    run(w, "CREATE INDEX ON item (value)");
    run(w, "ALTER TABLE item ALTER id SET (n_distinct = 1)");
    run(w, "ALTER TABLE item ALTER value SET (n_distinct = -1)");
    run(w, "ANALYZE item");
    run(w, "UPDATE item SET value = 1");
}

static void good(world *w, int n)
{
    table(w, "");
    insert(w, 1, n);
    run(w, "ANALYZE item");
}

static const struct {
    const char *name;
    void (*make)(world *w, int n);
} statistics[] = {
    {"never", never}, {"uncommitted", uncommitted}, {"partly committed", partly_committed},
    {"grown", grown}, {"emptied", emptied},         {"wrong n_distinct", wrong_distinct},
    {"good", good},
};

/* ---- the same call by us, and left to the planner: the keys are spread over the table */

typedef struct contest {
    const char *name;
    void (*ours)(world *w, bm_db *db, const item *rows, size_t n);
    const char *by_hand; /* the keys */
    const char *again;   /* before another round: the rows are gone */
} contest;

static void update_fields(world *w, bm_db *db, const item *rows, size_t n)
{
    ok(w, bm_update_fields(db, bm_structs(&item_given_model, rows, n),
                           BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("note")),
                           fresh(w), &w->err));
    assert_int_equal(w->result.updated, n);
}

static void update(world *w, bm_db *db, const item *rows, size_t n)
{
    static const item values = {.note = "new"};
    ok(w, bm_update(db, bm_structs(&item_given_model, rows, n),
                    BM_OPTIONS(bm_update_options, .values = &values, .fields = BM_NAMES("note")),
                    fresh(w), &w->err));
    assert_int_equal(w->result.updated, n);
}

static void upsert(world *w, bm_db *db, const item *rows, size_t n)
{
    ok(w, bm_bulk_create(db, bm_structs(&item_given_model, rows, n),
                         BM_OPTIONS(bm_bulk_create_options, .update_conflicts = BM_ON,
                                    .update_fields = BM_NAMES("note")),
                         fresh(w), &w->err));
    assert_int_equal(w->result.updated, n);
}

static void delete (world *w, bm_db *db, const item *rows, size_t n)
{
    ok(w, bm_delete(db, bm_structs(&item_given_model, rows, n), NULL, fresh(w), &w->err));
    assert_int_equal(w->result.deleted, n);
}

static void copy_to(world *w, bm_db *db, const item *rows, size_t n)
{
    ok(w, bm_copy_to(db, bm_structs(&item_given_model, rows, n), NULL, fresh(w), &w->err));
    assert_int_equal(bm_queryset_count(w->result.queryset), n);
}

#define KEYS "unnest('{%s}'::bigint[]) AS v(c0)"

static const contest contests[] = {
    {"update_fields", update_fields,
     "UPDATE item AS t SET note = 'by hand' FROM " KEYS " WHERE t.id = v.c0", NULL},
    {"update", update, "UPDATE item AS t SET note = 'by hand' FROM " KEYS " WHERE t.id = v.c0",
     NULL},
    {"upsert", upsert,
     "INSERT INTO item (id, name, value, note) SELECT v.c0, 'n', 1, 'x' FROM " KEYS
     " ON CONFLICT (id) DO UPDATE SET note = excluded.note",
     NULL},
    {"copy_to", copy_to, "SELECT count(t.note) FROM item AS t JOIN " KEYS " ON t.id = v.c0", NULL},
    {"delete", delete, "DELETE FROM item AS t USING " KEYS " WHERE t.id = v.c0",
     "INSERT INTO item (id, name, value, note) SELECT v.c0, 'n', 1, 'x' FROM " KEYS},
};

static char *keys_of(const item *rows, size_t n)
{
    char *text;
    FILE *out = text_begin(&text);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "%s%lld", i > 0 ? "," : "", (long long)rows[i].id);
    }
    fclose(out);
    return text;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static void play(world *w, const contest *c, size_t n, const char *kind)
{
    double us = 1e9;
    double them = 1e9;
    item *rows = some_items(n, 1, TABLE / (int64_t)n);
    char *keys = keys_of(rows, n);
    for (size_t i = 0; i < ROUNDS && (i == 0 || us > 3 * them + leeway_s); i++) {
        if (i > 0 && c->again != NULL) {
            run(w, c->again, keys);
        }
        run(w, "BEGIN");
        double begin = now();
        run(w, c->by_hand, keys);
        them = least(them, now() - begin);
        run(w, "ROLLBACK");
        begin = now();
        c->ours(w, w->db, rows, n);
        us = least(us, now() - begin);
    }
    if (us > 3 * them + leeway_s) {
        fail_msg("%s of %zu rows of %d, statistics %s: %.3f s, by hand %.3f s", c->name, n, TABLE,
                 kind, us, them);
    }
    free(keys);
    free(rows);
}

static void no_plan_is_worse_than_the_servers(world *w)
{
    for (size_t kind = 0; kind < sizeof statistics / sizeof statistics[0]; kind++) {
        statistics[kind].make(w, TABLE);
        for (size_t i = 0; i < sizeof contests / sizeof contests[0]; i++) {
            if (contests[i].again == NULL) {
                play(w, &contests[i], FEW, statistics[kind].name);
            }
            play(w, &contests[i], MANY, statistics[kind].name);
        }
        run(w, "DROP TABLE item");
    }
}

int main(void)
{
    const conformance_case cases[] = {
        CASE(ON_POSTGRESQL, no_plan_is_worse_than_the_servers),
    };
    return conformance_run("statistics", cases, sizeof cases / sizeof cases[0]);
}
