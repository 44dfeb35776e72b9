#include "progress.h"

#include "destination.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BETWEEN 0.1 /* seconds */

static double seconds_since(const struct timespec *then, struct timespec *now)
{
    clock_gettime(CLOCK_MONOTONIC, now);
    return (double)(now->tv_sec - then->tv_sec) + (double)(now->tv_nsec - then->tv_nsec) / 1e9;
}

void cli_progress_begin(cli_progress *progress, const cli_options *options,
                        const cli_source *source)
{
    *progress = (cli_progress){.options = options, .source = source};
    clock_gettime(CLOCK_MONOTONIC, &progress->begin);
    progress->shown = progress->begin;
    progress->on_terminal = isatty(STDERR_FILENO) == 1;
}

/* "  12,345,678": digits in groups of three. */
static const char *grouped(uint64_t value, char out[32])
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    char *at = out;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0) {
            *at++ = ',';
        }
        *at++ = digits[i];
    }
    *at = '\0';
    return out;
}

static void draw(const cli_progress *progress, uint64_t rows, double seconds)
{
    char count[32];
    char rate[32];
    uint64_t taken = 0;
    uint64_t total = 0;
    if (progress->source != NULL) {
        cli_source_progress(progress->source, &taken, &total);
    }
    fprintf(stderr, "\r\033[K%s rows, %s rows/s", grouped(rows, count),
            grouped((uint64_t)((double)rows / seconds), rate));
    if (taken > 0) {
        fprintf(stderr, ", %.1f MB/s", (double)taken / seconds / 1e6);
    }
    if (total > 0 && taken > 0) {
        double share = (double)taken / (double)total;
        double left = seconds / share - seconds;
        fprintf(stderr, ", %.0f %%, %d:%02d left", 100 * share, (int)left / 60, (int)left % 60);
    }
    fflush(stderr);
}

void cli_progress_rows(void *user, uint64_t rows_done, uint64_t rows_total)
{
    cli_progress *progress = user;
    struct timespec now;
    (void)rows_total;
    if (progress->options->quiet || (!progress->on_terminal && !progress->options->json) ||
        seconds_since(&progress->shown, &now) < BETWEEN) {
        return;
    }
    progress->shown = now;
    double seconds = seconds_since(&progress->begin, &now);
    if (progress->options->json) {
        fprintf(stderr, "{\"event\": \"progress\", \"rows\": %llu, \"seconds\": %.3f}\n",
                (unsigned long long)rows_done, seconds);
        return;
    }
    draw(progress, rows_done, seconds);
    progress->drawn = true;
}

double cli_progress_end(cli_progress *progress)
{
    struct timespec now;
    if (progress->drawn) {
        fputs("\r\033[K", stderr);
        progress->drawn = false;
    }
    return seconds_since(&progress->begin, &now);
}

typedef struct count {
    const char *name;
    uint64_t n;
} count;

#define N_COUNTS 7

static void list_counts(const bm_result *result, count out[N_COUNTS])
{
    const count counts[N_COUNTS] = {{"inserted", result->inserted},
                                    {"updated", result->updated},
                                    {"unchanged", result->unchanged},
                                    {"missing", result->missing},
                                    {"ignored", result->ignored},
                                    {"deleted", result->deleted},
                                    {"read", result->read}};
    memcpy(out, counts, sizeof counts);
}

static void summary_json(const cli_options *options, const count *counts, const bm_result *result)
{
    fprintf(stderr, "{\"event\": \"done\", \"verb\": \"%s\", \"dry_run\": %s", options->verb->name,
            options->dry_run ? "true" : "false");
    for (size_t i = 0; i < N_COUNTS; i++) {
        fprintf(stderr, ", \"%s\": %llu", counts[i].name, (unsigned long long)counts[i].n);
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
            fprintf(stderr, "%s%s %s", any ? ", " : "", grouped(counts[i].n, number),
                    counts[i].name);
            any = true;
        }
    }
    double rate = result->seconds > 0 ? (double)rows / result->seconds : 0;
    fprintf(stderr, "%s in %.2f s (%s rows/s)%s\n", any ? "" : "no rows", result->seconds,
            grouped((uint64_t)rate, number), options->dry_run ? "; rolled back (--dry-run)" : "");
}

/* A file that is not whole is no output; what a stream has been given stays there. */
static const char *read_words(const cli_options *options, const bm_result *result, char out[512])
{
    const cli_destination *to = options->destination;
    char number[32];
    if (to == NULL || !cli_destination_is_stream(to)) {
        return "the output file is as it was";
    }
    snprintf(out, 512, "%s has only the first rows: %s of them at most", cli_destination_name(to),
             grouped(result->read, number));
    return result->read > 0 ? out : "no row was written";
}

static const char *fate_words(const bm_error *err)
{
    switch (err->fate) {
    case BM_FATE_COMMITTED:
        return "all rows are in the table";
    case BM_FATE_PARTIAL:
        return "some of the rows are in the table: which lines of which file is said above";
    case BM_FATE_UNKNOWN:
        return "the connection was lost at COMMIT: look whether the rows are in the table";
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

void cli_failure(const cli_options *options, const bm_result *result, bm_error *err)
{
    char words[512];
    bool reads = result != NULL && options->verb->bit == CLI_COPY_TO;
    const char *fate = reads ? read_words(options, result, words) : fate_words(err);
    cli_make_plain(err->message);
    if (options->json) {
        fprintf(stderr, "{\"event\": \"failed\", \"status\": \"%s\", \"message\": ",
                bm_status_name(err->status));
        put_json_text(err->message);
        fputs(", \"fate\": ", stderr);
        put_json_text(fate);
        fputs("}\n", stderr);
        return;
    }
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
                        : fate == BM_FATE_UNKNOWN ? "unknown: look whether they are in the table"
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
