/*
 * The rules of a call's workers, without I/O, threads, clocks or locks.
 *
 * Each worker takes rows of the call and writes them in a transaction of its own, on a connection
 * of its own.  A worker that finds no rows left is ready.  When all that work are ready they commit
 * one after the other; after the first failure nobody commits any more.  A driver (threads of the
 * library, threads of Python) tells what happened and does what it is told, under one lock:
 *
 *     bm__team_tell(&team, i, BM__TEAM_ARRIVED);
 *     while ((todo = bm__team_next(&team, i)) == BM__TEAM_WAIT) { wait for a change }
 *
 * What holds, whatever the order of events (tests/unit/team.c runs all of them for 2 and 3):
 *   - a worker may commit only when every other is ready, committed or not there, and nothing has
 *     failed;
 *   - one commits at a time: the next one only after its outcome is known to be a success;
 *   - nobody waits for a worker that is not there: once a worker has found no rows left, those that
 *     have no connection yet are not needed;
 *   - each worker that has arrived is told to commit or to roll back.
 */
#ifndef BM_EXECUTOR_TEAM_H
#define BM_EXECUTOR_TEAM_H

#include "bulkmodel.h"

#define BM__TEAM_MAX 64
#define BM__TEAM_NOBODY SIZE_MAX

/* What happened to a worker. */
typedef enum bm__team_event {
    BM__TEAM_ARRIVED = 0, /* its first statement, BEGIN, was answered */
    BM__TEAM_ABSENT,      /* it gets no connection, or lost it before it took rows */
    BM__TEAM_READY,       /* all rows that it took are written, and constraints are checked */
    BM__TEAM_IDLE,        /* it found no rows at all: it has nothing to commit */
    BM__TEAM_FAILED,      /* before it was told to commit */
    BM__TEAM_COMMITTED,   /* COMMIT was answered */
    BM__TEAM_REFUSED,     /* COMMIT was answered by a rollback, or was never sent */
    BM__TEAM_LOST,        /* COMMIT was sent, and its outcome cannot be found out */

    /* ... and to the team as a whole. */
    BM__TEAM_SETTLED,  /* the driver has done what comes before the first COMMIT */
    BM__TEAM_STOPPED,  /* from outside: a token, a deadline, a failure before the first COMMIT */
    BM__TEAM_ENTANGLED /* a worker waits in the server for one that waits here */
} bm__team_event;

/* What a worker is to do. */
typedef enum bm__team_todo {
    BM__TEAM_WAIT = 0,
    BM__TEAM_WORK,
    BM__TEAM_COMMIT, /* now; tell what came of it */
    BM__TEAM_ROLL_BACK
} bm__team_todo;

typedef enum bm__member {
    BM__MEMBER_AWAY = 0, /* not there yet */
    BM__MEMBER_ABSENT,
    BM__MEMBER_AT_WORK,
    BM__MEMBER_READY,
    BM__MEMBER_IDLE,
    BM__MEMBER_COMMITTING,
    BM__MEMBER_COMMITTED,
    BM__MEMBER_ROLLED_BACK,
    BM__MEMBER_UNKNOWN
} bm__member;

typedef enum bm__team_phase {
    BM__TEAM_OPEN = 0,  /* workers arrive and write */
    BM__TEAM_SETTLING,  /* all are ready: the driver may still stop it */
    BM__TEAM_COMMITTING /* the first COMMIT may have been sent: nothing stops it from outside */
} bm__team_phase;

typedef struct bm__team {
    bm__member members[BM__TEAM_MAX];
    size_t n;
    bm__team_phase phase;
    bool failed;
    bool entangled; /* why it failed: one connection could do it */
    size_t first;   /* the worker that failed first, or NOBODY: it was stopped from outside */
} bm__team;

/* A team of n workers, 1 to BM__TEAM_MAX, all of them away. */
void bm__team_begin(bm__team *team, size_t n);

/* Something happened; `i` is ignored for what happens to the team.  False: it makes no difference
 * any more, or cannot happen now. */
bool bm__team_tell(bm__team *team, size_t i, bm__team_event event);

/* What worker i is to do.  One that is told to commit counts as committing, one that is told to
 * roll back as rolled back: the driver does it. */
bm__team_todo bm__team_next(bm__team *team, size_t i);

/* Is somebody who has not arrived still needed?  If not, the driver stops waiting for it. */
bool bm__team_needs(const bm__team *team);

/* Is it time for the driver to settle?  It then tells SETTLED or STOPPED. */
bool bm__team_settles(const bm__team *team);

/* Is worker i the one that asks the server, from time to time, whether others wait for it? */
bool bm__team_asks(const bm__team *team, size_t i);

/* Have all workers that arrived done what they were told?  Those away are not waited for. */
bool bm__team_over(const bm__team *team);

/* The fate of a worker's rows, and of all rows.  UNKNOWN: all rows of the call share one COMMIT
 * whose outcome is not known; where there are others it is PARTIAL. */
bm_fate bm__team_member_fate(const bm__team *team, size_t i);
bm_fate bm__team_fate(const bm__team *team);

#endif
