#include "sqlite_error.h"

#include <sqlite3.h>
#include <string.h>

typedef struct status_rule {
    int code;
    bm_status status;
} status_rule;

/* The first row that is the extended code, else the first that is its primary code. */
static const status_rule status_rules[] = {
    {SQLITE_CONSTRAINT_DATATYPE, BM_CONVERT}, /* of a STRICT table */
    {SQLITE_CONSTRAINT, BM_CONSTRAINT},
    {SQLITE_MISMATCH, BM_CONVERT},
    {SQLITE_TOOBIG, BM_LIMIT},
    {SQLITE_FULL, BM_LIMIT},
    {SQLITE_BUSY, BM_RETRY},
    {SQLITE_LOCKED, BM_RETRY},
    {SQLITE_PROTOCOL, BM_RETRY},
    {SQLITE_IOERR_NOMEM, BM_NOMEM},
    {SQLITE_NOMEM, BM_NOMEM},
    {SQLITE_INTERRUPT, BM_CANCELLED},
    {SQLITE_AUTH, BM_AUTH},
    {SQLITE_MISUSE, BM_INTERNAL},
};

bm_status bm__sqlite_status(int code)
{
    const size_t n = sizeof status_rules / sizeof status_rules[0];
    for (size_t i = 0; i < n; i++) {
        if (status_rules[i].code == code) {
            return status_rules[i].status;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (status_rules[i].code == (code & 0xFF)) {
            return status_rules[i].status;
        }
    }
    return BM_DATABASE;
}

static const char *sqlstate_of(int code)
{
    switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return "23505";
    case SQLITE_CONSTRAINT_NOTNULL:
        return "23502";
    case SQLITE_CONSTRAINT_CHECK:
        return "23514";
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return "23503";
    case SQLITE_CONSTRAINT_TRIGGER:
        return "P0001";
    case SQLITE_CONSTRAINT_DATATYPE:
        return "42804";
    default:
        return (code & 0xFF) == SQLITE_CONSTRAINT ? "23000" : "";
    }
}

/* "table.column" names a column only if nothing else in it can be a point or a separator. */
static void set_column(bm_error *err, const char *names)
{
    const char *point = strchr(names, '.');
    if (point != NULL && strchr(point + 1, '.') == NULL && strstr(names, ", ") == NULL) {
        bm__copy_text(err->column, sizeof err->column, point + 1);
    }
}

/* "UNIQUE constraint failed: t.a, t.b", "... failed: index 'name'", "CHECK constraint failed:
 * name", "cannot store TEXT value in INTEGER column t.a" (src/insert.c, src/build.c, src/vdbe.c).
 */
static void set_names(bm_error *err, int code, const char *message)
{
    static const char failed[] = "constraint failed: ";
    static const char index_name[] = "index '";
    static const char column[] = " column ";
    const char *names = strstr(message, failed);
    if (names == NULL) {
        names = code == SQLITE_CONSTRAINT_DATATYPE ? strstr(message, column) : NULL;
        if (names != NULL) {
            set_column(err, names + strlen(column));
        }
        return;
    }
    names += strlen(failed);
    if (code != SQLITE_CONSTRAINT_CHECK && strncmp(names, index_name, strlen(index_name)) == 0) {
        bm__copy_text(err->constraint, sizeof err->constraint, names + strlen(index_name));
        size_t size = strlen(err->constraint);
        if (size > 0 && err->constraint[size - 1] == '\'') {
            err->constraint[size - 1] = '\0';
        }
        return;
    }
    bm__copy_text(err->constraint, sizeof err->constraint, names);
    if (code != SQLITE_CONSTRAINT_CHECK) {
        set_column(err, names);
    }
}

bm_status bm__sqlite_fail(bm_error *err, bm_status status, bm_stage stage, int code,
                          const char *message)
{
    static const char no_target[] = "ON CONFLICT clause does not match";
    if (err->status != BM_OK) {
        return status;
    }
    if (code == SQLITE_ERROR && strncmp(message, no_target, strlen(no_target)) == 0) {
        status = BM_INVALID; /* the options are wrong, as PostgreSQL says by 42P10 */
    }
    bm__fail(err, status, stage, "%s", message);
    err->native_code = code;
    bm__copy_text(err->sqlstate, sizeof err->sqlstate, sqlstate_of(code));
    if ((code & 0xFF) == SQLITE_CONSTRAINT) {
        set_names(err, code, message);
    }
    return status;
}
