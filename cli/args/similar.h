/* The name that was meant: of those that there are, the one nearest to what was typed. */
#ifndef CLI_SIMILAR_H
#define CLI_SIMILAR_H

#include <stddef.h>

typedef struct cli_similar {
    const char *given; /* what was typed */
    size_t size;
    const char *name; /* the nearest name; NULL: none is near */
    size_t distance;  /* letters between the two */
} cli_similar;

/* Look at one more name. */
void cli_similar_try(cli_similar *similar, const char *name);

#endif
