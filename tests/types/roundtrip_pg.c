/*
 * Every type on PostgreSQL, written by every way in, judged by the server: what the library wrote
 * must be, as the server's own text, what INSERT made of the same value written as text.
 */
#include "check.h"
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS ((size_t)1100)
#define SMALL ((size_t)550)
#define ONE_BY_ONE ((size_t)60)

static server sv;

typedef struct round {
    source source;
    sheet sheet; /* id, v, d */
    const kind *kind;
    bool copied; /* the last statement that wrote was a COPY */
} round;

static void saw(void *user, const char *sql, uint64_t rows)
{
    round *r = user;
    (void)rows;
    if (strncmp(sql, "COPY", 4) == 0 || strstr(sql, "INSERT") != NULL) {
        r->copied = sql[0] == 'C'; /* after a table has changed, the call is made again */
    }
}

static void fill(round *r, const kind *k, bm_layout layout)
{
    sheet_begin(&r->sheet, &r->source, "t");
    r->kind = k;
    sheet_add(&r->sheet, kind_of("int8", BM_INT8), 0, "id")->flags = BM_KEY;
    sheet_add(&r->sheet, k, layout, "v")->nulls = 5;
    column *d = sheet_add(&r->sheet, kind_of("int4", BM_INT4), 0, "d");
    d->fallback = "-7";
    d->defaults = 20;
    sheet_fill(&r->sheet, ROWS, false);
    for (size_t row = 0; row < ROWS; row++) {
        sheet_cell(&r->sheet, row, 0)->int8 = (int64_t)row;
        sheet_cell(&r->sheet, row, 2)->int4 = (int32_t)row;
        *sheet_state(&r->sheet, row, 2) = BM_VALUE;
        sheet_store(&r->sheet, row, r->sheet.rows + row * r->sheet.model.row_size);
    }
}

/* All of column v by ordinal, as the server writes it. */
static void judge(round *r, const char *table)
{
    char *found = psql_value(sv.conn,
                             "SELECT count(*) FILTER (WHERE a.v::text IS NOT DISTINCT FROM "
                             "b.v::text) || ' ' || count(*) FILTER (WHERE a.v::text = b.v::text "
                             "OR a.v IS NULL AND b.v IS NULL) || ' ' || count(*) || ' ' || "
                             "coalesce(min(id) FILTER (WHERE a.v::text IS DISTINCT FROM "
                             "b.v::text)::text, 'none') "
                             "FROM %s AS a FULL JOIN ref AS b USING (id)",
                             table);
    const char *expected = source_print(&r->source, "%zu %zu %zu none", ROWS, ROWS, ROWS);
    if (strcmp(found, expected) != 0) {
        print_error("%s, %s: %s\n", r->kind->column, table, found);
    }
    int same = strcmp(found, expected);
    free(found);
    assert_int_equal(same, 0);
}

static void create(round *r, const char *table, size_t from, size_t n, bool copies)
{
    bm_error err = BM_ERROR;
    bm_call call = {.size = sizeof call, .user = r, .on_statement = saw};
    bm_rows rows = bm_structs(&r->sheet.model, r->sheet.rows + from * r->sheet.model.row_size, n);
    r->sheet.model.table = table;
    r->copied = false;
    must(bm_bulk_create(sv.db, rows, BM_OPTIONS(bm_bulk_create_options, .call = &call), NULL, &err),
         &err);
    if (r->copied != copies) {
        fail_msg("%s: %s COPY", table, copies ? "no" : "a");
    }
}

static void table_like(round *r, const char *table)
{
    server_create(&sv, &r->sheet, table);
}

static void write_copy(round *r)
{
    table_like(r, "by_copy");
    create(r, "by_copy", 0, ROWS, !r->kind->no_copy);
    judge(r, "by_copy");
}

static void write_insert(round *r)
{
    table_like(r, "by_insert");
    create(r, "by_insert", 0, SMALL, false);
    create(r, "by_insert", SMALL, ROWS - SMALL, false);
    judge(r, "by_insert");
}

static void write_defaults(round *r)
{
    sheet *sh = &r->sheet;
    for (size_t row = 0; row < ROWS; row++) {
        uint8_t state = row % 3 == 0 ? BM_DEFAULT_CELL : BM_VALUE;
        sh->rows[row * sh->model.row_size + sh->fields[2].state_offset] = state;
    }
    table_like(r, "by_default");
    create(r, "by_default", 0, ROWS, false);
    judge(r, "by_default");
    psql_expect(
        sv.conn, "0",
        "SELECT count(*) FROM by_default WHERE d <> CASE id %% 3 WHEN 0 THEN -7 ELSE id END");
    for (size_t row = 0; row < ROWS; row++) {
        sheet_store_cell(sh, row, 2, sh->rows + row * sh->model.row_size);
    }
}

/* A table of the same keys whose v is NULL. */
static void table_of_nulls(round *r, const char *table)
{
    table_like(r, table);
    psql_run(sv.conn, "INSERT INTO %s SELECT i, NULL, i FROM generate_series(0, %zu) AS i", table,
             ROWS - 1);
    r->sheet.model.table = table;
}

static void update_named(round *r)
{
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    table_of_nulls(r, "by_name");
    must(bm_update_fields(sv.db, sheet_as_pointers(&r->sheet),
                          BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("v")), &result,
                          &err),
         &err);
    assert_int_equal(result.updated, ROWS);
    bm_result_clear(&result);
    judge(r, "by_name");
}

static void update_snapshot(round *r)
{
    bm_error err = BM_ERROR;
    bm_result read = BM_RESULT;
    const sheet *sh = &r->sheet;
    table_of_nulls(r, "by_snapshot");
    must(bm_copy_to(sv.db, bm_all(&sh->model),
                    BM_OPTIONS(bm_copy_to_options, .order_by_key = BM_ON), &read, &err),
         &err);
    assert_int_equal(bm_queryset_count(read.queryset), ROWS);
    for (size_t row = 0; row < ROWS; row++) {
        sheet_store_cell(sh, row, 1, bm_queryset_at(read.queryset, row));
    }
    must(bm_update_fields(sv.db, bm_queryset_rows(read.queryset), NULL, NULL, &err), &err);
    bm_result_clear(&read);
    judge(r, "by_snapshot");
}

/* bm_update sends a scalar; the other rows come from the reference. */
static void update_each(round *r)
{
    const sheet *sh = &r->sheet;
    bm_error err = BM_ERROR;
    table_of_nulls(r, "by_one");
    psql_run(sv.conn,
             "UPDATE by_one SET v = ref.v FROM ref WHERE ref.id = by_one.id AND ref.id >= "
             "%zu",
             ONE_BY_ONE);
    for (size_t row = 0; row < ONE_BY_ONE; row++) {
        int64_t key = (int64_t)row;
        must(bm_update(sv.db, bm_keys(&sh->model, &key, 1),
                       BM_OPTIONS(bm_update_options, .fields = BM_NAMES("v"),
                                  .values = sh->rows + row * sh->model.row_size),
                       NULL, &err),
             &err);
    }
    judge(r, "by_one");
}

/* What was read is written as text into a table of its own, and judged there. */
static void judge_read(round *r, bm_queryset *queryset)
{
    sheet back = r->sheet;
    psql_run(sv.conn, "CREATE TABLE back (LIKE ref)");
    back.cells = source_alloc(&r->source, ROWS * 3 * sizeof *back.cells);
    back.states = source_alloc(&r->source, ROWS * 3);
    for (size_t row = 0; row < ROWS; row++) {
        for (size_t c = 0; c < back.n_columns; c++) {
            bool there =
                sheet_load(&back, bm_queryset_at(queryset, row), c, sheet_cell(&back, row, c));
            *sheet_state(&back, row, c) = there ? BM_VALUE : BM_NULL;
        }
    }
    server_write(&sv, &back, "back", 0, ROWS);
    judge(r, "back");
}

/* Text that the server reshapes must come as its output function writes it. */
static void judge_shape(round *r, bm_queryset *queryset)
{
    bool text = is_variable(r->kind->type) && !r->kind->array && !r->kind->as_cast;
    if (!text || !r->kind->reshaped) {
        return;
    }
    PGresult *result = PQexec(sv.conn, "SELECT v FROM ref ORDER BY id");
    assert_int_equal(PQntuples(result), (int)ROWS);
    for (size_t row = 0; row < ROWS; row++) {
        cell value;
        bool there = sheet_load(&r->sheet, bm_queryset_at(queryset, row), 1, &value);
        assert_int_equal(PQgetisnull(result, (int)row, 0), !there);
        bm_slice expected = {PQgetvalue(result, (int)row, 0),
                             (size_t)PQgetlength(result, (int)row, 0)};
        assert_int_equal(value.text.size, expected.size);
        assert_memory_equal(value.text.data, expected.data, expected.size);
    }
    PQclear(result);
}

static void judge_rows(round *r, bm_queryset *queryset, const int64_t *keys)
{
    assert_int_equal(bm_queryset_count(queryset), ROWS);
    for (size_t row = 0; row < ROWS; row++) {
        size_t from = keys != NULL ? (size_t)keys[row] : row;
        assert_true(sheet_same(&r->sheet, from, bm_queryset_at(queryset, row)));
    }
}

static void read_back(round *r)
{
    bm_error err = BM_ERROR;
    bm_result all = BM_RESULT;
    bm_result some = BM_RESULT;
    int64_t *keys = source_alloc(&r->source, ROWS * sizeof *keys);
    for (size_t row = 0; row < ROWS; row++) {
        keys[row] = (int64_t)((row * 7) % ROWS); /* 7 and 1100 have no divisor in common */
    }
    r->sheet.model.table = "by_copy";
    must(bm_copy_to(sv.db, bm_all(&r->sheet.model),
                    BM_OPTIONS(bm_copy_to_options, .order_by_key = BM_ON), &all, &err),
         &err);
    must(bm_copy_to(sv.db, bm_keys(&r->sheet.model, keys, ROWS), NULL, &some, &err), &err);
    judge_rows(r, all.queryset, NULL);
    judge_rows(r, some.queryset, keys);
    judge_read(r, all.queryset);
    judge_shape(r, all.queryset);
    bm_result_clear(&all);
    bm_result_clear(&some);
}

static void run(const kind *k, bm_layout layout)
{
    static uint64_t seed = 20240229;
    round r = {.source = source_begin(seed++, k->column)};
    server_open(&sv);
    fill(&r, k, layout);
    server_create(&sv, &r.sheet, "ref");
    server_write(&sv, &r.sheet, "ref", 0, ROWS);
    write_copy(&r);
    write_insert(&r);
    write_defaults(&r);
    update_named(&r);
    update_each(&r);
    if (!k->not_read) {
        update_snapshot(&r);
        read_back(&r);
    }
    server_close(&sv);
    source_end(&r.source);
}

static void round_trip(void **state)
{
    const kind *k = *state;
    run(k, 0);
    if (is_variable(k->type) && k->type != BM_BYTEA && !k->array) {
        run(k, BM_CSTR);
        run(k, BM_CHARS);
    }
}

int main(void)
{
    static struct CMUnitTest tests[100];
    static char names[100][64];
    size_t n = 0;
    for (; n < n_kinds; n++) {
        static const char *const members[] = {[BM_BOOL] = "bool",
                                              [BM_INT2] = "int2",
                                              [BM_INT4] = "int4",
                                              [BM_INT8] = "int8",
                                              [BM_FLOAT4] = "float4",
                                              [BM_FLOAT8] = "float8",
                                              [BM_NUMERIC] = "numeric",
                                              [BM_TEXT] = "text",
                                              [BM_VARCHAR] = "varchar",
                                              [BM_CHAR] = "char",
                                              [BM_BYTEA] = "bytea",
                                              [BM_DATE] = "date",
                                              [BM_TIME] = "time",
                                              [BM_TIMESTAMP] = "timestamp",
                                              [BM_TIMESTAMPTZ] = "timestamptz",
                                              [BM_UUID] = "uuid",
                                              [BM_JSON] = "json",
                                              [BM_JSONB] = "jsonb",
                                              [BM_ENUM] = "enum",
                                              [BM_INTERVAL] = "interval",
                                              [BM_INET] = "inet"};
        const void *k = &kinds[n];
        snprintf(names[n], sizeof names[n], "%s from %s", kinds[n].column, members[kinds[n].type]);
        tests[n] = (struct CMUnitTest){.name = names[n], .test_func = round_trip};
        memcpy(&tests[n].initial_state, &k, sizeof k);
    }
    return _cmocka_run_group_tests("roundtrip_pg", tests, n, NULL, NULL);
}
