#include "floor.h"
#include "server.h"

#include <unistd.h>

/* A process that connects, copies its share each time it is told to, and ends with its pipe. */
static void serve(const floor_pair *pair, const char *url, const foo *rows, size_t n)
{
    char byte;
    close(pair->go[1]);
    PGconn *pg = server_connect(url);
    if (write(pair->done[1], "", 1) != 1) {
        _exit(1);
    }
    while (read(pair->go[0], &byte, 1) == 1) {
        floor_pg_copy(pg, rows, n, false);
        if (write(pair->done[1], "", 1) != 1) {
            _exit(1);
        }
    }
    PQfinish(pg);
    _exit(0);
}

static void wait_both(const floor_pair *pair)
{
    char byte;
    if (read(pair->done[0], &byte, 1) != 1 || read(pair->done[0], &byte, 1) != 1) {
        die("a contender's process ended");
    }
}

void floor_pg_pair_begin(floor_pair *pair, const char *url, const foo *rows, size_t n)
{
    if (pipe(pair->go) != 0 || pipe(pair->done) != 0) {
        die("no pipe");
    }
    for (size_t i = 0; i < 2; i++) {
        size_t from = i * (n / 2);
        pid_t child = fork();
        if (child == 0) {
            serve(pair, url, rows + from, i == 0 ? n / 2 : n - from);
        } else if (child < 0) {
            die("no process");
        }
    }
    wait_both(pair);
}

void floor_pg_pair_go(floor_pair *pair)
{
    if (write(pair->go[1], "\0\0", 2) != 2) {
        die("no pipe");
    }
    wait_both(pair);
}
