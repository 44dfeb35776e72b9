/* The PostgreSQL server of a benchmark, over a connection that is not measured. */
#ifndef BM_BENCH_SERVER_H
#define BM_BENCH_SERVER_H

#include "bench.h"

#include <libpq-fe.h>

/* A connection, in the benchmarks' own schema. */
PGconn *server_connect(const char *url);

/* The same for the library: a pool whose connections have that schema too. */
bm_db *server_open(const char *url);

/* Run SQL that must succeed. */
void server_execute(PGconn *pg, const char *sql);

/* What came back must be this, else the program ends.  Frees the result. */
void server_expect(PGconn *pg, PGresult *result, ExecStatusType status);

/* Make an empty table foo. */
void server_make_table(PGconn *pg);

/* Empty it, and let what was written before reach the disk. */
void server_empty(PGconn *pg);

/* fill.c: make foo anew with rows 1 .. n of `rows`, analyzed. */
void server_fill(PGconn *pg, const foo *rows, size_t n);

/* Seconds of CPU that the server and its processes have used; 0 when it is on another machine. */
double server_cpu(PGconn *pg);

/* Let contest_run measure this server's CPU too. */
void contest_measures(PGconn *pg);

#endif
