/* The tests' PostgreSQL server, stopped at once and started again as it was. */
#ifndef TEST_FAULT_RESTART_H
#define TEST_FAULT_RESTART_H

#include <libpq-fe.h>

typedef struct server server;

/* Of the connection; it must run on this machine. */
server *server_of(PGconn *conn);
void server_forget(server *s);

/* SIGQUIT, which is the immediate shutdown: no checkpoint, recovery at the next start.  Returns
 * when the process has gone. */
void server_stop_at_once(server *s);

/* Returns when it takes connections. */
void server_start_again(server *s);

/* Wait until it takes connections: after a backend was killed it recovers by itself. */
void server_wait(void);

#endif
