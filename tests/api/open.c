/* What bm_open takes as the name of a database. */
#include "check.h"

#include "testdb.h"

#include <bulkmodel.h>

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

/* The PG* variables of the test's server, which libpq's "key=value" form names. */
static void set_variables(void)
{
    static const char *const names[][2] = {{"host", "PGHOST"},
                                           {"port", "PGPORT"},
                                           {"user", "PGUSER"},
                                           {"dbname", "PGDATABASE"},
                                           {"password", "PGPASSWORD"}};
    PQconninfoOption *given = PQconninfoParse(test_postgresql(), NULL);
    assert_non_null(given);
    for (PQconninfoOption *option = given; option->keyword != NULL; option++) {
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            if (option->val != NULL && strcmp(option->keyword, names[i][0]) == 0) {
                assert_int_equal(setenv(names[i][1], option->val, 1), 0);
            }
        }
    }
    PQconninfoFree(given);
}

static void i8_a_bare_scheme_means_the_variables(void **state)
{
    static const char *const urls[] = {"postgresql:", "postgres:", "postgresql://"};
    (void)state;
    set_variables();
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        bm_db *db;
        bm_error err = BM_ERROR;
        assert_int_equal(bm_open(urls[i], NULL, &db, &err), BM_OK);
        assert_int_equal(bm_execute(db, "SELECT 1", &err), BM_OK);
        bm_close(db);
    }
}

/* Not the server of the variables: what stands after the colon is never dropped. */
static void i8_more_than_the_scheme_is_read(void **state)
{
    static const char *const urls[] = {"postgresql:test", "postgresql:/test", "postgres:?user=x"};
    (void)state;
    set_variables();
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        bm_db *db;
        bm_error err = BM_ERROR;
        assert_int_equal(bm_open(urls[i], NULL, &db, &err), BM_INVALID);
        assert_null(db);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i8_a_bare_scheme_means_the_variables),
        cmocka_unit_test(i8_more_than_the_scheme_is_read),
    };
    return cmocka_run_group_tests_name("open", tests, NULL, NULL);
}
