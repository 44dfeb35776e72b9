/* The row and column that a CONTEXT names: CopyFromErrorCallback, in any language. */
#include "check.h"
#include "pg_cell.h"

static void rows(void **state)
{
    (void)state;
    static const struct {
        const char *context, *relation, *column;
        size_t row;
    } cases[] = {
        {"COPY foo, line 5", "foo", "", 4},
        {"COPY foo, line 1, column name", "foo", "name", 0},
        {"COPY foo, line 12, column name: \"a: b\"", "foo", "name", 11},
        {"COPY foo, line 3: \"1\t2\"", "foo", "", 2},
        {"COPY foo, Zeile 7, Spalte name", "foo", "name", 6},
        {"COPY foo, \xd1\x81\xd1\x82\xd1\x80\xd0\xbe\xd0\xba\xd0\xb0 8, "
         "\xd1\x81\xd1\x82\xd0\xbe\xd0\xbb\xd0\xb1\xd0\xb5\xd1\x86 n 1",
         "foo", "n 1", 7},
        /* names that look like what is looked for */
        {"COPY x, line 5, line 9", "x, line 5", "", 8},
        {"COPY t2, line 4", "t2", "", 3},
        {"COPY a\nCOPY b, line 6", "a\nCOPY b", "", 5},
        /* other lines before, of triggers and functions; the last that fits is the COPY */
        {"PL/pgSQL function f() line 3 at RAISE\nCOPY foo, line 2", "foo", "", 1},
        {"COPY foo, line 9\nSQL statement \"x\"\nCOPY foo, line 2", "foo", "", 1},
        {"COPY foo, line 2\nmore 77", "foo", "", 1},
        /* nothing */
        {"", "foo", "", BM_NO_ROW},
        {"COPY foo", "foo", "", BM_NO_ROW},
        {"COPY foo, ", "foo", "", BM_NO_ROW},
        {"COPY foo, line", "foo", "", BM_NO_ROW},
        {"COPY foo, line\n5", "foo", "", BM_NO_ROW},
        {"COPY foobar, line 5", "foo", "", BM_NO_ROW},
        {"COPY bar, line 5", "foo", "", BM_NO_ROW},
        {"xCOPY foo, line 5", "foo", "", BM_NO_ROW},
        {"COPY foo, line 0", "foo", "", BM_NO_ROW},
        {"COPY foo, line 99999999999999999999999", "foo", "", BM_NO_ROW},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char column[64] = "before";
        size_t row =
            bm__copy_context_row(cases[i].context, cases[i].relation, column, sizeof column);
        if (row != cases[i].row || strcmp(column, cases[i].column) != 0) {
            fail_msg("%s: row %zu, column %s", cases[i].context, row, column);
        }
    }
}

static void small_columns(void **state)
{
    (void)state;
    char column[4];
    assert_int_equal(bm__copy_context_row("COPY t, line 2, column abcdef", "t", column, 4), 1);
    assert_string_equal(column, "abc");
    assert_int_equal(bm__copy_context_row("COPY t, line 2, column ab\xc3\xa4", "t", column, 4), 1);
    assert_string_equal(column, "ab");
    assert_int_equal(bm__copy_context_row("COPY t, line 2, column abcdef", "t", NULL, 0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),
        cmocka_unit_test(small_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
