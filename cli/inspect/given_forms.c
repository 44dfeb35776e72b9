#include "given_forms.h"

#include <stdlib.h>
#include <string.h>

bm_status cli_given_forms_make(const cli_options *options, cli_given_forms *out, bm_error *err)
{
    const cli_names *given = &options->date_formats;
    *out = (cli_given_forms){.options = options,
                             .numbers = options->decimal != NULL || options->thousands != NULL,
                             .n_dates = given->n};
    if (given->n > CLI_GIVEN_DATES) {
        return cli_fail(err, BM_INVALID,
                        "types are found with at most %d --date-format: create the table with a "
                        "statement of your own first",
                        CLI_GIVEN_DATES);
    }
    for (size_t i = 0; i < given->n; i++) {
        const char *text = given->at[i];
        CLI_TRY(cli_spelling_split(text, &out->pairs, err));
        text += strlen(text) - strlen(out->pairs.at[2 * i + 1]); /* borrowed from the options */
        CLI_TRY(cli_date_format_make(text, &out->dates[i], err));
    }
    return BM_OK;
}

void cli_given_forms_free(cli_given_forms *forms)
{
    cli_names_free(&forms->pairs);
}

static bool is_number(cli_found found)
{
    return found >= CLI_FOUND_INTEGER && found <= CLI_FOUND_DOUBLE;
}

static cli_found found_of(const char *text, size_t size)
{
    cli_column_type one = {0};
    cli_column_type_add(&one, text, size);
    return one.found;
}

/* A number is one only in the form that is given. */
static void add_number(const cli_given_forms *forms, cli_column_type *type, const char *text,
                       size_t size)
{
    char room[256];
    char words[8];
    bm_slice out;
    if (size <= sizeof room &&
        cli_spelling_number(forms->options, (bm_slice){text, size}, room, &out, words,
                            sizeof words) &&
        is_number(found_of(out.data, out.size))) {
        cli_column_type_add(type, out.data, out.size);
    } else if (is_number(found_of(text, size))) {
        type->found = CLI_FOUND_TEXT;
    } else {
        cli_column_type_add(type, text, size);
    }
}

static bm_type type_of(const cli_date_format *format)
{
    return !format->has_date                      ? BM_TIME
           : format->has_zone || format->is_epoch ? BM_TIMESTAMPTZ
           : format->has_time                     ? BM_TIMESTAMP
                                                  : BM_DATE;
}

bool cli_given_forms_add(const cli_given_forms *forms, cli_column_type *type, cli_misfits *misfits,
                         const char *text, size_t size)
{
    bool misfit = false;
    for (size_t i = 0; i < forms->n_dates; i++) {
        char out[CLI_DATE_TEXT];
        char words[8];
        const cli_date_format *format = &forms->dates[i];
        if (misfits->lines[i] == 0 &&
            cli_date_format_read(format, type_of(format), (bm_slice){text, size}, out, words,
                                 sizeof words) == 0) {
            misfits->lines[i] = CLI_LINE_UNKNOWN;
            misfit = true;
        }
    }
    if (type->found == CLI_FOUND_TEXT) {
        return misfit;
    }
    if (forms->numbers) {
        add_number(forms, type, text, size);
    } else {
        cli_column_type_add(type, text, size);
    }
    return misfit;
}

static void become(cli_column_type *type, const cli_date_format *format)
{
    static const struct {
        bm_type type;
        cli_found found;
    } types[] = {{BM_TIME, CLI_FOUND_TIME},
                 {BM_DATE, CLI_FOUND_DATE},
                 {BM_TIMESTAMP, CLI_FOUND_TIMESTAMP},
                 {BM_TIMESTAMPTZ, CLI_FOUND_TIMESTAMPTZ}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        type->found = types[i].type == type_of(format) ? types[i].found : type->found;
    }
}

bm_status cli_given_forms_decide(const cli_given_forms *forms, const char *file, const char *name,
                                 uint64_t values, const cli_misfits *misfits, cli_column_type *type,
                                 bm_error *err)
{
    size_t chosen = forms->n_dates;
    for (size_t i = 0; i < forms->n_dates; i++) {
        const bool own = strcmp(forms->pairs.at[2 * i], name) == 0;
        const bool all = strcmp(forms->pairs.at[2 * i], "*") == 0;
        if (own && misfits->lines[i] != 0) {
            return cli_fail(err, BM_CONVERT,
                            "%s:%llu: column \"%s\" does not match its --date-format %s",
                            cli_short_path(file), (unsigned long long)misfits->lines[i], name,
                            forms->dates[i].text);
        }
        /* Numbers are dates for all columns where they are not counted from 1970. */
        const bool may = type->found == CLI_FOUND_TEXT || type->found == CLI_FOUND_INTEGER;
        if (own || (all && chosen == forms->n_dates && values > 0 && misfits->lines[i] == 0 &&
                    may && !forms->dates[i].is_epoch)) {
            chosen = i;
        }
    }
    if (chosen < forms->n_dates) {
        become(type, &forms->dates[chosen]);
    }
    return BM_OK;
}
