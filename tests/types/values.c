#include "values.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool is_variable(bm_type type)
{
    return fixed_width(type) == 0;
}

size_t fixed_width(bm_type type)
{
    static const size_t widths[] = {
        [BM_BOOL] = 1,      [BM_INT2] = 2,        [BM_INT4] = 4,  [BM_INT8] = 8,
        [BM_FLOAT4] = 4,    [BM_FLOAT8] = 8,      [BM_DATE] = 4,  [BM_TIME] = 8,
        [BM_TIMESTAMP] = 8, [BM_TIMESTAMPTZ] = 8, [BM_UUID] = 16, [BM_ENUM] = 0,
        [BM_INTERVAL] = 16, [BM_INET] = 18,
    };
    return widths[type];
}

static size_t element_width(const kind *k)
{
    return is_variable(k->type) ? sizeof(bm_slice) : fixed_width(k->type);
}

/* Element e of array i is value 2 * i + e: arrays hold the boundaries too. */
static void make_array(source *s, const kind *k, size_t i, cell *out)
{
    static const size_t counts[] = {0, 1, 2, 3, 5, 8, 255, 256, 257};
    size_t n = i < COUNT_OF(counts) ? counts[i] : chance(s, 1) ? 300 : below(s, 7);
    size_t width = element_width(k);
    bool with_nulls = chance(s, 50);
    uint8_t *data = source_alloc(s, n * width + 1);
    uint8_t *states = source_alloc(s, n + 1);
    for (size_t e = 0; e < n; e++) {
        cell element;
        k->make(s, 2 * i + e, &element);
        memcpy(data + e * width, &element, width);
        states[e] = with_nulls && chance(s, 30) ? BM_NULL : BM_VALUE;
    }
    out->array = (bm_array){data, n, with_nulls ? states : NULL};
    if (n == 0 && with_nulls) {
        out->array.data = NULL;
    }
}

void make_value(source *s, const kind *k, size_t i, cell *out)
{
    memset(out, 0, sizeof *out);
    if (k->array) {
        make_array(s, k, i, out);
    } else {
        k->make(s, i, out);
    }
}

static const char *hex_text(source *s, const char *before, const void *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    size_t start = strlen(before);
    char *text = source_alloc(s, start + 2 * size + 1);
    memcpy(text, before, start + 1);
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = ((const uint8_t *)data)[i];
        text[start + 2 * i] = digits[byte / 16];
        text[start + 2 * i + 1] = digits[byte % 16];
    }
    text[start + 2 * size] = '\0';
    return text;
}

static const char *uuid_text(source *s, const bm_uuid *uuid)
{
    const char *hex = hex_text(s, "", uuid->bytes, sizeof uuid->bytes);
    return s->lite ? hex
                   : source_print(s, "%.8s-%.4s-%.4s-%.4s-%s", hex, hex + 8, hex + 12, hex + 16,
                                  hex + 20);
}

/* Hexadecimal groups without any shortening. */
static const char *inet_text(source *s, const bm_inet *inet)
{
    const uint8_t *at = inet->address;
    if (inet->family == 4) {
        return source_print(s, "%d.%d.%d.%d/%d", at[0], at[1], at[2], at[3], inet->bits);
    }
    const char *text = "";
    for (size_t i = 0; i < sizeof inet->address; i += 2) {
        text = source_print(s, "%s%s%x", text, i > 0 ? ":" : "", at[i] << 8 | at[i + 1]);
    }
    return source_print(s, "%s/%d", text, inet->bits);
}

static const char *text_copy(source *s, bm_slice text)
{
    char *copy = source_alloc(s, text.size + 1);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    copy[text.size] = '\0';
    return copy;
}

static const char *scalar_literal(source *s, bm_type type, const cell *c)
{
    switch (type) {
    case BM_BOOL:
        return c->boolean ? "true" : "false";
    case BM_INT2:
        return source_print(s, "%d", c->int2);
    case BM_INT4:
        return source_print(s, "%ld", (long)c->int4);
    case BM_INT8:
        return source_print(s, "%lld", (long long)c->int8);
    case BM_FLOAT4:
        return source_print(s, "%.9g", (double)c->float4);
    case BM_FLOAT8:
        return source_print(s, "%.17g", c->float8);
    case BM_INET:
        return inet_text(s, &c->inet);
    case BM_DATE:
        return date_text(s, c->int4);
    case BM_TIME:
        return time_text(s, c->int8);
    case BM_TIMESTAMP:
        return timestamp_text(s, c->int8, "");
    case BM_TIMESTAMPTZ:
        return timestamp_text(s, c->int8, s->lite ? "" : "+00");
    case BM_INTERVAL:
        return source_print(s, "%ld mons %ld days %lld microseconds", (long)c->interval.months,
                            (long)c->interval.days, (long long)c->interval.microseconds);
    case BM_UUID:
        return uuid_text(s, &c->uuid);
    case BM_BYTEA:
        return hex_text(s, "\\x", c->text.data, c->text.size);
    default:
        return text_copy(s, c->text);
    }
}

/* Every element in quotes, whatever it is. */
static char *put_quoted(char *at, const char *text)
{
    *at++ = '"';
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            *at++ = '\\';
        }
        *at++ = *text;
    }
    *at++ = '"';
    return at;
}

static const char *array_literal(source *s, const kind *k, const bm_array *array)
{
    size_t width = element_width(k);
    const char **texts = source_alloc(s, (array->count + 1) * sizeof *texts);
    size_t room = 3;
    for (size_t e = 0; e < array->count; e++) {
        cell element = {0};
        bool null = array->states != NULL && array->states[e] == BM_NULL;
        memcpy(&element, (const char *)array->data + e * width, width);
        texts[e] = null ? NULL : scalar_literal(s, k->type, &element);
        room += null ? 5 : 2 * strlen(texts[e]) + 3;
    }
    char *text = source_alloc(s, room);
    char *at = text;
    *at++ = '{';
    for (size_t e = 0; e < array->count; e++) {
        if (e > 0) {
            *at++ = ',';
        }
        if (texts[e] == NULL) {
            memcpy(at, "NULL", 4);
            at += 4;
        } else {
            at = put_quoted(at, texts[e]);
        }
    }
    *at++ = '}';
    *at = '\0';
    return text;
}

const char *literal_of(source *s, const kind *k, const cell *c)
{
    return k->array ? array_literal(s, k, &c->array) : scalar_literal(s, k->type, c);
}

static bool same_slice(bm_slice a, bm_slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static bool same_scalar(bm_type type, const void *a, const void *b)
{
    bm_slice x, y;
    if (!is_variable(type)) {
        return memcmp(a, b, fixed_width(type)) == 0;
    }
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return same_slice(x, y);
}

bool same_value(const kind *k, const cell *a, const cell *b)
{
    if (!k->array) {
        return same_scalar(k->type, a, b);
    }
    size_t width = element_width(k);
    if (a->array.count != b->array.count) {
        return false;
    }
    for (size_t e = 0; e < a->array.count; e++) {
        bool null_a = a->array.states != NULL && a->array.states[e] == BM_NULL;
        bool null_b = b->array.states != NULL && b->array.states[e] == BM_NULL;
        if (null_a != null_b) {
            return false;
        }
        if (!null_a && !same_scalar(k->type, (const char *)a->array.data + e * width,
                                    (const char *)b->array.data + e * width)) {
            return false;
        }
    }
    return true;
}
