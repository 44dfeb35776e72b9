#include "values.h"

#include <stdio.h>
#include <string.h>

static void set(source *s, const char *text, size_t size, cell *out)
{
    char *copy = source_alloc(s, size + 1);
    if (size > 0) {
        memcpy(copy, text, size);
    }
    copy[size] = '\0';
    out->text = (bm_slice){copy, size};
}

static size_t put_utf8(char *at, uint32_t c)
{
    if (c < 0x80) {
        at[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        at[0] = (char)(0xC0 | c >> 6);
        at[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        at[0] = (char)(0xE0 | c >> 12);
        at[1] = (char)(0x80 | (c >> 6 & 63));
        at[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    at[0] = (char)(0xF0 | c >> 18);
    at[1] = (char)(0x80 | (c >> 12 & 63));
    at[2] = (char)(0x80 | (c >> 6 & 63));
    at[3] = (char)(0x80 | (c & 63));
    return 4;
}

static uint32_t some_character(source *s)
{
    static const char special[] = "\\\"'{},\t\n\r ;%_()[]\x7f\x01";
    static const uint32_t edges[] = {0x80,   0x7FF,  0x800,   0xD7FF,   0xE000,
                                     0xFEFF, 0xFFFF, 0x10000, 0x10FFFF, 0x301};
    switch (below(s, 8)) {
    case 0:
        return (uint32_t)special[below(s, sizeof special - 1)];
    case 1:
        return edges[below(s, COUNT_OF(edges))];
    case 2:
        return (uint32_t)(0xA0 + below(s, 0x400));
    case 3:
        return (uint32_t)(0x4E00 + below(s, 0x1000));
    case 4:
        return (uint32_t)(0x1F300 + below(s, 0x200));
    default:
        return (uint32_t)(0x21 + below(s, 0x5E));
    }
}

/* `n` characters, of which the last is no blank. */
static void some_text(source *s, size_t n, bool plain, cell *out)
{
    char *text = source_alloc(s, 4 * n + 1);
    size_t size = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t c = plain ? (uint32_t)(0x21 + below(s, 0x5E)) : some_character(s);
        size += put_utf8(text + size, c == ' ' && i + 1 == n ? 'x' : c);
    }
    text[size] = '\0';
    out->text = (bm_slice){text, size};
}

static void every_ascii(source *s, cell *out)
{
    char text[127];
    for (int c = 1; c < 128; c++) {
        text[c - 1] = (char)c;
    }
    set(s, text, sizeof text, out);
}

void make_text(source *s, size_t i, cell *out)
{
    static const char *const bounds[] = {
        "",
        " ",
        "a",
        "\t\n\r\b\f\v",
        "\\N",
        "\\.",
        "\\",
        "'",
        "\"",
        "{}",
        "NULL",
        "null",
        "{a,b}",
        "a\nb\\nc",
        "\"q\\\"",
        "''",
        "\xEF\xBB\xBF bom",
        "x  ",
        "  x",
        "\xF0\x9F\x98\x80",
        "e\xCC\x81",
        "$1",
        "%s%n",
    };
    static const size_t sizes[] = {7,  8,  9,   15,  16,  17,  31,   32,   33,
                                   63, 64, 100, 255, 256, 257, 4095, 4096, 70000};
    if (i < COUNT_OF(bounds)) {
        set(s, bounds[i], strlen(bounds[i]), out);
    } else if (i == COUNT_OF(bounds)) {
        every_ascii(s, out);
    } else if (i <= COUNT_OF(bounds) + COUNT_OF(sizes)) {
        some_text(s, sizes[i - COUNT_OF(bounds) - 1], chance(s, 50), out);
    } else {
        some_text(s, below(s, 40), chance(s, 50), out);
    }
    if (out->text.size == 0 && chance(s, 50)) {
        out->text.data = NULL; /* an empty slice may have no pointer */
    }
}

void make_varchar20(source *s, size_t i, cell *out)
{
    if (i == 0) {
        set(s, "                    ", 20, out);
    } else {
        some_text(s, i <= 21 ? i - 1 : below(s, 21), i % 2 == 0, out);
    }
}

void make_char7(source *s, size_t i, cell *out)
{
    if (i < 3) {
        set(s, "a         ", 1 + 4 * i, out); /* blanks are cut off, or added */
    } else {
        some_text(s, below(s, 8), i % 2 == 0, out);
    }
}

void make_name(source *s, size_t i, cell *out)
{
    some_text(s, i == 0 ? 63 : i == 1 ? 0 : below(s, i % 2 == 0 ? 64 : 16), i % 2 == 0, out);
}

void make_bytea(source *s, size_t i, cell *out)
{
    static const size_t sizes[] = {0, 1, 2, 255, 256, 1000, 65536};
    size_t n = i < COUNT_OF(sizes) ? sizes[i] : below(s, 60);
    char *bytes = source_alloc(s, n + 1);
    for (size_t k = 0; k < n; k++) {
        bytes[k] = (char)(i == 4 ? k : draw(s));
    }
    bytes[n] = 'x'; /* what follows is not 0 */
    out->text = (bm_slice){n == 0 && chance(s, 50) ? NULL : bytes, n};
}

void make_label(source *s, size_t i, cell *out)
{
    static const char *const labels[] = {
        "sad",         "ok",
        "happy",       "it's",
        "a \"b\" \\c", "\xC3\xA9t\xC3\xA9",
        "NULL",        "{}",
        " x ",         "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789a",
    };
    size_t label = i < COUNT_OF(labels) ? i : below(s, COUNT_OF(labels));
    set(s, labels[label], strlen(labels[label]), out);
}

void make_inet(source *s, size_t i, cell *out)
{
    const char *text = i == 0   ? "::1"
                       : i == 1 ? "0.0.0.0/0"
                                : source_print(s, "%zu.%zu.%zu.%zu", below(s, 256), below(s, 256),
                                               below(s, 256), below(s, 256));
    set(s, text, strlen(text), out);
}

/* ---- JSON */

#define JSON_MAX ((size_t)2000)

typedef struct document {
    char text[JSON_MAX];
    size_t size;
} document;

static void put(document *d, const char *text)
{
    size_t size = strlen(text);
    if (d->size + size < JSON_MAX) {
        memcpy(d->text + d->size, text, size);
        d->size += size;
    }
}

static void put_blank(source *s, document *d)
{
    static const char *const blanks[] = {"", "", "", " ", "\n", "\t "};
    put(d, blanks[below(s, COUNT_OF(blanks))]);
}

static void put_string(source *s, document *d)
{
    static const char *const escapes[] = {"\\\"",    "\\\\",           "\\/",     "\\n",
                                          "\\u00e9", "\\ud83d\\ude00", "\\u0001", "\\t"};
    put(d, "\"");
    for (size_t n = below(s, 8); n > 0; n--) {
        char utf8[8] = {0};
        uint32_t c = some_character(s);
        bool bare = c >= 0x20 && c != '"' && c != '\\';
        if (bare) {
            put_utf8(utf8, c);
        }
        put(d, bare ? utf8 : escapes[below(s, COUNT_OF(escapes))]);
    }
    put(d, "\"");
}

static void put_scalar(source *s, document *d)
{
    static const char *const words[] = {"null", "true", "false", "0", "-0", "1e5", "1.50", "-2E-3"};
    char number[40];
    switch (below(s, 4)) {
    case 0:
        put(d, words[below(s, COUNT_OF(words))]);
        break;
    case 1:
        snprintf(number, sizeof number, "%lld.%03u", (long long)draw(s), (unsigned)below(s, 1000));
        put(d, number);
        break;
    default:
        put_string(s, d);
    }
}

static void put_json(source *s, document *d, int depth)
{
    size_t shape = below(s, 3);
    if (depth == 0 || shape == 0) {
        put_scalar(s, d);
        return;
    }
    size_t n = below(s, 4);
    put(d, shape == 1 ? "[" : "{");
    for (size_t i = 0; i < n; i++) {
        put(d, i > 0 ? "," : "");
        put_blank(s, d);
        if (shape == 2) {
            put_string(s, d);
            put(d, ":");
            put_blank(s, d);
        }
        put_json(s, d, depth - 1);
        put_blank(s, d);
    }
    put(d, shape == 1 ? "]" : "}");
}

void make_json(source *s, size_t i, cell *out)
{
    static const char *const bounds[] = {
        "null",        "{}",
        "[]",          "\"\"",
        "0",           "-0",
        "1e3",         " {\"a\" : 1 , \"a\" : 2} ",
        "true",        "[[[[[[[[]]]]]]]]",
        "\"\\u00e9\"", "12345678901234567890.123456789",
        "{\"\":\"\"}",
    };
    if (i < COUNT_OF(bounds)) {
        set(s, bounds[i], strlen(bounds[i]), out);
        return;
    }
    document d;
    do {
        d.size = 0;
        put_json(s, &d, 3);
    } while (d.size > JSON_MAX / 2); /* never cut */
    set(s, d.text, d.size, out);
}
