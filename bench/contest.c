#include "server.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#define ROUNDS_MAX 1000

typedef struct sample {
    double wall, cpu, server;
} sample;

static PGconn *measured;

void contest_measures(PGconn *pg)
{
    measured = pg;
}

double wall_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

double cpu_now(void)
{
    struct rusage self;
    getrusage(RUSAGE_SELF, &self);
    return seconds(&self);
}

static sample measure(const contest *c, bool ours)
{
    if (c->prepare != NULL) {
        c->prepare(c->context);
    }
    sample s = {.server = server_cpu(measured)};
    s.cpu = cpu_now();
    s.wall = wall_now();
    (ours ? c->ours : c->theirs)(c->context);
    s.wall = wall_now() - s.wall;
    s.cpu = cpu_now() - s.cpu;
    s.server = server_cpu(measured) - s.server;
    return s;
}

static void print_samples(const char *name, const sample *samples, size_t n)
{
    printf(", \"%s\": {\"wall\": [", name);
    for (size_t i = 0; i < n; i++) {
        printf("%s%.9f", i > 0 ? ", " : "", samples[i].wall);
    }
    printf("], \"cpu\": [");
    for (size_t i = 0; i < n; i++) {
        printf("%s%.9f", i > 0 ? ", " : "", samples[i].cpu);
    }
    printf("], \"server\": [");
    for (size_t i = 0; i < n; i++) {
        printf("%s%.3f", i > 0 ? ", " : "", samples[i].server);
    }
    printf("]}");
}

/* For a profiler: one side, and nothing is printed. */
static void run_only(const contest *c, const settings *given)
{
    for (size_t i = 0; i < given->rounds; i++) {
        (void)measure(c, given->only[0] == 'o');
    }
}

void contest_run(const contest *c, const settings *given)
{
    static sample ours[ROUNDS_MAX];
    static sample theirs[ROUNDS_MAX];
    if (given->rounds > ROUNDS_MAX) {
        die("at most %d rounds", ROUNDS_MAX);
    }
    if (given->only != NULL) {
        run_only(c, given);
        return;
    }
    (void)measure(c, true);
    (void)measure(c, false);
    for (size_t i = 0; i < given->rounds; i++) {
        bool first = i % 2 == 0;
        sample a = measure(c, first);
        sample b = measure(c, !first);
        ours[i] = first ? a : b;
        theirs[i] = first ? b : a;
    }
    printf("{\"id\": \"%s\", \"contender\": \"%s\", \"rows\": %zu", c->id, c->contender, c->rows);
    print_samples("ours", ours, given->rounds);
    print_samples("theirs", theirs, given->rounds);
    printf("}\n");
    fflush(stdout);
}
