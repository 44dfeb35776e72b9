/* What a survey's counts mean: whether there is a header, the names, what is NULL. */
#include "decide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_typed(const cli_column_survey *column)
{
    return column->values > 0 && cli_column_type_of(&column->type) != CLI_FOUND_TEXT;
}

/* Codes of one length, as those of countries. */
static bool is_code(const cli_column_survey *column)
{
    return column->values >= 5 && column->shortest == column->longest;
}

/* Would the cell of the first row be one more of the column's values? */
static bool fits(const cli_column_survey *column)
{
    cli_column_type type = column->type;
    if (!is_typed(column)) {
        return strlen(column->first) == column->longest;
    }
    cli_column_type_add(&type, column->first, strlen(column->first));
    return cli_column_type_of(&type) != CLI_FOUND_TEXT;
}

/* Names that count up, as years do, after a first that is a word. */
static bool counts_up(const cli_survey *s)
{
    for (size_t i = 1; i < s->n_columns; i++) {
        const long before = strtol(s->columns[i - 1].first, NULL, 10);
        const long here = strtol(s->columns[i].first, NULL, 10);
        if (here == 0 || (i > 1 && here != before + 1)) {
            return false;
        }
    }
    return s->n_columns > 2 && strtol(s->columns[0].first, NULL, 10) == 0;
}

bool cli_decide_header(const cli_survey *s)
{
    size_t fitting = 0;
    size_t other = 0;
    for (size_t i = 0; i < s->n_columns; i++) {
        const cli_column_survey *column = &s->columns[i];
        const bool known = is_typed(column) || is_code(column);
        if (known && column->first != NULL && column->first[0] != '\0') {
            fitting += fits(column);
            other += !fits(column);
        }
    }
    return other > 0 || fitting == 0 || counts_up(s);
}

static bool has_name(const cli_survey *s, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(s->columns[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The name of column i: that of the header, or c1; with a number after it if it is not new. */
static char *name_of(const cli_survey *s, size_t i, bool *renamed)
{
    const char *first = s->columns[i].first;
    const char *given = s->header && first != NULL ? first : "";
    const size_t room = strlen(given) + 32;
    char *name = malloc(room);
    if (name == NULL) {
        return NULL;
    }
    if (given[0] != '\0') {
        snprintf(name, room, "%s", given);
    } else {
        snprintf(name, room, "c%zu", i + 1);
    }
    for (size_t k = 2; has_name(s, i, name); k++) {
        snprintf(name, room, "%s_%zu", given[0] != '\0' ? given : "c", k);
    }
    *renamed = *renamed || (s->header && strcmp(name, given) != 0);
    return name;
}

bm_status cli_decide_names(cli_survey *s, bm_error *err)
{
    for (size_t i = 0; i < s->n_columns && !s->json; i++) {
        s->columns[i].name = name_of(s, i, &s->renamed);
        if (s->columns[i].name == NULL) {
            return cli_no_memory(err);
        }
    }
    return BM_OK;
}

static uint64_t count_nulls(const cli_survey *s, const cli_column_survey *column)
{
    const bool quoted = column->null_quoted;
    uint64_t present = column->values;
    for (size_t k = 0; k < CLI_SPELLINGS; k++) {
        present += s->nulls[k] ? 0 : column->spelled[k];
        present += s->nulls[k] && quoted ? 0 : column->spelled_quoted[k];
    }
    present += s->empty_null ? 0 : column->empty;
    present += s->empty_null && quoted ? 0 : column->empty_quoted;
    return s->rows - present;
}

/* A spelling is NULL if it keeps a column from being of a type.  The option holds for all columns,
 * so it is NULL in columns of text, too. */
void cli_decide_nulls(cli_survey *s)
{
    bool any = false;
    for (size_t i = 0; i < s->n_columns; i++) {
        const cli_column_survey *column = &s->columns[i];
        for (size_t k = 0; k < CLI_SPELLINGS; k++) {
            const bool seen = column->spelled[k] + column->spelled_quoted[k] > 0;
            s->nulls[k] = s->nulls[k] || (seen && is_typed(column)) ||
                          (k == CLI_ALWAYS_NULL && column->spelled[k] > 0);
            any = any || s->nulls[k];
        }
    }
    s->empty_null = !any;
    for (size_t i = 0; i < s->n_columns; i++) {
        cli_column_survey *column = &s->columns[i];
        uint64_t quoted = column->empty_quoted;
        for (size_t k = 0; k < CLI_SPELLINGS; k++) {
            quoted += s->nulls[k] ? column->spelled_quoted[k] : 0;
        }
        column->null_quoted = is_typed(column) && quoted > 0;
        s->empty_null =
            s->empty_null || (is_typed(column) && column->empty + column->empty_quoted > 0);
    }
    for (size_t i = 0; i < s->n_columns; i++) {
        s->columns[i].nulls = count_nulls(s, &s->columns[i]);
    }
}

static bool is_named(const cli_names *names, const char *name)
{
    return cli_names_find(names, name) != CLI_NONE;
}

/* As cli_null_rule of the column map: a column's own name goes before *. */
static cli_null_rule rule_of(const cli_options *o, const char *name)
{
    const cli_names *always = &o->null_columns;
    const cli_names *never = &o->not_null_columns;
    return is_named(always, name)  ? CLI_NULL_ALWAYS
           : is_named(never, name) ? CLI_NULL_NEVER
           : is_named(always, "*") ? CLI_NULL_ALWAYS
           : is_named(never, "*")  ? CLI_NULL_NEVER
                                   : CLI_NULL_UNQUOTED;
}

void cli_decide_given_nulls(cli_survey *s)
{
    for (size_t i = 0; i < s->n_columns; i++) {
        cli_column_survey *column = &s->columns[i];
        const cli_null_rule rule = rule_of(&s->options, column->target);
        uint64_t texts = rule == CLI_NULL_ALWAYS ? 0 : column->empty_quoted;
        texts += rule == CLI_NULL_NEVER ? column->empty : 0;
        column->nulls = s->rows - column->values - texts;
        if (texts > 0 || (rule == CLI_NULL_NEVER && column->nulls > 0)) {
            column->type.found = CLI_FOUND_TEXT;
        }
        column->nulls = rule == CLI_NULL_NEVER ? 0 : column->nulls; /* of --ragged=pad */
    }
}

/* The name in the table of a column of the file; "" if it is not read. */
static const char *target_of(const cli_survey *s, size_t i)
{
    const cli_options *o = &s->options;
    const char *name = s->columns[i].name;
    for (size_t k = 0; k < o->map.n; k += 2) {
        if (strcmp(name, o->map.at[k]) == 0) {
            name = o->map.at[k + 1];
            break;
        }
    }
    const bool chosen = o->columns.n > 0 && !o->no_header;
    return chosen && !is_named(&o->columns, name) ? "" : name;
}

static const char *given_name(const cli_survey *s, size_t i)
{
    const cli_names *columns = &s->options.columns;
    const char *first = s->columns[i].first;
    return s->options.no_header ? (i < columns->n ? columns->at[i] : "")
                                : (first != NULL ? first : "");
}

bm_status cli_decide_targets(cli_survey *s, bm_error *err)
{
    for (size_t i = 0; i < s->n_columns; i++) {
        cli_column_survey *column = &s->columns[i];
        if (!s->json) {
            column->name = strdup(given_name(s, i));
        }
        column->target = column->name != NULL ? strdup(target_of(s, i)) : NULL;
        if (column->target == NULL) {
            return cli_no_memory(err);
        }
    }
    return BM_OK;
}
