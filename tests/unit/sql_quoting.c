/* Text of statements: what each conversion gives, and that no other one is taken. */
#include "quoting.h"

#include "check.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

static void each_conversion(void **state)
{
    (void)state;
    bm_error err = BM_ERROR;
    bm__arena arena = {0};
    bm__sql sql = bm__sql_begin(&err);
    const char *text;
    bm__sql_put(&sql, "a%sb%c", "", 'x');
    bm__sql_put(&sql, "%s", "%d %s");
    bm__sql_put(&sql, " %d %d %d", 0, -7, INT_MIN);
    bm__sql_put(&sql, " %zu %zu", (size_t)0, (size_t)1200);
    bm__sql_put(&sql, " %llu", UINT64_MAX + 0ULL);
    bm__sql_put(&sql, "%.*s%.*s|%.*s", 2, "cut", 9, "d", 0, "none");
    bm__sql_put(&sql, " %%L%%%d", 5);
    assert_int_equal(bm__sql_end(&sql, &arena, &text), BM_OK);
    assert_string_equal(text, "abx%d %s 0 -7 -2147483648 0 1200 18446744073709551615cud| %L%5");
    bm__arena_free(&arena);
}

static void a_conversion_that_is_unknown(void **state)
{
    (void)state;
    bm_error err = BM_ERROR;
    bm__arena arena = {0};
    bm__sql sql = bm__sql_begin(&err);
    const char *text;
    bm__sql_put(&sql, "a %x b", 1U);
    bm__sql_put(&sql, "c");
    assert_int_equal(bm__sql_end(&sql, &arena, &text), BM_INTERNAL);
    assert_null(text);
    bm__arena_free(&arena);
}

static void names_are_quoted(void **state)
{
    (void)state;
    bm_error err = BM_ERROR;
    bm__arena arena = {0};
    bm__sql sql = bm__sql_begin(&err);
    const char *text;
    bm__sql_table(&sql, "a\"b", "%s");
    bm__sql_put(&sql, " ");
    bm__sql_name_text(&sql, "it's");
    assert_int_equal(bm__sql_end(&sql, &arena, &text), BM_OK);
    assert_string_equal(text, "\"a\"\"b\".\"%s\" 'it''s'");
    bm__arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_conversion),
        cmocka_unit_test(a_conversion_that_is_unknown),
        cmocka_unit_test(names_are_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
