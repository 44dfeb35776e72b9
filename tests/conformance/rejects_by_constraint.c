/* Rows that a constraint refuses are found by one statement.  The judge is the server, which
 * inserts each row alone, in order, by plain SQL, into a table with the same constraints. */
#include "world.h"

#define N_ROWS 300

typedef struct node {
    int64_t id, a, b;
    const char *t; /* NULL is NULL */
    uint8_t a_state, b_state, t_state;
} node;

static const bm_model node_model = BM_MODEL(
    "node", node, BM_FIELD(node, id, BM_INT8, BM_KEY), BM_FIELD_STATE(node, a, BM_INT8, 0, a_state),
    BM_FIELD_STATE(node, b, BM_INT8, 0, b_state), BM_FIELD_STATE(node, t, BM_TEXT, 0, t_state));

typedef struct told {
    size_t rows[N_ROWS];
    char constraints[N_ROWS][64];
    size_t n;
} told;

static bm_status note(void *user, const bm_error *why, bm_error *err)
{
    told *t = user;
    (void)err;
    assert_int_equal(why->status, BM_CONSTRAINT);
    assert_true(why->message[0] != '\0');
    snprintf(t->constraints[t->n], sizeof t->constraints[0], "%s", why->sqlstate);
    t->rows[t->n++] = why->row;
    return BM_OK;
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16 & 0x7FFF;
}

/* Few values, so that rows repeat those of others, and refer to rows that are there, come, or never
 * do. */
static node *random_nodes(unsigned seed, unsigned values)
{
    static const char *const words[] = {"a", "A", "b", "c ", "c", "D", "d", "e"};
    node *rows = calloc(N_ROWS, sizeof *rows);
    assert_non_null(rows);
    for (size_t i = 0; i < N_ROWS; i++) {
        rows[i].id = 1 + (int64_t)(next_random(&seed) % (2 * N_ROWS));
        rows[i].a = 1 + (int64_t)(next_random(&seed) % values);
        rows[i].b = 1 + (int64_t)(next_random(&seed) % values);
        rows[i].t = words[next_random(&seed) % 8];
        rows[i].a_state = next_random(&seed) % 9 == 0 ? BM_NULL : BM_VALUE;
        rows[i].b_state = next_random(&seed) % 9 == 0 ? BM_NULL : BM_VALUE;
        rows[i].t_state = next_random(&seed) % 5 == 0 ? BM_NULL : BM_VALUE;
    }
    return rows;
}

/* Every %s is the table's own name. */
static void make_table(world *w, const char *table, const char *constraints, const char *indexes)
{
    char more[512];
    char after[512];
    snprintf(more, sizeof more, constraints, table);
    snprintf(after, sizeof after, indexes, table, table);
    run(w, "DROP TABLE IF EXISTS %s", table);
    run(w, "CREATE TABLE %s (id bigint PRIMARY KEY, a bigint, b bigint, t text %s)", table, more);
    run(w, "INSERT INTO %s VALUES (1, NULL, NULL, NULL)", table);
    if (after[0] != '\0') {
        run(w, "%s", after);
    }
}

static const char *cell(char *out, size_t size, int64_t value, uint8_t state)
{
    snprintf(out, size, state == BM_NULL ? "NULL" : "%lld", (long long)value);
    return out;
}

static bool inserted_alone(const world *w, const node *row)
{
    char sql[256];
    char a[32];
    char b[32];
    char t[32] = "NULL";
    if (row->t_state != BM_NULL) {
        snprintf(t, sizeof t, "'%s'", row->t);
    }
    snprintf(sql, sizeof sql, "INSERT INTO plain VALUES (%lld, %s, %s, %s)", (long long)row->id,
             cell(a, sizeof a, row->a, row->a_state), cell(b, sizeof b, row->b, row->b_state), t);
    return bm_execute(w->db, sql, NULL) == BM_OK;
}

static void compare(world *w, const char *constraints, const char *indexes, unsigned seed,
                    unsigned values)
{
    told t = {.n = 0};
    const bm_call call = {.size = sizeof call,
                          .on_error = BM_ON_ERROR_REJECT,
                          .max_rejects = -1,
                          .user = &t,
                          .on_reject = note};
    make_table(w, "node", constraints, indexes);
    make_table(w, "plain", constraints, indexes);
    node *rows = random_nodes(seed, values);
    ok(w, bm_bulk_create(w->db, bm_structs(&node_model, rows, N_ROWS), CREATE(.call = &call),
                         fresh(w), &w->err));
    size_t rejected = 0;
    for (size_t i = 0; i < N_ROWS; i++) {
        if (!inserted_alone(w, &rows[i])) {
            assert_true(rejected < t.n);
            assert_int_equal(t.rows[rejected], i);
            rejected++;
        }
    }
    assert_int_equal(t.n, rejected);
    assert_int_equal(w->result.inserted, N_ROWS - rejected);
    char *want = rows_of(w, "SELECT id, a, b, t FROM plain ORDER BY id");
    expect(w, want, "SELECT id, a, b, t FROM node ORDER BY id");
    free(want);
    free(rows);
}

static void make_parents(world *w)
{
    run(w, "CREATE TABLE parent (x bigint, y bigint, z text UNIQUE, PRIMARY KEY (x, y), UNIQUE "
           "(x))");
    for (int i = 1; i < 30; i++) {
        run(w, "INSERT INTO parent VALUES (%d, %d, '%c')", i, 30 - i, 'A' + i);
    }
}

static void every_kind_of_constraint(world *w)
{
    static const char *const kinds[][2] = {
        {"", ""},
        {", UNIQUE (a)", ""},
        {", UNIQUE (a, b), UNIQUE (t)", ""},
        {", UNIQUE (a), FOREIGN KEY (b) REFERENCES parent (x)", ""},
        {", FOREIGN KEY (a, b) REFERENCES parent (x, y)", ""},
        {", FOREIGN KEY (t) REFERENCES parent (z), UNIQUE (b)", ""},
        {", UNIQUE (a), CHECK (b <> 7), FOREIGN KEY (b) REFERENCES parent (x) DEFERRABLE INITIALLY "
         "DEFERRED",
         ""},
        {", UNIQUE (a), FOREIGN KEY (b) REFERENCES %s (id)", ""},
        {", UNIQUE (a), UNIQUE (t), FOREIGN KEY (b) REFERENCES %s (a)", ""},
        {", UNIQUE (a, b), FOREIGN KEY (b, a) REFERENCES %s (a, b)", ""},
        {"", "CREATE UNIQUE INDEX u_%s ON %s (a) WHERE b > 9"},
        {", FOREIGN KEY (b) REFERENCES parent (x)", "CREATE UNIQUE INDEX u_%s ON %s (lower(t))"},
        {", UNIQUE (b)", "CREATE UNIQUE INDEX u_%s ON %s ((a + 1))"},
    };
    make_parents(w);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        compare(w, kinds[i][0], kinds[i][1], 7 + (unsigned)i, 40);
        compare(w, kinds[i][0], kinds[i][1], 70 + (unsigned)i, 400);
    }
}

static void what_only_postgresql_has(world *w)
{
    static const char *const kinds[][2] = {
        {", UNIQUE (a) DEFERRABLE INITIALLY DEFERRED, UNIQUE (b) DEFERRABLE", ""},
        {", FOREIGN KEY (a, b) REFERENCES parent (x, y) MATCH FULL", ""},
        {", UNIQUE (a) INCLUDE (b)", ""},
        {"", "CREATE UNIQUE INDEX u_%s ON %s (t text_pattern_ops)"},
        {"", "CREATE UNIQUE INDEX u_%s ON %s (t COLLATE \"C\", a)"},
        {"", "CREATE UNIQUE INDEX u_%s ON %s (a) NULLS NOT DISTINCT"},
        {", EXCLUDE (a WITH =)", ""},
        {", FOREIGN KEY (b) REFERENCES parent (x) NOT VALID", ""},
        {", FOREIGN KEY (b) REFERENCES parent (x)", "ALTER TABLE %s DISABLE TRIGGER ALL"},
        {", FOREIGN KEY (b) REFERENCES kids (x)", ""},
    };
    make_parents(w);
    run(w, "CREATE TABLE kids (x bigint PRIMARY KEY) PARTITION BY RANGE (x)");
    run(w, "CREATE TABLE kids_1 PARTITION OF kids FOR VALUES FROM (1) TO (10)");
    run(w, "CREATE TABLE kids_2 PARTITION OF kids FOR VALUES FROM (10) TO (100)");
    run(w, "INSERT INTO kids SELECT pg_catalog.generate_series(5, 25)");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        compare(w, kinds[i][0], kinds[i][1], 5 + (unsigned)i, 40);
    }
}

static void what_only_sqlite_has(world *w)
{
    static const char *const kinds[][2] = {
        {", UNIQUE (t COLLATE NOCASE)", ""},
        {"COLLATE NOCASE UNIQUE", ""},
        {"COLLATE RTRIM, UNIQUE (t, b)", ""},
        {"", "CREATE UNIQUE INDEX u_%s ON %s (t COLLATE NOCASE, a)"},
        {", UNIQUE (a) ON CONFLICT REPLACE", ""},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        compare(w, kinds[i][0], kinds[i][1], 50 + (unsigned)i, 40);
    }
}

/* A table that a trigger fills beside: no statement says what a row does. */
static void triggers_that_make_parents(world *w)
{
    static const char *const body = "AFTER INSERT ON %s FOR EACH ROW WHEN (NEW.a IS NOT NULL) %s";
    char one[256];
    const bool sqlite = w->pg == NULL;
    make_parents(w);
    if (!sqlite) {
        run(w, "CREATE FUNCTION beget() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO "
               "parent VALUES (NEW.a + 1000, 1) ON CONFLICT DO NOTHING; RETURN NULL; END $$");
    }
    told t = {.n = 0};
    const bm_call call = {.size = sizeof call,
                          .on_error = BM_ON_ERROR_REJECT,
                          .max_rejects = -1,
                          .user = &t,
                          .on_reject = note};
    make_table(w, "node", ", FOREIGN KEY (b) REFERENCES parent (x)", "");
    snprintf(one, sizeof one, body, "node",
             sqlite ? "BEGIN INSERT OR IGNORE INTO parent VALUES (NEW.a + 1000, 1, NULL); END"
                    : "EXECUTE FUNCTION beget()");
    run(w, "CREATE TRIGGER beget %s", one);
    node rows[4] = {{.id = 2, .a = 5, .b = 3},
                    {.id = 3, .a = 6, .b = 1005}, /* the first row made it */
                    {.id = 4, .a = 7, .b = 2000},
                    {.id = 5, .a = 8, .b = 1006}};
    ok(w, bm_bulk_create(w->db, bm_structs(&node_model, rows, 4), CREATE(.call = &call), fresh(w),
                         &w->err));
    assert_int_equal(t.n, 1);
    assert_int_equal(t.rows[0], 2);
    expect(w, "1|NULL\n2|3\n3|1005\n5|1006\n", "SELECT id, b FROM node ORDER BY id");
}

/* Many rejects cost a few statements, not one each. */
static void one_statement_finds_them(world *w)
{
    told t = {.n = 0};
    const bm_call call = {.size = sizeof call,
                          .on_error = BM_ON_ERROR_REJECT,
                          .max_rejects = -1,
                          .user = &t,
                          .on_reject = note};
    make_parents(w);
    make_table(w, "node", ", UNIQUE (a), FOREIGN KEY (b) REFERENCES parent (x)", "");
    node *rows = calloc(N_ROWS, sizeof *rows);
    assert_non_null(rows);
    for (int64_t i = 0; i < N_ROWS; i++) {
        rows[i] = (node){.id = i + 2, .a = i, .b = 1 + i % 29, .t = "x"};
        rows[i].id = i % 10 == 3 ? 1 : rows[i].id;           /* in the table */
        rows[i].a = i % 10 == 5 ? rows[i - 1].a : rows[i].a; /* an earlier row's */
        rows[i].b = i % 10 == 7 ? 99 : rows[i].b;            /* nobody's */
    }
    ok(w, bm_bulk_create(w->db, bm_structs(&node_model, rows, N_ROWS), CREATE(.call = &call),
                         fresh(w), &w->err));
    assert_int_equal(t.n, 3 * N_ROWS / 10);
    assert_string_equal(t.constraints[0], "23505");
    assert_string_equal(t.constraints[1], "23505");
    assert_string_equal(t.constraints[2], "23503");
    assert_true(w->result.statements < 30);
    free(rows);
}

static const conformance_case cases[] = {
    CASE(ON_SQL, every_kind_of_constraint), CASE(ON_POSTGRESQL, what_only_postgresql_has),
    CASE(ON_SQLITE, what_only_sqlite_has),  CASE(ON_SQL, triggers_that_make_parents),
    CASE(ON_SQL, one_statement_finds_them),
};

int main(void)
{
    return conformance_run("rejects_by_constraint", cases, sizeof cases / sizeof cases[0]);
}
