#include "libpq_internal.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OLDEST_SERVER 130000
#define MORE_KEYWORDS 7 /* that we add, with the NULL at the end */

/* The keywords of a connection string, and ours behind them: the last one counts. */
typedef struct keywords {
    PQconninfoOption *given;
    const char **names;
    const char **values;
    char user_timeout[24];
    char keepalive[24];
} keywords;

static void free_keywords(keywords *k)
{
    PQconninfoFree(k->given);
    free(k->names);
    free(k->values);
}

static int64_t or_default(int64_t given, int64_t normal)
{
    return given == 0 ? normal : given;
}

/* Also by the environment or a service file: what the user asks for there is not undone. */
static bool is_given(const keywords *k, size_t n, const char *name)
{
    bool service = getenv("PGSERVICE") != NULL;
    if (strcmp(name, "gssencmode") == 0 && getenv("PGGSSENCMODE") != NULL) {
        return true;
    }
    for (size_t i = 0; i < n; i++) {
        if (strcmp(k->names[i], name) == 0) {
            return true;
        }
        service = service || strcmp(k->names[i], "service") == 0;
    }
    return service && strcmp(name, "fallback_application_name") != 0;
}

/* What the string leaves open.  A peer that acknowledges nothing is found dead by
 * tcp_user_timeout, which needs something to be acknowledged: keepalives, while we only wait. */
static void add_ours(keywords *k, size_t n, const bm_open_options *options)
{
    int64_t dead = or_default(options->dead_peer_ms, 30000);
    long long third = dead / 3000 > 0 ? (long long)(dead / 3000) : 1;
    snprintf(k->user_timeout, sizeof k->user_timeout, "%lld", dead > 0 ? (long long)dead : 0LL);
    snprintf(k->keepalive, sizeof k->keepalive, "%lld", dead > 0 ? third : 0LL);
    const char *const more[][2] = {{"fallback_application_name", "bulkmodel"},
                                   {"tcp_user_timeout", k->user_timeout},
                                   {"keepalives_idle", k->keepalive},
                                   {"keepalives_interval", k->keepalive},
                                   {"gssencmode", "disable"}};
    size_t given = n;
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        if (!is_given(k, given, more[i][0])) {
            k->names[n] = more[i][0];
            k->values[n++] = more[i][1];
        }
    }
    k->names[n] = "client_encoding";
    k->values[n] = "UTF8";
}

static bm_status read_keywords(const char *url, const bm_open_options *options, keywords *k,
                               bm_error *err)
{
    char *why = NULL;
    bool bare = strcmp(url, "postgresql:") == 0 || strcmp(url, "postgres:") == 0;
    *k = (keywords){.given = PQconninfoParse(bare ? "" : url, &why)}; /* bare: the PG* variables */
    PQfreemem(why); /* it quotes the string, which may hold a password */
    if (k->given == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CONNECT,
                        "the connection string is not one that libpq understands");
    }
    size_t given = 0;
    while (k->given[given].keyword != NULL) {
        given++;
    }
    k->names = calloc(given + MORE_KEYWORDS, sizeof *k->names);
    k->values = calloc(given + MORE_KEYWORDS, sizeof *k->values);
    if (k->names == NULL || k->values == NULL) {
        return bm__no_memory(err);
    }
    size_t n = 0;
    for (size_t i = 0; i < given; i++) {
        bool ours = strcmp(k->given[i].keyword, "client_encoding") == 0;
        if (k->given[i].val != NULL && !ours) {
            k->names[n] = k->given[i].keyword;
            k->values[n++] = k->given[i].val;
        }
    }
    add_ours(k, n, options);
    return BM_OK;
}

/* PQconnectPoll does not know connect_timeout: the deadline is ours. */
static bm_status connect_until(bm__libpq *conn, const bm__step *limits, bm_error *err)
{
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
        short ready;
        short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        bm_status status = bm__libpq_poll(conn, events, limits, &ready, err);
        if (status != BM_OK) {
            err->stage = BM_STAGE_CONNECT;
            return status;
        }
        state = PQconnectPoll(conn->pg);
    }
    return BM_OK;
}

/* Notices are counted and dropped: a flood of them takes no memory and no time of the caller's.
 * While no statement runs, libpq takes the server's last words for one. */
static void on_notice(void *context, const PGresult *result)
{
    bm__libpq *conn = context;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    bool last =
        severity != NULL && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
    conn->notices++;
    if (last && !conn->doomed) {
        conn->doomed = true;
        bm__copy_text(conn->last_sqlstate, sizeof conn->last_sqlstate,
                      PQresultErrorField(result, PG_DIAG_SQLSTATE));
        bm__copy_text(conn->last_words, sizeof conn->last_words,
                      PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    }
}

static bool is_on(const PGconn *pg, const char *parameter)
{
    const char *value = PQparameterStatus(pg, parameter);
    return value != NULL && strcmp(value, "on") == 0;
}

/* Reported since PostgreSQL 14, and again when it has changed; an older server is asked once. */
void bm__libpq_note_read_only(bm__libpq *conn)
{
    if (conn->base.server.version >= 140000) {
        conn->base.server.read_only =
            is_on(conn->pg, "in_hot_standby") || is_on(conn->pg, "default_transaction_read_only");
    }
}

/* Text is sent as UTF-8: under another client_encoding it would be stored as something else. */
static bm_status check_server(bm__libpq *conn, bm_error *err)
{
    const char *encoding = PQparameterStatus(conn->pg, "client_encoding");
    conn->base.server.version = PQserverVersion(conn->pg);
    conn->base.server.read_only = true; /* before 14 it is not known */
    bm__libpq_note_read_only(conn);
    if (conn->base.server.version < OLDEST_SERVER) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CONNECT,
                        "the server is PostgreSQL %d; the oldest supported version is 13",
                        conn->base.server.version / 10000);
    }
    if (encoding == NULL || strcmp(encoding, "UTF8") != 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CONNECT, "the connection's encoding is not UTF8");
    }
    return BM_OK;
}

/* "host:port", of several the one that was taken. */
static void note_host(bm__libpq *conn)
{
    const char *address = PQhostaddr(conn->pg);
    const char *host = address != NULL && address[0] != '\0' ? address : PQhost(conn->pg);
    snprintf(conn->host, sizeof conn->host, "%s:%s", host != NULL ? host : "", PQport(conn->pg));
}

static bm__libpq *new_conn(bool borrowed)
{
    bm__libpq *conn = calloc(1, sizeof *conn);
    if (conn != NULL) {
        conn->base.engine = &bm__engine_postgresql;
        conn->base.borrowed = borrowed;
        conn->pid = getpid();
    }
    return conn;
}

static bm_status start(bm__libpq *conn, const char *const *names, const char *const *values,
                       const bm__step *limits, bm_error *err)
{
    conn->pg = PQconnectStartParams(names, values, 0);
    if (conn->pg == NULL) {
        return bm__no_memory(err);
    }
    PQsetNoticeReceiver(conn->pg, on_notice, conn);
    PQsetErrorVerbosity(conn->pg, PQERRORS_VERBOSE); /* the only way to the SQLSTATE of a refusal */
    if (PQstatus(conn->pg) != CONNECTION_BAD) {
        BM_TRY(connect_until(conn, limits, err));
    }
    if (PQstatus(conn->pg) != CONNECTION_OK) {
        return bm__libpq_refused(conn, err);
    }
    note_host(conn);
    PQsetErrorVerbosity(conn->pg, PQERRORS_DEFAULT);
    PQsetnonblocking(conn->pg, 1);
    return check_server(conn, err);
}

bm_status bm__libpq_connect(const char *const *names, const char *const *values,
                            const bm__step *limits, bm__conn **out, bm_error *err)
{
    *out = NULL;
    bm__libpq *conn = new_conn(false);
    if (conn == NULL) {
        return bm__no_memory(err);
    }
    bm_status status = start(conn, names, values, limits, err);
    if (status != BM_OK) {
        PQfinish(conn->pg);
        free(conn);
        return status;
    }
    *out = &conn->base;
    return BM_OK;
}

/* With what another connection was opened with. */
bm_status bm__libpq_connect_as(const bm__libpq *conn, const bm__step *limits, bm__conn **out,
                               bm_error *err)
{
    PQconninfoOption *options = PQconninfo(conn->pg);
    size_t n = 0;
    while (options != NULL && options[n].keyword != NULL) {
        n++;
    }
    const char **names = calloc(n + 1, sizeof *names);
    const char **values = calloc(n + 1, sizeof *values);
    bm_status status = options != NULL && names != NULL && values != NULL ? BM_OK : BM_NOMEM;
    size_t given = 0;
    for (size_t i = 0; status == BM_OK && i < n; i++) {
        if (options[i].val != NULL) {
            names[given] = options[i].keyword;
            values[given++] =
                strcmp(options[i].keyword, "client_encoding") == 0 ? "UTF8" : options[i].val;
        }
    }
    if (status == BM_OK) {
        status = bm__libpq_connect(names, values, limits, out, err);
    }
    if (status == BM_OK) {
        (*out)->transport = conn->base.transport;
    }
    PQconninfoFree(options);
    free(names);
    free(values);
    return status;
}

bm_status bm__libpq_open(const char *url, const bm_open_options *options, const bm__step *limits,
                         bm__conn **out, bm_error *err)
{
    keywords k;
    bm__step within = limits != NULL ? *limits : (bm__step){0};
    bm__step_within(&within, "the connect timeout", or_default(options->connect_timeout_ms, 10000));
    *out = NULL;
    bm_status status = read_keywords(url, options, &k, err);
    if (status == BM_OK) {
        status = bm__libpq_connect(k.names, k.values, &within, out, err);
    }
    free_keywords(&k);
    return status;
}

/* A borrowed connection is the caller's, and so is still there to be asked what it was opened
 * with. */
bm_status bm__libpq_again(bm__conn *base, const char *url, const bm_open_options *options,
                          const bm__step *limits, bm__conn **out, bm_error *err)
{
    const bm__libpq *lost = (const bm__libpq *)base;
    BM_TRY(url != NULL ? bm__libpq_open(url, options, limits, out, err)
                       : bm__libpq_connect_as(lost, limits, out, err));
    if (strcmp(((const bm__libpq *)*out)->host, lost->host) != 0) {
        bm__libpq_close(*out);
        *out = NULL;
        return bm__fail(err, BM_CONNECTION, BM_STAGE_CONNECT, "a different server answered");
    }
    return BM_OK;
}

bm_status bm__libpq_borrow(struct pg_conn *connection, bm__conn **out, bm_error *err)
{
    *out = NULL;
    if (connection == NULL || PQstatus(connection) != CONNECTION_OK) {
        return bm__fail(err, BM_CONNECTION, BM_STAGE_CONNECT, "the connection is not open");
    }
    if (PQtransactionStatus(connection) == PQTRANS_ACTIVE ||
        PQpipelineStatus(connection) != PQ_PIPELINE_OFF) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CONNECT,
                        "the connection is in the middle of a statement, a COPY or a pipeline");
    }
    bm__libpq *conn = new_conn(true);
    if (conn == NULL) {
        return bm__no_memory(err);
    }
    conn->pg = connection;
    note_host(conn);
    bm_status status = check_server(conn, err);
    if (status != BM_OK) {
        free(conn);
        return status;
    }
    *out = &conn->base;
    return BM_OK;
}

/* In a child of the process that connected, a goodbye would end the parent's session: only the
 * descriptor is closed there, and libpq's memory is left to the child's end. */
void bm__libpq_close(bm__conn *base)
{
    bm__libpq *conn = (bm__libpq *)base;
    if (conn == NULL) {
        return;
    }
    if (!base->borrowed && !conn->given_up) {
        if (conn->pid == getpid()) {
            PQfinish(conn->pg);
        } else if (PQsocket(conn->pg) >= 0) {
            close(PQsocket(conn->pg));
        }
    }
    free(conn);
}
