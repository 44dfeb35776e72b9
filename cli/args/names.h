/* Lists of names, and the syntax in which users write them. */
#ifndef CLI_NAMES_H
#define CLI_NAMES_H

#include "errors.h"

typedef struct cli_names {
    char **at;
    size_t n;
} cli_names;

#define CLI_NONE SIZE_MAX

bm_status cli_names_add(cli_names *names, const char *text, size_t size, bm_error *err);

/* The index of a name, or CLI_NONE. */
size_t cli_names_find(const cli_names *names, const char *text);

/* Add the names in `text`, separated by `separator`.  A name in double quotes may contain any
 * character ("" is one quote).  An empty name is an error, unless `empty` is set. */
bm_status cli_names_split(cli_names *names, const char *text, char separator, bool empty,
                          bm_error *err);

/* Add both sides of LEFT=RIGHT.  LEFT in double quotes may contain an equals sign.  An empty LEFT
 * is an error, unless `empty` is set. */
bm_status cli_names_pair(cli_names *names, const char *text, bool empty, bm_error *err);

void cli_names_free(cli_names *names);

#endif
