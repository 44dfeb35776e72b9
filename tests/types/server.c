#include "server.h"

#include "check.h"
#include "growing_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void must(bm_status status, const bm_error *err)
{
    if (status != BM_OK) {
        fail_msg("%s: %s at %zu, column \"%s\" [%s]: %s", err->verb, bm_status_name(status),
                 err->row, err->column, err->sqlstate, err->message);
    }
}

void server_open(server *sv)
{
    char url[512];
    bm_error err = BM_ERROR;
    sv->conn = psql_open(sv->schema);
    psql_run(sv->conn, "SET timezone = 'Asia/Kathmandu'; SET extra_float_digits = 1");
    psql_run(sv->conn, "%s", kinds_ddl);
    int size = snprintf(url, sizeof url,
                        "%s options='-c search_path=%s -c datestyle=SQL,DMY -c bytea_output=escape"
                        " -c timezone=America/Caracas -c intervalstyle=sql_standard"
                        " -c extra_float_digits=-3'",
                        test_postgresql(), sv->schema);
    assert_true(size > 0 && (size_t)size < sizeof url);
    must(bm_open(url, NULL, &sv->db, &err), &err);
}

void server_close(server *sv)
{
    bm_close(sv->db);
    psql_close(sv->conn, sv->schema);
}

static bool is_assigned(const column *col)
{
    return (col->flags & BM_ASSIGNED) != 0;
}

static void put_keys(FILE *out, const sheet *sh)
{
    const char *between = "";
    for (size_t c = 0; c < sh->n_columns; c++) {
        if ((sh->columns[c].flags & BM_KEY) != 0) {
            fprintf(out, "%s%s", between, sh->names[c]);
            between = ", ";
        }
    }
}

void server_create(server *sv, const sheet *sh, const char *table)
{
    statement sql;
    FILE *out = begin(&sql);
    fprintf(out, "CREATE TABLE %s (", table);
    for (size_t c = 0; c < sh->n_columns; c++) {
        const column *col = &sh->columns[c];
        fprintf(out, "%s %s", sh->names[c], is_assigned(col) ? "bigserial" : col->kind->column);
        if (col->fallback != NULL) {
            fprintf(out, " DEFAULT %s", col->fallback);
        }
        fputs(col->nulls == 0 && col->fallback == NULL ? " NOT NULL, " : ", ", out);
    }
    fputs("PRIMARY KEY (", out);
    put_keys(out, sh);
    fputs("))", out);
    psql_run(sv->conn, "%s", end(&sql));
    free(sql.text);
}

/* "$1::text::float8::float4": as the column's type reads the literal. */
static void put_parameter(FILE *out, const column *col, int number)
{
    fprintf(out, "$%d::text", number);
    if (col->kind->via != NULL) {
        fprintf(out, "::%s", col->kind->via);
    }
    fprintf(out, "::%s", col->kind->column);
}

static void run_row(server *sv, const char *sql, int n, const char *const *values)
{
    PGresult *result = PQexecParams(sv->conn, sql, n, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        PQclear(result);
        print_error("%.500s\n", sql);
        fail_msg("%s", PQerrorMessage(sv->conn));
    }
    bool one = strcmp(PQcmdTuples(result), "1") == 0;
    PQclear(result);
    assert_true(one);
}

static void write_row(server *sv, const sheet *sh, const char *table, size_t row)
{
    const char *values[SHEET_COLUMNS];
    int n = 0;
    statement sql;
    FILE *out = begin(&sql);
    fprintf(out, "INSERT INTO %s VALUES (", table);
    for (size_t c = 0; c < sh->n_columns; c++) {
        fputs(c > 0 ? ", " : "", out);
        if (*sheet_state(sh, row, c) == BM_DEFAULT_CELL) {
            fputs("DEFAULT", out);
        } else {
            values[n++] = sheet_literal(sh, row, c);
            put_parameter(out, &sh->columns[c], n);
        }
    }
    fputs(")", out);
    run_row(sv, end(&sql), n, values);
    free(sql.text);
}

void server_write(server *sv, const sheet *sh, const char *table, size_t from, size_t n)
{
    psql_run(sv->conn, "BEGIN");
    for (size_t row = from; row < from + n; row++) {
        write_row(sv, sh, table, row);
    }
    psql_run(sv->conn, "COMMIT");
}

void server_update(server *sv, const sheet *sh, const char *table, size_t row, size_t c)
{
    const char *values[SHEET_COLUMNS] = {sheet_literal(sh, row, c)};
    const char *before = " WHERE ";
    int n = 1;
    statement sql;
    FILE *out = begin(&sql);
    fprintf(out, "UPDATE %s SET %s = ", table, sh->names[c]);
    put_parameter(out, &sh->columns[c], n);
    for (size_t k = 0; k < sh->n_columns; k++) {
        if ((sh->columns[k].flags & BM_KEY) != 0) {
            values[n++] = sheet_literal(sh, row, k);
            fprintf(out, "%s%s = ", before, sh->names[k]);
            put_parameter(out, &sh->columns[k], n);
            before = " AND ";
        }
    }
    run_row(sv, end(&sql), n, values);
    free(sql.text);
}

static void put_select(FILE *out, const sheet *sh, const char *table)
{
    fputs("SELECT ", out);
    for (size_t c = 0; c < sh->n_columns; c++) {
        fprintf(out, "%s%s::text", c > 0 ? ", " : "", sh->names[c]);
    }
    fprintf(out, " FROM %s", table);
}

/* For a reader of a failure: which columns differ, and a row where they do. */
static void print_differences(server *sv, const sheet *sh, const char *a, const char *b)
{
    for (size_t c = 0; c < sh->n_columns; c++) {
        statement sql;
        FILE *out = begin(&sql);
        fprintf(out,
                "SELECT count(*), left(min(a.%s::text), 60), left(min(b.%s::text), 60) FROM %s AS "
                "a JOIN %s AS b USING (",
                sh->names[c], sh->names[c], a, b);
        put_keys(out, sh);
        fprintf(out, ") WHERE a.%s::text IS DISTINCT FROM b.%s::text", sh->names[c], sh->names[c]);
        char *text = psql_table(sv->conn, "%s", end(&sql));
        free(sql.text);
        if (strncmp(text, "0|", 2) != 0) {
            print_error("%s %s: %s", sh->names[c], sh->columns[c].kind->column, text);
        }
        free(text);
    }
}

void server_same(server *sv, const sheet *sh, const char *a, const char *b)
{
    statement sql;
    FILE *out = begin(&sql);
    fputs("SELECT count(*) FROM ((", out);
    put_select(out, sh, a);
    fputs(" EXCEPT ALL ", out);
    put_select(out, sh, b);
    fputs(") UNION ALL (", out);
    put_select(out, sh, b);
    fputs(" EXCEPT ALL ", out);
    put_select(out, sh, a);
    fputs(")) AS d", out);
    int64_t differences = psql_count(sv->conn, "%s", end(&sql));
    free(sql.text);
    if (differences != 0) {
        print_differences(sv, sh, a, b);
    }
    assert_int_equal(differences, 0);
}
