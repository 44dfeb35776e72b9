/* Workers that meet on the server, and COMMITs of theirs that fail. */
#ifndef TEST_THREADS_CREW_H
#define TEST_THREADS_CREW_H

#include "world.h"

/* A database whose calls may have so many workers. */
bm_db *crew_open(world *w, int workers);

/* A worker that writes a row for which `when` holds waits until so many workers have come to one;
 * then it does `then`, PL/pgSQL or "". */
void crew_meets(world *w, int workers, const char *when, const char *then);

/*
 * A COMMIT does `how`, PL/pgSQL, when other transactions have committed `least` rows or more.  SET
 * CONSTRAINTS ALL IMMEDIATE goes well all the same: it fires `early`, on rows for which `when`
 * holds, which makes `late` deferred again and queues it.
 */
void crew_commits(world *w, int least, const char *when, const char *how);

#endif
