#define _GNU_SOURCE /* memmem */

#include "libpq_proxy.h"

#include "check.h"
#include "psql.h"

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PAIRS_MAX 8
#define HELD_MAX 65536

typedef struct pair {
    int client;
    int server; /* -1: there is none behind */
    bool begun; /* the startup message, which has no type, is through */
    uint8_t held[HELD_MAX];
    size_t size; /* bytes of a message that is not whole yet */
    size_t skip; /* bytes left of one that is too long to be held */
} pair;

struct proxy {
    pthread_t thread;
    pthread_mutex_t lock; /* of all that follows */
    proxy_mode mode;
    const char *word;
    char type;
    bool frozen;
    const char *refusal; /* of new connections behind a cut, or NULL */
    int passes;          /* messages that pass before the one that is cut, or -1: all are cut */
    int connections;
    bool stopped;
    int listener;
    int wake[2];
    pair pairs[PAIRS_MAX];
    char folder[128];
    char url[512];
    struct sockaddr_un here;
    struct sockaddr_un there;
};

static void close_pair(pair *at)
{
    const int fds[] = {at->client, at->server};
    for (size_t i = 0; i < 2; i++) {
        if (fds[i] >= 0) {
            shutdown(fds[i], SHUT_RDWR); /* at once, even while a poll of ours holds it open */
            close(fds[i]);
        }
    }
    *at = (pair){.client = -1, .server = -1};
}

static bool write_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t n = send(fd, at, size, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static size_t word_at(const uint8_t *at)
{
    return (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
}

static bool freezes(const proxy *p)
{
    return p->mode == PROXY_SILENT || p->mode == PROXY_SWALLOW;
}

/* Is it the message from which on nothing goes through? */
static bool is_last(const proxy *p, const pair *at, size_t size)
{
    bool type = p->type == 0 || at->held[0] == p->type;
    return freezes(p) && at->begun && type &&
           (p->word == NULL || memmem(at->held, size, p->word, strlen(p->word)) != NULL);
}

/* One message of the client's, whole.  False: the connection is over. */
static bool forward(proxy *p, pair *at, size_t size)
{
    p->frozen = p->frozen || is_last(p, at, size);
    if (p->frozen) {
        return true;
    }
    size_t n = p->word != NULL ? strlen(p->word) : 0;
    bool cuts =
        p->mode == PROXY_CUT_BEFORE || p->mode == PROXY_CUT_AFTER || p->mode == PROXY_CUT_SENT;
    proxy_mode mode = p->mode;
    bool hit = cuts && at->begun && at->held[0] == 'Q' && size >= n + 6 &&
               memcmp(at->held + 5, p->word, n) == 0;
    if (hit && p->passes >= 0) {
        hit = p->passes-- == 0;
        p->mode = !hit ? p->mode : p->refusal != NULL ? PROXY_REFUSE : PROXY_FORWARD;
        p->word = hit && p->refusal != NULL ? p->refusal : p->word;
    }
    if (hit && mode == PROXY_CUT_BEFORE) {
        return false;
    }
    if (!write_all(at->server, at->held, size)) {
        return false;
    }
    if (hit && mode == PROXY_CUT_AFTER) {
        struct pollfd answer = {.fd = at->server, .events = POLLIN};
        poll(&answer, 1, 10000);
    }
    return !hit;
}

/* All whole messages among the bytes held. */
static bool forward_held(proxy *p, pair *at)
{
    for (;;) {
        size_t head = at->begun ? 5 : 4;
        if (at->size < head) {
            return true;
        }
        size_t whole = word_at(at->held + head - 4) + head - 4;
        if (whole > HELD_MAX) {
            at->skip = whole - at->size;
            whole = at->size;
        }
        if (at->size < whole) {
            return true;
        }
        if (!forward(p, at, whole)) {
            return false;
        }
        at->begun = true;
        at->size -= whole;
        memmove(at->held, at->held + whole, at->size);
    }
}

static bool from_client(proxy *p, pair *at)
{
    ssize_t n = recv(at->client, at->held + at->size, HELD_MAX - at->size, 0);
    if (n <= 0) {
        return false;
    }
    if (at->server < 0 || p->frozen) {
        return true; /* deaf */
    }
    if (at->skip > 0) {
        size_t now = (size_t)n < at->skip ? (size_t)n : at->skip;
        if (!write_all(at->server, at->held, now)) {
            return false;
        }
        at->skip -= now;
        n -= (ssize_t)now;
        memmove(at->held, at->held + now, (size_t)n);
    }
    at->size += (size_t)n;
    return forward_held(p, at);
}

static bool from_server(const pair *at)
{
    char bytes[16384];
    ssize_t n = recv(at->server, bytes, sizeof bytes, 0);
    return n > 0 && write_all(at->client, bytes, (size_t)n);
}

/* https://www.postgresql.org/docs/current/protocol-message-formats.html:
 * AuthenticationCleartextPassword. */
static bool ask_for_password(int client)
{
    static const uint8_t password_please[] = {'R', 0, 0, 0, 8, 0, 0, 0, 3};
    uint8_t bytes[1024];
    return recv(client, bytes, sizeof bytes, 0) > 0 &&
           write_all(client, password_please, sizeof password_please);
}

/* ... then ErrorResponse. */
static void refuse(int client, const char *word)
{
    uint8_t bytes[1024];
    char body[256];
    if (!ask_for_password(client) || recv(client, bytes, sizeof bytes, 0) <= 0) {
        return;
    }
    int n = snprintf(body, sizeof body, "SFATAL%cVFATAL%cC%.5s%cM%s%c", 0, 0, word, 0, word + 6, 0);
    size_t size = (size_t)n + 1 + 4;
    const uint8_t head[] = {'E', 0, 0, (uint8_t)(size >> 8), (uint8_t)size};
    (void)(write_all(client, head, sizeof head) && write_all(client, body, (size_t)n + 1));
}

static void take(proxy *p)
{
    int client = accept(p->listener, NULL, NULL);
    p->connections++;
    if (p->mode == PROXY_REFUSE) {
        refuse(client, p->word);
        close(client);
        return;
    }
    if (p->mode == PROXY_PASSWORD) {
        ask_for_password(client);
    }
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        pair *at = &p->pairs[i];
        if (at->client >= 0) {
            continue;
        }
        at->client = client;
        if (p->mode != PROXY_DEAF && p->mode != PROXY_PASSWORD && !p->frozen) {
            at->server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
            if (connect(at->server, (const struct sockaddr *)&p->there, sizeof p->there) != 0) {
                close_pair(at);
            }
        }
        return;
    }
    close(client);
}

static void *run(void *context)
{
    proxy *p = context;
    for (;;) {
        struct pollfd fds[2 + 2 * PAIRS_MAX] = {{.fd = p->listener, .events = POLLIN},
                                                {.fd = p->wake[0], .events = POLLIN}};
        pthread_mutex_lock(&p->lock);
        for (size_t i = 0; i < PAIRS_MAX; i++) {
            bool reads = !p->frozen || p->mode != PROXY_SWALLOW;
            fds[2 + 2 * i] =
                (struct pollfd){.fd = reads ? p->pairs[i].client : -1, .events = POLLIN};
            fds[3 + 2 * i] =
                (struct pollfd){.fd = p->frozen ? -1 : p->pairs[i].server, .events = POLLIN};
        }
        pthread_mutex_unlock(&p->lock);
        poll(fds, sizeof fds / sizeof fds[0], -1);
        pthread_mutex_lock(&p->lock);
        bool woken = fds[1].revents != 0;
        char byte;
        if (woken && (read(p->wake[0], &byte, 1) < 0 || p->stopped)) {
            pthread_mutex_unlock(&p->lock);
            return NULL;
        }
        for (size_t i = 0; !woken && i < PAIRS_MAX; i++) {
            pair *at = &p->pairs[i];
            bool open = fds[3 + 2 * i].revents == 0 || from_server(at);
            open = open && (fds[2 + 2 * i].revents == 0 || from_client(p, at));
            if (!open) {
                close_pair(at);
            }
        }
        if (!woken && fds[0].revents != 0) {
            take(p);
        }
        pthread_mutex_unlock(&p->lock);
    }
}

/* The socket of the tests' server, and a connection string that differs in host and port only. */
static void find_server(proxy *p)
{
    PGconn *conn = psql_open(NULL);
    if (PQhost(conn)[0] != '/') {
        fail_msg("the tests' server does not listen on a Unix socket");
    }
    p->there = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(p->there.sun_path, sizeof p->there.sun_path, "%s/.s.PGSQL.%s", PQhost(conn),
             PQport(conn));
    snprintf(p->url, sizeof p->url, "host=%s port=5433 user=%s dbname=%s password=hunter2",
             p->folder, PQuser(conn), PQdb(conn));
    psql_close(conn, NULL);
}

proxy *proxy_start(void)
{
    proxy *p = calloc(1, sizeof *p);
    assert_non_null(p);
    const char *parent = getenv("TMPDIR");
    bool usable = parent != NULL && strlen(parent) < 48; /* a socket's path is short */
    snprintf(p->folder, sizeof p->folder, "%s/bm-proxy.XXXXXX", usable ? parent : "/tmp");
    assert_non_null(mkdtemp(p->folder));
    find_server(p);
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        p->pairs[i] = (pair){.client = -1, .server = -1};
    }
    p->here = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(p->here.sun_path, sizeof p->here.sun_path, "%.90s/.s.PGSQL.5433", p->folder);
    p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(p->listener, (const struct sockaddr *)&p->here, sizeof p->here), 0);
    assert_int_equal(listen(p->listener, PAIRS_MAX), 0);
    assert_int_equal(pipe(p->wake), 0);
    assert_int_equal(pthread_mutex_init(&p->lock, NULL), 0);
    assert_int_equal(pthread_create(&p->thread, NULL, run, p), 0);
    return p;
}

void proxy_stop(proxy *p)
{
    if (p == NULL) {
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->stopped = true;
    pthread_mutex_unlock(&p->lock);
    (void)(write(p->wake[1], "", 1) == 1);
    pthread_join(p->thread, NULL);
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        close_pair(&p->pairs[i]);
    }
    close(p->listener);
    close(p->wake[0]);
    close(p->wake[1]);
    unlink(p->here.sun_path);
    rmdir(p->folder);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

const char *proxy_url(const proxy *p)
{
    return p->url;
}

void proxy_set(proxy *p, proxy_mode mode, const char *word)
{
    pthread_mutex_lock(&p->lock);
    p->mode = mode;
    p->word = word;
    p->type = 0;
    p->frozen = false;
    p->passes = -1;
    p->refusal = NULL;
    pthread_mutex_unlock(&p->lock);
}

void proxy_cut_one(proxy *p, proxy_mode mode, const char *word, int passes)
{
    proxy_set(p, PROXY_FORWARD, word);
    pthread_mutex_lock(&p->lock);
    p->mode = mode;
    p->passes = passes;
    pthread_mutex_unlock(&p->lock);
}

void proxy_refuse_next(proxy *p, const char *word)
{
    pthread_mutex_lock(&p->lock);
    p->refusal = word;
    pthread_mutex_unlock(&p->lock);
}

void proxy_set_type(proxy *p, char type)
{
    pthread_mutex_lock(&p->lock);
    p->type = type;
    pthread_mutex_unlock(&p->lock);
}

bool proxy_is_frozen(proxy *p)
{
    pthread_mutex_lock(&p->lock);
    bool frozen = p->frozen;
    pthread_mutex_unlock(&p->lock);
    return frozen;
}

void proxy_close_all(proxy *p)
{
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        close_pair(&p->pairs[i]);
    }
    pthread_mutex_unlock(&p->lock);
    (void)(write(p->wake[1], "", 1) == 1); /* what it polls is gone */
}

int proxy_connections(proxy *p)
{
    pthread_mutex_lock(&p->lock);
    int n = p->connections;
    pthread_mutex_unlock(&p->lock);
    return n;
}
