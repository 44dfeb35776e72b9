/*
 * Every number of up to four digits, with either sign and each scale from -4 to 8, is written and
 * read back; the server says what it is (scoreboard B-11).
 *
 *     test_types_numerics [EVERY]      every so many-th coefficient, 50 without an argument
 */
#include "check.h"
#include "psql.h"

#include <bulkmodel.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COEFFICIENTS = 10000, LOWEST = -4, SCALES = 13, FORMS = 2 * SCALES, EVERY = 50 };

typedef struct number {
    int64_t id; /* (coefficient * SCALES + scale - LOWEST) * 2 + negative */
    char value[24];
} number;

typedef struct stored {
    int64_t id;
    const char *value;
} stored;

static const bm_model written = BM_MODEL("number", number, BM_FIELD(number, id, BM_INT8, BM_KEY),
                                         BM_FIELD(number, value, BM_NUMERIC, 0));
static const bm_model read_back = BM_MODEL("number", stored, BM_FIELD(stored, id, BM_INT8, BM_KEY),
                                           BM_FIELD(stored, value, BM_NUMERIC, 0));

static size_t every = EVERY;
static size_t n_numbers;

static number *all_numbers(void)
{
    number *numbers = calloc(COEFFICIENTS * FORMS, sizeof *numbers);
    assert_non_null(numbers);
    for (size_t coefficient = 0; coefficient < COEFFICIENTS; coefficient += every) {
        for (size_t form = 0; form < FORMS; form++) {
            number *to = &numbers[n_numbers++];
            to->id = (int64_t)(coefficient * FORMS + form);
            snprintf(to->value, sizeof to->value, "%s%zuE%d", form % 2 == 1 ? "-" : "", coefficient,
                     -((int)(form / 2) + LOWEST));
        }
    }
    return numbers;
}

/* What is in the table is what the server makes of the coefficient and the scale. */
static void judge_writing(PGconn *judge)
{
    psql_expect(judge, "0",
                "SELECT count(*) FROM number WHERE value::text <> (CASE id %% 2 WHEN 1 THEN '-'"
                " ELSE '' END || id / %d || 'E' || -(id / 2 %% %d + %d))::numeric::text",
                FORMS, SCALES, LOWEST);
    assert_int_equal(psql_count(judge, "SELECT count(*) FROM number"), n_numbers);
}

static void judge_reading(PGconn *judge, bm_queryset *queryset)
{
    size_t same = 0;
    PGresult *texts = PQexec(judge, "SELECT id, value::text FROM number ORDER BY id");
    assert_int_equal(PQntuples(texts), n_numbers);
    assert_int_equal(bm_queryset_count(queryset), n_numbers);
    for (size_t i = 0; i < n_numbers; i++) {
        const stored *row = bm_queryset_at(queryset, i);
        size_t place = (size_t)row->id / FORMS / every * FORMS + (size_t)row->id % FORMS;
        assert_true(place < n_numbers);
        assert_int_equal(strtoll(PQgetvalue(texts, (int)place, 0), NULL, 10), row->id);
        same += strcmp(PQgetvalue(texts, (int)place, 1), row->value) == 0;
    }
    PQclear(texts);
    assert_int_equal(same, n_numbers);
}

static void every_coefficient_and_scale(void **state)
{
    char schema[TEST_NAME_MAX];
    char url[1024];
    bm_db *db;
    bm_error err = BM_ERROR;
    bm_result read = BM_RESULT;
    (void)state;
    PGconn *judge = psql_open(schema);
    psql_run(judge, "CREATE TABLE number (id bigint PRIMARY KEY, value numeric)");
    snprintf(url, sizeof url, "%s options='-c search_path=%s'", test_postgresql(), schema);
    number *numbers = all_numbers();
    assert_int_equal(bm_open(url, NULL, &db, &err), BM_OK);
    assert_int_equal(bm_bulk_create(db, bm_structs(&written, numbers, n_numbers), NULL, NULL, &err),
                     BM_OK);
    free(numbers);
    judge_writing(judge);
    assert_int_equal(bm_copy_to(db, bm_all(&read_back), NULL, &read, &err), BM_OK);
    judge_reading(judge, read.queryset);
    bm_result_clear(&read);
    bm_close(db);
    psql_close(judge, schema);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_coefficient_and_scale)};
    every = argc > 1 ? strtoul(argv[1], NULL, 10) : EVERY;
    int failed = cmocka_run_group_tests_name("types_numerics", tests, NULL, NULL);
    print_message("# B-11: %zu numbers written and read back, %s\n", n_numbers,
                  failed == 0 ? "0 different" : "some different");
    return failed;
}
