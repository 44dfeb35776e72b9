#include "cutter.h"

#include "check.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PAIRS = 24, CHUNK = 16384 };

typedef struct pair {
    int client;
    int server;
} pair;

struct cutter {
    pthread_t thread;
    pthread_mutex_t lock; /* of all that follows */
    cut next;
    int64_t passed;
    bool has_cut;
    bool stopped;
    int listener;
    int wake[2];
    pair pairs[PAIRS];
    char folder[128];
    struct sockaddr_un here;
    struct sockaddr_un there;
};

static void close_pair(pair *at)
{
    const int fds[] = {at->client, at->server};
    for (size_t i = 0; i < 2; i++) {
        if (fds[i] >= 0) {
            shutdown(fds[i], SHUT_RDWR);
            close(fds[i]);
        }
    }
    *at = (pair){.client = -1, .server = -1};
}

static void close_all(cutter *c)
{
    for (size_t i = 0; i < PAIRS; i++) {
        close_pair(&c->pairs[i]);
    }
}

static bool write_all(int fd, const char *at, size_t size)
{
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

/* False: the connection is over. */
static bool forward(cutter *c, int from, int to)
{
    char bytes[CHUNK];
    size_t most = c->next.split > 0 && c->next.split < CHUNK ? c->next.split : CHUNK;
    ssize_t n = recv(from, bytes, most, 0);
    if (n <= 0) {
        return false;
    }
    bool cuts = !c->has_cut && c->next.bytes >= 0 && c->passed + n >= c->next.bytes;
    size_t size = cuts ? (size_t)(c->next.bytes - c->passed) : (size_t)n;
    c->passed += (int64_t)size;
    c->has_cut = c->has_cut || cuts;
    return write_all(to, bytes, size) && !cuts;
}

static void take(cutter *c)
{
    int client = accept(c->listener, NULL, NULL);
    for (size_t i = 0; i < PAIRS; i++) {
        pair *at = &c->pairs[i];
        if (at->client < 0) {
            at->client = client;
            at->server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
            if (connect(at->server, (const struct sockaddr *)&c->there, sizeof c->there) != 0) {
                close_pair(at);
            }
            return;
        }
    }
    close(client);
}

static void serve(cutter *c, const struct pollfd *fds)
{
    for (size_t i = 0; i < PAIRS; i++) {
        pair *at = &c->pairs[i];
        bool before = c->has_cut;
        bool open = fds[2 * i].revents == 0 || forward(c, at->client, at->server);
        open = open && (fds[2 * i + 1].revents == 0 || forward(c, at->server, at->client));
        if (!open && c->has_cut && !before && c->next.all) {
            close_all(c);
            return;
        }
        if (!open) {
            close_pair(at);
        }
    }
}

static void *run(void *context)
{
    cutter *c = context;
    for (;;) {
        struct pollfd fds[2 + 2 * PAIRS] = {{.fd = c->listener, .events = POLLIN},
                                            {.fd = c->wake[0], .events = POLLIN}};
        for (size_t i = 0; i < PAIRS; i++) {
            fds[2 + 2 * i] = (struct pollfd){.fd = c->pairs[i].client, .events = POLLIN};
            fds[3 + 2 * i] = (struct pollfd){.fd = c->pairs[i].server, .events = POLLIN};
        }
        poll(fds, sizeof fds / sizeof fds[0], -1);
        pthread_mutex_lock(&c->lock);
        bool over = c->stopped;
        if (!over) {
            serve(c, fds + 2);
        }
        if (!over && fds[0].revents != 0) {
            take(c);
        }
        pthread_mutex_unlock(&c->lock);
        if (over) {
            return NULL;
        }
    }
}

cutter *cutter_start(const char *folder, const char *port)
{
    cutter *c = calloc(1, sizeof *c);
    assert_non_null(c);
    const char *parent = getenv("TMPDIR");
    bool usable = parent != NULL && strlen(parent) < 48; /* a socket's path is short */
    snprintf(c->folder, sizeof c->folder, "%s/bm-cutter.XXXXXX", usable ? parent : "/tmp");
    assert_non_null(mkdtemp(c->folder));
    c->next.bytes = -1;
    for (size_t i = 0; i < PAIRS; i++) {
        c->pairs[i] = (pair){.client = -1, .server = -1};
    }
    c->there = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(c->there.sun_path, sizeof c->there.sun_path, "%s/.s.PGSQL.%s", folder, port);
    c->here = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(c->here.sun_path, sizeof c->here.sun_path, "%.90s/.s.PGSQL.5434", c->folder);
    c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(c->listener, (const struct sockaddr *)&c->here, sizeof c->here), 0);
    assert_int_equal(listen(c->listener, PAIRS), 0);
    assert_int_equal(pipe(c->wake), 0);
    assert_int_equal(pthread_mutex_init(&c->lock, NULL), 0);
    assert_int_equal(pthread_create(&c->thread, NULL, run, c), 0);
    return c;
}

void cutter_stop(cutter *c)
{
    pthread_mutex_lock(&c->lock);
    c->stopped = true;
    pthread_mutex_unlock(&c->lock);
    assert_int_equal(write(c->wake[1], "", 1), 1);
    pthread_join(c->thread, NULL);
    close_all(c);
    close(c->listener);
    close(c->wake[0]);
    close(c->wake[1]);
    unlink(c->here.sun_path);
    rmdir(c->folder);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

const char *cutter_folder(const cutter *c)
{
    return c->folder;
}

void cutter_arm(cutter *c, cut next)
{
    pthread_mutex_lock(&c->lock);
    c->next = next;
    c->passed = 0;
    c->has_cut = false;
    pthread_mutex_unlock(&c->lock);
}

int64_t cutter_disarm(cutter *c, bool *has_cut)
{
    pthread_mutex_lock(&c->lock);
    int64_t passed = c->passed;
    *has_cut = c->has_cut;
    c->next = (cut){.bytes = -1};
    pthread_mutex_unlock(&c->lock);
    return passed;
}
