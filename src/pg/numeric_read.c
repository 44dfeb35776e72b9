/* numeric back to text, as numeric_out writes it: get_str_from_var, numeric.c. */
#include "codec.h"

static const char not_a_numeric[] = "not a numeric";

#define HEADER 8
#define BASE 10000
#define DSCALE_MAX 16383
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
    case 0xC000:
        return "NaN";
    case 0xD000:
        return "Infinity";
    case 0xF000:
        return "-Infinity";
    default:
        return NULL;
    }
}

/* Digit group `index`, which stands for 10000^(weight - index); 0 outside the number. */
static unsigned group_at(const wire *number, int32_t index)
{
    return index >= 0 && index < number->ndigits ? bm__get16(number->digits + 2 * index) : 0;
}

/* Digits that stand behind dscale would be lost: no server sends such. */
static bool hides_digits(const wire *number)
{
    int32_t shown = number->weight + 1 + (number->dscale + 3) / 4; /* groups that show in part */
    for (int32_t i = shown > 0 ? shown : 0; i < number->ndigits; i++) {
        if (group_at(number, i) != 0) {
            return true;
        }
    }
    static const unsigned below[] = {1, 1000, 100, 10};
    return shown > 0 && group_at(number, shown - 1) % below[number->dscale % 4] != 0;
}

static const char *take(const uint8_t *data, size_t size, wire *number)
{
    if (size < HEADER) {
        return not_a_numeric;
    }
    number->digits = data + HEADER;
    number->ndigits = bm__get16(data);
    number->weight = (int16_t)bm__get16(data + 2);
    number->sign = bm__get16(data + 4);
    number->dscale = bm__get16(data + 6);
    if (number->ndigits > NDIGITS_MAX || size != HEADER + 2 * (size_t)number->ndigits) {
        return not_a_numeric;
    }
    if (special_name(number->sign) != NULL) {
        return number->ndigits == 0 ? NULL : not_a_numeric;
    }
    if ((number->sign != 0 && number->sign != 0x4000) || number->dscale > DSCALE_MAX) {
        return not_a_numeric;
    }
    for (int32_t i = 0; i < number->ndigits; i++) {
        if (group_at(number, i) >= BASE) {
            return not_a_numeric;
        }
    }
    return hides_digits(number) ? not_a_numeric : NULL;
}

static char *put_group(char *at, unsigned group)
{
    at[0] = (char)('0' + group / 1000);
    at[1] = (char)('0' + group / 100 % 10);
    at[2] = (char)('0' + group / 10 % 10);
    at[3] = (char)('0' + group % 10);
    return at + 4;
}

static char *put_integer(const wire *number, char *at)
{
    char *start = at;
    for (int32_t i = 0; i <= number->weight; i++) {
        at = put_group(at, group_at(number, i));
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

static char *put_fraction(const wire *number, char *at)
{
    char *end = at + 1 + number->dscale;
    *at++ = '.';
    for (int32_t i = number->weight + 1; at < end; i++) {
        at = put_group(at, group_at(number, i));
    }
    return end;
}

static bool is_zero(const wire *number)
{
    for (int32_t i = 0; i < number->ndigits; i++) {
        if (group_at(number, i) != 0) {
            return false;
        }
    }
    return true;
}

/* Room for any text of the number: sign, groups before the point or "0", point, decimals + 3. */
static size_t text_room(const wire *number)
{
    size_t groups = number->weight >= 0 ? (size_t)number->weight + 1 : 0;
    return 1 + groups * 4 + 1 + 1 + (size_t)number->dscale + 4;
}

#define STACK_ROOM 256

const char *bm__read_numeric(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                             void *member, bm__arena *arena)
{
    wire number;
    const char *fault = take(data, size, &number);
    if (fault != NULL) {
        return fault;
    }
    const char *special = special_name(number.sign);
    if (special != NULL) {
        return bm__store_bytes(reader, special, strlen(special), member, arena);
    }
    char stack[STACK_ROOM];
    size_t room = text_room(&number);
    char *text = room <= sizeof stack ? stack : bm__arena_alloc(arena, room);
    if (text == NULL) {
        return "there is no memory for it";
    }
    char *at = text;
    if (number.sign != 0 && !is_zero(&number)) {
        *at++ = '-';
    }
    at = put_integer(&number, at);
    if (number.dscale > 0) {
        at = put_fraction(&number, at);
    }
    return bm__store_bytes(reader, text, (size_t)(at - text), member, arena);
}
