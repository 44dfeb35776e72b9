/* Where tests find their databases.  Each of these ends the test as failed when it cannot. */
#ifndef TEST_SUPPORT_TESTDB_H
#define TEST_SUPPORT_TESTDB_H

#define TEST_NAME_MAX 64
#define TEST_PATH_MAX 256

/* The connection string of the PostgreSQL server that script/with-postgresql started, in libpq's
 * "key=value" form.  Never skipped: without a server the test fails. */
const char *test_postgresql(void);

/* A name that no other test uses, now or on this server, for a schema or a table: "bmt_812_1". */
void test_fresh_name(char out[TEST_NAME_MAX]);

/* The path of a new SQLite file, not made yet, in a folder that is removed when the program ends.
 * `url`, unless NULL, is the same as bm_open takes it: "sqlite:PATH". */
void test_sqlite_file(char path[TEST_PATH_MAX], char url[TEST_PATH_MAX]);

#endif
