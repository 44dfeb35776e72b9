#include "restart.h"

#include "check.h"
#include "psql.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct server {
    char folder[512];
    pid_t pid;
};

static void pause_10_ms(void)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    nanosleep(&pause, NULL);
}

server *server_of(PGconn *conn)
{
    server *s = calloc(1, sizeof *s);
    assert_non_null(s);
    char *folder = psql_value(conn, "SHOW data_directory");
    snprintf(s->folder, sizeof s->folder, "%s", folder);
    free(folder);
    char path[600];
    snprintf(path, sizeof path, "%s/postmaster.pid", s->folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    long pid = 0;
    assert_int_equal(fscanf(file, "%ld", &pid), 1);
    fclose(file);
    s->pid = (pid_t)pid;
    return s;
}

void server_forget(server *s)
{
    free(s);
}

void server_stop_at_once(server *s)
{
    assert_int_equal(kill(s->pid, SIGQUIT), 0);
    for (int i = 0; i < 3000 && (kill(s->pid, 0) == 0 || errno == EPERM); i++) {
        pause_10_ms();
    }
}

/* postmaster.opts is the command line, as a shell reads it; the server refuses to run as root. */
void server_start_again(server *s)
{
    char command[2000];
    const char *as = geteuid() == 0 ? "runuser -u nobody -- " : "";
    snprintf(command, sizeof command,
             "cd / && { %ssetsid sh '%s/postmaster.opts' </dev/null >>'%s/again.log' 2>&1 & }", as,
             s->folder, s->folder);
    assert_int_equal(system(command), 0);
    server_wait();
}

void server_wait(void)
{
    for (int i = 0; i < 6000; i++) {
        if (PQping(test_postgresql()) == PQPING_OK) {
            return;
        }
        pause_10_ms();
    }
    fail_msg("the server does not take connections a minute after it was killed");
}
