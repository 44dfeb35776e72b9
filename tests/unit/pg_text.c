/* Text: UTF-8, NUL, lengths of columns, layouts; bytes. */
#include "check.h"
#include "pg_cell.h"
#include "type.h"
#include "utf8.h"

#include <stdio.h>

static bm__buffer out;

/* A character as the Unicode Standard's table 3-6 distributes its bits. */
static size_t put_character(uint32_t c, char *at)
{
    if (c < 0x80) {
        at[0] = (char)c;
        return 1;
    }
    size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = size - 1; i > 0; i--) {
        at[i] = (char)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    at[0] = (char)(leads[size] | c);
    return size;
}

static void every_character(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10FFFF + 0x1000; c++) {
        char text[48] = "0123456789abcdef0123456789abcdef";
        const size_t at = c % 20;
        const size_t size = at + put_character(c, text + at);
        bool good = c != 0 && !(c >= 0xD800 && c <= 0xDFFF) && c <= 0x10FFFF;
        if ((bm__text_fault(text, size) == NULL) != good) {
            fail_msg("U+%04X", c);
        }
        if (good) {
            assert_int_equal(bm__text_length(text, size), at + 1);
        }
    }
}

/* Each fault at each place of texts of each length, which go through different loops. */
static void faults_anywhere(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\xfe",
        "\xc3",
        "\xe2\x82",
        "\xf0\x9f\x98",
        "\xc3\xc3\xa4",
        "\xe2\x28\xa1",
        "\xe2\x82\x28",
    };
    for (size_t length = 1; length <= 70; length++) {
        for (size_t at = 0; at < length; at++) {
            char text[80];
            memset(text, 'x', sizeof text);
            assert_null(bm__text_fault(text, length));
            text[at] = '\0';
            assert_string_equal(bm__text_fault(text, length), "has a NUL character");
            for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
                memset(text, 'x', sizeof text);
                size_t size = strlen(wrong[i]);
                memcpy(text + at, wrong[i], size);
                const char *fault = bm__text_fault(text, at + size > length ? at + size : length);
                assert_string_equal(fault, "not UTF-8");
            }
        }
    }
    assert_null(bm__text_fault("", 0));
    assert_null(bm__text_fault(NULL, 0));
}

static void cut_character(void **state)
{
    (void)state;
    static const char text[] = "0123456789abcde\xf0\x9f\x98\x80";
    for (size_t size = 0; size < sizeof text; size++) {
        bool whole = size <= 15 || size == 19;
        assert_true((bm__text_fault(text, size) == NULL) == whole);
    }
}

static bm_status encode_length(bm_type type, uint32_t oid, int32_t length, const char *text)
{
    pg_case how = cstr_case(type, oid);
    how.column.typmod = length + 4;
    bm_error err;
    return encode_cell(&how, false, &text, &out, &err);
}

/* varchar_input: characters count, not bytes; blanks beyond are cut off by the server. */
static void column_lengths(void **state)
{
    (void)state;
    static const uint32_t oids[] = {OID_VARCHAR, OID_BPCHAR};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(encode_length(BM_TEXT, oids[i], 3, "abc"), BM_OK);
        assert_int_equal(encode_length(BM_TEXT, oids[i], 3, ""), BM_OK);
        assert_int_equal(encode_length(BM_TEXT, oids[i], 3, "abcd"), BM_CONVERT);
        assert_int_equal(encode_length(BM_TEXT, oids[i], 3, "abc   "), BM_OK);
        assert_int_equal(out.size, 6);
        assert_int_equal(encode_length(BM_TEXT, oids[i], 3, "abc d"), BM_CONVERT);
        assert_int_equal(encode_length(BM_TEXT, oids[i], 3, "ab  d"), BM_CONVERT);
        assert_int_equal(encode_length(BM_TEXT, oids[i], 3, "abc\t"), BM_CONVERT);
        assert_int_equal(encode_length(BM_TEXT, oids[i], 3, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
                         BM_OK);
        assert_int_equal(encode_length(BM_TEXT, oids[i], 2, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
                         BM_CONVERT);
    }
    assert_int_equal(encode_length(BM_TEXT, OID_VARCHAR, -5, "no length"), BM_OK);
}

static void name_is_63_bytes(void **state)
{
    (void)state;
    char text[65];
    memset(text, 'n', sizeof text);
    const char *at = text;
    const pg_case how = cstr_case(BM_TEXT, OID_NAME);
    bm_error err;
    text[63] = '\0';
    assert_int_equal(encode_cell(&how, false, &at, &out, &err), BM_OK);
    text[63] = 'n';
    text[64] = '\0';
    assert_int_equal(encode_cell(&how, false, &at, &out, &err), BM_CONVERT);
}

/* Every size, so every way of copying, in every layout. */
static void sizes_and_layouts(void **state)
{
    (void)state;
    char text[301];
    for (size_t i = 0; i < 300; i++) {
        text[i] = (char)('!' + i % 90);
    }
    bm_error err;
    for (size_t size = 0; size <= 299; size++) {
        char copy[301];
        memcpy(copy, text, size);
        copy[size] = '\0';
        const char *cstr = copy;
        const bm_slice slice = {text, size};
        const pg_case cases[] = {cstr_case(BM_TEXT, OID_JSONB),
                                 slice_case(BM_TEXT, OID_JSONB),
                                 {BM_TEXT, BM_CHARS, 300, plain_column(OID_JSONB)}};
        const void *cells[] = {&cstr, &slice, copy};
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(encode_cell(&cases[i], false, cells[i], &out, &err), BM_OK);
            assert_int_equal(out.size, size + 1);
            assert_int_equal(out.data[0], 1);
            assert_memory_equal(out.data + 1, text, size);
        }
    }
    const pg_case full = {BM_TEXT, BM_CHARS, 4, plain_column(OID_TEXT)};
    assert_int_equal(encode_cell(&full, false, "abcdefg", &out, &err), BM_OK);
    assert_int_equal(out.size, 4);
}

static void pointers(void **state)
{
    (void)state;
    const char *none = NULL;
    const bm_slice empty = {NULL, 0};
    const bm_slice broken = {NULL, 3};
    const pg_case cstr = cstr_case(BM_TEXT, OID_TEXT);
    const pg_case slice = slice_case(BM_TEXT, OID_TEXT);
    const pg_case bytea = slice_case(BM_BYTEA, OID_BYTEA);
    bm_error err;
    assert_int_equal(encode_cell(&cstr, false, &none, &out, &err), BM_CONVERT);
    assert_int_equal(encode_cell(&slice, false, &empty, &out, &err), BM_OK);
    assert_int_equal(out.size, 0);
    assert_int_equal(encode_cell(&slice, false, &broken, &out, &err), BM_CONVERT);
    assert_int_equal(encode_cell(&bytea, false, &empty, &out, &err), BM_OK);
    assert_int_equal(encode_cell(&bytea, false, &broken, &out, &err), BM_CONVERT);
}

static void nul_in_a_slice(void **state)
{
    (void)state;
    const bm_slice text = {"a\0b", 3};
    bm_error err;
    const pg_case as_text = slice_case(BM_TEXT, OID_TEXT);
    const pg_case as_bytes = slice_case(BM_BYTEA, OID_BYTEA);
    assert_int_equal(encode_cell(&as_text, false, &text, &out, &err), BM_CONVERT);
    assert_string_equal(err.message, "has a NUL character");
    assert_int_equal(encode_cell(&as_bytes, false, &text, &out, &err), BM_OK);
    assert_memory_equal(out.data, "a\0b", 3);
}

static void one_gigabyte(void **state)
{
    (void)state;
    const bm_slice large = {"x", (size_t)1 << 30}; /* a bytea's bytes are not looked at */
    const pg_case how = slice_case(BM_BYTEA, OID_BYTEA);
    bm_error err;
    assert_int_equal(encode_cell(&how, false, &large, &out, &err), BM_CONVERT);
}

static void back(void **state)
{
    (void)state;
    bm__arena arena = {0};
    const pg_case cstr = cstr_case(BM_TEXT, OID_TEXT);
    const pg_case jsonb = slice_case(BM_JSONB, OID_JSONB);
    const char *text;
    bm_slice slice;
    char chars[4] = "zzz";
    pg_case array = {BM_TEXT, BM_CHARS, 4, plain_column(OID_TEXT)};
    assert_null(decode_cell(&cstr, "abc", 3, &text, &arena));
    assert_string_equal(text, "abc");
    assert_null(decode_cell(&cstr, "", 0, &text, &arena));
    assert_string_equal(text, "");
    assert_non_null(decode_cell(&cstr, "a\0b", 3, &text, &arena));
    assert_non_null(decode_cell(&cstr, "\xff", 1, &text, &arena));
    assert_null(decode_cell(&jsonb, "\x01{}", 3, &slice, &arena));
    assert_int_equal(slice.size, 2);
    assert_string_equal(slice.data, "{}");
    assert_non_null(decode_cell(&jsonb, "\x02{}", 3, &slice, &arena));
    assert_non_null(decode_cell(&jsonb, "{}", 2, &slice, &arena));
    assert_non_null(decode_cell(&jsonb, "", 0, &slice, &arena));
    assert_null(decode_cell(&array, "ab", 2, chars, &arena));
    assert_memory_equal(chars, "ab\0\0", 4);
    assert_null(decode_cell(&array, "abcd", 4, chars, &arena));
    assert_memory_equal(chars, "abcd", 4);
    assert_non_null(decode_cell(&array, "abcde", 5, chars, &arena));
    bm__arena_free(&arena);
}

static void the_types(void **state)
{
    (void)state;
    assert_null(bm__type((bm_type)0));
    assert_null(bm__type((bm_type)BM__TYPE_COUNT));
    for (unsigned type = 1; type < BM__TYPE_COUNT; type++) {
        const bm__type_info *info = bm__type((bm_type)type);
        assert_non_null(info->name);
        assert_int_equal(bm__type_is_text((bm_type)type), info->width == 0 && type != BM_BYTEA);
    }
    assert_true(bm__type_fits(BM_INT4, BM_FIXED, 4));
    assert_false(bm__type_fits(BM_INT4, BM_FIXED, 8));
    assert_false(bm__type_fits(BM_INT4, BM_CSTR, sizeof(char *)));
    assert_false(bm__type_fits(BM_TEXT, BM_FIXED, 0));
    assert_true(bm__type_fits(BM_NUMERIC, BM_CHARS, 1));
    assert_false(bm__type_fits(BM_TEXT, BM_CHARS, 0));
    assert_false(bm__type_fits(BM_BYTEA, BM_CSTR, sizeof(char *)));
    assert_true(bm__type_fits(BM_BYTEA, BM_SLICE, sizeof(bm_slice)));
    assert_true(bm__type_fits(BM_BYTEA, BM_ARRAY, sizeof(bm_array)));
    assert_false(bm__type_fits(BM_BYTEA, BM_ARRAY, sizeof(bm_slice)));
    assert_false(bm__type_fits(BM_TEXT, (bm_layout)9, 8));
    assert_true(bm__type_is_integer(BM_INT2) && bm__type_is_integer(BM_INT8));
    assert_false(bm__type_is_integer(BM_DATE));
}

static int free_out(void **state)
{
    (void)state;
    bm__buffer_free(&out);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character),  cmocka_unit_test(faults_anywhere),
        cmocka_unit_test(cut_character),    cmocka_unit_test(column_lengths),
        cmocka_unit_test(name_is_63_bytes), cmocka_unit_test(sizes_and_layouts),
        cmocka_unit_test(pointers),         cmocka_unit_test(nul_in_a_slice),
        cmocka_unit_test(one_gigabyte),     cmocka_unit_test(back),
        cmocka_unit_test(the_types),
    };
    return cmocka_run_group_tests(tests, NULL, free_out);
}
