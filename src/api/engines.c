/* The public functions of one engine. */
#include "entry.h"

#include "memory_script.h"
#include "options.h"

static bm_status borrow(const bm__transport *transport, bm__conn *conn, bm_db **out, bm_error *err)
{
    const bm_open_options options = {.size = sizeof options};
    bm_status status = bm__db_new(transport, NULL, &options, out, err);
    if (status != BM_OK) {
        transport->close(conn);
        return status;
    }
    (*out)->idle[(*out)->n_idle++] = conn;
    return BM_OK;
}

static bm_status attach(const bm__engine *engine, void *handle, bm_db **out, bm_error *err)
{
    bm_error local;
    bm__conn *conn;
    err = bm__error_begin(err, &local);
    BM_TRY(bm__check_out(out, err));
    *out = NULL;
    const bm__transport *transport = bm__transport_of(engine);
    if (transport == NULL || handle == NULL) {
        return transport == NULL
                   ? bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CONNECT,
                              "this library was built without that engine")
                   : bm__fail(err, BM_INVALID, BM_STAGE_CONNECT, "the connection must not be NULL");
    }
    BM_TRY(transport->attach(handle, &conn, err));
    return borrow(transport, conn, out, err);
}

bm_status bm_attach_libpq(struct pg_conn *connection, bm_db **out, bm_error *err)
{
    return attach(&bm__engine_postgresql, connection, out, err);
}

bm_status bm_attach_sqlite(struct sqlite3 *connection, bm_db **out, bm_error *err)
{
    return attach(&bm__engine_sqlite, connection, out, err);
}

/* The connection of a database without I/O, which has one; NULL where `db` is another. */
static bm__conn *memory_of(const bm_db *db)
{
    if (db == NULL || db->transport != &bm__transport_memory) {
        return NULL;
    }
    if (db->root == NULL && db->transactions != NULL) {
        return db->transactions->conn;
    }
    return db->root != NULL ? db->conn : db->n_idle > 0 ? db->idle[0] : NULL;
}

bm_status bm_memory_script(bm_db *db, const bm_memory_answer *answer, bm_error *err)
{
    bm_error local;
    bm_memory_answer read;
    err = bm__error_begin(err, &local);
    BM_TRY(bm__options_read(&read, sizeof read, answer, err));
    bm__conn *conn = memory_of(db);
    if (conn == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "the database is not memory:");
    }
    return bm__memory_script(conn, &read, err);
}

size_t bm_memory_count(const bm_db *db)
{
    const bm__conn *conn = memory_of(db);
    return conn != NULL ? bm__memory_count(conn) : 0;
}

const char *bm_memory_at(const bm_db *db, size_t i)
{
    const bm__conn *conn = memory_of(db);
    return conn != NULL ? bm__memory_at(conn, i) : NULL;
}
