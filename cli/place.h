/* DATABASE and TABLE of the command line. */
#ifndef CLI_PLACE_H
#define CLI_PLACE_H

#include "fail.h"

/* Open what `text` names, for so many connections at once.  A password in it is wiped there, so
 * that a list of processes does not show it for longer than the command needs to begin. */
bm_status cli_place_open(char *text, uint64_t connections, bm_db **out, bm_error *err);

/* The model of [SCHEMA.]TABLE as the database has it; freed by bm_free. */
bm_status cli_place_describe(bm_db *db, const char *text, bm_model **out, bm_error *err);

#endif
