/* CONTEXT: any text is safe, and a last line that names the relation is what counts. */
#include "binary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input up to its first NUL is the relation, what follows the context. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *relation = calloc(size + 2, 1);
    const size_t room = 2 * size + 64;
    char *context = calloc(room, 1);
    if (relation == NULL || context == NULL) {
        abort();
    }
    memcpy(relation, data, size);
    const char *rest = relation + strlen(relation) + 1;
    char column[8];
    if (rest < relation + size) {
        memset(column, 'x', sizeof column);
        (void)bm__copy_context_row(rest, relation, column, sizeof column);
        if (memchr(column, '\0', sizeof column) == NULL) {
            abort();
        }
    }
    if (strchr(relation, '\n') == NULL) {
        snprintf(context, room, "%s\nCOPY %s, line 42, column name",
                 rest < relation + size ? rest : "", relation);
        if (bm__copy_context_row(context, relation, column, sizeof column) != 41 ||
            strcmp(column, "name") != 0) {
            abort();
        }
    }
    free(relation);
    free(context);
    return 0;
}
