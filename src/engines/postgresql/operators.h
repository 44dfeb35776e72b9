/*
 * PostgreSQL's own operators, by their whole names: what somebody planted in a schema of the
 * search_path cannot stand in for them (CVE-2018-1058).  IN, BETWEEN and LIKE look operators up by
 * name, too: they are not used.  A function or a type is written with pg_catalog.
 */
#ifndef BM_SQL_OPERATORS_H
#define BM_SQL_OPERATORS_H

#define EQ " OPERATOR(pg_catalog.=) "
#define NE " OPERATOR(pg_catalog.<>) "
#define IMAGE_NE " OPERATOR(pg_catalog.*<>) "
#define LT " OPERATOR(pg_catalog.<) "
#define GT " OPERATOR(pg_catalog.>) "
#define GE " OPERATOR(pg_catalog.>=) "
#define LE " OPERATOR(pg_catalog.<=) "
#define PLUS " OPERATOR(pg_catalog.+) "
#define MINUS " OPERATOR(pg_catalog.-) "
#define TIMES " OPERATOR(pg_catalog.*) "
#define OVER " OPERATOR(pg_catalog./) "
#define BITS " OPERATOR(pg_catalog.&) "
#define LIKE " OPERATOR(pg_catalog.~~) "

#endif
