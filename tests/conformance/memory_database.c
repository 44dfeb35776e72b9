/* A SQLite database in memory lives as long as its connection. */
#include "world.h"

#include <unistd.h>

static void a_database_in_memory_is_kept(world *w)
{
    make_items(w, "");
    add_item(w, w->db, 1);
    refused(w, bm_reset_connection(w->db, &w->err), BM_UNSUPPORTED, BM_NO_ROW, "");
    refused(w, bm_execute(w->db, "BEGIN", &w->err), BM_INVALID, BM_NO_ROW, "");
    expect_number(w, 1, "SELECT count(*) FROM item");
}

static void a_database_in_memory_is_not_too_old(world *w)
{
    const bm_open_options options = {.size = sizeof options, .max_connection_age_ms = 1};
    bm_close(w->db);
    w->db = NULL;
    ok(w, bm_open(w->url, &options, &w->db, &w->err));
    make_items(w, "");
    add_item(w, w->db, 1);
    usleep(20000);
    add_item(w, w->db, 2);
    expect(w, "1\n2\n", "SELECT value FROM item ORDER BY value");
}

static const conformance_case cases[] = {
    CASE(ON_LITE_MEMORY, a_database_in_memory_is_kept),
    CASE(ON_LITE_MEMORY, a_database_in_memory_is_not_too_old),
};

int main(void)
{
    return conformance_run("memory_database", cases, sizeof cases / sizeof cases[0]);
}
