#include "statement.h"

#include <string.h>

/* A semicolon at the end is part of the statement, and not of a subquery. */
static int trimmed(const char *query)
{
    size_t n = strlen(query);
    while (n > 0 && strchr(" \t\r\n\v\f;", query[n - 1]) != NULL) {
        n--;
    }
    return (int)n;
}

void bm__sql_put_query(bm__sql *sql, const char *query, size_t n)
{
    bm__sql_put(sql, "WITH %s(", BM__SQL_QUERY);
    for (size_t i = 0; i < n; i++) {
        bm__sql_put(sql, "%sc%zu", i > 0 ? ", " : "", i);
    }
    bm__sql_put(sql, ") AS (%.*s\n) ", trimmed(query), query); /* a comment ends with its line */
}
