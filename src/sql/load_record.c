#include "load_record.h"

#include <assert.h>
#include <string.h>

/* A value of the caller's as a literal. */
static void put_text(bm__sql *sql, const bm__dialect *dialect, const char *text)
{
    assert(text != NULL);
    bm__sql_put(sql, "%s'", dialect->escapes != NULL ? dialect->escapes : "");
    for (const char *at = text; *at != '\0';) {
        const size_t plain = strcspn(at, "'\\");
        bm__sql_put(sql, "%.*s", (int)plain, at);
        at += plain;
        if (*at != '\0') {
            const bool twice = *at == '\'' || dialect->escapes != NULL;
            bm__sql_put(sql, twice ? "%c%c" : "%c", *at, *at);
            at++;
        }
    }
    bm__sql_put(sql, "'");
}

static void put_mine(bm__sql *sql, const bm__sql_load *load)
{
    bm__sql_put(sql, " WHERE load_id%s", load->dialect->equal);
    put_text(sql, load->dialect, load->id);
    bm__sql_put(sql, " AND token%s", load->dialect->equal);
    put_text(sql, load->dialect, load->token);
}

void bm__sql_load_table(bm__sql *sql)
{
    bm__sql_put(sql, "CREATE TABLE IF NOT EXISTS " BM__LOADS " (\n"
                     "  load_id text NOT NULL PRIMARY KEY,\n"
                     "  verb text NOT NULL,\n"
                     "  target text NOT NULL,\n"
                     "  state text NOT NULL,\n"
                     "  rows_written bigint NOT NULL,\n"
                     "  checksum text NOT NULL,\n"
                     "  token text NOT NULL,\n"
                     "  renewed bigint NOT NULL\n"
                     ")");
}

void bm__sql_load_find(bm__sql *sql, const bm__sql_load *load)
{
    assert(load->dialect->clock != NULL);
    bm__sql_put(sql,
                "SELECT t.verb, t.target, t.state, t.rows_written, t.checksum, t.renewed, %s "
                "FROM " BM__LOADS " AS t WHERE t.load_id%s",
                load->dialect->clock, load->dialect->equal);
    put_text(sql, load->dialect, load->id);
    bm__sql_put(sql, "%s", load->dialect->lock != NULL ? load->dialect->lock : "");
}

void bm__sql_load_begin(bm__sql *sql, const bm__sql_load *load, const char *checksum)
{
    assert(load->dialect->clock != NULL && checksum != NULL);
    const char *const texts[] = {load->id, load->verb, load->target, "loading"};
    assert(load->verb != NULL && load->target != NULL);
    bm__sql_put(sql, "INSERT INTO " BM__LOADS " (load_id, verb, target, state, rows_written, "
                     "checksum, token, renewed) VALUES (");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        put_text(sql, load->dialect, texts[i]);
        bm__sql_put(sql, ", ");
    }
    bm__sql_put(sql, "0, ");
    put_text(sql, load->dialect, checksum);
    bm__sql_put(sql, ", ");
    put_text(sql, load->dialect, load->token);
    bm__sql_put(sql, ", %s)", load->dialect->clock);
}

void bm__sql_load_take(bm__sql *sql, const bm__sql_load *load)
{
    bm__sql_put(sql, "UPDATE " BM__LOADS " SET state = 'loading', renewed = %s, token = ",
                load->dialect->clock);
    put_text(sql, load->dialect, load->token);
    bm__sql_put(sql, " WHERE load_id%s", load->dialect->equal);
    put_text(sql, load->dialect, load->id);
}

void bm__sql_load_advance(bm__sql *sql, const bm__sql_load *load, uint64_t rows,
                          const char *checksum, bool finished)
{
    assert(rows <= INT64_MAX);
    bm__sql_put(sql, "UPDATE " BM__LOADS " SET rows_written = %llu, renewed = %s, checksum = ",
                (unsigned long long)rows, load->dialect->clock);
    put_text(sql, load->dialect, checksum);
    bm__sql_put(sql, ", state = '%s'", finished ? "finished" : "loading");
    put_mine(sql, load);
}

void bm__sql_load_renew(bm__sql *sql, const bm__sql_load *load)
{
    bm__sql_put(sql, "UPDATE " BM__LOADS " SET renewed = %s", load->dialect->clock);
    put_mine(sql, load);
}

void bm__sql_load_stop(bm__sql *sql, const bm__sql_load *load)
{
    assert(load->token != NULL);
    bm__sql_put(sql, "UPDATE " BM__LOADS " SET state = 'stopped'");
    put_mine(sql, load);
    bm__sql_put(sql, " AND state%s'loading'", load->dialect->equal);
}
