#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOAD_FIELDS(flags)                                                                         \
    BM_FIELD(load_row, id, BM_INT8, flags), BM_FIELD(load_row, batch, BM_INT4, 0),                 \
        BM_FIELD(load_row, place, BM_INT4, 0), BM_FIELD(load_row, revision, BM_INT4, 0),           \
        BM_FIELD(load_row, checksum, BM_INT8, 0), BM_FIELD(load_row, payload, BM_TEXT, 0)

const bm_model load_assigned = BM_MODEL("load", load_row, LOAD_FIELDS(BM_KEY | BM_ASSIGNED));
const bm_model load_given = BM_MODEL("load", load_row, LOAD_FIELDS(BM_KEY));

/* The same in C and in SQL: see `tells`. */
static int64_t checksum_of(const load_row *row)
{
    return (int64_t)row->batch * 1000003 + (int64_t)row->place * 7919 + row->revision;
}

static void payload_of(const load_row *row, char out[48])
{
    int letter = (row->batch + row->place * 7 + row->revision) % 26;
    size_t size = 20 + (size_t)row->place % 20;
    memset(out, 'a' + letter, size);
    out[size] = '\0';
}

void oracle_fill_one(load_row *row, int32_t batch, int32_t place, int32_t revision)
{
    row->batch = batch;
    row->place = place;
    row->revision = revision;
    row->checksum = checksum_of(row);
    memset(row->payload, 0, sizeof row->payload);
    payload_of(row, row->payload);
}

void oracle_fill(load_row *rows, size_t n, int32_t batch, int32_t revision)
{
    for (size_t i = 0; i < n; i++) {
        oracle_fill_one(&rows[i], batch, (int32_t)i, revision);
    }
}

static const char tells[] =
    "SELECT format('%%s %%s %%s %%s', count(*), count(DISTINCT place),"
    " count(*) FILTER (WHERE revision = %d),"
    " count(*) FILTER (WHERE checksum <> batch::int8 * 1000003 + place::int8 * 7919 + revision"
    "  OR payload <> repeat(chr(97 + (batch + place * 7 + revision) %% 26), 20 + place %% 20)))"
    " FROM load WHERE batch = %d AND place >= %zu AND place < %zu";

typedef struct counts {
    long long all, places, of_revision, altered;
} counts;

static counts count(oracle *o, const claim *what, size_t first, size_t n, int32_t revision)
{
    counts found;
    char *text = psql_value(o->conn, tells, (int)revision, (int)what->batch, first, first + n);
    int read = sscanf(text, "%lld %lld %lld %lld", &found.all, &found.places, &found.of_revision,
                      &found.altered);
    free(text);
    assert_int_equal(read, 4);
    return found;
}

/* Are the rows as they are in this revision, all of them and nothing else? */
static bool holds(oracle *o, const claim *what, size_t first, size_t n, int32_t revision)
{
    counts found = count(o, what, first, n, revision);
    if (revision == ORACLE_ABSENT) {
        return found.all == 0;
    }
    long long whole = (long long)n;
    return found.all == whole && found.places == whole && found.of_revision == whole &&
           found.altered == 0;
}

static void tally(oracle *o, const claim *what, size_t first, size_t n, int32_t revision)
{
    counts found = count(o, what, first, n, revision);
    long long expected = revision == ORACLE_ABSENT ? 0 : (long long)n;
    long long right = revision == ORACLE_ABSENT ? 0 : found.of_revision;
    o->lost += expected > right ? expected - right : 0;
    o->duplicated += found.all - found.places;
    o->altered += found.altered + (found.all > right ? found.all - right : 0);
}

static bool expect(oracle *o, const claim *what, size_t first, size_t n, int32_t revision)
{
    bool right = holds(o, what, first, n, revision);
    if (!right) {
        tally(o, what, first, n, revision);
    }
    return right;
}

static bool part_holds(oracle *o, const claim *what, const bm_part *part)
{
    bool right = true;
    for (size_t k = 0; k < part->n_ranges; k++) {
        size_t first = part->ranges[2 * k];
        size_t n = part->ranges[2 * k + 1];
        if (part->fate == BM_FATE_UNKNOWN && holds(o, what, first, n, what->before)) {
            continue;
        }
        int32_t revision = part->fate == BM_FATE_COMMITTED || part->fate == BM_FATE_UNKNOWN
                               ? what->after
                               : what->before;
        right = expect(o, what, first, n, revision) && right;
    }
    return right;
}

/* Every row belongs to one part. */
static bool parts_hold(oracle *o, const claim *what, const bm_result *result)
{
    bool right = result->n_parts > 0;
    size_t rows = 0;
    for (size_t i = 0; i < result->n_parts; i++) {
        right = part_holds(o, what, &result->parts[i]) && right;
        for (size_t k = 0; k < result->parts[i].n_ranges; k++) {
            rows += result->parts[i].ranges[2 * k + 1];
        }
    }
    return right && rows == what->n;
}

bool oracle_judge(oracle *o, claim what, bm_status status, const bm_error *err,
                  const bm_result *result)
{
    bm_fate fate = status == BM_OK ? BM_FATE_COMMITTED : err->fate;
    bool right = false;
    oracle_settle(o);
    o->n_rows += (int64_t)what.n;
    if (fate == BM_FATE_COMMITTED) {
        right = expect(o, &what, 0, what.n, what.after);
    } else if (fate == BM_FATE_ROLLED_BACK || fate == BM_FATE_NOT_STARTED) {
        right = expect(o, &what, 0, what.n, what.before);
    } else if (fate == BM_FATE_PARTIAL || (fate == BM_FATE_UNKNOWN && result->n_parts > 0)) {
        o->n_partial++;
        right = parts_hold(o, &what, result);
    } else if (fate == BM_FATE_UNKNOWN) {
        o->n_unknown++;
        right = holds(o, &what, 0, what.n, what.before) || expect(o, &what, 0, what.n, what.after);
    }
    if (!right) {
        counts found = count(o, &what, 0, what.n, what.after);
        fprintf(stderr,
                "batch %d: %s, fate %d (%s), and the table has %lld of %zu rows, %lld as they were"
                " to be\n",
                (int)what.batch, bm_status_name(status), (int)fate, err->message, found.all, what.n,
                found.of_revision);
    }
    return right;
}

bool oracle_judge_silent(oracle *o, claim what, bool parts)
{
    oracle_settle(o);
    o->n_rows += (int64_t)what.n;
    if (holds(o, &what, 0, what.n, what.before) || holds(o, &what, 0, what.n, what.after)) {
        return true;
    }
    counts found = count(o, &what, 0, what.n, what.after);
    if (parts && found.all == found.places && found.altered == 0) {
        o->n_partial++;
        return true;
    }
    tally(o, &what, 0, what.n, what.after);
    fprintf(stderr, "batch %d: the table has %lld of %zu rows, %lld altered\n", (int)what.batch,
            found.all, what.n, found.altered);
    return false;
}

void oracle_settle(oracle *o)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    for (int i = 0; i < 12000; i++) {
        if (psql_count(o->conn,
                       "SELECT count(*) FROM pg_stat_activity WHERE application_name = '%s'"
                       " AND pid <> pg_backend_pid() AND state <> 'idle'",
                       o->schema) == 0) {
            return;
        }
        nanosleep(&pause, NULL);
    }
    fail_msg("a backend is at work a minute after its call");
}

/* What the judge wrote must not be lost by a restart either. */
static void set_up_connection(oracle *o)
{
    psql_run(o->conn, "SET search_path = %s; SET synchronous_commit = on", o->schema);
}

void oracle_begin(oracle *o)
{
    *o = (oracle){0};
    o->conn = psql_open(o->schema);
    set_up_connection(o);
    psql_run(o->conn, "CREATE TABLE load (id bigserial PRIMARY KEY, batch int, place int,"
                      " revision int, checksum int8, payload text);"
                      "CREATE INDEX ON load (batch, place)");
}

void oracle_end(oracle *o)
{
    psql_close(o->conn, o->schema);
}

void oracle_reconnect(oracle *o)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    /* The old connection goes with the old server. */
    for (int i = 0; i < 6000 && PQconsumeInput(o->conn) == 1; i++) {
        nanosleep(&pause, NULL);
    }
    assert_int_equal(PQstatus(o->conn), CONNECTION_BAD);
    for (int i = 0; i < 6000 && PQstatus(o->conn) != CONNECTION_OK; i++) {
        nanosleep(&pause, NULL);
        PQreset(o->conn);
    }
    assert_int_equal(PQstatus(o->conn), CONNECTION_OK);
    set_up_connection(o);
}

bool oracle_report(const oracle *o)
{
    print_message("# B-05: %lld rows compared, %lld lost, %lld duplicated, %lld altered\n",
                  (long long)o->n_rows, (long long)o->lost, (long long)o->duplicated,
                  (long long)o->altered);
    return o->lost + o->duplicated + o->altered == 0;
}
