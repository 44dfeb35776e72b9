#include "similar.h"

#include <string.h>

#define LONGEST 32

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Dashes and underscores are the same, and so are capitals. */
static int folded(char c)
{
    return c == '_' ? '-' : c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* How many letters have to be changed, added, left out, or swapped with their neighbours: the
 * optimal string alignment. */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t rows[3][LONGEST + 1];
    for (size_t k = 0; k <= m; k++) {
        rows[0][k] = k;
    }
    for (size_t i = 1; i <= n; i++) {
        size_t *here = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *before = rows[(i + 1) % 3]; /* above that */
        here[0] = i;
        for (size_t k = 1; k <= m; k++) {
            const int x = folded(a[i - 1]);
            const int y = folded(b[k - 1]);
            here[k] = least(least(above[k], here[k - 1]) + 1, above[k - 1] + (x != y));
            if (i > 1 && k > 1 && x == folded(b[k - 2]) && y == folded(a[i - 2])) {
                here[k] = least(here[k], before[k - 2] + 1);
            }
        }
    }
    return rows[n % 3][m];
}

/* A third of the letters may differ, or what was typed is the name's beginning. */
void cli_similar_try(cli_similar *similar, const char *name)
{
    const size_t size = strlen(name);
    if (similar->size < 2 || similar->size > LONGEST || size > LONGEST) {
        return;
    }
    size_t n = distance(similar->given, similar->size, name, size);
    if (similar->size >= 3 && strncmp(similar->given, name, similar->size) == 0) {
        n = 1;
    }
    if (n <= (size + 1) / 3 && (similar->name == NULL || n < similar->distance)) {
        similar->name = name;
        similar->distance = n;
    }
}
