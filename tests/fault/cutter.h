/*
 * A proxy before the tests' server that cuts at a byte: it forwards so many bytes, both directions
 * counted together, then closes.  It listens on .s.PGSQL.5434 in a folder of its own and runs in a
 * thread of its own.
 */
#ifndef TEST_FAULT_CUTTER_H
#define TEST_FAULT_CUTTER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct cutter cutter;

/* Before the Unix socket `folder`/.s.PGSQL.`port`. */
cutter *cutter_start(const char *folder, const char *port);
void cutter_stop(cutter *c);

/* The folder of its socket: "host=" of a connection string, with port=5434.  Owned by it. */
const char *cutter_folder(const cutter *c);

typedef struct cut {
    int64_t bytes;  /* until the cut; negative: none */
    unsigned split; /* the most bytes forwarded at once; 0: as they come */
    bool all;       /* every connection is closed, not only the one that reached the byte */
} cut;

/* From now on, with the counter at 0. */
void cutter_arm(cutter *c, cut next);

/* No cut any more.  Returns the bytes forwarded since cutter_arm; `*cut`: one was made. */
int64_t cutter_disarm(cutter *c, bool *cut);

#endif
