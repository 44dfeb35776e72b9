/*
 * Tables of random columns, written and changed by the library and, beside it, by a writer that
 * does one row, one value at a time; the database compares the two.
 *
 *     test_types_random_tables [VALUES]      at least so many in all (scoreboard B-10)
 */
#include "check.h"
#include "embedded.h"
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX ((size_t)40)
#define CHANGED_ROWS ((size_t)60)

static server sv;
static embedded em;
static uint64_t wanted;   /* values on each engine */
static uint64_t n_values; /* written, and found the same */

typedef enum form { STRUCTS, POINTERS, COLUMNS, FORMS } form;

typedef struct table {
    source source;
    sheet sheet;
    bool lite;
    bool assigned; /* the database makes the key */
    form form;
    size_t size;
    size_t batch_size;
} table;

static bm_db *db_of(const table *t)
{
    return t->lite ? em.db : sv.db;
}

static void create_tables(table *t)
{
    static const char *const names[] = {"a", "b"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (t->lite) {
            embedded_run(&em, "DROP TABLE IF EXISTS %s", names[i]);
            embedded_create(&em, &t->sheet, names[i]);
        } else {
            psql_run(sv.conn, "DROP TABLE IF EXISTS %s", names[i]);
            server_create(&sv, &t->sheet, names[i]);
        }
    }
}

static void reference_write(table *t)
{
    if (t->lite) {
        embedded_write(&em, &t->sheet, "b", 0, t->sheet.n);
    } else {
        server_write(&sv, &t->sheet, "b", 0, t->sheet.n);
    }
}

static void reference_update(table *t, size_t row, size_t c)
{
    if (t->lite) {
        embedded_update(&em, &t->sheet, "b", row, c);
    } else {
        server_update(&sv, &t->sheet, "b", row, c);
    }
}

static void same(table *t)
{
    if (t->lite) {
        embedded_same(&em, &t->sheet, "a", "b");
    } else {
        server_same(&sv, &t->sheet, "a", "b");
    }
}

/* ---- the columns */

/* A key of one or two columns whose values are made different in set_keys. */
static void add_keys(table *t)
{
    static const struct {
        const char *column;
        bm_type type;
    } forms[] = {{"int8", BM_INT8}, {"int4", BM_INT4}, {"text", BM_TEXT}, {"uuid", BM_UUID}};
    source *s = &t->source;
    t->assigned = chance(s, 40);
    if (t->assigned) {
        sheet_add(&t->sheet, kind_of("int8", BM_INT8), 0, "k0")->flags = BM_KEY | BM_ASSIGNED;
        return;
    }
    size_t n = 1 + below(s, 2);
    for (size_t i = 0; i < n; i++) {
        char name[24];
        size_t which = below(s, COUNT_OF(forms));
        snprintf(name, sizeof name, "k%zu", i);
        sheet_add(&t->sheet, kind_of(forms[which].column, forms[which].type), 0, name)->flags =
            BM_KEY;
    }
}

/* Row numbers, in an order that is not that of the rows; the second column of two is the same in
 * many rows. */
static void set_keys(table *t)
{
    sheet *sh = &t->sheet;
    for (size_t row = 0; row < sh->n; row++) {
        for (size_t c = 0; c < sh->n_columns && (sh->columns[c].flags & BM_KEY) != 0; c++) {
            cell *key = sheet_cell(sh, row, c);
            size_t number = c == 0 ? (row * 48271) % 2147483647 : row % 3;
            switch (sh->columns[c].kind->type) {
            case BM_INT8:
                key->int8 = t->assigned ? 0 : (int64_t)number - 1000;
                break;
            case BM_INT4:
                key->int4 = (int32_t)number;
                break;
            case BM_UUID:
                memset(&key->uuid, 0xA5, sizeof key->uuid);
                memcpy(key->uuid.bytes + 3, &number, sizeof number);
                break;
            default:
                key->text.data = source_print(&t->source, "k'%zu\xC3\xA9", number);
                key->text.size = strlen(key->text.data);
            }
        }
    }
}

/* A default for the columns of some types. */
static const char *fallback_of(const kind *k)
{
    static const struct {
        const char *column;
        const char *fallback;
    } fallbacks[] = {{"int4", "-42"}, {"text", "'it''s the default'"}, {"float8", "0.5"}};
    for (size_t i = 0; i < COUNT_OF(fallbacks); i++) {
        if (strcmp(k->column, fallbacks[i].column) == 0) {
            return fallbacks[i].fallback;
        }
    }
    return NULL;
}

static const kind *some_kind(table *t)
{
    const kind *k;
    do {
        k = &kinds[below(&t->source, n_kinds)];
    } while (t->lite ? k->lite == NULL : k->not_read);
    return k;
}

static bm_layout some_layout(table *t, const kind *k)
{
    static const bm_layout layouts[] = {BM_CSTR, BM_SLICE, BM_CHARS};
    bool text = is_variable(k->type) && k->type != BM_BYTEA && !k->array;
    return text ? layouts[below(&t->source, COUNT_OF(layouts))] : 0;
}

static void add_columns(table *t, size_t n)
{
    source *s = &t->source;
    bool any_default = chance(s, 40);
    for (size_t i = 0; i < n; i++) {
        char name[24];
        const kind *k = some_kind(t);
        snprintf(name, sizeof name, "v%zu", i);
        column *col = sheet_add(&t->sheet, k, some_layout(t, k), name);
        col->nulls = chance(s, 60) ? (unsigned)below(s, 100) : 0;
        if (any_default && fallback_of(k) != NULL) {
            col->fallback = fallback_of(k);
            col->defaults = chance(s, 50) ? 10 : 0;
        }
    }
}

/* ---- the rows */

static bm_rows rows_of(table *t, form how)
{
    return how == STRUCTS    ? sheet_rows(&t->sheet)
           : how == POINTERS ? sheet_as_pointers(&t->sheet)
                             : sheet_as_columns(&t->sheet);
}

/* What the database made is the rows' key from now on. */
static void learn_keys(table *t, bm_queryset *made)
{
    sheet *sh = &t->sheet;
    bm_column keys;
    assert_int_equal(bm_queryset_column(made, "k0", &keys), BM_OK);
    for (size_t row = 0; row < sh->n; row++) {
        memcpy(&sheet_cell(sh, row, 0)->int8,
               (const char *)keys.data + (ptrdiff_t)row * keys.stride, sizeof(int64_t));
        *sheet_state(sh, row, 0) = BM_VALUE;
        sheet_store_cell(sh, row, 0, sh->rows + row * sh->model.row_size);
    }
}

static void create(table *t, bm_result *made)
{
    bm_error err = BM_ERROR;
    bool concurrent = chance(&t->source, 20);
    must(bm_bulk_create(db_of(t), rows_of(t, t->form),
                        BM_OPTIONS(bm_bulk_create_options, .batch_size = t->batch_size,
                                   .concurrent = concurrent ? BM_ON : BM_DEFAULT,
                                   .return_queryset = BM_ON),
                        made, &err),
         &err);
    assert_int_equal(made->inserted, t->sheet.n);
    assert_int_equal(bm_queryset_count(made->queryset), t->sheet.n);
    if (t->assigned) {
        learn_keys(t, made->queryset);
    }
}

/* A default is, from now on, what the database made of it. */
static bool is_default(const table *t, size_t row, size_t c)
{
    return *sheet_state(&t->sheet, row, c) == BM_DEFAULT_CELL;
}

/* A random cell that is no key gets a new value, in the sheet and in the reference table. */
static size_t change_cell(table *t, size_t row, size_t first)
{
    sheet *sh = &t->sheet;
    size_t c = first + below(&t->source, sh->n_columns - first);
    sheet_make(sh, row, c, below(&t->source, 3000));
    if (is_default(t, row, c)) {
        *sheet_state(sh, row, c) = BM_VALUE;
    }
    reference_update(t, row, c);
    return c;
}

static void begin_reference(table *t, const char *sql)
{
    if (t->lite) {
        embedded_run(&em, "%s", sql);
    } else {
        psql_run(sv.conn, "%s", sql);
    }
}

static size_t first_value(const table *t)
{
    size_t c = 0;
    while (c < t->sheet.n_columns && (t->sheet.columns[c].flags & BM_KEY) != 0) {
        c++;
    }
    return c;
}

/* Random cells of random rows, through the snapshot. */
static void update_by_snapshot(table *t, bm_queryset *queryset)
{
    bm_error err = BM_ERROR;
    size_t first = first_value(t);
    if (first == t->sheet.n_columns || bm_queryset_at(queryset, 0) == NULL) {
        return;
    }
    begin_reference(t, "BEGIN");
    for (size_t i = 0; i < CHANGED_ROWS; i++) {
        size_t row = below(&t->source, t->sheet.n);
        for (size_t n = 1 + below(&t->source, 4); n > 0; n--) {
            size_t c = change_cell(t, row, first);
            sheet_store_cell(&t->sheet, row, c, bm_queryset_at(queryset, row));
        }
    }
    begin_reference(t, "COMMIT");
    must(bm_update_fields(db_of(t), bm_queryset_rows(queryset),
                          BM_OPTIONS(bm_update_fields_options, .batch_size = t->batch_size), NULL,
                          &err),
         &err);
    same(t);
}

/* Some columns, by name, of all rows; where a cell may have a state, half of them stay as they are
 * (which the reference does not hear of). */
static void update_by_name(table *t)
{
    bm_error err = BM_ERROR;
    sheet *sh = &t->sheet;
    const char *names[4] = {NULL};
    size_t first = first_value(t);
    size_t n = sh->n_columns - first < 3 ? sh->n_columns - first : 3;
    if (n == 0) {
        return;
    }
    size_t start = first + below(&t->source, sh->n_columns - first - n + 1);
    uint8_t *kept = source_alloc(&t->source, sh->n * n);
    memset(kept, 0, sh->n * n);
    size_t step = sh->n > 300 ? sh->n / 100 : 1;
    begin_reference(t, "BEGIN");
    for (size_t i = 0; i < n; i++) {
        names[i] = sh->names[start + i];
        bool states = sh->fields[start + i].state_offset != BM_NO_STATE;
        for (size_t row = 0; row < sh->n; row++) {
            size_t c = start + i;
            kept[row * n + i] = states && (row % step != 0 || is_default(t, row, c));
            if (row % step == 0 && !kept[row * n + i]) {
                sheet_make(sh, row, c, below(&t->source, 3000));
                *sheet_state(sh, row, c) &= BM_NULL; /* no default */
                reference_update(t, row, c);
            }
        }
    }
    begin_reference(t, "COMMIT");
    for (size_t row = 0; row < sh->n; row++) {
        uint8_t *at = sh->rows + row * sh->model.row_size;
        sheet_store(sh, row, at);
        for (size_t i = 0; i < n; i++) {
            if (kept[row * n + i]) {
                at[sh->fields[start + i].state_offset] = BM_KEEP;
            }
        }
    }
    must(bm_update_fields(
             db_of(t), rows_of(t, chance(&t->source, 50) ? STRUCTS : POINTERS),
             BM_OPTIONS(bm_update_fields_options, .fields = names, .batch_size = t->batch_size),
             NULL, &err),
         &err);
    same(t);
}

/* All rows, as the library reads them, are the sheet's. */
static void read_back(table *t)
{
    bm_error err = BM_ERROR;
    bm_result read = BM_RESULT;
    must(bm_copy_to(db_of(t), sheet_rows(&t->sheet), NULL, &read, &err), &err);
    assert_int_equal(bm_queryset_count(read.queryset), t->sheet.n);
    for (size_t row = 0; row < t->sheet.n; row++) {
        assert_true(sheet_same(&t->sheet, row, bm_queryset_at(read.queryset, row)));
    }
    bm_result_clear(&read);
}

static void run_table(uint64_t seed, size_t size, bool lite)
{
    char what[64];
    table t = {.lite = lite, .size = size};
    snprintf(what, sizeof what, "%s, %zu rows", lite ? "SQLite" : "PostgreSQL", size);
    t.source = source_begin(seed, what);
    t.source.lite = lite;
    sheet_begin(&t.sheet, &t.source, "a");
    add_keys(&t);
    size_t most = size > 2000 ? 8 : COLUMNS_MAX;
    size_t n = 1 + below(&t.source, chance(&t.source, 30) ? most : most / 3);
    size_t keys = t.sheet.n_columns;
    add_columns(&t, n > keys ? n - keys : t.assigned);
    t.form = (form)below(&t.source, FORMS);
    t.batch_size = chance(&t.source, 50) ? 0 : 1 + below(&t.source, size > 1000 ? size : 300);
    sheet_fill(&t.sheet, size, true);
    set_keys(&t);
    for (size_t row = 0; row < size; row++) {
        sheet_store(&t.sheet, row, t.sheet.rows + row * t.sheet.model.row_size);
    }
    create_tables(&t);
    bm_result made = BM_RESULT;
    create(&t, &made);
    reference_write(&t);
    same(&t);
    update_by_snapshot(&t, made.queryset);
    update_by_name(&t);
    read_back(&t);
    n_values += t.sheet.n * t.sheet.n_columns;
    bm_result_clear(&made);
    source_end(&t.source);
}

static const size_t sizes[] = {1, 2, 255, 256, 257, 511, 999, 1000, 1001, 5000};

static void run_tables(uint64_t seed, bool lite)
{
    uint64_t before = n_values;
    for (uint64_t i = 0; i < 4 * COUNT_OF(sizes) || n_values - before < wanted; i++) {
        run_table(seed + i, sizes[i % COUNT_OF(sizes)], lite);
    }
}

static void on_postgresql(void **state)
{
    (void)state;
    run_tables(1000, false);
}

static void on_sqlite(void **state)
{
    (void)state;
    run_tables(2000, true);
}

static int open_both(void **state)
{
    (void)state;
    server_open(&sv);
    embedded_open(&em);
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    server_close(&sv);
    embedded_close(&em);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_postgresql),
        cmocka_unit_test(on_sqlite),
    };
    wanted = argc > 1 ? strtoull(argv[1], NULL, 10) / 2 : 0;
    int failed = cmocka_run_group_tests(tests, open_both, close_both);
    print_message("# B-10: %llu values on two engines\n", (unsigned long long)n_values);
    return failed;
}
