#include "spelling.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_number(bm_type type)
{
    return type == BM_INT2 || type == BM_INT4 || type == BM_INT8 || type == BM_FLOAT4 ||
           type == BM_FLOAT8 || type == BM_NUMERIC;
}

static bool is_time(bm_type type)
{
    return type == BM_DATE || type == BM_TIME || type == BM_TIMESTAMP || type == BM_TIMESTAMPTZ;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- which format a column has */

/* COLUMN=FORMAT, or a FORMAT for all columns: its first % is before its first equals sign. */
bm_status cli_spelling_split(const char *text, cli_names *out, bm_error *err)
{
    const char *equals = strchr(text, '=');
    const char *percent = strchr(text, '%');
    const bool all = text[0] != '"' && (equals == NULL || (percent != NULL && percent < equals));
    if (all) {
        CLI_TRY(cli_names_add(out, "*", 1, err));
        return cli_names_add(out, text, strlen(text), err);
    }
    bm_error why = BM_ERROR;
    return cli_names_pair(out, text, false, &why) == BM_OK
               ? BM_OK
               : cli_fail(err, BM_INVALID, "--date-format: \"%s\" is neither FORMAT nor COL=FORMAT",
                          text);
}

static const char *type_fault(const cli_date_format *format, bm_type type)
{
    if (!is_time(type)) {
        return "is neither a date nor a timestamp";
    }
    if (type == BM_TIME) {
        return format->has_time && !format->has_date ? NULL
                                                     : "is a time: expected for example %H:%M";
    }
    if (!format->has_date) {
        return "has a date, and the format has none";
    }
    if (type == BM_DATE && format->has_time && !format->is_epoch) {
        return "is a date, and the format has a time of day";
    }
    return type == BM_TIMESTAMP && format->has_zone
               ? "is a timestamp without time zone, and the format has a UTC offset"
               : NULL;
}

static bm_status give_column(cli_spellings *to, const bm_field *fields, size_t n_read,
                             const char *name, const cli_date_format *format, bm_error *err)
{
    for (size_t i = 0; i < n_read; i++) {
        if (strcmp(fields[i].name, name) != 0) {
            continue;
        }
        const char *fault =
            to->of_dates[i] != NULL ? "has two formats" : type_fault(format, fields[i].type);
        to->of_dates[i] = format;
        return fault == NULL ? BM_OK
                             : cli_fail(err, BM_INVALID, "--date-format %s: column \"%s\" %s",
                                        format->text, name, fault);
    }
    return cli_fail(err, BM_INVALID, "--date-format: no column of the file is written to \"%s\"",
                    name);
}

/* A format for all columns is for those whose type has the same parts.  One without a time of day
 * is for timestamps, too, if no other is. */
static bm_status give_all(cli_spellings *to, const bm_field *fields, size_t n_read,
                          const cli_names *pairs, bool exact, bm_error *err)
{
    for (size_t i = 0; i < n_read; i++) {
        const bm_type type = fields[i].type;
        const cli_date_format *chosen = to->of_dates[i];
        for (size_t k = 0; chosen == NULL && k < pairs->n / 2; k++) {
            const cli_date_format *format = &to->formats[k];
            const bool for_type = !exact || (type == BM_DATE) != format->has_time;
            if (strcmp(pairs->at[2 * k], "*") != 0 || type_fault(format, type) != NULL ||
                !for_type) {
                continue;
            }
            if (to->of_dates[i] != NULL) {
                return cli_fail(err, BM_INVALID,
                                "--date-format: both %s and %s are for column \"%s\": write "
                                "COL=FORMAT",
                                to->of_dates[i]->text, format->text, fields[i].name);
            }
            to->of_dates[i] = format;
        }
    }
    return BM_OK;
}

/* A format that no column has is an error of the user. */
static bm_status check_used(const cli_spellings *to, size_t n, size_t n_read, bm_error *err)
{
    for (size_t k = 0; k < n; k++) {
        bool used = false;
        for (size_t i = 0; i < n_read; i++) {
            used = used || to->of_dates[i] == &to->formats[k];
        }
        if (!used) {
            return cli_fail(err, BM_INVALID,
                            "--date-format %s: no other column of the file is a date or timestamp "
                            "that this format fits",
                            to->formats[k].text);
        }
    }
    return BM_OK;
}

static bm_status make_formats(const cli_options *options, const bm_field *fields, size_t n_read,
                              cli_names *pairs, cli_spellings *out, bm_error *err)
{
    const size_t n = options->date_formats.n;
    out->formats = calloc(n, sizeof *out->formats);
    out->of_dates = calloc(n_read + 1, sizeof *out->of_dates);
    if (out->formats == NULL || out->of_dates == NULL) {
        return cli_no_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const char *text = options->date_formats.at[i];
        CLI_TRY(cli_spelling_split(text, pairs, err));
        text += strlen(text) - strlen(pairs->at[2 * i + 1]); /* borrowed from the options */
        CLI_TRY(cli_date_format_make(text, &out->formats[i], err));
    }
    for (size_t i = 0; i < n; i++) {
        if (strcmp(pairs->at[2 * i], "*") != 0) {
            CLI_TRY(give_column(out, fields, n_read, pairs->at[2 * i], &out->formats[i], err));
        }
    }
    CLI_TRY(give_all(out, fields, n_read, pairs, true, err));
    CLI_TRY(give_all(out, fields, n_read, pairs, false, err));
    return check_used(out, n, n_read, err);
}

bm_status cli_spellings_make(const cli_options *options, const bm_field *fields, size_t n_read,
                             cli_spellings *out, bm_error *err)
{
    cli_names pairs = {0};
    bm_status status = BM_OK;
    *out = (cli_spellings){.options = options,
                           .numbers = options->decimal != NULL || options->thousands != NULL};
    if (options->date_formats.n > 0) {
        status = make_formats(options, fields, n_read, &pairs, out, err);
    }
    cli_names_free(&pairs);
    return status;
}

void cli_spellings_free(cli_spellings *spellings)
{
    free(spellings->formats);
    free(spellings->of_dates);
    *spellings = (cli_spellings){0};
}

/* ---- numbers */

/* The bytes of the sign at `at`; 0: another character.  A blank is any space that typesetters put
 * between groups of digits. */
static size_t sign_at(const char *sign, const char *at, const char *end)
{
    static const char *const blanks[] = {" ", "\xC2\xA0", "\xE2\x80\xAF", "\xE2\x80\x89"};
    const size_t left = (size_t)(end - at);
    if (sign == NULL) {
        return 0;
    }
    for (size_t i = 0; strcmp(sign, " ") == 0 && i < sizeof blanks / sizeof blanks[0]; i++) {
        const size_t size = strlen(blanks[i]);
        if (left >= size && memcmp(at, blanks[i], size) == 0) {
            return size;
        }
    }
    const size_t size = strlen(sign);
    return left >= size && memcmp(at, sign, size) == 0 ? size : 0;
}

/* The digits before the decimal sign.  NULL: groups between separators are not of three digits. */
static const char *copy_integer(const char *thousands, const char *at, const char *end, char **to)
{
    size_t n = 0;
    bool grouped = false;
    while (at < end) {
        const size_t size = sign_at(thousands, at, end);
        if (is_digit(*at)) {
            *(*to)++ = *at++;
            n++;
        } else if (size > 0) {
            if (grouped ? n != 3 : n < 1 || n > 3) {
                return NULL;
            }
            grouped = true;
            n = 0;
            at += size;
        } else {
            break;
        }
    }
    return grouped && n != 3 ? NULL : at;
}

bool cli_spelling_number(const cli_options *options, bm_slice cell, char *room, bm_slice *out,
                         char *words, size_t words_size)
{
    const char *decimal = options->decimal != NULL ? options->decimal : ".";
    const char *end = cell.data + cell.size;
    const char *at = cell.data;
    char *to = room;
    while (at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    while (end > at && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    if (at < end && (*at == '-' || *at == '+')) {
        *to++ = *at++;
    }
    at = copy_integer(options->thousands, at, end, &to);
    if (at == NULL) {
        snprintf(words, words_size,
                 "has a thousands separator that is not between groups of three digits");
        return false;
    }
    const size_t size = sign_at(decimal, at, end);
    if (size > 0) {
        *to++ = '.';
        at += size;
    }
    for (; at < end; at++) {
        if (*at == '.' && (size > 0 || strcmp(decimal, ".") != 0)) {
            snprintf(words, words_size,
                     size > 0 ? "has another point after its decimal sign"
                              : "has a point, but its decimal sign is \"%s\" (--decimal): "
                                "--thousands=. reads points between groups of three digits",
                     decimal);
            return false;
        }
        if (sign_at(options->thousands, at, end) > 0) {
            snprintf(words, words_size, "has a thousands separator after its decimal sign");
            return false;
        }
        *to++ = *at;
    }
    *out = (bm_slice){room, (size_t)(to - room)};
    return true;
}

/* ---- cells */

bool cli_spelling_applies(const cli_spellings *spellings, size_t field, bm_type type,
                          bool json_number)
{
    return is_number(type) ? spellings->numbers && !json_number
                           : spellings->of_dates != NULL && spellings->of_dates[field] != NULL;
}

size_t cli_spelling_room(size_t size)
{
    return size > CLI_DATE_TEXT ? size : CLI_DATE_TEXT;
}

bool cli_spelling_read(const cli_spellings *spellings, size_t field, bm_type type, bm_slice cell,
                       char *room, bm_slice *out, char *words, size_t words_size)
{
    if (is_number(type)) {
        return cli_spelling_number(spellings->options, cell, room, out, words, words_size);
    }
    const size_t size =
        cli_date_format_read(spellings->of_dates[field], type, cell, room, words, words_size);
    *out = (bm_slice){room, size};
    return size > 0;
}

const char *cli_spelling_hint(const cli_options *options, bm_type type, bm_slice cell)
{
    if (cell.size == 0) {
        return "";
    }
    if (is_number(type)) {
        const bool signs =
            memchr(cell.data, ',', cell.size) != NULL || memchr(cell.data, '\'', cell.size) != NULL;
        return signs && options->decimal == NULL && options->thousands == NULL
                   ? "; --decimal=, and --thousands read others"
                   : "";
    }
    return is_time(type) && options->date_formats.n == 0 ? "; --date-format reads other forms" : "";
}
