#include "dialect.h"

#include "pass.h"

#include <string.h>

#define ROWS_MAX 1000 /* that are looked at */

/* Common ways to write quotes, in the order in which they are tried. */
static const struct {
    const char *quote;
    const char *escape;
} styles[] = {{"\"", NULL}, {"\"", "\\"}, {"'", NULL}, {"", NULL}};

#define N_STYLES (sizeof styles / sizeof styles[0])

/* In the order in which equal ones are preferred: a decimal comma is often in a file with
 * semicolons, and seldom the other way round. */
static const char *const delimiters[] = {"\t", ";", "|", ","};

#define N_DELIMITERS (sizeof delimiters / sizeof delimiters[0])

/* What was seen when the first rows were read in one way. */
typedef struct tally {
    size_t cells[ROWS_MAX]; /* of each row */
    uint64_t lines[ROWS_MAX];
    size_t rows;
    size_t n;        /* cells of the current row */
    size_t comments; /* rows at the start that begin with # */
    size_t quoted;   /* cells */
    size_t single;   /* cells that begin with ' */
    bool joined;     /* a cell has a line end and the delimiter */
    char delimiter;
    bool failed;    /* it cannot be read in this way */
    size_t usual;   /* the most frequent number of cells, ... */
    size_t n_usual; /* ... the number of such rows from ... */
    size_t first;   /* ... the first such row */
} tally;

typedef struct way {
    cli_options options;
    tally seen;
} way;

static void on_cell(void *user, size_t column, const char *text, size_t size, bool quoted)
{
    tally *t = user;
    t->n = column + 1;
    if (column == 0 && size > 0 && text[0] == '#' && t->comments == t->rows && !quoted) {
        t->comments++;
    }
    t->quoted += quoted;
    t->single += size > 0 && text[0] == '\'';
    t->joined = t->joined || (size > 0 && memchr(text, '\n', size) != NULL &&
                              memchr(text, t->delimiter, size) != NULL);
}

static bool on_name(void *user, const char *name, size_t size)
{
    (void)user;
    (void)name;
    (void)size;
    return true;
}

static void on_end(void *user, uint64_t line)
{
    tally *t = user;
    if (t->rows < ROWS_MAX) {
        t->cells[t->rows] = t->n;
        t->lines[t->rows++] = line;
    }
    t->n = 0;
}

static bool enough(void *user)
{
    const tally *t = user;
    return t->rows == ROWS_MAX;
}

static size_t count_rows(const tally *t, size_t cells, size_t *first)
{
    size_t n = 0;
    for (size_t i = t->rows; i > 0; i--) {
        if (t->cells[i - 1] == cells) {
            *first = i - 1;
            n++;
        }
    }
    return n;
}

/* A title has fewer cells than the rows, so the most frequent number is that of the rows. */
static void find_usual(tally *t)
{
    for (size_t i = 0; i < t->rows; i++) {
        size_t first = 0;
        const size_t n = t->cells[i] != t->usual ? count_rows(t, t->cells[i], &first) : 0;
        if (n > t->n_usual) {
            t->usual = t->cells[i];
            t->n_usual = n;
            t->first = first;
        }
    }
}

/* Read the first rows in the way of the options. */
static bm_status take(const cli_options *options, const char *path, tally *t, bm_error *err)
{
    bm_error why = BM_ERROR;
    *t = (tally){.delimiter = options->delimiter[0]};
    cli_watch watch = {
        .user = t, .cell = on_cell, .name = on_name, .end = on_end, .any_length = true};
    cli_options exact = *options;
    exact.ragged = NULL; /* rows are as long as they are */
    cli_pass pass = {
        .options = &exact, .path = path, .watch = &watch, .enough = enough, .tells_quoted = true};
    bm_status status = cli_pass_run(&pass, &why);
    t->failed = status != BM_OK;
    find_usual(t);
    if (status == BM_OK || status == BM_CONVERT) {
        return BM_OK; /* a fault of the file is told when all of it is read */
    }
    *err = why;
    return status;
}

/* Rows that are as the others are, in a hundred. */
static size_t agreement(const tally *t)
{
    return t->rows > t->first ? t->n_usual * 100 / (t->rows - t->first) : 0;
}

/* Some rows may be wrong, but not most. */
static bool has_columns(const tally *t)
{
    return t->usual > 1 && agreement(t) >= 50;
}

/* Is `a`, read later, a better way than `b`? */
static bool is_better(const tally *a, const tally *b)
{
    const bool more = has_columns(a);
    if (a->failed != b->failed) {
        return !a->failed;
    }
    if (more != has_columns(b)) {
        return more;
    }
    if ((a->first == 0) != (b->first == 0)) {
        return a->first == 0;
    }
    return agreement(a) > agreement(b);
}

/* Single quotes are quotes if a whole cell has them; quotes that join lines of TSV are text. */
static bool is_tried(size_t style, const tally *before, bool tabs)
{
    switch (style) {
    case 0:
        return true;
    case 1:
        return before->failed;
    case 2:
        return before->single > 0 && before->quoted == 0;
    default:
        return before->failed || (tabs && before->joined);
    }
}

/* One delimiter with the quotes that fit best. */
static bm_status try_quotes(way *best, const char *path, bool tabs, bm_error *err)
{
    const cli_options *given = &best->options;
    const bool known = given->quote != NULL;
    way other = *best;
    for (size_t i = 0; i < (known ? 1 : N_STYLES); i++) {
        if (i > 0 && !is_tried(i, &best->seen, tabs)) {
            continue;
        }
        other.options.quote = known ? given->quote : styles[i].quote;
        other.options.escape = given->escape != NULL && other.options.quote[0] != '\0'
                                   ? given->escape
                                   : styles[i].escape;
        CLI_TRY(take(&other.options, path, &other.seen, err));
        const tally *seen = &other.seen;
        const bool whole = !seen->failed && agreement(seen) == 100;
        if (i == 0 || is_better(seen, &best->seen) || (i == 2 && whole && seen->quoted > 0) ||
            (i == 3 && tabs && whole)) {
            *best = other;
        }
    }
    return BM_OK;
}

static bm_status try_delimiters(way *best, const char *path, bool tabs, bm_error *err)
{
    const cli_options given = best->options;
    for (size_t i = 0; i < (given.delimiter != NULL ? 1 : N_DELIMITERS); i++) {
        way other = {.options = given};
        other.options.delimiter = given.delimiter != NULL ? given.delimiter
                                  : tabs                  ? "\t"
                                                          : delimiters[i];
        CLI_TRY(try_quotes(&other, path, tabs, err));
        if (i == 0 || is_better(&other.seen, &best->seen)) {
            *best = other;
        }
    }
    return BM_OK;
}

bm_status cli_dialect_find(cli_options *options, const char *path, bool tabs, size_t *n_columns,
                           bm_error *err)
{
    way best = {.options = *options};
    CLI_TRY(try_delimiters(&best, path, tabs, err));
    const size_t comments = best.seen.comments;
    const bool header = comments == 1 && best.seen.cells[0] == best.seen.usual;
    if (options->comment == NULL && comments > 0 && !header) {
        best.options = *options;
        best.options.comment = "#";
        CLI_TRY(try_delimiters(&best, path, tabs, err));
    }
    const tally *seen = &best.seen;
    if (!has_columns(seen) && options->delimiter == NULL) { /* one column: any will do */
        best.options.delimiter = tabs ? "\t" : ",";
    }
    const bool pads = options->ragged != NULL;
    if (options->skip_lines == 0 && !pads && has_columns(seen) && seen->first > 0) {
        best.options.skip_lines = seen->lines[seen->first] - 1;
    }
    *n_columns = has_columns(seen) || options->delimiter != NULL ? seen->usual : 1;
    *n_columns = *n_columns > 0 ? *n_columns : 1;
    *options = best.options;
    return pads ? cli_dialect_cells(options, path, n_columns, err) : BM_OK; /* as a load does */
}

bm_status cli_dialect_cells(const cli_options *options, const char *path, size_t *n_columns,
                            bm_error *err)
{
    tally seen;
    CLI_TRY(take(options, path, &seen, err));
    *n_columns = seen.rows > 0 && seen.cells[0] > 0 ? seen.cells[0] : 1;
    return BM_OK;
}
