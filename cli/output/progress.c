#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BETWEEN 0.1 /* seconds */

static double seconds_since(const struct timespec *then, struct timespec *now)
{
    clock_gettime(CLOCK_MONOTONIC, now);
    return (double)(now->tv_sec - then->tv_sec) + (double)(now->tv_nsec - then->tv_nsec) / 1e9;
}

void cli_progress_begin(cli_progress *progress, const cli_options *options, cli_source *source)
{
    *progress = (cli_progress){.options = options, .source = source};
    clock_gettime(CLOCK_MONOTONIC, &progress->begin);
    progress->shown = progress->begin;
    progress->on_terminal = isatty(STDERR_FILENO) == 1;
}

const char *cli_grouped(uint64_t value, char out[32])
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

static void put_left(double percent, uint64_t seconds)
{
    const unsigned hours = (unsigned)(seconds / 3600);
    const unsigned minutes = (unsigned)(seconds / 60 % 60);
    fprintf(stderr, ", %.0f %%, ", percent);
    if (hours > 0) {
        fprintf(stderr, "%u:%02u:%02u left", hours, minutes, (unsigned)(seconds % 60));
    } else {
        fprintf(stderr, "%u:%02u left", minutes, (unsigned)(seconds % 60));
    }
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
    fprintf(stderr, "\r\033[K%s rows, %s rows/s", cli_grouped(rows, count),
            cli_grouped((uint64_t)((double)rows / seconds), rate));
    if (taken > 0) {
        fprintf(stderr, ", %.1f MB/s", (double)taken / seconds / 1e6);
    }
    if (total > 0 && taken > 0) {
        double share = (double)taken / (double)total;
        double left = seconds / share - seconds;
        put_left(100 * share, (uint64_t)left);
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
