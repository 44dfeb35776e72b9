/* A query of the caller's: its text, and a SELECT from its rows. */
#ifndef BM_SQL_QUERY_H
#define BM_SQL_QUERY_H

#include "dialect.h"

typedef struct bm__query {
    const char *text; /* the first statement, without blanks, comments and semicolons around it */
    size_t size;      /* 0: there is none */
    bool several;     /* another one follows */
    bool unites;      /* a UNION is in it */
    const char *verb; /* the word that says what it does, where it does not read; or NULL */
    int verb_size;    /* ... 0: it is no word */
} bm__query;

/* Find it in what was given, before anything is sent: an engine may carry some statements out while
 * it only parses them. */
bm__query bm__query_of(const bm__dialect *dialect, const char *query);

/* In front of a SELECT: WITH the query, whose n columns are c0, c1, ...; and its name there. */
void bm__sql_put_query(bm__sql *sql, const bm__dialect *dialect, const char *query, size_t n);
void bm__sql_put_query_name(bm__sql *sql, const char *query);

#endif
