#include "libpq_internal.h"

#include <stdio.h>
#include <string.h>

/* The field of a result, or "". */
static const char *field(const PGresult *result, int code)
{
    const char *text = result != NULL ? PQresultErrorField(result, code) : NULL;
    return text != NULL ? text : "";
}

/* libpq's text for a connection, on one line. */
static void one_line(char *out, size_t size, const char *text)
{
    bm__copy_text(out, size, text);
    for (char *at = out; *at != '\0'; at++) {
        if (*at == '\n') {
            *at = at[1] == '\0' ? '\0' : ' ';
        }
    }
}

static bm_status fail_connection(bm__libpq *conn, bm_stage stage, bm_error *err)
{
    if (conn->last_sqlstate[0] != '\0') {
        return bm__libpq_last_words(conn, stage, err);
    }
    char text[sizeof err->message];
    one_line(text, sizeof text, conn->pg != NULL ? PQerrorMessage(conn->pg) : "");
    return bm__fail(err, BM_CONNECTION, stage, "%s", text[0] != '\0' ? text : "connection lost");
}

/* The SQLSTATE in a message of a connection that is not open yet, for which libpq has no result:
 * " 28P01: ", as PQERRORS_VERBOSE writes it.  NULL where the server had no say. */
static const char *sqlstate_in(const char *text)
{
    const char *found = NULL;
    for (const char *at = strchr(text, ' '); at != NULL; at = strchr(at + 1, ' ')) {
        size_t n = strspn(at + 1, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        bool digit = strcspn(at + 1, "0123456789") < 5; /* "FATAL" has none */
        found = n == 5 && digit && at[6] == ':' ? at + 1 : found;
    }
    return found;
}

/* 57014 is a cancel or a timeout.  The server sets only its words apart (ProcessInterrupts,
 * src/backend/tcop/postgres.c); in another language than English a timeout is not known as one. */
static bm_status status_of(const char *sqlstate, const char *primary)
{
    bool timeout = strcmp(sqlstate, "57014") == 0 && strstr(primary, "due to ") != NULL &&
                   strstr(primary, "timeout") != NULL;
    return timeout ? BM_TIMEOUT : bm__status_of_sqlstate(sqlstate);
}

/* Five capital letters or digits, or "". */
static void put_sqlstate(bm_error *err, const char *sqlstate)
{
    static const char signs[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    bool sound = strlen(sqlstate) == 5 && strspn(sqlstate, signs) == 5;
    bm__copy_text(err->sqlstate, sizeof err->sqlstate, sound ? sqlstate : "");
}

bm_status bm__libpq_refused(bm__libpq *conn, bm_error *err)
{
    const char *said = PQerrorMessage(conn->pg);
    const char *found = sqlstate_in(said);
    char text[sizeof err->message];
    char sqlstate[6] = "";
    if (found == NULL) {
        fail_connection(conn, BM_STAGE_CONNECT, err);
        return err->status = PQconnectionNeedsPassword(conn->pg) ? BM_AUTH : err->status;
    }
    memcpy(sqlstate, found, 5);
    bm__copy_text(text, sizeof text, said);
    text[strcspn(text, "\n")] = '\0'; /* what follows is LOCATION */
    bm__fail(err, status_of(sqlstate, text), BM_STAGE_CONNECT, "%s", text);
    put_sqlstate(err, sqlstate);
    return err->status;
}

/* The primary message of class 22 shows the value ('invalid input syntax for type integer: "x"'),
 * but for 2200H, which names a sequence. */
static bool shows_values(const char *sqlstate)
{
    return strncmp(sqlstate, "22", 2) == 0 && strcmp(sqlstate, "2200H") != 0;
}

static const char *words_for(const char *sqlstate)
{
    static const struct {
        const char *sqlstate;
        const char *words;
    } table[] = {
        {"22001", "the value is too long for its column"},
        {"22003", "the number is out of range for its column"},
        {"22007", "the text is not a date or time"},
        {"22008", "the date or time is out of range"},
        {"22012", "a division by zero in an expression"},
        {"2201B", "a regular expression is not valid"},
        {"2201E", "a logarithm in an expression has an argument that is not positive"},
        {"2201F", "a power in an expression has an argument that it does not allow"},
        {"22023", "a function in an expression has an argument that it does not allow"},
        {"22021", "the text has a character that the encoding of the database does not have"},
        {"22P02", "the text is not a valid value of the column's type"},
        {"22P03", "the bytes are not a valid value of the column's type"},
        {"22P05", "the text has a character that cannot be converted"},
        {"22000", "the value is not valid for the column's type"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].sqlstate, sqlstate) == 0) {
            return table[i].words;
        }
    }
    return "the value does not fit its column";
}

bm_status bm__libpq_last_words(bm__libpq *conn, bm_stage stage, bm_error *err)
{
    bool fresh = err->status == BM_OK;
    bm_status status = bm__status_of_sqlstate(conn->last_sqlstate);
    status = status == BM_TIMEOUT ? status : BM_CONNECTION;
    bm__fail(err, status, stage, "%s", conn->last_words);
    if (fresh) {
        put_sqlstate(err, conn->last_sqlstate);
    }
    return status;
}

bm_status bm__libpq_fail(bm__libpq *conn, const PGresult *result, bm_stage stage,
                         bm__answer *answer, bm_error *err)
{
    const char *sqlstate = field(result, PG_DIAG_SQLSTATE);
    if (answer != NULL) {
        bm__copy_text(answer->context, sizeof answer->context, field(result, PG_DIAG_CONTEXT));
        bm__copy_text(answer->routine, sizeof answer->routine,
                      field(result, PG_DIAG_SOURCE_FUNCTION));
    }
    if (sqlstate[0] == '\0') {
        return fail_connection(conn, stage, err);
    }
    bool fresh = err->status == BM_OK;
    bool hide = shows_values(sqlstate);
    const char *primary = field(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = field(result, PG_DIAG_MESSAGE_DETAIL);
    bm_status status = bm__fail(err, status_of(sqlstate, primary), stage, "%s",
                                hide ? words_for(sqlstate) : primary);
    if (fresh) {
        put_sqlstate(err, sqlstate);
        bm__copy_text(err->column, sizeof err->column, field(result, PG_DIAG_COLUMN_NAME));
        bm__copy_text(err->constraint, sizeof err->constraint,
                      field(result, PG_DIAG_CONSTRAINT_NAME));
        bm__copy_text(err->detail, sizeof err->detail, hide ? primary : detail);
    }
    return status;
}
