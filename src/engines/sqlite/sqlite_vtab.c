#include "sqlite_vtab.h"

#include "sqlite_bounds.h"
#include "storage.h"
#include "type.h"
#include "utf8.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#ifdef BM_SQLITE_EXTENSION
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3
#else
#include <sqlite3.h>
#endif

#define MODULE_NAME "bulkmodel_batch"
#define FIRST_WIDTH 16 /* columns declared at first: declaring takes time quadratic in them */
#define STOP_EVERY 256 /* rows between two looks at `stop`; a power of two */

typedef struct cursor cursor;
typedef struct column column;

/* Give the cell of the cursor's row to SQLite; a result that is not set is NULL. */
typedef void give_fn(const cursor *c, const column *from, sqlite3_context *context);

/* A view, resolved once for a statement. */
struct column {
    give_fn *give;
    give_fn *give_value; /* the same, where the state is known to be BM_VALUE */
    const char *data;    /* cells at data + row * stride; NULL: rows of pointers */
    ptrdiff_t stride;
    const bm__view *view;
    bm__cell value;           /* where one value is all the column's */
    char text[BM__PRINT_MAX]; /* of `value` */
};

struct bm__sqlite_source {
    unsigned references; /* the owner's, and one for each module that was registered */
    uint64_t turn;       /* counts offers: a cursor of another turn is dead */
    const bm__batch *batch;
    column *columns;
    size_t capacity; /* of columns */
    size_t declared; /* c0 .. c[declared - 1] */
    bool (*stop)(void *context);
    void *context;
    uint64_t scans; /* begun in this turn */
    bm__sqlite_place place;
    int64_t *keys;         /* of rows being inserted: where they go; or NULL */
    sqlite3_int64 earlier; /* the last rowid before them */
};

typedef struct table {
    sqlite3_vtab base;
    sqlite3 *db;
    bm__sqlite_source *source;
} table;

struct cursor {
    sqlite3_vtab_cursor base;
    bm__sqlite_source *source;
    uint64_t turn;
    size_t ord; /* row of the batch */
    size_t end;
    size_t row; /* row of the views */
};

/* --------------------------------------------------------------------------------------- cells */

static inline const void *cell_at(const cursor *c, const column *from)
{
    return from->data != NULL ? from->data + (ptrdiff_t)c->row * from->stride
                              : bm__view_cell(from->view, c->row);
}

/* `owned`: the bytes stay where they are until the batch is withdrawn. */
static void give(sqlite3_context *context, const bm__cell *cell, bool owned)
{
    sqlite3_destructor_type keep = owned ? SQLITE_STATIC : SQLITE_TRANSIENT;
    switch (cell->kind) {
    case BM__CELL_INTEGER:
        sqlite3_result_int64(context, cell->integer);
        break;
    case BM__CELL_REAL:
        sqlite3_result_double(context, cell->real);
        break;
    case BM__CELL_TEXT:
        if (cell->size <= INT_MAX) {
            sqlite3_result_text(context, cell->data, (int)cell->size, keep);
        } else {
            sqlite3_result_text64(context, cell->data, cell->size, keep, SQLITE_UTF8);
        }
        break;
    case BM__CELL_BLOB:
        sqlite3_result_blob64(context, cell->data, cell->size, keep);
        break;
    case BM__CELL_NULL:
    case BM__CELL_BYTES:
        sqlite3_result_null(context);
        break;
    }
}

static void give_constant(const cursor *c, const column *from, sqlite3_context *context)
{
    (void)c;
    give(context, &from->value, true);
}

static void give_int4(const cursor *c, const column *from, sqlite3_context *context)
{
    int32_t value;
    memcpy(&value, cell_at(c, from), sizeof value);
    sqlite3_result_int64(context, value);
}

static void give_int8(const cursor *c, const column *from, sqlite3_context *context)
{
    int64_t value;
    memcpy(&value, cell_at(c, from), sizeof value);
    sqlite3_result_int64(context, value);
}

static void give_any(const cursor *c, const column *from, sqlite3_context *context)
{
    const bm_column *cells = &from->view->cells;
    char scratch[BM__PRINT_MAX];
    bm__cell cell;
    cell.data = NULL;
    const char *fault = bm__sqlite_value(cells->type, cells->layout, cells->width, cell_at(c, from),
                                         scratch, &cell);
    if (fault != NULL) {
        c->source->place.fault = fault;
        c->source->place.view = (size_t)(from - c->source->columns);
        c->source->place.row = c->ord;
        sqlite3_result_error(context, fault, -1);
    } else {
        give(context, &cell, cell.data != scratch);
    }
}

/* Text of a `const char *`, where NULL is NULL. */
static void give_string(const cursor *c, const column *from, sqlite3_context *context)
{
    const char *text;
    memcpy(&text, cell_at(c, from), sizeof text);
    if (text == NULL) {
        return;
    }
    size_t size = strlen(text);
    if (size <= INT_MAX && bm__text_fault(text, size) == NULL) {
        sqlite3_result_text(context, text, (int)size, SQLITE_STATIC);
    } else {
        give_any(c, from, context);
    }
}

/* Text of a bm_slice, which was looked at when it was checked, but may be another since. */
static void give_slice(const cursor *c, const column *from, sqlite3_context *context)
{
    bm_slice text;
    memcpy(&text, cell_at(c, from), sizeof text);
    if (text.data != NULL && text.size <= INT_MAX && bm__text_fault(text.data, text.size) == NULL) {
        sqlite3_result_text(context, text.data, (int)text.size, SQLITE_STATIC);
    } else {
        give_any(c, from, context);
    }
}

static void give_by_state(const cursor *c, const column *from, sqlite3_context *context)
{
    if (bm__view_state(from->view, c->row) == BM_VALUE) {
        from->give_value(c, from, context);
    }
}

static bool has_state_bytes(const bm__view *view)
{
    return view->rows != NULL ? view->state_offset != BM_NO_STATE
                              : view->cells.states != NULL || view->cells.validity != NULL;
}

/* One cell for all rows is made a value once.  A fault is left to the row that meets it. */
static bool is_constant(column *out, const bm_column *cells)
{
    return out->data != NULL && cells->stride == 0 && !has_state_bytes(out->view) &&
           bm__sqlite_value(cells->type, cells->layout, cells->width, cells->data, out->text,
                            &out->value) == NULL;
}

static give_fn *giver_of(const bm_column *cells)
{
    if (cells->type == BM_INT4) {
        return give_int4;
    }
    if (cells->type == BM_INT8) {
        return give_int8;
    }
    bool is_text = bm__type_is_text(cells->type) && cells->type != BM_NUMERIC;
    if (is_text && cells->layout == BM_SLICE) {
        return give_slice;
    }
    return is_text && cells->layout == BM_CSTR ? give_string : give_any;
}

static void resolve(column *out, const bm__view *view)
{
    const bm_column *cells = &view->cells;
    out->view = view;
    out->data = view->rows == NULL ? cells->data : NULL;
    out->stride = cells->stride;
    out->give_value = is_constant(out, cells) ? give_constant : giver_of(cells);
    bool in_place = out->give_value == give_constant ||
                    (out->give_value == give_string && !has_state_bytes(view));
    out->give = in_place || !bm__view_has_states(view) ? out->give_value : give_by_state;
}

/* ------------------------------------------------------------------------------------- source */

bm__sqlite_source *bm__sqlite_source_create(void)
{
    bm__sqlite_source *source = calloc(1, sizeof *source);
    if (source != NULL) {
        source->references = 1;
        source->declared = FIRST_WIDTH;
        source->place.row = BM_NO_ROW;
    }
    return source;
}

static void drop_reference(void *context)
{
    bm__sqlite_source *source = context;
    if (--source->references == 0) {
        free(source->columns);
        free(source);
    }
}

void bm__sqlite_source_release(bm__sqlite_source *source)
{
    if (source != NULL) {
        bm__sqlite_source_withdraw(source);
        drop_reference(source);
    }
}

int bm__sqlite_source_offer(bm__sqlite_source *source, const bm__batch *batch,
                            bool (*stop)(void *context), void *context, bool *widened)
{
    *widened = false;
    if (batch->n_views > BM__SQLITE_MAX_VIEWS) {
        return SQLITE_RANGE;
    }
    if (batch->n_views > source->capacity) {
        column *columns = realloc(source->columns, batch->n_views * sizeof *columns);
        if (columns == NULL) {
            return SQLITE_NOMEM;
        }
        source->columns = columns;
        source->capacity = batch->n_views;
    }
    while (source->declared < batch->n_views) {
        size_t twice = source->declared * 2;
        source->declared = twice < BM__SQLITE_MAX_VIEWS ? twice : BM__SQLITE_MAX_VIEWS;
        *widened = true;
    }
    for (size_t i = 0; i < batch->n_views && batch->n_rows > 0; i++) {
        resolve(&source->columns[i], &batch->views[i]);
    }
    source->batch = batch;
    source->stop = stop;
    source->context = context;
    source->turn++;
    source->scans = 0;
    source->place = (bm__sqlite_place){.row = BM_NO_ROW};
    source->keys = NULL;
    return SQLITE_OK;
}

void bm__sqlite_source_withdraw(bm__sqlite_source *source)
{
    source->batch = NULL;
    source->keys = NULL;
    source->turn++;
}

void bm__sqlite_source_watch(bm__sqlite_source *source, int64_t *keys)
{
    source->keys = keys;
}

bm__sqlite_place bm__sqlite_source_place(const bm__sqlite_source *source)
{
    return source->place;
}

/* ---------------------------------------------------------------------------------------- table */

static int fail(sqlite3_vtab *base, const char *message)
{
    sqlite3_free(base->zErrMsg);
    base->zErrMsg = sqlite3_mprintf("%s", message);
    return base->zErrMsg != NULL ? SQLITE_ERROR : SQLITE_NOMEM;
}

static int connect_table(sqlite3 *db, void *aux, int argc, const char *const *argv,
                         sqlite3_vtab **out, char **message)
{
    (void)argc;
    (void)argv;
    (void)message;
    bm__sqlite_source *source = aux;
    sqlite3_str *sql = sqlite3_str_new(db);
    sqlite3_str_appendall(sql, "CREATE TABLE x(ord INTEGER HIDDEN");
    for (size_t i = 0; i < source->declared; i++) {
        sqlite3_str_appendf(sql, ",c%d", (int)i);
    }
    sqlite3_str_appendall(sql, ")");
    char *text = sqlite3_str_finish(sql);
    if (text == NULL) {
        return SQLITE_NOMEM;
    }
    int rc = sqlite3_declare_vtab(db, text);
    sqlite3_free(text);
    if (rc == SQLITE_OK) {
        rc = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    }
    table *made = rc == SQLITE_OK ? sqlite3_malloc64(sizeof *made) : NULL;
    if (made == NULL) {
        return rc != SQLITE_OK ? rc : SQLITE_NOMEM;
    }
    *made = (table){.db = db, .source = source};
    *out = &made->base;
    return SQLITE_OK;
}

static int disconnect_table(sqlite3_vtab *base)
{
    sqlite3_free(base);
    return SQLITE_OK;
}

/* --------------------------------------------------------------------------------------- cursor */

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    bm__sqlite_source *source = ((table *)base)->source;
    if (source->batch == NULL) {
        return fail(base, MODULE_NAME " has no batch: it can be read by the library's own "
                                      "statements only");
    }
    cursor *c = sqlite3_malloc64(sizeof *c);
    if (c == NULL) {
        return SQLITE_NOMEM;
    }
    *c = (cursor){.source = source, .turn = source->turn};
    source->place.was_read = true;
    *out = &c->base;
    return SQLITE_OK;
}

static bool is_dead(const cursor *c)
{
    return c->turn != c->source->turn;
}

static bool is_at_end(const cursor *c)
{
    return c->ord >= c->end;
}

/* The only rowid that SQLite makes for no row (src/vdbe.c, OP_NewRowid). */
#define NO_KEY INT64_MIN

static sqlite3 *db_of(const cursor *c)
{
    return ((const table *)c->base.pVtab)->db;
}

static void begin_watch(const cursor *c)
{
    c->source->earlier = sqlite3_last_insert_rowid(db_of(c));
    c->source->place.n_keys = 0;
    sqlite3_set_last_insert_rowid(db_of(c), NO_KEY);
}

/* Where no row was inserted, the last rowid is what it was. */
static void end_watch(const cursor *c)
{
    if (sqlite3_last_insert_rowid(db_of(c)) == NO_KEY) {
        sqlite3_set_last_insert_rowid(db_of(c), c->source->earlier);
    }
}

/* The cursor's row was inserted, or there is nothing to be seen.  One that the table's ON CONFLICT
 * has ignored leaves the last rowid as it was. */
static bool see_key(const cursor *c)
{
    bm__sqlite_source *source = c->source;
    sqlite3_int64 key = sqlite3_last_insert_rowid(db_of(c));
    if (key == NO_KEY) {
        end_watch(c);
        source->keys = NULL;
        source->place.blind = true;
        return false;
    }
    bool is_new = c->ord == 0 || source->keys[c->ord - 1] != key;
    source->keys[c->ord] = key;
    source->place.n_keys += is_new;
    return true;
}

/* SQLite closes the cursors of a statement that fails before it returns: here is the last look. */
static int close_cursor(sqlite3_vtab_cursor *base)
{
    cursor *c = (cursor *)base;
    if (!is_dead(c) && c->source->keys != NULL) {
        end_watch(c);
    }
    if (!is_dead(c) && c->source->place.fault == NULL) {
        bool known = c->source->scans == 1 && !is_at_end(c);
        c->source->place.row = known ? c->ord : BM_NO_ROW;
    }
    sqlite3_free(c);
    return SQLITE_OK;
}

static void find_row(cursor *c)
{
    if (!is_at_end(c)) {
        c->row = bm__batch_row(c->source->batch, c->ord);
    }
}

static int filter(sqlite3_vtab_cursor *base, int plan, const char *name, int argc,
                  sqlite3_value **argv)
{
    (void)name;
    (void)argc;
    cursor *c = (cursor *)base;
    if (is_dead(c)) {
        return fail(base->pVtab, MODULE_NAME ": the batch no longer exists");
    }
    c->source->scans++;
    c->ord = 0;
    c->end = c->source->batch->n_rows;
    bm__sqlite_narrow(plan, argv, &c->ord, &c->end);
    if (c->source->keys != NULL) {
        begin_watch(c);
    }
    find_row(c);
    return SQLITE_OK;
}

/* SQLITE_ABORT and not SQLITE_INTERRUPT, for which SQLite takes back the whole transaction
 * (src/vdbeaux.c, sqlite3VdbeHalt). */
static int next_row(sqlite3_vtab_cursor *base)
{
    cursor *c = (cursor *)base;
    if (is_dead(c)) {
        return fail(base->pVtab, MODULE_NAME ": the batch no longer exists");
    }
    if (c->source->keys != NULL && !see_key(c)) {
        return fail(base->pVtab, MODULE_NAME ": the keys cannot be seen");
    }
    c->ord++;
    const bm__sqlite_source *source = c->source;
    if (c->ord % STOP_EVERY == 0 && source->stop != NULL && source->stop(source->context)) {
        return SQLITE_ABORT;
    }
    find_row(c);
    return SQLITE_OK;
}

static int at_end(sqlite3_vtab_cursor *base)
{
    return is_at_end((cursor *)base);
}

static int row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    *out = (sqlite3_int64)((cursor *)base)->ord;
    return SQLITE_OK;
}

/* What is no cell: `ord`, or a mistake. */
static int other_value(const cursor *c, sqlite3_context *context, int i)
{
    if (is_dead(c)) {
        return fail(c->base.pVtab, MODULE_NAME ": the batch no longer exists");
    }
    if (i != 0) {
        return fail(c->base.pVtab, MODULE_NAME ": the batch has no such column");
    }
    sqlite3_result_int64(context, (sqlite3_int64)c->ord);
    return SQLITE_OK;
}

static int column_value(sqlite3_vtab_cursor *base, sqlite3_context *context, int i)
{
    const cursor *c = (const cursor *)base;
    size_t view = (size_t)i - 1; /* of `ord`: more than there can be */
    if (is_dead(c) || view >= c->source->batch->n_views) {
        return other_value(c, context, i);
    }
    const column *from = &c->source->columns[view];
    from->give(c, from, context);
    return SQLITE_OK;
}

/* xCreate is NULL: eponymous-only. */
static const sqlite3_module module = {
    .iVersion = 1,
    .xConnect = connect_table,
    .xBestIndex = bm__sqlite_best_index,
    .xDisconnect = disconnect_table,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next_row,
    .xEof = at_end,
    .xColumn = column_value,
    .xRowid = row_id,
};

/* sqlite.org/c3ref/c_dbstatus_options.html, SQLITE_DBSTATUS_DEFERRED_FKS; the error is that of
 * COMMIT (src/vdbeaux.c, sqlite3VdbeCheckFk). */
static void settled(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    int waiting = 0;
    int most = 0;
    sqlite3 *db = sqlite3_context_db_handle(context);
    (void)argc;
    (void)argv;
    if (sqlite3_db_status(db, SQLITE_DBSTATUS_DEFERRED_FKS, &waiting, &most, 0) != SQLITE_OK) {
        sqlite3_result_error(context, "deferred foreign keys cannot be checked", -1);
    } else if (waiting != 0) {
        sqlite3_result_error(context, "FOREIGN KEY constraint failed", -1);
        sqlite3_result_error_code(context, SQLITE_CONSTRAINT_FOREIGNKEY);
    }
}

/* While a statement runs, a function that is there already cannot be put in its own place. */
static int make_function(sqlite3 *db)
{
    int rc = sqlite3_create_function_v2(db, "bulkmodel_settled", 0, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                        NULL, settled, NULL, NULL, NULL);
    return (rc & 0xFF) == SQLITE_BUSY ? SQLITE_OK : rc;
}

/* SQLite calls drop_reference when the last statement that uses the module is gone, or at once
 * where it cannot be registered. */
int bm__sqlite_source_register(bm__sqlite_source *source, struct sqlite3 *db)
{
    int rc = make_function(db);
    if (rc != SQLITE_OK) {
        return rc;
    }
    source->references++;
    return sqlite3_create_module_v2(db, MODULE_NAME, &module, source, drop_reference);
}

void bm__sqlite_source_unregister(struct sqlite3 *db)
{
    sqlite3_create_module_v2(db, MODULE_NAME, NULL, NULL, NULL);
}
