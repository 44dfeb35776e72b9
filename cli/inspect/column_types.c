#include "column_types.h"

#include <stdio.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#define INT4_SURE 9 /* so many digits always fit int4 ... */
#define INT8_SURE 18
#define DOUBLE_DIGITS 15    /* a double keeps so many of any number: DBL_DIG */
#define NUMERIC_DIGITS 1000 /* numeric(p, s) allows no more */
#define TIMESTAMP_MAX 40    /* a longer text is not a timestamp */

static bool parses(bm_type type, const char *text, size_t size)
{
    union {
        int64_t number;
        double real;
        bm_uuid uuid;
        bm_slice text;
    } value;
    return bm_value_parse(type, (bm_slice){text, size}, NULL, &value, NULL) == BM_OK;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t count_digits(const char *text, size_t size)
{
    size_t n = 0;
    while (n < size && is_digit(text[n])) {
        n++;
    }
    return n;
}

static void widen(size_t *most, size_t n)
{
    *most = n > *most ? n : *most;
}

/* More digits are kept only if they are those that tell a double from its neighbours. */
static bool keeps_double(const char *text, size_t size)
{
    double value;
    char printed[CLI_TYPE_NAME_MAX];
    size_t n;
    return bm_value_parse(BM_FLOAT8, (bm_slice){text, size}, NULL, &value, NULL) == BM_OK &&
           bm_value_print(BM_FLOAT8, &value, printed, sizeof printed, &n, NULL) == BM_OK &&
           n == size && memcmp(printed, text, n) == 0;
}

static void note_digits(cli_column_type *type, size_t whole, size_t scale, const char *text,
                        size_t size)
{
    widen(&type->integer_digits, whole);
    widen(&type->scale, scale);
    widen(&type->digits, whole + scale);
    type->inexact = type->inexact || (whole + scale > DOUBLE_DIGITS && !keeps_double(text, size));
}

/* A number has no plus sign and no leading zero: those are of codes, which stay as they are. */
static cli_found number(cli_column_type *type, const char *text, size_t size)
{
    const size_t sign = text[0] == '-';
    const size_t whole = count_digits(text + sign, size - sign);
    size_t at = sign + whole;
    size_t scale = 0;
    if (whole > 1 && text[sign] == '0') {
        return CLI_FOUND_TEXT;
    }
    if (at == size && whole > 0) {
        note_digits(type, whole, 0, text, size);
        return whole <= INT4_SURE || (whole <= INT4_SURE + 1 && parses(BM_INT4, text, size))
                   ? CLI_FOUND_INTEGER
               : whole <= INT8_SURE || parses(BM_INT8, text, size) ? CLI_FOUND_BIGINT
                                                                   : CLI_FOUND_NUMERIC;
    }
    if (at < size && text[at] == '.') {
        scale = count_digits(text + at + 1, size - at - 1);
        at += 1 + scale;
    }
    const bool exponent = at < size && (text[at] == 'e' || text[at] == 'E');
    const bool plain = at == size && whole + scale <= NUMERIC_DIGITS; /* surely a number */
    if (whole + scale == 0 || (at < size && !exponent) ||
        (!plain && !parses(BM_NUMERIC, text, size)) ||
        (exponent && !parses(BM_FLOAT8, text, size))) {
        return CLI_FOUND_TEXT;
    }
    note_digits(type, whole, scale, text, size);
    type->exponent = type->exponent || exponent;
    return exponent ? CLI_FOUND_DOUBLE : CLI_FOUND_NUMERIC;
}

/* Year, month and day with dashes: 20240101 is a number. */
static cli_found date(const char *text, size_t size)
{
    if (size < 8 || size > TIMESTAMP_MAX || memchr(text, '-', size) == NULL) {
        return CLI_FOUND_TEXT;
    }
    return parses(BM_DATE, text, size)          ? CLI_FOUND_DATE
           : parses(BM_TIMESTAMP, text, size)   ? CLI_FOUND_TIMESTAMP
           : parses(BM_TIMESTAMPTZ, text, size) ? CLI_FOUND_TIMESTAMPTZ
                                                : CLI_FOUND_TEXT;
}

/* Only the form with dashes: 32 hexadecimal digits are often something else. */
static bool is_uuid(const char *text, size_t size)
{
    return size == 36 && text[8] == '-' && text[13] == '-' && parses(BM_UUID, text, size);
}

static bool same_word(const char *text, size_t size, const char *word)
{
    return strlen(word) == size && strncasecmp(text, word, size) == 0;
}

static cli_found boolean(cli_column_type *type, const char *text, size_t size)
{
    if (size == 1) {
        type->t = type->t || text[0] == 't';
        type->f = type->f || text[0] == 'f';
        return text[0] == 't' || text[0] == 'f' ? CLI_FOUND_BOOLEAN : CLI_FOUND_TEXT;
    }
    const bool word = same_word(text, size, "true") || same_word(text, size, "false");
    type->words = type->words || word;
    return word ? CLI_FOUND_BOOLEAN : CLI_FOUND_TEXT;
}

/* An object or an array, whole and with nothing after it. */
static bool is_json(const char *text, size_t size)
{
    yajl_handle yajl = yajl_alloc(NULL, NULL, NULL);
    if (yajl == NULL) {
        return false;
    }
    bool whole = yajl_parse(yajl, (const unsigned char *)text, size) == yajl_status_ok &&
                 yajl_complete_parse(yajl) == yajl_status_ok;
    yajl_free(yajl);
    return whole;
}

static cli_found classify(cli_column_type *type, const char *text, size_t size)
{
    const char first = size > 0 ? text[0] : '\0';
    switch (first) {
    case '{':
    case '[':
        return is_json(text, size) ? CLI_FOUND_JSON : CLI_FOUND_TEXT;
    case 't':
    case 'T':
        return boolean(type, text, size);
    case 'f':
    case 'F':
        if (size != 36) {
            return boolean(type, text, size);
        }
        break;
    case 'i':
    case 'I':
        return same_word(text, size, "inf") || same_word(text, size, "infinity") ? CLI_FOUND_DOUBLE
                                                                                 : CLI_FOUND_TEXT;
    default:
        break;
    }
    if (is_uuid(text, size)) {
        return CLI_FOUND_UUID;
    }
    if (same_word(text, size, "-inf") || same_word(text, size, "-infinity")) {
        return CLI_FOUND_DOUBLE;
    }
    if (!is_digit(first) && first != '-' && first != '.') {
        return CLI_FOUND_TEXT;
    }
    cli_found found = number(type, text, size);
    return found == CLI_FOUND_TEXT && is_digit(first) ? date(text, size) : found;
}

static bool is_number(cli_found found)
{
    return found >= CLI_FOUND_INTEGER && found <= CLI_FOUND_DOUBLE;
}

/* The narrowest type that holds values of both. */
static cli_found join(cli_found a, cli_found b)
{
    if (a == b || b == CLI_FOUND_NONE) {
        return a;
    }
    if (a == CLI_FOUND_NONE) {
        return b;
    }
    const cli_found wider = a > b ? a : b;
    const cli_found other = a > b ? b : a;
    if (is_number(a) && is_number(b)) {
        return wider;
    }
    return wider == CLI_FOUND_TIMESTAMP && other == CLI_FOUND_DATE ? wider : CLI_FOUND_TEXT;
}

/* Blanks around a value do not count, except in text. */
static void trim(const char **text, size_t *size)
{
    while (*size > 0 && (*text)[0] == ' ') {
        (*text)++;
        (*size)--;
    }
    while (*size > 0 && (*text)[*size - 1] == ' ') {
        (*size)--;
    }
}

void cli_column_type_add(cli_column_type *type, const char *text, size_t size)
{
    if (type->found != CLI_FOUND_TEXT) {
        trim(&text, &size);
        type->found = join(type->found, classify(type, text, size));
    }
}

void cli_column_type_add_json(cli_column_type *type, const char *text, size_t size)
{
    if (size < 2 || text[0] != '"') {
        cli_column_type_add(type, text, size);
        return;
    }
    if (type->found == CLI_FOUND_TEXT) {
        return;
    }
    text++;
    size -= 2;
    const cli_found found = is_uuid(text, size)             ? CLI_FOUND_UUID
                            : size > 0 && is_digit(text[0]) ? date(text, size)
                                                            : CLI_FOUND_TEXT;
    type->found = join(type->found, found);
}

/* A single "f" may be a sex, and "t" a mark: both letters make it a column of booleans. */
cli_found cli_column_type_of(const cli_column_type *type)
{
    const bool letters = type->t || type->f;
    switch (type->found) {
    case CLI_FOUND_NONE:
        return CLI_FOUND_TEXT;
    case CLI_FOUND_BOOLEAN:
        return letters && (type->words || type->t != type->f) ? CLI_FOUND_TEXT : CLI_FOUND_BOOLEAN;
    case CLI_FOUND_DOUBLE:
        return type->inexact ? CLI_FOUND_NUMERIC : CLI_FOUND_DOUBLE;
    default:
        return type->found;
    }
}

static void numeric_name(const cli_column_type *type, bool sqlite, char *out)
{
    const size_t precision = type->integer_digits + type->scale;
    if (sqlite && type->digits > DOUBLE_DIGITS) { /* its NUMERIC is a double, too */
        snprintf(out, CLI_TYPE_NAME_MAX, "%s", type->inexact ? "text" : "double precision");
    } else if (type->exponent || precision > NUMERIC_DIGITS) {
        snprintf(out, CLI_TYPE_NAME_MAX, "numeric");
    } else {
        snprintf(out, CLI_TYPE_NAME_MAX, "numeric(%zu,%zu)", precision, type->scale);
    }
}

void cli_column_type_name(const cli_column_type *type, bool sqlite, char out[CLI_TYPE_NAME_MAX])
{
    static const struct {
        const char *postgresql;
        const char *sqlite;
    } names[] = {
        [CLI_FOUND_BOOLEAN] = {"boolean", "boolean"},
        [CLI_FOUND_INTEGER] = {"integer", "integer"},
        [CLI_FOUND_BIGINT] = {"bigint", "bigint"},
        [CLI_FOUND_DOUBLE] = {"double precision", "double precision"},
        [CLI_FOUND_DATE] = {"date", "date"},
        [CLI_FOUND_TIMESTAMP] = {"timestamp", "datetime"},
        [CLI_FOUND_TIMESTAMPTZ] = {"timestamptz", "datetime"},
        [CLI_FOUND_TIME] = {"time", "time"},
        [CLI_FOUND_UUID] = {"uuid", "char(32)"},
        [CLI_FOUND_JSON] = {"json", "text"},
        [CLI_FOUND_TEXT] = {"text", "text"},
    };
    const cli_found found = cli_column_type_of(type);
    if (found == CLI_FOUND_NUMERIC) {
        numeric_name(type, sqlite, out);
    } else {
        snprintf(out, CLI_TYPE_NAME_MAX, "%s",
                 sqlite ? names[found].sqlite : names[found].postgresql);
    }
}
