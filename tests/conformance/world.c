#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* vasprintf */
#endif

#include "world.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------------ the judge */

static char *text_of(const char *format, va_list arguments)
{
    char *text = NULL;
    if (vasprintf(&text, format, arguments) < 0) {
        fail_msg("no memory");
    }
    return text;
}

/* SQLite: a connection of the judge's own; of ":memory:" there is only a copy to look at. */
static sqlite3 *look(world *w)
{
    sqlite3 *lite = NULL;
    char path[TEST_PATH_MAX];
    snprintf(path, sizeof path, "%s", w->path);
    if (w->on->bit == ON_LITE_MEMORY) {
        char sql[TEST_PATH_MAX + 32];
        test_sqlite_file(path, NULL);
        snprintf(sql, sizeof sql, "VACUUM INTO '%s'", path);
        bm_error err = BM_ERROR;
        if (bm_execute(w->db, sql, &err) != BM_OK) {
            fail_msg("no copy of the database to look at: %s", err.message);
        }
    }
    if (sqlite3_open(path, &lite) != SQLITE_OK) {
        fail_msg("%s", sqlite3_errmsg(lite));
    }
    sqlite3_busy_timeout(lite, 5000);
    return lite;
}

static void run_sqlite(world *w, const char *sql)
{
    sqlite3 *lite = look(w);
    char *message = NULL;
    int code = sqlite3_exec(lite, sql, NULL, NULL, &message);
    sqlite3_close(lite);
    if (code != SQLITE_OK) {
        print_error("%s\n", sql);
        fail_msg("%s", message != NULL ? message : "");
    }
}

void run(world *w, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = text_of(format, arguments);
    va_end(arguments);
    bm_error err = BM_ERROR;
    if (w->pg != NULL) {
        psql_run(w->pg, "%s", sql);
    } else if (w->on->bit == ON_LITE_MEMORY && bm_execute(w->db, sql, &err) != BM_OK) {
        fail_msg("%s", err.message);
    } else if (w->on->bit == ON_FILE) {
        run_sqlite(w, sql);
    }
    free(sql);
}

static char *rows_of_sqlite(world *w, const char *sql)
{
    sqlite3 *lite = look(w);
    sqlite3_stmt *statement = NULL;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    int code = sqlite3_prepare_v2(lite, sql, -1, &statement, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        for (int i = 0; code == SQLITE_ROW && i < sqlite3_column_count(statement); i++) {
            const unsigned char *cell = sqlite3_column_text(statement, i);
            fprintf(out, "%s%s", i > 0 ? "|" : "", cell != NULL ? (const char *)cell : "NULL");
        }
        fputs(code == SQLITE_ROW ? "\n" : "", out);
    }
    if (code != SQLITE_DONE) {
        print_error("%s\n%s\n", sql, sqlite3_errmsg(lite));
    }
    sqlite3_finalize(statement);
    sqlite3_close(lite);
    fclose(out);
    if (code != SQLITE_DONE) {
        free(text);
        fail_msg("the judge could not read");
    }
    return text;
}

static char *judge(world *w, const char *sql)
{
    return w->pg != NULL ? psql_table(w->pg, "%s", sql) : rows_of_sqlite(w, sql);
}

char *rows_of(world *w, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = text_of(format, arguments);
    va_end(arguments);
    char *text = judge(w, sql);
    free(sql);
    return text;
}

static void expect_text(world *w, const char *expected, char *sql)
{
    char *text = judge(w, sql);
    bool same = strcmp(text, expected) == 0;
    if (!same) {
        print_error("%s\nthe server says\n%sexpected was\n%s", sql, text, expected);
    }
    free(sql);
    free(text);
    assert_true(same);
}

void expect(world *w, const char *expected, const char *format, ...)
{
    if (!w->on->keeps_rows) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    char *sql = text_of(format, arguments);
    va_end(arguments);
    expect_text(w, expected, sql);
}

int64_t number(world *w, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = text_of(format, arguments);
    va_end(arguments);
    char *text = judge(w, sql);
    char *end = NULL;
    int64_t value = strtoll(text, &end, 10);
    bool whole = end != text && strcmp(end, "\n") == 0;
    if (!whole) {
        print_error("%s\nthe server says\n%s", sql, text);
    }
    free(sql);
    free(text);
    assert_true(whole);
    return value;
}

FILE *text_begin(char **text)
{
    static size_t size; /* nobody asks */
    FILE *out = open_memstream(text, &size);
    assert_non_null(out);
    return out;
}

void expect_number(world *w, int64_t expected, const char *format, ...)
{
    if (!w->on->keeps_rows) {
        return;
    }
    char line[32];
    va_list arguments;
    va_start(arguments, format);
    char *sql = text_of(format, arguments);
    va_end(arguments);
    snprintf(line, sizeof line, "%lld\n", (long long)expected);
    expect_text(w, line, sql);
}

/* ---------------------------------------------------------------------------------- the library */

static void tell(const bm_error *err, bm_status got)
{
    print_error(
        "%s: %s (row %zd, other %zd, column \"%s\", constraint \"%s\", sqlstate %s, fate %d, "
        "stage %d)\n",
        bm_status_name(got), err->message, (ssize_t)err->row, (ssize_t)err->other_row, err->column,
        err->constraint, err->sqlstate, (int)err->fate, (int)err->stage);
}

void ok(const world *w, bm_status status)
{
    if (status != BM_OK) {
        tell(&w->err, status);
    }
    assert_int_equal(status, BM_OK);
}

void refused(const world *w, bm_status got, bm_status want, size_t row, const char *column)
{
    bool same = got == want && w->err.status == want && w->err.row == row &&
                strcmp(w->err.column, column) == 0;
    if (!same) {
        tell(&w->err, got);
        print_error("expected was %s, row %zd, column \"%s\"\n", bm_status_name(want), (ssize_t)row,
                    column);
    }
    assert_true(same);
    assert_true(w->err.message[0] != '\0');
}

bm_result *fresh(world *w)
{
    bm_result_clear(&w->result);
    return &w->result;
}

bm_db *open_again(world *w, const char *words)
{
    char url[sizeof w->url + 128];
    bm_db *db = NULL;
    snprintf(url, sizeof url, "%s%s%s", w->url, words[0] != '\0' ? " " : "", words);
    ok(w, bm_open(url, NULL, &db, &w->err));
    return db;
}

void world_role(world *w)
{
    char words[TEST_NAME_MAX + 8];
    test_fresh_name(w->role);
    psql_run(w->pg, "CREATE ROLE %s LOGIN; GRANT USAGE ON SCHEMA %s TO %s", w->role, w->schema,
             w->role);
    snprintf(words, sizeof words, "user=%s", w->role);
    bm_close(w->db);
    w->db = open_again(w, words);
}

void explains(world *w, const char *verb, bm_rows rows, const void *options, const char *words)
{
    char *text = NULL;
    ok(w, bm_explain(w->db, verb, rows, options, &text, &w->err));
    bool found = strstr(text, words) != NULL;
    if (!found) {
        print_error("%s\ndoes not say \"%s\"\n", text, words);
    }
    bm_free(text);
    assert_true(found);
}

void expect_outcomes(const world *w, const char *letters)
{
    static const char of[] = "-iu=mgd";
    const bm_result *result = &w->result;
    size_t n = strlen(letters);
    char *got = calloc(result->n_outcomes + 1, 1);
    for (size_t i = 0; i < result->n_outcomes; i++) {
        got[i] = of[result->outcomes[i] < sizeof of - 1 ? result->outcomes[i] : 0];
    }
    bool same = n == result->n_outcomes && strcmp(got, letters) == 0;
    if (!same) {
        print_error("outcomes are   %s\nexpected were  %s\n", got, letters);
    }
    free(got);
    assert_true(same);
}

/* -------------------------------------------------------------------------------------- a table */

const bm_model item_model =
    BM_MODEL("item", item, BM_FIELD(item, id, BM_INT8, BM_KEY | BM_ASSIGNED),
             BM_FIELD_STATE(item, name, BM_VARCHAR, 0, name_state),
             BM_FIELD_STATE(item, value, BM_INT4, 0, value_state),
             BM_FIELD_STATE(item, note, BM_TEXT, 0, note_state));

const bm_model item_given_model =
    BM_MODEL("item", item, BM_FIELD_STATE(item, id, BM_INT8, BM_KEY, id_state),
             BM_FIELD_STATE(item, name, BM_VARCHAR, 0, name_state),
             BM_FIELD_STATE(item, value, BM_INT4, 0, value_state),
             BM_FIELD_STATE(item, note, BM_TEXT, 0, note_state));

void make_items(world *w, const char *more)
{
    run(w,
        "CREATE TABLE item (id %s, name varchar(50) NOT NULL, value integer DEFAULT 7, "
        "note text DEFAULT 'none'%s)",
        w->on->made_key, more);
}

item *some_items(size_t n, int64_t first, int64_t step)
{
    item *rows = calloc(n > 0 ? n : 1, sizeof *rows + 24);
    assert_non_null(rows);
    char *names = (char *)(rows + n);
    for (size_t i = 0; i < n; i++) {
        snprintf(names + 24 * i, 24, "n%zu", i);
        rows[i].id = first + step * (int64_t)i;
        rows[i].name = names + 24 * i;
        rows[i].value = (int32_t)(10 * i);
        rows[i].note = "text";
    }
    return rows;
}

void add_item(world *w, bm_db *db, int32_t value)
{
    const item row = {.name = "added", .value = value};
    ok(w, bm_bulk_create(db, bm_structs(&item_model, &row, 1), NULL, NULL, &w->err));
}

void upsert_with_a_dropped_row(world *w)
{
    item *rows = some_items(3, 1, 1);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 3),
                         CREATE(.update_conflicts = BM_ON, .allow_skipped = BM_ON,
                                .return_outcomes = BM_ON, .return_queryset = BM_ON),
                         fresh(w), &w->err));
    expect_outcomes(w, "ugi");
    assert_int_equal(w->result.inserted, 1);
    assert_int_equal(w->result.updated, 1);
    assert_int_equal(w->result.ignored, 1);
    assert_int_equal(bm_queryset_count(w->result.queryset), 2);
    free(rows);
}

const bm_model word_model =
    BM_MODEL("word", word, BM_FIELD(word, word, BM_TEXT, BM_KEY), BM_FIELD(word, n, BM_INT4, 0));

/* ---------------------------------------------------------------------------- cases x engines */

typedef struct binding {
    world world;
    const engine *on;
    void (*run)(world *w);
} binding;

static int set_up(void **state)
{
    binding *b = *state;
    world *w = &b->world;
    *w = (world){.on = b->on, .err = BM_ERROR, .result = BM_RESULT};
    switch (w->on->bit) {
    case ON_FILE:
        test_sqlite_file(w->path, w->url);
        break;
    case ON_LITE_MEMORY:
        snprintf(w->url, sizeof w->url, "sqlite::memory:");
        break;
    case ON_POSTGRESQL:
        w->pg = psql_open(w->schema);
        snprintf(w->url, sizeof w->url, "%s options='-c search_path=%s,public'", test_postgresql(),
                 w->schema);
        break;
    default:
        snprintf(w->url, sizeof w->url, "memory:");
        break;
    }
    w->db = open_again(w, "");
    return 0;
}

static int tear_down(void **state)
{
    binding *b = *state;
    world *w = &b->world;
    bm_result_clear(&w->result);
    bm_close(w->db);
    if (w->role[0] != '\0') {
        psql_run(w->pg, "DROP OWNED BY %s; DROP ROLE %s", w->role, w->role);
    }
    psql_close(w->pg, w->schema);
    return 0;
}

static void run_case(void **state)
{
    binding *b = *state;
    b->run(&b->world);
}

int conformance_run(const char *group, const conformance_case *cases, size_t n)
{
    binding *bindings = calloc(n * N_ENGINES, sizeof *bindings);
    struct CMUnitTest *tests = calloc(n * N_ENGINES, sizeof *tests);
    char(*names)[128] = calloc(n * N_ENGINES, sizeof *names);
    const char *only = getenv("CONFORMANCE_ONLY");
    const char *name = getenv("CONFORMANCE_ENGINE");
    size_t count = 0;
    for (size_t i = 0; i < n * N_ENGINES; i++) {
        const conformance_case *one = &cases[i / N_ENGINES];
        const engine *on = &engines[i % N_ENGINES];
        if ((one->engines & on->bit) == 0 || (only != NULL && strcmp(only, one->name) != 0) ||
            (name != NULL && strcmp(name, on->name) != 0)) {
            continue;
        }
        snprintf(names[count], sizeof names[count], "%s: %s", on->name, one->name);
        bindings[count] = (binding){.on = on, .run = one->run};
        tests[count] = (struct CMUnitTest){.name = names[count],
                                           .test_func = run_case,
                                           .setup_func = set_up,
                                           .teardown_func = tear_down,
                                           .initial_state = &bindings[count]};
        count++;
    }
    int failed = _cmocka_run_group_tests(group, tests, count, NULL, NULL);
    free(names);
    free(tests);
    free(bindings);
    return failed;
}
