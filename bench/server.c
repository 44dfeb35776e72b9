#include "server.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCHEMA "bulkmodel_bench"

static void quiet(void *context, const char *message)
{
    (void)context;
    (void)message;
}

PGconn *server_connect(const char *url)
{
    PGconn *pg = PQconnectdb(url);
    if (PQstatus(pg) != CONNECTION_OK) {
        die("%s", PQerrorMessage(pg));
    }
    PQsetNoticeProcessor(pg, quiet, NULL);
    server_execute(pg, "SET search_path = " SCHEMA);
    return pg;
}

bm_db *server_open(const char *url)
{
    char all[1024];
    bm_db *db;
    bm_error err = BM_ERROR;
    snprintf(all, sizeof all, "%s options='-c search_path=" SCHEMA "'", url);
    check(bm_open(all, NULL, &db, &err), &err);
    return db;
}

void server_expect(PGconn *pg, PGresult *result, ExecStatusType status)
{
    if (PQresultStatus(result) != status) {
        die("%s", PQerrorMessage(pg));
    }
    PQclear(result);
}

void server_execute(PGconn *pg, const char *sql)
{
    PGresult *result = PQexec(pg, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK) {
        die("%s", PQerrorMessage(pg));
    }
    PQclear(result);
}

void server_make_table(PGconn *pg)
{
    server_execute(pg, "CREATE SCHEMA IF NOT EXISTS " SCHEMA "; DROP TABLE IF EXISTS foo, foo_kept;"
                       "CREATE TABLE foo (id bigserial PRIMARY KEY, name varchar(50) NOT NULL,"
                       " value integer NOT NULL, bm_create_uuid uuid NOT NULL);"
                       "CREATE INDEX ON foo (bm_create_uuid)");
}

void server_empty(PGconn *pg)
{
    server_execute(pg, "TRUNCATE foo");
    server_execute(pg, "CHECKPOINT");
}

/* Of /proc/PID/stat (proc(5)): the parent, and ticks of the process and of its ended children. */
static bool read_stat(long pid, long *parent, double *own, double *children)
{
    char path[64];
    char text[1024];
    long ticks[4];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return false;
    }
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    const char *behind = strrchr(text, ')');
    if (behind == NULL ||
        sscanf(behind + 1, " %*c %ld %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld %ld %ld", parent,
               &ticks[0], &ticks[1], &ticks[2], &ticks[3]) != 5) {
        return false;
    }
    double tick = (double)sysconf(_SC_CLK_TCK);
    *own = (double)(ticks[0] + ticks[1]) / tick;
    *children = (double)(ticks[2] + ticks[3]) / tick;
    return true;
}

double server_cpu(PGconn *pg)
{
    long server;
    long parent;
    double own;
    double children;
    if (pg == NULL || !read_stat(PQbackendPID(pg), &server, &own, &children) ||
        !read_stat(server, &parent, &own, &children)) {
        return 0;
    }
    double total = own + children;
    DIR *processes = opendir("/proc");
    const struct dirent *entry;
    while (processes != NULL && (entry = readdir(processes)) != NULL) {
        bool is_process = isdigit((unsigned char)entry->d_name[0]) != 0;
        if (is_process && read_stat(strtol(entry->d_name, NULL, 10), &parent, &own, &children) &&
            parent == server) {
            total += own + children;
        }
    }
    if (processes != NULL) {
        closedir(processes);
    }
    return total;
}
