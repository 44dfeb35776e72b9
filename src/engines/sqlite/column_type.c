#include "sqlite_engine.h"

#include <ctype.h>
#include <string.h>

/* The declared types, in Django's words and in those of SQL (Django: db/backends/sqlite3).  Not
 * "uuid": to SQLite it is a word for numbers (sqlite.org/datatype3.html, 3.1), which UUIDs of
 * digits alone would become; it is read and written as text. */
static const struct {
    const char *word;
    bm_type type;
} declared[] = {
    {"bool", BM_BOOL},       {"boolean", BM_BOOL},         {"real", BM_FLOAT8},
    {"float", BM_FLOAT8},    {"double", BM_FLOAT8},        {"double precision", BM_FLOAT8},
    {"decimal", BM_NUMERIC}, {"numeric", BM_NUMERIC},      {"date", BM_DATE},
    {"time", BM_TIME},       {"datetime", BM_TIMESTAMPTZ}, {"timestamp", BM_TIMESTAMPTZ},
    {"char(32)", BM_UUID},   {"blob", BM_BYTEA},
};

/* In lower case, without "(10, 2)" unless `whole`; what does not fit is no word of the table. */
static void simplify(const char *type, bool whole, char *out, size_t size)
{
    size_t n = 0;
    while (type[n] != '\0' && n + 1 < size && (whole || type[n] != '(')) {
        out[n] = (char)tolower((unsigned char)type[n]);
        n++;
    }
    while (n > 0 && out[n - 1] == ' ') {
        n--;
    }
    out[n] = '\0';
}

bm_type bm__sqlite_type_of(const bm__table_column *column)
{
    char word[32];
    char whole[32];
    simplify(column->type, false, word, sizeof word);
    simplify(column->type, true, whole, sizeof whole);
    for (size_t i = 0; i < sizeof declared / sizeof declared[0]; i++) {
        if (strcmp(declared[i].word, word) == 0 || strcmp(declared[i].word, whole) == 0) {
            return declared[i].type;
        }
    }
    /* sqlite.org/datatype3.html, 3.1: INT anywhere is integer affinity */
    return strstr(word, "int") != NULL ? BM_INT8 : BM_TEXT;
}
