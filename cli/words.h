/* Lists of strings that own their strings, and names as people write them. */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include "fail.h"

typedef struct cli_words {
    char **at;
    size_t n;
} cli_words;

#define CLI_NONE SIZE_MAX

bm_status cli_words_add(cli_words *words, const char *text, size_t size, bm_error *err);

/* The place of a word; CLI_NONE. */
size_t cli_words_find(const cli_words *words, const char *text);

/* Add the names in `text`, which `separator` stands between.  A name in double quotes may hold
 * anything ("" in it is one quote); it is taken as it is, upper and lower case too. */
bm_status cli_words_split(cli_words *words, const char *text, char separator, bm_error *err);

void cli_words_free(cli_words *words);

#endif
