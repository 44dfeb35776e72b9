/*
 * A server of PostgreSQL's protocol that stands before the real one, or in its place: forwards
 * bytes both ways, and cuts, refuses or says nothing when it is told to.  It listens on
 * .s.PGSQL.5433 in a folder of its own and runs in a thread of its own.
 */
#ifndef TEST_UNIT_LIBPQ_PROXY_H
#define TEST_UNIT_LIBPQ_PROXY_H

#include <stdbool.h>

typedef enum proxy_mode {
    PROXY_FORWARD,
    PROXY_CUT_BEFORE, /* the message is not forwarded; both sides are closed */
    PROXY_CUT_AFTER,  /* forwarded, and answered; the answer is dropped and both sides are closed */
    PROXY_CUT_SENT,   /* forwarded, and both sides are closed at once, while the server is at it */
    PROXY_REFUSE,     /* new connections: asks for a password, then says what was set */
    PROXY_DEAF,       /* new connections: taken, never answered */
    PROXY_SILENT,     /* from a message on: all is read, nothing goes on, no answer comes */
    PROXY_SWALLOW,    /* from a message on: nothing is read any more */
    PROXY_PASSWORD    /* new connections: asks for a password, and does not answer it */
} proxy_mode;

typedef struct proxy proxy;

/* Before the server of the tests. */
proxy *proxy_start(void);
void proxy_stop(proxy *p);

/* A connection string to the proxy, with the user and database of the tests' own.  Owned by it. */
const char *proxy_url(const proxy *p);

/* `word`: CUT_*: how the simple query begins; REFUSE: "SQLSTATE:message"; SILENT, SWALLOW: what
 * the message has in it, NULL: anything.  Static. */
void proxy_set(proxy *p, proxy_mode mode, const char *word);

/* The same for a CUT_* of one message only: as many before it pass. */
void proxy_cut_one(proxy *p, proxy_mode mode, const char *word, int passes);

/* From the next cut on new connections are refused with "SQLSTATE:message". */
void proxy_refuse_next(proxy *p, const char *word);

/* SILENT, SWALLOW: only messages of this type ('d' is COPY's data, 'c' its end); 0: any. */
void proxy_set_type(proxy *p, char type);

/* SILENT, SWALLOW: has the message come?  New connections are then taken and not answered. */
bool proxy_is_frozen(proxy *p);

/* Close both sides of all connections now. */
void proxy_close_all(proxy *p);

/* Connections taken so far. */
int proxy_connections(proxy *p);

#endif
