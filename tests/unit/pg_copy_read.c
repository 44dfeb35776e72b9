/* A binary COPY read back in pieces of every size, and bytes that are none. */
#include "check.h"
#include "pg_cell.h"

#include <stdlib.h>

#define HEADER "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
#define ROW_1                                                                                      \
    "\0\x02\0\0\0\x03"                                                                             \
    "abc\xff\xff\xff\xff"
#define ROW_2 "\0\x02\0\0\0\0\0\0\0\x01z"
#define END "\xff\xff"

static const char whole[] = HEADER ROW_1 ROW_2 ROW_1 END;
enum { WHOLE_SIZE = sizeof whole - 1 };

typedef struct seen {
    bm__buffer text; /* cells as "abc|-|" */
    size_t rows;
    size_t fail_at;
} seen;

static bm_status note(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    seen *s = context;
    s->rows++;
    if (s->rows == s->fail_at) {
        return bm__fail(err, BM_NOMEM, BM_STAGE_READ, "enough");
    }
    for (size_t i = 0; i < n; i++) {
        if (cells[i].kind == BM__CELL_NULL) {
            assert_int_equal(bm__buffer_append(&s->text, "-", 1, err), BM_OK);
        } else {
            assert_int_equal(cells[i].kind, BM__CELL_BYTES);
            assert_int_equal(bm__buffer_append(&s->text, cells[i].data, cells[i].size, err), BM_OK);
        }
        assert_int_equal(bm__buffer_append(&s->text, "|", 1, err), BM_OK);
    }
    return BM_OK;
}

static const char rows_seen[] = "abc|-||z|abc|-|";

static void check_seen(const seen *s)
{
    assert_int_equal(s->rows, 3);
    assert_int_equal(s->text.size, sizeof rows_seen - 1);
    assert_memory_equal(s->text.data, rows_seen, sizeof rows_seen - 1);
}

/* The bytes stand at the end of an allocation of their own, so a read beyond them is found. */
static bm_status feed(bm__copy_reader *reader, const char *bytes, size_t size, seen *s,
                      bm_error *err)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    memcpy(copy, bytes, size);
    bm_status status = bm__copy_read(reader, copy, size, note, s, err);
    free(copy);
    return status;
}

static void any_cut(void **state)
{
    (void)state;
    for (size_t first = 0; first <= WHOLE_SIZE; first++) {
        for (size_t second = first; second <= WHOLE_SIZE; second++) {
            bm__copy_reader reader = {.n_fields = 2};
            seen s = {0};
            bm_error err = BM_ERROR;
            assert_int_equal(feed(&reader, whole, first, &s, &err), BM_OK);
            assert_int_equal(feed(&reader, whole + first, second - first, &s, &err), BM_OK);
            assert_true(second == WHOLE_SIZE || !reader.ended);
            assert_int_equal(feed(&reader, whole + second, WHOLE_SIZE - second, &s, &err), BM_OK);
            assert_true(reader.ended);
            check_seen(&s);
            bm__copy_reader_free(&reader);
            bm__buffer_free(&s.text);
        }
    }
}

static void byte_by_byte(void **state)
{
    (void)state;
    bm__copy_reader reader = {.n_fields = 2};
    seen s = {0};
    bm_error err = BM_ERROR;
    for (size_t i = 0; i < WHOLE_SIZE; i++) {
        assert_int_equal(feed(&reader, whole + i, 1, &s, &err), BM_OK);
    }
    assert_true(reader.ended);
    check_seen(&s);
    bm__copy_reader_free(&reader);
    bm__buffer_free(&s.text);
}

#define BYTES(bytes_) bytes_, sizeof(bytes_) - 1

static void wrong_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } rows[] = {
        {BYTES("x")},
        {BYTES("PGCOPY\n\377\r\r")},
        {BYTES("PGCOPY\n\377\r\n\0\0\x01\0\0\0\0\0\0")},       /* OIDs, of before 12 */
        {BYTES("PGCOPY\n\377\r\n\0\x80\0\0\0\0\0\0\0")},       /* an unknown critical flag */
        {BYTES("PGCOPY\n\377\r\n\0\0\0\0\0\x7f\xff\xff\xff")}, /* an extension of 2 GB */
        {BYTES(HEADER "\0\x01\0\0\0\0")},                      /* one field of two */
        {BYTES(HEADER "\0\x03")},
        {BYTES(HEADER "\xff\xfe")},
        {BYTES(HEADER "\0\x02\xff\xff\xff\xfe")}, /* length -2 */
        {BYTES(HEADER "\0\x02\x40\0\0\0")},       /* length 1 GB */
        {BYTES(HEADER END "x")},                  /* more behind the end */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bm__copy_reader reader = {.n_fields = 2};
        seen s = {0};
        bm_error err = BM_ERROR;
        if (feed(&reader, rows[i].bytes, rows[i].size, &s, &err) != BM_DATABASE) {
            fail_msg("row %zu is taken for a COPY", i);
        }
        assert_int_equal(err.stage, BM_STAGE_READ);
        bm__copy_reader_free(&reader);
        bm__buffer_free(&s.text);
    }
}

static void extension_is_skipped(void **state)
{
    (void)state;
    static const char bytes[] = "PGCOPY\n\377\r\n\0\0\0\0\x01\0\0\0\x03xyz" ROW_1 END;
    for (size_t cut = 0; cut < sizeof bytes; cut++) {
        bm__copy_reader reader = {.n_fields = 2};
        seen s = {0};
        bm_error err = BM_ERROR;
        assert_int_equal(feed(&reader, bytes, cut, &s, &err), BM_OK);
        assert_int_equal(feed(&reader, bytes + cut, sizeof bytes - 1 - cut, &s, &err), BM_OK);
        assert_int_equal(s.rows, 1);
        assert_true(reader.ended);
        bm__copy_reader_free(&reader);
        bm__buffer_free(&s.text);
    }
}

static void ends_and_failures(void **state)
{
    (void)state;
    bm__copy_reader reader = {.n_fields = 2};
    seen s = {.fail_at = 2};
    bm_error err = BM_ERROR;
    assert_int_equal(feed(&reader, whole, WHOLE_SIZE, &s, &err), BM_NOMEM);
    assert_int_equal(s.rows, 2);
    assert_string_equal(err.message, "enough");
    bm__copy_reader_free(&reader);
    bm__copy_reader_free(&reader);
    bm__buffer_free(&s.text);

    reader = (bm__copy_reader){.n_fields = 0}; /* a table without columns has rows too */
    s = (seen){0};
    err = BM_ERROR;
    assert_int_equal(feed(&reader, BYTES(HEADER "\0\0\0\0" END), &s, &err), BM_OK);
    assert_int_equal(s.rows, 2);
    assert_true(reader.ended);
    assert_int_equal(feed(&reader, "", 0, &s, &err), BM_OK);
    assert_int_equal(feed(&reader, END, 2, &s, &err), BM_DATABASE);
    bm__copy_reader_free(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_cut),           cmocka_unit_test(byte_by_byte),
        cmocka_unit_test(wrong_bytes),       cmocka_unit_test(extension_is_skipped),
        cmocka_unit_test(ends_and_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
