/*
 * PgBouncer before the tests' server, a process of its own.  It listens on .s.PGSQL.6432 in a
 * folder of its own.
 */
#ifndef TEST_FAULT_BOUNCER_H
#define TEST_FAULT_BOUNCER_H

typedef struct bouncer bouncer;

/* `mode` is its pool_mode, `pool` how many server connections it keeps, `settings` a statement that
 * each of them begins with: startup options do not reach the server. */
bouncer *bouncer_start(const char *mode, int pool, const char *settings);
void bouncer_stop(bouncer *b);

/* The folder of its socket: "host=" of a connection string, with port=6432.  Owned by it. */
const char *bouncer_folder(const bouncer *b);

#endif
