#include "floor.h"
#include "server.h"

void floor_copy_out(PGconn *pg, size_t n)
{
    char *piece;
    int size;
    size_t pieces = 0;
    server_expect(pg, PQexec(pg, "COPY foo TO STDOUT BINARY"), PGRES_COPY_OUT);
    while ((size = PQgetCopyData(pg, &piece, 0)) > 0) {
        PQfreemem(piece);
        pieces++;
    }
    if (size != -1 || pieces < n) {
        die("%s", PQerrorMessage(pg));
    }
    server_expect(pg, PQgetResult(pg), PGRES_COMMAND_OK);
    PQclear(PQgetResult(pg));
}
