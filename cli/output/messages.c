#include "messages.h"

#include "destination.h"
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct count {
    const char *name;
    uint64_t n;
} count;

#define N_COUNTS 8

static void list_counts(const bm_result *result, count out[N_COUNTS])
{
    const count counts[N_COUNTS] = {
        {"inserted", result->inserted},   {"updated", result->updated},
        {"unchanged", result->unchanged}, {"missing", result->missing},
        {"ignored", result->ignored},     {"deleted", result->deleted},
        {"read", result->read},           {"set aside", result->rejected}};
    memcpy(out, counts, sizeof counts);
}

static void summary_json(const cli_options *options, const count *counts, const bm_result *result)
{
    fprintf(stderr, "{\"event\": \"done\", \"verb\": \"%s\", \"dry_run\": %s", options->verb->name,
            options->dry_run ? "true" : "false");
    for (size_t i = 0; i < N_COUNTS; i++) {
        const char *name = i == N_COUNTS - 1 ? "rejected" : counts[i].name;
        fprintf(stderr, ", \"%s\": %llu", name, (unsigned long long)counts[i].n);
    }
    fprintf(stderr, ", \"replays\": %llu, \"seconds\": %.3f}\n",
            (unsigned long long)result->replays, result->seconds);
}

void cli_summary(const cli_options *options, const bm_result *result)
{
    count counts[N_COUNTS];
    char number[32];
    uint64_t rows = 0;
    bool any = false;
    list_counts(result, counts);
    if (options->json) {
        summary_json(options, counts, result);
        return;
    }
    if (options->quiet) {
        return;
    }
    for (size_t i = 0; i < N_COUNTS; i++) {
        rows += counts[i].n;
        if (counts[i].n > 0) {
            fprintf(stderr, "%s%s %s", any ? ", " : "", cli_grouped(counts[i].n, number),
                    counts[i].name);
            any = true;
        }
    }
    double rate = result->seconds > 0 ? (double)rows / result->seconds : 0;
    fprintf(stderr, "%s in %.2f s (%s rows/s)%s\n", any ? "" : "no rows", result->seconds,
            cli_grouped((uint64_t)rate, number),
            options->dry_run ? "; rolled back (--dry-run)" : "");
}

/* An incomplete file is removed, but what was written to a stream stays. */
static const char *read_words(const cli_options *options, const bm_result *result, char out[512])
{
    const cli_destination *to = options->destination;
    char number[32];
    if (to == NULL || !cli_destination_is_stream(to)) {
        return "the output file was not changed";
    }
    snprintf(out, 512, "%s has only the first rows, at most %s", cli_destination_name(to),
             cli_grouped(result->read, number));
    return result->read > 0 ? out : "no row was written";
}

/* Of a load in parts. */
static const char *parts_words(const bm_result *result, const bm_error *err, char out[512])
{
    char number[32];
    if (err->fate == BM_FATE_UNKNOWN) {
        return "the connection was lost during COMMIT: run the same command, which finds out which "
               "rows are committed, and continues";
    }
    const bool any = result != NULL && result->n_parts > 0 && result->parts[0].n_ranges > 0;
    snprintf(out, 512, "the first %s rows are committed: run the same command to continue",
             cli_grouped(any ? result->parts[0].ranges[1] : 0, number));
    return out;
}

static const char *fate_words(const bm_error *err)
{
    switch (err->fate) {
    case BM_FATE_COMMITTED:
        return "all rows are in the table";
    case BM_FATE_PARTIAL:
        return "some of the rows are in the table: the lines are listed above";
    case BM_FATE_UNKNOWN:
        return "the connection was lost during COMMIT: check whether the rows are in the table";
    case BM_FATE_NOT_STARTED:
    case BM_FATE_ROLLED_BACK:
    case BM_FATE_IN_CALLERS_TRANSACTION:
        break;
    }
    return err->status == BM_CANCELLED ? "rolled back: nothing was written" : "nothing was written";
}

static void put_json_text(const char *text)
{
    fputc('"', stderr);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            fputc('\\', stderr);
        }
        if (c < 0x20) {
            fprintf(stderr, "\\u%04x", c);
        } else {
            fputc(c, stderr);
        }
    }
    fputc('"', stderr);
}

static void put_json_or_null(const char *text)
{
    char plain[1024];
    if (text == NULL) {
        fputs("null", stderr);
        return;
    }
    snprintf(plain, sizeof plain, "%s", text);
    cli_make_plain(plain);
    put_json_text(plain);
}

void cli_warning(const cli_options *options, const char *said)
{
    char words[1024];
    snprintf(words, sizeof words, "%s", said);
    cli_make_plain(words);
    if (options->json) {
        fputs("{\"event\": \"warning\", \"message\": ", stderr);
        put_json_text(words);
        fputs("}\n", stderr);
    } else {
        fprintf(stderr, "bulkmodel: warning: %s\n", words);
    }
}

void cli_retry(void *user, uint64_t retry, const bm_error *why)
{
    cli_progress *progress = user;
    const cli_options *options = progress->options;
    char words[sizeof why->message];
    if (options->quiet) {
        return;
    }
    memcpy(words, why->message, sizeof words);
    cli_make_plain(words);
    (void)cli_progress_end(progress); /* erases its line, which is drawn again later */
    if (options->json) {
        fprintf(stderr,
                "{\"event\": \"retry\", \"retry\": %llu, \"most\": %llu, \"status\": \"%s\", "
                "\"message\": ",
                (unsigned long long)retry, (unsigned long long)options->retries,
                bm_status_name(why->status));
        put_json_text(words);
        fputs("}\n", stderr);
    } else {
        fprintf(stderr, "bulkmodel: retry %llu of %llu: %s\n", (unsigned long long)retry,
                (unsigned long long)options->retries, words);
    }
}

void cli_part(void *user, uint64_t rows)
{
    cli_progress *progress = user;
    const cli_options *options = progress->options;
    char number[32];
    const bool first = !progress->resumes;
    progress->resumes = true;
    progress->earlier = first ? rows : progress->earlier;
    if (options->quiet) {
        return;
    }
    if (options->json) {
        fprintf(stderr, "{\"event\": \"part\", \"rows\": %llu}\n", (unsigned long long)rows);
    } else if (first && rows > 0) {
        (void)cli_progress_end(progress);
        fprintf(stderr, "bulkmodel: %s rows were written by earlier commands\n",
                cli_grouped(rows, number));
    }
}

void cli_load_is_finished(const cli_options *options)
{
    if (!options->quiet && !options->json) {
        fputs("bulkmodel: the load is finished: nothing was written\n", stderr);
    }
}

/* The line after "PATH:" at the front of a message, or 0.  NULL: the message has not this file. */
static const char *after_file(const char *message, const char *path, unsigned long long *line)
{
    const char *name = cli_short_path(path);
    const size_t size = strlen(name);
    char *end;
    *line = 0;
    if (strncmp(message, name, size) != 0 || message[size] != ':') {
        return NULL;
    }
    if (message[size + 1] >= '0' && message[size + 1] <= '9') {
        const unsigned long long number = strtoull(message + size + 1, &end, 10);
        *line = *end == ':' ? number : 0;
    }
    return path;
}

/* The file, line and column of an error; messages of readers begin with FILE:LINE. */
static void put_place(const cli_options *options, const bm_error *err)
{
    static const char input[] = "standard input";
    unsigned long long line;
    const char *file = after_file(err->message, input, &line);
    for (size_t i = 0; i < options->n_files && file == NULL; i++) {
        file = after_file(err->message, options->files[i], &line);
    }
    fputs(", \"file\": ", stderr);
    put_json_or_null(file != NULL && file != input ? file : file != NULL ? "-" : NULL);
    if (file != NULL && line > 0) {
        fprintf(stderr, ", \"line\": %llu", line);
    } else {
        fputs(", \"line\": null", stderr);
    }
    fputs(", \"column\": ", stderr);
    put_json_or_null(err->column[0] != '\0' ? err->column : NULL);
}

void cli_failure(const cli_options *options, const bm_result *result, bm_error *err)
{
    char words[512];
    bool reads = result != NULL && options->verb->bit == CLI_COPY_TO;
    const bool parts =
        options->load_id != NULL && (err->fate == BM_FATE_PARTIAL || err->fate == BM_FATE_UNKNOWN);
    const char *fate = reads   ? read_words(options, result, words)
                       : parts ? parts_words(result, err, words)
                               : fate_words(err);
    if (options->json) {
        fprintf(stderr, "{\"event\": \"failed\", \"status\": \"%s\", \"message\": ",
                bm_status_name(err->status));
        put_json_or_null(err->message);
        put_place(options, err);
        fputs(", \"fate\": ", stderr);
        put_json_text(fate);
        fputs("}\n", stderr);
        return;
    }
    cli_make_plain(err->message);
    fprintf(stderr, "bulkmodel: %s\n", err->message);
    if ((reads && result->read > 0) || err->status == BM_CANCELLED ||
        err->fate != BM_FATE_NOT_STARTED) {
        fprintf(stderr, "bulkmodel: %s\n", fate);
    }
}

void cli_lines(const cli_options *options, const char *file, uint64_t first, uint64_t last,
               bm_fate fate)
{
    const char *words = fate == BM_FATE_COMMITTED ? "in the table"
                        : fate == BM_FATE_UNKNOWN ? "unknown: check whether they are in the table"
                                                  : "not in the table";
    char name[1024];
    snprintf(name, sizeof name, "%s", file);
    cli_make_plain(name);
    if (options->json) {
        fputs("{\"event\": \"lines\", \"file\": ", stderr);
        put_json_text(name);
        fprintf(stderr, ", \"first\": %llu, \"last\": %llu, \"fate\": \"%s\"}\n",
                (unsigned long long)first, (unsigned long long)last,
                fate == BM_FATE_COMMITTED ? "committed"
                : fate == BM_FATE_UNKNOWN ? "unknown"
                                          : "rolled back");
        return;
    }
    fprintf(stderr, "bulkmodel: %s: lines %llu to %llu: %s\n", name, (unsigned long long)first,
            (unsigned long long)last, words);
}
