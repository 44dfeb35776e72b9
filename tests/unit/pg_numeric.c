/* numeric against a simple reference, at its limits, and against bytes that are none. */
#include "check.h"
#include "pg_cell.h"

#include <stdio.h>
#include <stdlib.h>

/* "123" and scale 2 is "1.23"; scale -2 is "12300". */
static void plain_text(unsigned coefficient, int scale, bool negative, char *out, size_t room)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%0*u", scale > 0 ? scale + 1 : 1, coefficient);
    const char *sign = negative ? "-" : "";
    size_t size = strlen(digits);
    if (scale > 0) {
        snprintf(out, room, "%s%.*s.%s", sign, (int)size - scale, digits, digits + size - scale);
    } else {
        snprintf(out, room, "%s%s%.*s", sign, digits, coefficient > 0 ? -scale : 0, "00000000");
    }
}

/* The bytes of "-12.50": both sides padded to groups of four, zero groups taken off both ends. */
static size_t reference(const char *text, uint8_t *out)
{
    char all[128] = "";
    bool negative = text[0] == '-';
    text += negative;
    size_t before = strcspn(text, ".");
    size_t behind = text[before] == '.' ? strlen(text + before + 1) : 0;
    size_t pad = (4 - before % 4) % 4;
    memset(all, '0', sizeof all - 1);
    memcpy(all + pad, text, before);
    if (behind > 0) {
        memcpy(all + pad + before, text + before + 1, behind);
    }
    size_t groups = (pad + before + behind + 3) / 4;
    int weight = (int)((pad + before) / 4) - 1;
    size_t first = 0;
    while (first < groups && memcmp(all + 4 * first, "0000", 4) == 0) {
        first++;
    }
    while (groups > first && memcmp(all + 4 * (groups - 1), "0000", 4) == 0) {
        groups--;
    }
    size_t n = groups - first;
    weight = n > 0 ? weight - (int)first : 0;
    const unsigned words[] = {(unsigned)n, (unsigned)weight, negative && n > 0 ? 0x4000u : 0u,
                              (unsigned)behind};
    for (size_t i = 0; i < 4; i++) {
        out[2 * i] = (uint8_t)(words[i] >> 8);
        out[2 * i + 1] = (uint8_t)words[i];
    }
    for (size_t i = 0; i < n; i++) {
        const char *at = all + 4 * (first + i);
        int digit = (at[0] - '0') * 1000 + (at[1] - '0') * 100 + (at[2] - '0') * 10 + at[3] - '0';
        out[8 + 2 * i] = (uint8_t)(digit >> 8);
        out[9 + 2 * i] = (uint8_t)digit;
    }
    return 8 + 2 * n;
}

static bm__buffer out;

static bm_status encode(const char *text)
{
    const pg_case how = cstr_case(BM_NUMERIC, OID_NUMERIC);
    bm_error err;
    return encode_cell(&how, false, &text, &out, &err);
}

static const char *decode(const void *data, size_t size, const char **text, bm__arena *arena)
{
    const pg_case how = cstr_case(BM_NUMERIC, OID_NUMERIC);
    return decode_cell(&how, data, size, text, arena);
}

static void check_number(const char *text, const char *shown, bm__arena *arena)
{
    uint8_t want[128];
    size_t size = reference(shown, want);
    const char *back;
    if (encode(text) != BM_OK || out.size != size || memcmp(out.data, want, size) != 0) {
        fail_msg("%s: other bytes", text);
    }
    if (decode(out.data, out.size, &back, arena) != NULL || strcmp(back, shown) != 0) {
        fail_msg("%s: came back as another text", text);
    }
}

/* All coefficients of up to four digits, scales -4 .. 8, both signs, plain and with an exponent. */
static void every_small_number(void **state)
{
    (void)state;
    for (unsigned coefficient = 0; coefficient < 10000; coefficient++) {
        bm__arena arena = {0};
        for (int scale = -4; scale <= 8; scale++) {
            for (int negative = 0; negative <= (coefficient > 0); negative++) {
                char plain[64];
                char exponent[64];
                plain_text(coefficient, scale, negative, plain, sizeof plain);
                snprintf(exponent, sizeof exponent, "%s%uE%d", negative ? "-" : "", coefficient,
                         -scale);
                check_number(plain, plain, &arena);
                check_number(exponent, plain, &arena);
            }
        }
        bm__arena_free(&arena);
    }
}

static void zero_groups(void **state)
{
    (void)state;
    static const char *const numbers[] = {
        "10000",
        "100000000",
        "1000000000000",
        "1000000000001",
        "10000000000000000.00000001",
        "1.00000000",
        "1.000000001",
        "0.00000000",
        "123400000000",
        "12340000.00005678",
        "50000000.0005",
        "99999999999999999999.9999999999",
        "0.000000000000000000000000000001",
    };
    bm__arena arena = {0};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        check_number(numbers[i], numbers[i], &arena);
    }
    bm__arena_free(&arena);
}

/* Up to 24 digits before the point and 20 after it: groups that are whole, begun and zero. */
static void lengths_of_both_sides(void **state)
{
    (void)state;
    static const char *const patterns[] = {"192837465564738291019283", "100000000000000000000001",
                                           "000000000000000000000000", "000000010000000000000000"};
    for (size_t k = 0; k < 16; k++) {
        bm__arena arena = {0};
        for (int before = 1; before <= 24; before++) {
            for (int behind = 0; behind <= 20; behind++) {
                const char *zeros = patterns[k % 4];
                char text[64];
                char shown[64];
                snprintf(text, sizeof text, "%.*s%s%.*s", before, zeros, behind > 0 ? "." : "",
                         behind, patterns[k / 4]);
                while (zeros[0] == '0' && zeros < patterns[k % 4] + before - 1) {
                    zeros++;
                }
                snprintf(shown, sizeof shown, "%s", text + (zeros - patterns[k % 4]));
                check_number(text, shown, &arena);
            }
        }
        bm__arena_free(&arena);
    }
}

static void forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *shown;
    } good[] = {
        {"1.", "1"},       {".5", "0.5"},      {"+1", "1"},        {" \t-1.50\n", "-1.50"},
        {"-0", "0"},       {"-0.00", "0.00"},  {"0E+5", "0"},      {"0e-3", "0.000"},
        {"1e0", "1"},      {"1.50e1", "15.0"}, {"1.50e3", "1500"}, {"1e-7", "0.0000001"},
        {"000123", "123"}, {"00.10", "0.10"},  {"12e-1", "1.2"},   {"-.5E+1", "-5"},
    };
    bm__arena arena = {0};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        check_number(good[i].text, good[i].shown, &arena);
    }
    static const char *const bad[] = {
        "",     ".",   "-",     "+",   "e5",  "1e",    "1e+",      "1.2.3",     "1 2",
        "0x10", "1_0", "--1",   "+-1", "1-",  "-NaN",  "nano",     "infinit",   "1e5.5",
        "1,5",  "abc", "1e5 5", " ",   ".e1", "1e--5", "\xd9\xa1", "1\xc2\xa0",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (encode(bad[i]) != BM_CONVERT) {
            fail_msg("\"%s\" is taken for a number", bad[i]);
        }
    }
    bm__arena_free(&arena);
}

static void specials(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *shown;
    } rows[] = {
        {"nan", "NaN"},        {" NaN ", "NaN"},           {"inf", "Infinity"},
        {"+inf", "Infinity"},  {"-INFINITY", "-Infinity"}, {"+Infinity", "Infinity"},
        {"-inf", "-Infinity"},
    };
    bm__arena arena = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *back;
        assert_int_equal(encode(rows[i].text), BM_OK);
        assert_null(decode(out.data, out.size, &back, &arena));
        assert_string_equal(back, rows[i].shown);
    }
    bm__arena_free(&arena);
}

/* PostgreSQL manual, "Numeric Types": 131072 digits before the point, 16383 behind it. */
static void limits(void **state)
{
    (void)state;
    assert_int_equal(encode("1e131071"), BM_OK);
    assert_memory_equal(out.data, "\0\x01\x7f\xff\0\0\0\0\x03\xe8", 10);
    assert_int_equal(encode("1e131072"), BM_CONVERT);
    assert_int_equal(encode("0.1e131072"), BM_OK);
    assert_int_equal(encode("1e300000"), BM_CONVERT);
    assert_int_equal(encode("1e-16383"), BM_OK);
    assert_int_equal(encode("1e-16384"), BM_CONVERT);
    assert_int_equal(encode("0e-16384"), BM_CONVERT);
    assert_int_equal(encode("1e99999999999999999999"), BM_CONVERT);
    assert_int_equal(encode("1e-99999999999999999999"), BM_CONVERT);
    size_t room = 131072 + 1 + 16383 + 2;
    char *long_text = malloc(room);
    memset(long_text, '9', room);
    long_text[131072] = '.';
    long_text[131072 + 1 + 16383] = '\0';
    bm__arena arena = {0};
    const char *back;
    assert_int_equal(encode(long_text), BM_OK);
    assert_null(decode(out.data, out.size, &back, &arena));
    assert_string_equal(back, long_text);
    long_text[131072 + 1 + 16383] = '9';
    long_text[131072 + 1 + 16384] = '\0';
    assert_int_equal(encode(long_text), BM_CONVERT);
    memset(long_text, '9', 131073);
    long_text[131073] = '\0';
    assert_int_equal(encode(long_text), BM_CONVERT);
    free(long_text);
    bm__arena_free(&arena);
}

static bm_status encode_for(const char *text, int precision, int scale)
{
    pg_case how = cstr_case(BM_NUMERIC, OID_NUMERIC);
    how.column.typmod = ((precision << 16) | (scale & 0x7FF)) + 4;
    bm_error err;
    return encode_cell(&how, false, &text, &out, &err);
}

/* apply_typmod rounds half away from zero and refuses what has more digits then. */
static void precision(void **state)
{
    (void)state;
    assert_int_equal(encode_for("999.99", 5, 2), BM_OK);
    assert_int_equal(encode_for("999.994", 5, 2), BM_OK);
    assert_int_equal(encode_for("999.995", 5, 2), BM_CONVERT);
    assert_int_equal(encode_for("-999.9949", 5, 2), BM_OK);
    assert_int_equal(encode_for("1000", 5, 2), BM_CONVERT);
    assert_int_equal(encode_for("1e3", 5, 2), BM_CONVERT);
    assert_int_equal(encode_for("0.00", 2, 2), BM_OK);
    assert_int_equal(encode_for("0.99", 2, 2), BM_OK);
    assert_int_equal(encode_for("0.995", 2, 2), BM_CONVERT);
    assert_int_equal(encode_for("1", 2, 2), BM_CONVERT);
    assert_int_equal(encode_for("0.0099", 2, 4), BM_OK);
    assert_int_equal(encode_for("0.01", 2, 4), BM_CONVERT);
    assert_int_equal(encode_for("994", 2, -1), BM_OK);
    assert_int_equal(encode_for("995", 2, -1), BM_CONVERT);
    assert_int_equal(encode_for("NaN", 5, 2), BM_OK);
    assert_int_equal(encode_for("Infinity", 5, 2), BM_CONVERT);
    assert_int_equal(encode_for("-inf", 5, 2), BM_CONVERT);
    const int32_t thousand = 1000;
    pg_case how = fixed_case(BM_INT4, 4, OID_NUMERIC);
    bm_error err;
    how.column.typmod = ((5 << 16) | 2) + 4;
    assert_int_equal(encode_cell(&how, false, &thousand, &out, &err), BM_CONVERT);
    how.column.typmod = ((6 << 16) | 2) + 4;
    assert_int_equal(encode_cell(&how, false, &thousand, &out, &err), BM_OK);
}

/* Decimals that a smaller dscale would hide are never sent. */
static void dscale_shows_all(void **state)
{
    (void)state;
    assert_int_equal(encode("1.2345"), BM_OK);
    assert_int_equal(out.data[7], 4);
    assert_int_equal(encode("12345e-4"), BM_OK);
    assert_int_equal(out.data[7], 4);
    assert_int_equal(encode("1.2345e2"), BM_OK);
    assert_int_equal(out.data[7], 2);
}

#define BYTES(bytes_) bytes_, sizeof(bytes_) - 1

static void wrong_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } rows[] = {
        {BYTES("")},
        {BYTES("\0\0\0\0\0\0\0")},
        {BYTES("\xff\xfd\0\0\0\0\0\0")},           /* ndigits 65533 and no digits */
        {BYTES("\0\x01\0\0\0\0\0\0\0\x01\0")},     /* a byte too many */
        {BYTES("\0\x01\0\0\0\0\0\0\0\x01\0\x02")}, /* a digit too many */
        {BYTES("\0\x02\0\0\0\0\0\0\0\x01")},       /* a digit too few */
        {BYTES("\0\x01\0\0\0\0\0\0\x27\x10")},     /* digit 10000 */
        {BYTES("\0\x01\0\0\0\0\0\0\xff\xff")},
        {BYTES("\0\x01\0\0\x80\0\0\0\0\x01")}, /* no such sign */
        {BYTES("\0\0\0\0\xc0\x01\0\0")},
        {BYTES("\0\x01\0\0\xc0\0\0\0\0\x01")},         /* NaN with a digit */
        {BYTES("\0\x01\0\0\0\0\x40\0\0\x01")},         /* dscale 16384 */
        {BYTES("\0\x02\0\0\0\0\0\x02\0\x01\x09\x29")}, /* 1.2345 that shows 1.23 */
        {BYTES("\0\x02\0\0\0\0\0\0\0\x01\0\x01")},     /* 1.0001 that shows 1 */
        {BYTES("\0\x01\x80\0\0\0\0\x01\0\x01")},       /* weight -32768 that shows 0.0 */
    };
    bm__arena arena = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *text;
        if (decode(rows[i].bytes, rows[i].size, &text, &arena) == NULL) {
            fail_msg("row %zu is taken for a numeric", i);
        }
    }
    bm__arena_free(&arena);
}

/* Forms that numeric_send does not write and numeric_recv takes. */
static void loose_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *text;
    } rows[] = {
        {BYTES("\0\x01\0\0\x40\0\0\0\0\0"), "0"},
        {BYTES("\0\x03\0\x01\0\0\0\0\0\0\0\x05\0\0"), "5"},
        {BYTES("\0\x01\x80\0\0\0\0\x02\0\0"), "0.00"},
        {BYTES("\0\x01\0\x01\0\0\0\x01\0\x01"), "10000.0"},
        {BYTES("\0\0\0\0\xd0\0\0\x20"), "Infinity"}, /* as PostgreSQL 15 sends it */
        {BYTES("\0\0\0\0\xf0\0\0\x20"), "-Infinity"},
    };
    bm__arena arena = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *text;
        assert_null(decode(rows[i].bytes, rows[i].size, &text, &arena));
        assert_string_equal(text, rows[i].text);
    }
    bm__arena_free(&arena);
}

static void layouts(void **state)
{
    (void)state;
    pg_case how = slice_case(BM_NUMERIC, OID_NUMERIC);
    const bm_slice slice = {"12.5999", 4};
    bm_error err;
    assert_int_equal(encode_cell(&how, false, &slice, &out, &err), BM_OK);
    assert_memory_equal(out.data, "\0\x02\0\0\0\0\0\x01\0\x0c\x13\x88", 12);
    const char chars[4] = {'1', '2', '.', '5'};
    how.layout = BM_CHARS;
    how.width = sizeof chars;
    assert_int_equal(encode_cell(&how, false, chars, &out, &err), BM_OK);
    assert_memory_equal(out.data, "\0\x02\0\0\0\0\0\x01\0\x0c\x13\x88", 12);
    char back[4] = "xxx";
    bm__arena arena = {0};
    assert_null(decode_cell(&how, out.data, out.size, back, &arena));
    assert_memory_equal(back, chars, 4);
    how.width = 3;
    assert_non_null(decode_cell(&how, out.data, out.size, back, &arena));
    const char *none = NULL;
    how = cstr_case(BM_NUMERIC, OID_NUMERIC);
    assert_int_equal(encode_cell(&how, false, &none, &out, &err), BM_CONVERT);
    bm__arena_free(&arena);
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
        cmocka_unit_test(every_small_number),
        cmocka_unit_test(zero_groups),
        cmocka_unit_test(lengths_of_both_sides),
        cmocka_unit_test(forms),
        cmocka_unit_test(specials),
        cmocka_unit_test(limits),
        cmocka_unit_test(precision),
        cmocka_unit_test(dscale_shows_all),
        cmocka_unit_test(wrong_bytes),
        cmocka_unit_test(loose_bytes),
        cmocka_unit_test(layouts),
    };
    return cmocka_run_group_tests(tests, NULL, free_out);
}
