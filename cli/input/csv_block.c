#include "csv_block.h"

#include <string.h>

/* Translate the escape character to the syntax of CSV, a doubled quote.  An escape before any other
 * character is kept. */
static size_t unescape(csv_reader *r, const char *from, size_t n, char *to)
{
    char quote = (char)csv_get_quote(&r->parser);
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        if (r->escaped) {
            r->escaped = false;
            if (from[i] == quote) {
                to[out++] = quote;
            } else if (from[i] != r->escape) {
                to[out++] = r->escape;
            }
            to[out++] = from[i];
        } else if (from[i] == r->escape) {
            r->escaped = true;
        } else {
            to[out++] = from[i];
        }
    }
    if (r->ended && r->escaped) {
        to[out++] = r->escape;
    }
    return out;
}

static void skip_lines(csv_reader *r)
{
    while (r->skip > 0 && r->at < r->n) {
        char *end = memchr(r->block + r->at, '\n', r->n - r->at);
        r->at = end != NULL ? (size_t)(end + 1 - r->block) : r->n;
        r->skip -= end != NULL;
        r->line += end != NULL;
    }
}

void cli_csv_skip_comments(csv_reader *r)
{
    while (r->comment != '\0' && r->at < r->n && !r->dropping &&
           (r->in_comment || (r->fresh && r->block[r->at] == r->comment))) {
        char *end = memchr(r->block + r->at, '\n', r->n - r->at);
        r->in_comment = end == NULL;
        r->at = end != NULL ? (size_t)(end + 1 - r->block) : r->n;
        r->line += end != NULL;
    }
}

static size_t blanks(const char *text, size_t size)
{
    size_t n = 0;
    while (n < size && strchr(" \t\r\n", text[n]) != NULL && text[n] != '\0') {
        n++;
    }
    return n;
}

/* No file of CSV begins with [{ or {" where the quote is a quote. */
static bm_status refuse_json(csv_reader *r, bm_error *err)
{
    const char *at = r->block + r->at;
    size_t left = r->n - r->at;
    const size_t before = blanks(at, left);
    r->begun = true;
    at += before;
    left -= before;
    if (left == 0 || (*at != '[' && *at != '{') || csv_get_quote(&r->parser) != '"') {
        return BM_OK;
    }
    const size_t between = 1 + blanks(at + 1, left - 1);
    const char next = *at == '[' ? '{' : '"';
    return between == left || at[between] != next
               ? BM_OK
               : cli_fail(err, BM_CONVERT,
                          "%s:%llu: this looks like JSON, not like CSV: use --format json",
                          cli_input_name(r->input), (unsigned long long)r->line);
}

bm_status cli_csv_next_block(csv_reader *r, bm_error *err)
{
    while (r->at == r->n && !r->ended) {
        char *to = r->escape != 0 ? r->block + CLI_CSV_BLOCK + 1 : r->block;
        r->at = 0;
        CLI_TRY(cli_input_read(r->input, to, CLI_CSV_BLOCK / 2, &r->n, err));
        r->ended = r->n == 0;
        if (r->escape != 0) {
            r->n = unescape(r, to, r->n, r->block);
        }
        skip_lines(r);
        if (!r->begun && r->at < r->n) {
            CLI_TRY(refuse_json(r, err));
        }
        if ((char)csv_get_quote(&r->parser) == CLI_CSV_NO_QUOTE &&
            memchr(r->block + r->at, CLI_CSV_NO_QUOTE, r->n - r->at) != NULL) {
            return cli_fail(err, BM_CONVERT,
                            "%s: is not UTF-8 after line %llu: say the file's encoding, as in "
                            "--encoding=WINDOWS-1252",
                            cli_input_name(r->input), (unsigned long long)r->line);
        }
    }
    return BM_OK;
}
