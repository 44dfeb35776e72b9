#include "bouncer.h"

#include "check.h"
#include "testdb.h"

#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct bouncer {
    pid_t child;
    char folder[32];
};

static FILE *create(const bouncer *b, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", b->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    return file;
}

static void configure(const bouncer *b, const char *mode, int pool, const char *settings)
{
    const char *host = strstr(test_postgresql(), "host=") + 5;
    FILE *users = create(b, "users");
    fputs("\"postgres\" \"\"\n", users);
    fclose(users);
    FILE *ini = create(b, "ini");
    fprintf(ini,
            "[databases]\npostgres = host=%.*s user=postgres connect_query='%s'\n[pgbouncer]\n"
            "listen_addr =\nunix_socket_dir = %s\nlisten_port = 6432\nauth_type = trust\n"
            "auth_file = %s/users\npool_mode = %s\ndefault_pool_size = %d\n"
            "server_login_retry = 1\nignore_startup_parameters = options,extra_float_digits\n",
            (int)strcspn(host, " "), host, settings, b->folder, b->folder, mode, pool);
    fclose(ini);
}

static void run(const bouncer *b)
{
    char path[64];
    const char *user = geteuid() == 0 ? "-unobody" : "-q";
    snprintf(path, sizeof path, "%s/ini", b->folder);
    (void)!freopen("/dev/null", "w", stdout);
    (void)!freopen("/dev/null", "w", stderr);
    execlp("pgbouncer", "pgbouncer", "-q", user, path, NULL);
    execl("/usr/sbin/pgbouncer", "pgbouncer", "-q", user, path, NULL);
    _exit(127);
}

bouncer *bouncer_start(const char *mode, int pool, const char *settings)
{
    char where[128];
    bouncer *b = calloc(1, sizeof *b);
    assert_non_null(b);
    snprintf(b->folder, sizeof b->folder, "/tmp/bouncer.XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    assert_int_equal(chmod(b->folder, 0777), 0);
    configure(b, mode, pool, settings);
    b->child = fork();
    assert_true(b->child >= 0);
    if (b->child == 0) {
        run(b);
    }
    snprintf(where, sizeof where, "host=%s port=6432 dbname=postgres user=postgres", b->folder);
    for (int i = 0; i < 600 && PQping(where) != PQPING_OK; i++) {
        usleep(50000);
    }
    assert_int_equal(PQping(where), PQPING_OK);
    return b;
}

void bouncer_stop(bouncer *b)
{
    char command[64];
    kill(b->child, SIGKILL);
    waitpid(b->child, NULL, 0);
    snprintf(command, sizeof command, "rm -rf %s", b->folder);
    assert_int_equal(system(command), 0);
    free(b);
}

const char *bouncer_folder(const bouncer *b)
{
    return b->folder;
}
