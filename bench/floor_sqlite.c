#include "floor.h"

#include <sqlite3.h>
#include <string.h>

#define ROWS 100

static void execute(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        die("%s", sqlite3_errmsg(db));
    }
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        die("%s", sqlite3_errmsg(db));
    }
    return statement;
}

static sqlite3_stmt *prepare_insert(sqlite3 *db, size_t n)
{
    static const char head[] = "INSERT INTO foo (name, value, bm_create_uuid) VALUES (?, ?, ?)";
    static const char more[] = ", (?, ?, ?)";
    char sql[sizeof head + ROWS * sizeof more];
    size_t size = sizeof head - 1;
    memcpy(sql, head, sizeof head);
    for (size_t i = 1; i < n; i++) {
        memcpy(sql + size, more, sizeof more);
        size += sizeof more - 1;
    }
    return prepare(db, sql);
}

static void run(sqlite3 *db, sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE) {
        die("%s", sqlite3_errmsg(db));
    }
    sqlite3_reset(statement);
}

static void insert(sqlite3 *db, sqlite3_stmt *statement, const foo *rows, size_t n,
                   const char uuid[32])
{
    int parameter = 1;
    for (size_t i = 0; i < n; i++) {
        sqlite3_bind_text(statement, parameter++, rows[i].name, -1, SQLITE_STATIC);
        sqlite3_bind_int(statement, parameter++, rows[i].value);
        sqlite3_bind_text(statement, parameter++, uuid, 32, SQLITE_STATIC);
    }
    run(db, statement);
}

void floor_sqlite_create(sqlite3 *db, const foo *rows, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    char uuid[32];
    for (size_t i = 0; i < 16; i++) {
        uuid[2 * i] = digits[rows[0].bm_create_uuid.bytes[i] >> 4];
        uuid[2 * i + 1] = digits[rows[0].bm_create_uuid.bytes[i] & 15];
    }
    execute(db, "BEGIN IMMEDIATE");
    sqlite3_stmt *many = prepare_insert(db, ROWS);
    size_t done = 0;
    for (; n - done >= ROWS; done += ROWS) {
        insert(db, many, rows + done, ROWS, uuid);
    }
    if (done < n) {
        sqlite3_stmt *rest = prepare_insert(db, n - done);
        insert(db, rest, rows + done, n - done, uuid);
        sqlite3_finalize(rest);
    }
    sqlite3_finalize(many);
    execute(db, "COMMIT");
}

void floor_sqlite_update(sqlite3 *db, const foo *rows, size_t n)
{
    execute(db, "BEGIN IMMEDIATE");
    sqlite3_stmt *update = prepare(db, "UPDATE foo SET value = ? WHERE id = ?");
    for (size_t i = 0; i < n; i++) {
        sqlite3_bind_int(update, 1, rows[i].value);
        sqlite3_bind_int64(update, 2, rows[i].id);
        run(db, update);
    }
    sqlite3_finalize(update);
    execute(db, "COMMIT");
}
