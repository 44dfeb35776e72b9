#include "floor.h"
#include "server.h"

/* Rows are kept aside: a table that was updated is made anew from them, on the server. */
void server_fill(PGconn *pg, const foo *rows, size_t n)
{
    PGresult *kept = PQexec(pg, "SELECT to_regclass('foo_kept') IS NULL");
    bool first = PQgetvalue(kept, 0, 0)[0] == 't';
    PQclear(kept);
    server_execute(pg, "TRUNCATE foo");
    if (first) {
        floor_pg_copy(pg, rows, n, true);
        server_execute(pg, "CREATE TABLE foo_kept AS TABLE foo ORDER BY id");
    } else {
        server_execute(pg, "INSERT INTO foo TABLE foo_kept");
    }
    server_execute(pg, "VACUUM ANALYZE foo");
    server_execute(pg, "CHECKPOINT");
}
