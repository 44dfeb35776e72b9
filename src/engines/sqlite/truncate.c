/* What a DELETE of all rows would reach beside them. */
#include "sqlite_engine.h"

#include <string.h>
#include <strings.h>

/* A name without a schema is looked for among temporary tables, too.  A foreign key and its table
 * are always in one schema (sqlite.org/foreignkeys.html). */
static void put_references(bm__sql *sql, const char *schema, const char *table)
{
    bm__sql_put(sql, "SELECT m.name, NULL FROM ");
    bm__sql_table(sql, schema, "sqlite_master");
    bm__sql_put(sql, " m, pragma_foreign_key_list(m.name, ");
    bm__sql_name_text(sql, schema);
    bm__sql_put(sql, ") f WHERE m.type = 'table' AND f.\"table\" = ");
    bm__sql_name_text(sql, table);
    bm__sql_put(sql, " COLLATE NOCASE AND m.name <> f.\"table\" COLLATE NOCASE UNION ALL ");
}

static void put_triggers(bm__sql *sql, const char *schema, const char *table)
{
    bm__sql_put(sql, "SELECT m.name, m.sql FROM ");
    bm__sql_table(sql, schema, "sqlite_master");
    bm__sql_put(sql, " m WHERE m.type = 'trigger' AND m.tbl_name = ");
    bm__sql_name_text(sql, table);
    bm__sql_put(sql, " COLLATE NOCASE");
}

void bm__sqlite_truncate_reaches(bm__sql *sql, const bm__sql_shape *shape)
{
    const char *schema = shape->schema != NULL ? shape->schema : "main";
    put_references(sql, schema, shape->table);
    if (shape->schema == NULL) {
        put_references(sql, "temp", shape->table);
    }
    put_triggers(sql, schema, shape->table);
    if (strcasecmp(schema, "temp") != 0) {
        bm__sql_put(sql, " UNION ALL ");
        put_triggers(sql, "temp", shape->table);
    }
    bm__sql_put(sql, " ORDER BY 2, 1");
}

/* Behind blanks and comments. */
static const char *skip_blanks(const char *at)
{
    for (;;) {
        at += strspn(at, " \t\n\f\r");
        if (strncmp(at, "--", 2) == 0) {
            at += strcspn(at, "\n");
        } else if (strncmp(at, "/*", 2) == 0) {
            const char *end = strstr(at + 2, "*/");
            at = end != NULL ? end + 2 : at + strlen(at);
        } else {
            return at;
        }
    }
}

/* Behind one word, name or sign. */
static const char *skip_word(const char *at)
{
    const char close = *at == '[' ? ']' : *at;
    if (*at == '\0') {
        return at;
    }
    if (strchr("\"'`[", *at) == NULL) {
        size_t n = strcspn(at, " \t\n\f\r.,;()\"'`[-/");
        return at + (n > 0 ? n : 1);
    }
    for (at++; *at != '\0'; at++) {
        if (*at == close && (close == ']' || at[1] != close)) {
            return at + 1;
        }
        at += *at == close;
    }
    return at;
}

static bool is_word(const char *at, const char *word)
{
    size_t n = strlen(word);
    return strncasecmp(at, word, n) == 0 && skip_word(at) == at + n;
}

/* CREATE TRIGGER [SCHEMA.]NAME [BEFORE|AFTER|INSTEAD OF] EVENT ON ...
 * (sqlite.org/lang_createtrigger.html; TEMP and IF NOT EXISTS are not kept). */
bool bm__sqlite_is_delete_trigger(const char *text)
{
    const char *at = skip_blanks(text);
    for (int i = 0; i < 3; i++) { /* CREATE, TRIGGER, its name */
        at = skip_blanks(skip_word(at));
    }
    if (*at == '.') {
        at = skip_blanks(skip_word(skip_blanks(at + 1)));
    }
    while (is_word(at, "BEFORE") || is_word(at, "AFTER") || is_word(at, "INSTEAD") ||
           is_word(at, "OF")) {
        at = skip_blanks(skip_word(at));
    }
    return !is_word(at, "INSERT") && !is_word(at, "UPDATE");
}
