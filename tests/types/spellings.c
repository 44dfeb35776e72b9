/*
 * Texts that the library reads in the server's place: 1,000 of each type, most of them spoiled,
 * must be read as the server reads them, or refused where it refuses them.
 */
#include "check.h"
#include "refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXTS ((size_t)1000)

static server sv;

typedef struct spelling {
    const char *type;
    const char *text[8];
    const char *signs; /* what is put in and exchanged */
} spelling;

static const spelling spellings[] = {
    {"uuid",
     {"{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}", "a0eebc999c0b4ef8bb6d6bb9bd380a11"},
     "-{}0aF g"},
    {"inet",
     {"10.0.0.1", "192.168.100.128/25", "::1", "2001:4f8:3:ba::/64", "::ffff:1.2.3.0/120",
      "1:2:3:4:5:6:7:8/128"},
     "./:0129af x-"},
    {"cidr",
     {"10", "192.168.1", "128.1/16", "0x0a0B/16", "224.0.0.0/4", "2001:4f8:3:ba::/64",
      "::ffff:1.2.3.0/120"},
     "./:012xaF -"},
    {"macaddr",
     {"08:00:2b:01:02:03", "08-00-2b-01-02-03", "08002b:010203", "0800.2b01.0203", "0800-2b01-0203",
      "08002b010203"},
     ":-.08aF xg"},
    {"macaddr8",
     {"08:00:2b:01:02:03", "08-00-2b-01-02-03-04-05", "08002b:0102030405", "0800.2b01.0203.0405",
      "08002b0102030405", " 08002b010203 "},
     ":-.08aF xg"},
    {"bit(8)", {"10101010", "B11110000", "xfF", "X01"}, "01bXaF 2"},
    {"varbit", {"", "1", "b10101", "x1Fa"}, "01bXaF 2"},
    {"pg_lsn", {"0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"}, "/0aF gx"},
};

static char *some_text(source *s, const spelling *from)
{
    size_t n = 0;
    while (n < COUNT_OF(from->text) && from->text[n] != NULL) {
        n++;
    }
    const char *whole = from->text[below(s, n)];
    size_t size = strlen(whole);
    char *text = source_alloc(s, size + 8);
    memcpy(text, whole, size + 1);
    for (size_t change = below(s, 4); change > 0; change--) {
        size_t at = below(s, size + 1);
        char sign = from->signs[below(s, strlen(from->signs))];
        if (chance(s, 40) && at < size) { /* exchange */
            text[at] = sign;
        } else if (chance(s, 50) && at < size) { /* take out */
            memmove(text + at, text + at + 1, size - at);
            size--;
        } else { /* put in */
            memmove(text + at + 1, text + at, size - at + 1);
            text[at] = sign;
            size++;
        }
    }
    return text;
}

/* The value as the server writes it; NULL where it reads none. */
static char *of_server(const char *text)
{
    PGresult *result = PQexecParams(sv.conn, "SELECT reads($1)", 1, NULL, &text, NULL, NULL, 0);
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    char *found = PQgetisnull(result, 0, 0) ? NULL : strdup(PQgetvalue(result, 0, 0));
    PQclear(result);
    return found;
}

/* Did both read it? */
static bool one_text(const any_model *m, const char *type, const char *text)
{
    bm_error err = BM_ERROR;
    any_row row = {.id = 1, .v = {.text = {text, strlen(text)}}};
    char *wanted = of_server(text);
    bm_status status = bm_bulk_create(sv.db, bm_structs(&m->model, &row, 1), NULL, NULL, &err);
    if ((status == BM_OK) != (wanted != NULL) || (status != BM_OK && status != BM_CONVERT)) {
        fail_msg("%s: the server reads \"%s\" as %s, we: %s, %s", type, text,
                 wanted != NULL ? wanted : "nothing", bm_status_name(status), err.message);
    }
    if (wanted != NULL) {
        psql_expect(sv.conn, wanted, "SELECT v::text FROM t");
        psql_run(sv.conn, "DELETE FROM t");
    }
    free(wanted);
    return status == BM_OK;
}

static void as_the_server(void **state)
{
    const spelling *from = *state;
    source s = source_begin(20261130, from->type);
    any_model m;
    size_t read = 0;
    any_model_set(&m, "t", BM_TEXT, 0);
    psql_run(sv.conn,
             "DROP TABLE IF EXISTS t, u; CREATE TABLE t (id int8 PRIMARY KEY, v %s); "
             "CREATE TABLE u (v %s)",
             from->type, from->type);
    for (size_t i = 0; i < TEXTS; i++) {
        read += one_text(&m, from->type, some_text(&s, from));
    }
    assert_in_range(read, TEXTS / 10, TEXTS - TEXTS / 10); /* some of either kind */
    source_end(&s);
}

static int open_server(void **state)
{
    (void)state;
    server_open(&sv);
    psql_run(sv.conn, "CREATE FUNCTION reads(given text) RETURNS text LANGUAGE plpgsql AS $f$ "
                      "DECLARE made text; BEGIN EXECUTE format('INSERT INTO u VALUES (%%L) "
                      "RETURNING v::text', given) INTO made; RETURN made; EXCEPTION WHEN others "
                      "THEN RETURN NULL; END $f$");
    return 0;
}

static int close_server(void **state)
{
    (void)state;
    server_close(&sv);
    return 0;
}

int main(void)
{
    static struct CMUnitTest tests[COUNT_OF(spellings)];
    for (size_t i = 0; i < COUNT_OF(spellings); i++) {
        const void *from = &spellings[i];
        tests[i] = (struct CMUnitTest){.name = spellings[i].type, .test_func = as_the_server};
        memcpy(&tests[i].initial_state, &from, sizeof from);
    }
    return _cmocka_run_group_tests("spellings", tests, COUNT_OF(tests), open_server, close_server);
}
