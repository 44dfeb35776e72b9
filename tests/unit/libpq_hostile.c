/* W12: a server that is not PostgreSQL.  Whatever bytes it says, an error holds UTF-8, cut between
 * characters. */
#include "libpq_steps.h"
#include "utf8.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* https://www.postgresql.org/docs/current/protocol-message-formats.html */
#define MESSAGE_MAX 16384

typedef struct message {
    uint8_t bytes[MESSAGE_MAX];
    size_t n;
} message;

static char folder[64];
static char url[128];
static pthread_t thread;
static int listener;
static bool refuses;           /* connections; else statements */
static uint8_t noise[9][2100]; /* of each field, ended by NUL */

static void put(message *m, const void *bytes, size_t n)
{
    assert_true(m->n + n <= sizeof m->bytes);
    memcpy(m->bytes + m->n, bytes, n);
    m->n += n;
}

static size_t begin(message *m, char type)
{
    put(m, &type, 1);
    put(m, "\0\0\0\0", 4);
    return m->n - 4;
}

static void end(message *m, size_t at)
{
    size_t n = m->n - at;
    for (size_t i = 0; i < 4; i++) {
        m->bytes[at + i] = (uint8_t)(n >> (24 - 8 * i));
    }
}

static void put_parameter(message *m, const char *name, const char *value)
{
    size_t at = begin(m, 'S');
    put(m, name, strlen(name) + 1);
    put(m, value, strlen(value) + 1);
    end(m, at);
}

static void put_greeting(message *m)
{
    size_t at = begin(m, 'R');
    put(m, "\0\0\0\0", 4);
    end(m, at);
    put_parameter(m, "client_encoding", "UTF8");
    put_parameter(m, "server_version", "15.0");
    put_parameter(m, "standard_conforming_strings", "on");
}

static void put_error(message *m, bool ready)
{
    static const char fields[] = "SVCMDHWcn";
    size_t at = begin(m, 'E');
    for (size_t i = 0; fields[i] != '\0'; i++) {
        put(m, &fields[i], 1);
        put(m, noise[i], strlen((const char *)noise[i]) + 1);
    }
    put(m, "", 1);
    end(m, at);
    if (ready) {
        at = begin(m, 'Z');
        put(m, "I", 1);
        end(m, at);
    }
}

static void answer(int fd)
{
    uint8_t asked[4096];
    message said = {.n = 0};
    if (recv(fd, asked, sizeof asked, 0) <= 0) {
        return;
    }
    if (refuses) {
        put_error(&said, false);
    } else {
        put_greeting(&said);
        size_t at = begin(&said, 'Z');
        put(&said, "I", 1);
        end(&said, at);
    }
    send(fd, said.bytes, said.n, MSG_NOSIGNAL);
    while (!refuses && recv(fd, asked, sizeof asked, 0) > 0 && asked[0] != 'X') {
        said.n = 0;
        put_error(&said, true);
        send(fd, said.bytes, said.n, MSG_NOSIGNAL);
    }
}

static void *serve(void *unused)
{
    int fd;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        answer(fd);
        close(fd);
    }
    return unused;
}

static int set_up(void **state)
{
    struct sockaddr_un here = {.sun_family = AF_UNIX};
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/bulkmodel-hostile.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(here.sun_path, sizeof here.sun_path, "%s/.s.PGSQL.5432", folder);
    snprintf(url, sizeof url, "host=%s port=5432 user=u dbname=d sslmode=disable", folder);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
    return 0;
}

static int tear_down(void **state)
{
    char path[128];
    (void)state;
    shutdown(listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(listener);
    snprintf(path, sizeof path, "%s/.s.PGSQL.5432", folder);
    unlink(path);
    rmdir(folder);
    return 0;
}

/* Any bytes but NUL, reproducibly; now and then the beginning of a character. */
static void make_noise(unsigned seed, size_t size)
{
    static const uint8_t leads[] = {0xC2, 0xE2, 0xF0, 0xED, 0xFF, 0x80};
    uint32_t x = seed * 2654435761u + 1;
    for (size_t i = 0; i < 9; i++) {
        for (size_t k = 0; k < size; k++) {
            x = x * 1664525u + 1013904223u;
            uint8_t byte = (uint8_t)(x >> 24);
            noise[i][k] = byte % 3 == 0 ? leads[(x >> 16) % 6] : byte == 0 ? 'n' : byte;
        }
        noise[i][size] = '\0';
    }
    memcpy(noise[0], "ERROR", 6);
    memcpy(noise[1], "ERROR", 6);
}

static void must_be_utf8(const char *text, size_t size)
{
    assert_non_null(memchr(text, '\0', size));
    assert_null(bm__text_fault(text, strlen(text)));
}

static void must_be_sound(const bm_error *err)
{
    must_be_utf8(err->message, sizeof err->message);
    must_be_utf8(err->column, sizeof err->column);
    must_be_utf8(err->constraint, sizeof err->constraint);
    must_be_utf8(err->detail, sizeof err->detail);
    must_be_utf8(err->sqlstate, sizeof err->sqlstate);
    assert_true(err->message[0] != '\0');
}

static void of_a_statement(void **state)
{
    peer p;
    (void)state;
    refuses = false;
    make_noise(1, 10);
    open_peer(&p, url);
    for (unsigned seed = 0; seed < 200; seed++) {
        make_noise(seed, seed % 5 == 0 ? 2000 : seed);
        if (seed % 2 == 0) {
            memcpy(noise[2], "23505", 6); /* else the SQLSTATE, too, is noise */
        }
        assert_int_not_equal(do_sql(&p, "SELECT 1"), BM_OK);
        must_be_sound(&p.err);
        assert_string_equal(p.err.sqlstate, seed % 2 == 0 ? "23505" : "");
        must_be_utf8(p.answer.context, sizeof p.answer.context);
    }
    close_peer(&p);
}

static void of_a_refusal(void **state)
{
    (void)state;
    refuses = true;
    for (unsigned seed = 0; seed < 50; seed++) {
        const bm_open_options options = {.size = sizeof options};
        bm__conn *conn;
        bm_error err = BM_ERROR;
        make_noise(seed, seed % 5 == 0 ? 2000 : seed + 1);
        assert_int_not_equal(bm__transport_postgresql.open(url, &options, NULL, &conn, &err),
                             BM_OK);
        must_be_sound(&err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_a_statement, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_a_refusal, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
