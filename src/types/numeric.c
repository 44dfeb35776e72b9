/*
 * numeric: src/backend/utils/adt/numeric.c.  Sign, dscale (decimals shown) and digits in base
 * 10000; the first digit stands for 10000^weight.  Binary: ndigits, weight, sign, dscale, digits,
 * each in two bytes. numeric_recv cuts off, in silence, digits behind dscale: dscale is never
 * smaller here than the text's decimals.
 */
#include "text_type.h"

#include "decimal.h"
#include "number.h"
#include "utf8.h"

#include <stdio.h>

static const char not_a_number[] = "the text is not a number";
static const char overflows[] = "out of range for numeric";

#define INTEGER_DIGITS_MAX 131072 /* weight is an int16 */
#define DSCALE_MAX 16383          /* NUMERIC_DSCALE_MAX */
#define EXPONENT_MAX INT64_C(1000000000)

/* A number in text.  Digit i of all (the point left out) stands for 10^(top - i). */
typedef struct number {
    uint16_t sign;        /* as on the wire */
    const char *integer;  /* digits before the point */
    const char *fraction; /* and behind it */
    size_t n_integer;
    size_t n_digits;
    size_t first, last; /* the first digit that is not 0, and one behind the last such */
    int64_t top;
    int64_t dscale;
} number;

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static char digit_at(const number *value, size_t i)
{
    return i < value->n_integer ? value->integer[i] : value->fraction[i - value->n_integer];
}

static bool same_word(bm_slice text, const char *word)
{
    size_t size = strlen(word);
    if (text.size != size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        char c = text.data[i];
        if (c >= 'A' && c <= 'Z') {
            c = (char)(c - 'A' + 'a');
        }
        if (c != word[i]) {
            return false;
        }
    }
    return true;
}

static bool parse_special(bm_slice text, number *value)
{
    static const struct {
        const char *word;
        uint16_t sign;
    } specials[] = {
        {"nan", BM__NUMERIC_NAN},
        {"infinity", BM__NUMERIC_PLUS_INFINITY},
        {"+infinity", BM__NUMERIC_PLUS_INFINITY},
        {"-infinity", BM__NUMERIC_MINUS_INFINITY},
        {"inf", BM__NUMERIC_PLUS_INFINITY},
        {"+inf", BM__NUMERIC_PLUS_INFINITY},
        {"-inf", BM__NUMERIC_MINUS_INFINITY},
    };
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
        if (same_word(text, specials[i].word)) {
            value->sign = specials[i].sign;
            return true;
        }
    }
    return false;
}

static size_t count_digits(const char *at, const char *end)
{
    const char *start = at;
    while (at < end && bm__is_digit(*at)) {
        at++;
    }
    return (size_t)(at - start);
}

/* "e-7": false unless all of at .. end is one.  Larger than any number's, it stays that large. */
static bool parse_exponent(const char *at, const char *end, int64_t *exponent)
{
    *exponent = 0;
    if (at == end) {
        return true;
    }
    if (*at != 'e' && *at != 'E') {
        return false;
    }
    at++;
    bool negative = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    if (at == end || count_digits(at, end) != (size_t)(end - at)) {
        return false;
    }
    for (; at < end; at++) {
        if (*exponent < EXPONENT_MAX) {
            *exponent = *exponent * 10 + (*at - '0');
        }
    }
    *exponent = negative ? -*exponent : *exponent;
    return true;
}

static bool parse_digits(bm_slice text, number *value, int64_t *exponent)
{
    const char *at = text.data;
    const char *end = at + text.size;
    bool negative = at < end && *at == '-';
    value->sign = negative ? BM__NUMERIC_NEGATIVE : 0;
    at += at < end && (*at == '-' || *at == '+');
    value->integer = at;
    value->n_integer = count_digits(at, end);
    at += value->n_integer;
    value->fraction = at;
    size_t n_fraction = 0;
    if (at < end && *at == '.') {
        value->fraction = ++at;
        n_fraction = count_digits(at, end);
        at += n_fraction;
    }
    value->n_digits = value->n_integer + n_fraction;
    return value->n_digits > 0 && parse_exponent(at, end, exponent);
}

static void find_ends(number *value)
{
    value->first = 0;
    value->last = value->n_digits;
    while (value->first < value->last && digit_at(value, value->first) == '0') {
        value->first++;
    }
    while (value->last > value->first && digit_at(value, value->last - 1) == '0') {
        value->last--;
    }
    if (value->first == value->last) {
        value->sign = 0;
    }
}

/* As numeric_in reads it, blanks around it included. */
static const char *parse_number(bm_slice text, number *value)
{
    while (text.size > 0 && is_blank(text.data[0])) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && is_blank(text.data[text.size - 1])) {
        text.size--;
    }
    *value = (number){0};
    if (parse_special(text, value)) {
        return NULL;
    }
    int64_t exponent;
    if (!parse_digits(text, value, &exponent)) {
        return not_a_number;
    }
    find_ends(value);
    int64_t decimals = (int64_t)(value->n_digits - value->n_integer) - exponent;
    value->dscale = decimals > 0 ? decimals : 0;
    value->top = (int64_t)value->n_integer - 1 + exponent;
    bool zero = value->first == value->last;
    if (value->dscale > DSCALE_MAX ||
        (!zero && value->top - (int64_t)value->first >= INTEGER_DIGITS_MAX)) {
        return overflows;
    }
    return NULL;
}

static int64_t floor_group(int64_t power)
{
    return power >= 0 ? power / BM__NUMERIC_DIGITS
                      : -((-power + BM__NUMERIC_DIGITS - 1) / BM__NUMERIC_DIGITS);
}

static int64_t weight_of(const number *value)
{
    return floor_group(value->top - (int64_t)value->first);
}

static uint32_t groups_of(const number *value)
{
    if (value->first == value->last) {
        return 0;
    }
    int64_t lowest = floor_group(value->top - (int64_t)value->last + 1);
    return (uint32_t)(weight_of(value) - lowest + 1);
}

/* Does the number, rounded to the scale, have more digits before the point than numeric(p, s)?
 * apply_typmod and numeric_typmod_scale (a scale of 11 bits, signed), numeric.c. */
static bool exceeds_typmod(const number *value, int32_t typmod)
{
    if (typmod < 4 || value->sign == BM__NUMERIC_NAN) {
        return false;
    }
    int32_t precision = ((typmod - 4) >> 16) & 0xFFFF;
    int32_t scale = (((typmod - 4) & 0x7FF) ^ 1024) - 1024;
    if (value->sign == BM__NUMERIC_PLUS_INFINITY || value->sign == BM__NUMERIC_MINUS_INFINITY) {
        return true;
    }
    if (value->first == value->last) {
        return false;
    }
    int64_t before = value->top - (int64_t)value->first + 1;
    if (before != precision - scale) {
        return before > precision - scale;
    }
    size_t round = value->first + (size_t)precision; /* the digit that rounds */
    for (size_t i = value->first; i < round; i++) {
        if (i >= value->last || digit_at(value, i) != '9') {
            return false;
        }
    }
    return round < value->last && digit_at(value, round) >= '5';
}

/* ---- numbers in text */

static const char *measure_text(const bm__slot *slot, bm_slice text, uint32_t *size)
{
    number value;
    bm__decimal quick;
    if (text.data == NULL) {
        return text.size > 0
                   ? "a NULL pointer is not a value: set the state to BM_NULL to write NULL"
                   : not_a_number;
    }
    if (bm__decimal_parse(text, &quick) && bm__decimal_fits(&quick, slot->to.typmod)) {
        *size = BM__NUMERIC_HEADER + 2 * quick.n;
        return NULL;
    }
    const char *fault = parse_number(text, &value);
    if (fault == NULL && exceeds_typmod(&value, slot->to.typmod)) {
        fault = "out of range for its column";
    }
    *size = fault == NULL ? BM__NUMERIC_HEADER + 2 * groups_of(&value) : 0;
    return fault;
}

static const char *measure_numeric(const bm__slot *slot, const bm__cells *cells, uint32_t *sizes,
                                   size_t *bad)
{
    for (size_t i = 0; i < cells->n; i++) {
        sizes[i] = 0;
        const char *fault =
            bm__is_null(cells, i) ? NULL : measure_text(slot, cells->slices[i], &sizes[i]);
        if (fault != NULL) {
            *bad = i;
            return fault;
        }
    }
    return NULL;
}

static void put_number(const number *value, uint32_t groups, uint8_t *to)
{
    int64_t weight = groups > 0 ? weight_of(value) : 0;
    to = bm__put_numeric(to, groups, weight, value->sign, value->dscale);
    int64_t power = weight * BM__NUMERIC_DIGITS + BM__NUMERIC_DIGITS - 1;
    for (uint32_t group = 0; group < groups; group++, to += 2) {
        unsigned digit = 0;
        for (int i = 0; i < BM__NUMERIC_DIGITS; i++, power--) {
            int64_t index = value->top - power;
            bool stands = index >= (int64_t)value->first && index < (int64_t)value->last;
            digit = digit * 10 + (stands ? (unsigned)(digit_at(value, (size_t)index) - '0') : 0);
        }
        bm__put16(to, (uint16_t)digit);
    }
}

static void write_numeric(const bm__slot *slot, const bm__cells *cells, const uint32_t *sizes,
                          uint8_t **out)
{
    (void)slot;
    for (size_t i = 0; i < cells->n; i++) {
        uint8_t *to = bm__put_length(bm__is_null(cells, i), sizes[i], &out[i]);
        number value;
        bm__decimal quick;
        if (to != NULL && bm__decimal_parse(cells->slices[i], &quick)) {
            bm__decimal_put(&quick, to);
        } else if (to != NULL) {
            (void)parse_number(cells->slices[i], &value);
            put_number(&value, (sizes[i] - BM__NUMERIC_HEADER) / 2, to);
        }
    }
}

static const bm__codec bm__codec_numeric = {.measure = measure_numeric, .write = write_numeric};

/* ---- integers */

static bool int_exceeds_typmod(int64_t integer, int32_t typmod)
{
    char text[24];
    number value;
    int size = snprintf(text, sizeof text, "%lld", (long long)integer);
    (void)parse_number((bm_slice){text, (size_t)size}, &value);
    return exceeds_typmod(&value, typmod);
}

static const char *measure_int_numeric(const bm__slot *slot, const bm__cells *cells,
                                       uint32_t *sizes, size_t *bad)
{
    for (size_t i = 0; i < cells->n; i++) {
        sizes[i] = 0;
        if (bm__is_null(cells, i)) {
            continue;
        }
        const int64_t integer = bm__load_int(bm__fixed_cell(cells, i), slot->width);
        bm__decimal value;
        bm__decimal_set(integer, &value);
        if (!bm__decimal_fits(&value, slot->to.typmod) &&
            int_exceeds_typmod(integer, slot->to.typmod)) {
            *bad = i;
            return "out of range for its column";
        }
        sizes[i] = BM__NUMERIC_HEADER + 2 * value.n;
    }
    return NULL;
}

static void write_int_numeric(const bm__slot *slot, const bm__cells *cells, const uint32_t *sizes,
                              uint8_t **out)
{
    for (size_t i = 0; i < cells->n; i++) {
        uint8_t *to = bm__put_length(bm__is_null(cells, i), sizes[i], &out[i]);
        if (to != NULL) {
            bm__decimal value;
            bm__decimal_set(bm__load_int(bm__fixed_cell(cells, i), slot->width), &value);
            bm__decimal_put(&value, to);
        }
    }
}

const bm__codec bm__codec_int_numeric = {.measure = measure_int_numeric,
                                         .write = write_int_numeric};

/* ---- back to text, as numeric_out writes it: get_str_from_var */

static const char not_a_numeric[] = "not a numeric";

#define NDIGITS_MAX 36864 /* 131072 digits before the point and 16383 behind it, four by four */

typedef struct wire {
    const uint8_t *digits;
    int32_t ndigits;
    int32_t weight;
    uint16_t sign;
    int32_t dscale;
} wire;

static const char *special_name(uint16_t sign)
{
    switch (sign) {
    case BM__NUMERIC_NAN:
        return "NaN";
    case BM__NUMERIC_PLUS_INFINITY:
        return "Infinity";
    case BM__NUMERIC_MINUS_INFINITY:
        return "-Infinity";
    default:
        return NULL;
    }
}

/* Digit group `index`, which stands for 10000^(weight - index); 0 outside the number. */
static unsigned group_at(const wire *sent, int32_t index)
{
    return index >= 0 && index < sent->ndigits ? bm__get16(sent->digits + 2 * index) : 0;
}

/* Digits that stand behind dscale would be lost: no server sends such. */
static bool hides_digits(const wire *sent)
{
    int32_t shown = sent->weight + 1 + (sent->dscale + 3) / 4; /* groups that show in part */
    for (int32_t i = shown > 0 ? shown : 0; i < sent->ndigits; i++) {
        if (group_at(sent, i) != 0) {
            return true;
        }
    }
    static const unsigned below[] = {1, 1000, 100, 10};
    return shown > 0 && group_at(sent, shown - 1) % below[sent->dscale % 4] != 0;
}

static const char *take(const uint8_t *data, size_t size, wire *sent)
{
    if (size < BM__NUMERIC_HEADER) {
        return not_a_numeric;
    }
    sent->digits = data + BM__NUMERIC_HEADER;
    sent->ndigits = bm__get16(data);
    sent->weight = (int16_t)bm__get16(data + 2);
    sent->sign = bm__get16(data + 4);
    sent->dscale = bm__get16(data + 6);
    if (sent->ndigits > NDIGITS_MAX || size != BM__NUMERIC_HEADER + 2 * (size_t)sent->ndigits) {
        return not_a_numeric;
    }
    if (special_name(sent->sign) != NULL) {
        return sent->ndigits == 0 ? NULL : not_a_numeric;
    }
    if ((sent->sign != 0 && sent->sign != BM__NUMERIC_NEGATIVE) || sent->dscale > DSCALE_MAX) {
        return not_a_numeric;
    }
    for (int32_t i = 0; i < sent->ndigits; i++) {
        if (group_at(sent, i) >= BM__NUMERIC_BASE) {
            return not_a_numeric;
        }
    }
    return hides_digits(sent) ? not_a_numeric : NULL;
}

static char *put_group(char *at, unsigned group)
{
    at[0] = (char)('0' + group / 1000);
    at[1] = (char)('0' + group / 100 % 10);
    at[2] = (char)('0' + group / 10 % 10);
    at[3] = (char)('0' + group % 10);
    return at + 4;
}

static char *put_integer(const wire *sent, char *at)
{
    char *start = at;
    for (int32_t i = 0; i <= sent->weight; i++) {
        at = put_group(at, group_at(sent, i));
    }
    char *first = start;
    while (first < at && *first == '0') {
        first++;
    }
    if (first == at) {
        *start = '0';
        return start + 1;
    }
    memmove(start, first, (size_t)(at - first));
    return at - (first - start);
}

static char *put_fraction(const wire *sent, char *at)
{
    char *end = at + 1 + sent->dscale;
    *at++ = '.';
    for (int32_t i = sent->weight + 1; at < end; i++) {
        at = put_group(at, group_at(sent, i));
    }
    return end;
}

static bool is_zero(const wire *sent)
{
    for (int32_t i = 0; i < sent->ndigits; i++) {
        if (group_at(sent, i) != 0) {
            return false;
        }
    }
    return true;
}

/* Room for any text of the number: sign, groups before the point or "0", point, decimals + 3. */
static size_t text_room(const wire *sent)
{
    size_t groups = sent->weight >= 0 ? (size_t)sent->weight + 1 : 0;
    return 1 + groups * 4 + 1 + 1 + (size_t)sent->dscale + 4;
}

#define STACK_ROOM 256

static const char *read_numeric(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                                void *member, bm__arena *arena)
{
    wire sent;
    const char *fault = take(data, size, &sent);
    if (fault != NULL) {
        return fault;
    }
    const char *special = special_name(sent.sign);
    if (special != NULL) {
        return bm__store_bytes(reader, special, strlen(special), member, arena);
    }
    char stack[STACK_ROOM];
    size_t room = text_room(&sent);
    char *text = room <= sizeof stack ? stack : bm__arena_alloc(arena, room);
    if (text == NULL) {
        return "out of memory";
    }
    char *at = text;
    if (sent.sign != 0 && !is_zero(&sent)) {
        *at++ = '-';
    }
    at = put_integer(&sent, at);
    if (sent.dscale > 0) {
        at = put_fraction(&sent, at);
    }
    return bm__store_bytes(reader, text, (size_t)(at - text), member, arena);
}

/* ---- text: a number is its text */

static const char *parse_text(bm_slice text, char *room, void *value)
{
    number read;
    (void)room;
    if (parse_number(text, &read) != NULL) {
        return bm__has_comma(text) ? BM__COMMA : "is not a number";
    }
    memcpy(value, &text, sizeof text);
    return NULL;
}

const bm__type_ops bm__ops_numeric = {
    .parse = parse_text,
    .print = bm__text_print,
    .compare = bm__text_compare, /* of no use: "1" and "1.0" are one number and two texts */
    .to = (const bm__pg_to[]){{BM__OID_NUMERIC, &bm__codec_numeric}, {0}},
    .from = (const bm__pg_from[]){{BM__OID_NUMERIC, read_numeric}, {0}},
};
