#include "values.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* A number of random length in bits, of either sign. */
static int64_t some_integer(source *s, unsigned bits)
{
    int64_t value = (int64_t)(draw(s) >> (65 - bits + below(s, bits - 1)));
    return chance(s, 50) ? value : -value - 1;
}

static int64_t integer(source *s, size_t i, unsigned bits)
{
    int64_t max = (int64_t)(UINT64_MAX >> (65 - bits));
    const int64_t bounds[] = {0, -max - 1, max, -1, 1, -max, max - 1, 9999, 10000, -10000};
    return i < COUNT_OF(bounds) ? bounds[i] : some_integer(s, bits);
}

void make_bool(source *s, size_t i, cell *out)
{
    out->boolean = i < 2 ? i == 1 : chance(s, 50);
}

void make_int2(source *s, size_t i, cell *out)
{
    out->int2 = (int16_t)integer(s, i, 16);
}

void make_int4(source *s, size_t i, cell *out)
{
    out->int4 = (int32_t)integer(s, i, 32);
}

void make_int8(source *s, size_t i, cell *out)
{
    out->int8 = integer(s, i, 64);
}

void make_int4_as_2(source *s, size_t i, cell *out)
{
    out->int4 = (int32_t)integer(s, i, 16);
}

void make_int8_as_2(source *s, size_t i, cell *out)
{
    out->int8 = integer(s, i, 16);
}

void make_int8_as_4(source *s, size_t i, cell *out)
{
    out->int8 = integer(s, i, 32);
}

void make_domain_int(source *s, size_t i, cell *out)
{
    out->int4 = (int32_t)(i == 0 ? 0 : i == 1 ? INT32_MAX : some_integer(s, 31) & INT32_MAX);
}

void make_float8(source *s, size_t i, cell *out)
{
    static const double bounds[] = {
        0.0,      -0.0,      1.0,          -1.0,          DBL_MAX, -DBL_MAX,
        DBL_MIN,  -DBL_MIN,  DBL_TRUE_MIN, -DBL_TRUE_MIN, 0.1,     1e15,
        1e16,     1e17,      1e-5,         123456.789,    1.0 / 3, 9007199254740993.0,
        INFINITY, -INFINITY,
    };
    if (i < COUNT_OF(bounds)) {
        out->float8 = s->lite && i == 1 ? 0.0 : bounds[i]; /* SQLite keeps no -0.0 */
        return;
    }
    if (i == COUNT_OF(bounds) && !s->lite) {
        out->float8 = (double)NAN;
        return;
    }
    if (chance(s, 30)) {
        out->float8 = (double)some_integer(s, 40) / 1000;
        return;
    }
    do {
        uint64_t bits = draw(s);
        memcpy(&out->float8, &bits, sizeof bits);
    } while (isnan(out->float8)); /* an array's text knows one NaN only */
}

void make_float4(source *s, size_t i, cell *out)
{
    static const float bounds[] = {
        0.0F,     -0.0F,   1.0F,     -1.0F,           FLT_MAX,
        -FLT_MAX, FLT_MIN, -FLT_MIN, FLT_TRUE_MIN,    -FLT_TRUE_MIN,
        0.1F,     1e-45F,  1e38F,    (float)INFINITY, (float)-INFINITY,
    };
    if (i < COUNT_OF(bounds)) {
        out->float4 = s->lite && i == 1 ? 0.0F : bounds[i];
        return;
    }
    if (i == COUNT_OF(bounds) && !s->lite) {
        out->float4 = (float)NAN;
        return;
    }
    do {
        uint32_t bits = (uint32_t)draw(s);
        memcpy(&out->float4, &bits, sizeof bits);
    } while (isnan(out->float4));
}

/* Doubles that a float4 column takes, most of which it must round. */
void make_float8_as_4(source *s, size_t i, cell *out)
{
    static const double bounds[] = {0.0,        -0.0,   (double)FLT_MAX, (double)-FLT_MAX,
                                    INFINITY,   0.1,    -INFINITY,       (double)FLT_TRUE_MIN,
                                    16777217.0, 1.1e-38};
    if (i < COUNT_OF(bounds)) {
        out->float8 = bounds[i];
        return;
    }
    out->float8 = ldexp((double)some_integer(s, 60), (int)below(s, 120) - 90);
}

static void set_text(source *s, const char *text, cell *out)
{
    out->text = (bm_slice){source_print(s, "%s", text), strlen(text)};
}

/* Digits, of which whole groups of four are often zero. */
static size_t some_digits(source *s, char *at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        at[i] = (char)('0' + below(s, 10));
    }
    for (size_t i = 0; i + 4 <= n; i++) {
        if (chance(s, 8)) {
            memset(at + i, '0', 4);
            i += 3;
        }
    }
    return n;
}

static const char *numeric_bound(size_t i)
{
    static const char *const bounds[] = {
        "0",
        "-0",
        "0.00",
        "-0.000",
        "+5",
        ".5",
        "5.",
        "1e10",
        "1E+3",
        "1e-7",
        "0e5",
        "0E-8",
        "9999",
        "10000",
        "99999999",
        "0.0001",
        "0.00009999",
        "100000000",
        "1.5e-3",
        "-12.50",
        "1.0000",
        "12345678901234567890.12345678901234567890",
        "0.10000000000000000",
        "-.25e+2",
        "000123.4500",
        "1e300",
        "-1e-300",
        "79228162514264337593543950335",
    };
    return i < COUNT_OF(bounds) ? bounds[i] : NULL;
}

/* What only PostgreSQL's numeric takes. */
static const char *numeric_extreme(size_t i)
{
    static const char *const bounds[] = {
        "NaN",          "nan",      "Infinity",      "-Infinity",      "inf", "-inf", "1e131071",
        "-9.99e131071", "1e-16383", "5.4321e-16379", "1234567e131065",
    };
    return i < COUNT_OF(bounds) ? bounds[i] : NULL;
}

void make_numeric(source *s, size_t i, cell *out)
{
    char text[160];
    const char *bound = numeric_bound(i);
    if (bound == NULL && i % 128 >= 28 && !s->lite && i < 128) {
        bound = numeric_extreme(i - 28);
    }
    if (bound != NULL) {
        set_text(s, bound, out);
        return;
    }
    size_t size = 0;
    if (chance(s, 50)) {
        text[size++] = '-';
    }
    size += some_digits(s, text + size, 1 + below(s, s->lite ? 15 : 50));
    if (chance(s, 70)) {
        text[size++] = '.';
        size += some_digits(s, text + size, below(s, 50));
    }
    text[size] = '\0';
    set_text(s, text, out);
    if (chance(s, 20)) {
        int exponent = (int)below(s, 80) - 40;
        out->text.data = source_print(s, "%se%d", text, exponent);
        out->text.size = strlen(out->text.data);
    }
}

void make_numeric_12_3(source *s, size_t i, cell *out)
{
    static const char *const bounds[] = {
        "0",    "999999999", "-999999999.9994", "NaN",    "0.0005", "0.0004999",
        "1e-9", "2.5e3",     "-0.0001",         "1.0015", "1.0025"};
    if (i < COUNT_OF(bounds)) {
        set_text(s, bounds[i], out);
        return;
    }
    unsigned long long whole = (unsigned long long)below(s, 99999999) >> below(s, 20);
    char decimals[16];
    decimals[some_digits(s, decimals, below(s, 8))] = '\0';
    const char *point = decimals[0] != '\0' ? "." : "";
    set_text(s, source_print(s, "%s%llu%s%s", chance(s, 50) ? "-" : "", whole, point, decimals),
             out);
}

void make_date(source *s, size_t i, cell *out)
{
    static const int32_t everywhere[] = {0, -1, 1, 10956, 10957, 11016, -719162, 2932896, -25509};
    static const int32_t far[] = {-2440588, 2145042905, -719163,   -719529,
                                  2932897,  -2440587,   INT32_MIN, INT32_MAX};
    if (i < COUNT_OF(everywhere)) {
        out->int4 = everywhere[i];
    } else if (!s->lite && i < COUNT_OF(everywhere) + COUNT_OF(far)) {
        out->int4 = far[i - COUNT_OF(everywhere)];
    } else if (!s->lite && chance(s, 30)) {
        out->int4 = (int32_t)((int64_t)below(s, 2145042905 + 2440588 + 1) - 2440588);
    } else {
        out->int4 = (int32_t)((int64_t)below(s, 2932896 + 719162 + 1) - 719162);
    }
}

void make_time(source *s, size_t i, cell *out)
{
    static const int64_t bounds[] = {0, 1, 999999, 1000000, DAY_USECS - 1, 43200000000, 250};
    if (i < COUNT_OF(bounds)) {
        out->int8 = bounds[i];
    } else if (i == COUNT_OF(bounds) && !s->lite) {
        out->int8 = DAY_USECS; /* 24:00:00 */
    } else {
        out->int8 = (int64_t)below(s, (size_t)DAY_USECS) / (chance(s, 30) ? 1000000 : 1);
        out->int8 *= chance(s, 20) && out->int8 < 86400 ? 1000000 : 1;
    }
}

void make_timestamp(source *s, size_t i, cell *out)
{
    static const int64_t first = -719162 * DAY_USECS; /* 0001-01-01 */
    static const int64_t end = 2932897 * DAY_USECS;   /* 10000-01-01 */
    const int64_t bounds[] = {0,
                              -1,
                              1,
                              first,
                              first + 1,
                              end - 1,
                              1000000,
                              -1000000,
                              946684800000000,
                              951782400000000,
                              946684799999999,
                              -2208988800000000};
    const int64_t far[] = {-210866803200000000,
                           -210866803199999999,
                           INT64_MAX,
                           INT64_MIN,
                           INT64_MAX - 1,
                           end,
                           first - 1};
    if (i < COUNT_OF(bounds)) {
        out->int8 = bounds[i];
    } else if (!s->lite && i < COUNT_OF(bounds) + COUNT_OF(far)) {
        out->int8 = far[i - COUNT_OF(bounds)];
    } else if (!s->lite && chance(s, 30)) {
        out->int8 = -210866803200000000 + (int64_t)(draw(s) >> 1) / 2;
    } else {
        out->int8 = first + (int64_t)(draw(s) % (uint64_t)(end - first));
        out->int8 -= chance(s, 30) ? out->int8 % 1000000 : 0;
    }
}

/* Limits of the server's: a part's largest with the others small. */
void make_interval(source *s, size_t i, cell *out)
{
    static const bm_interval edges[] = {
        {0, 0, 0},         {1, 0, 0},         {-1, 0, 0},        {0, 1, 0},
        {0, -1, 0},        {0, 0, 1},         {0, 0, -1},        {0, INT32_MAX, 0},
        {0, INT32_MIN, 0}, {0, 0, INT32_MAX}, {0, 0, INT32_MIN}, {-1, 1, -1},
        {1, -1, 13},       {500000, 0, -13},  {DAY_USECS, 0, 0}, {-DAY_USECS, 2, 0},
    };
    if (i < COUNT_OF(edges)) {
        out->interval = edges[i];
        return;
    }
    out->interval.microseconds = (int64_t)below(s, 200000000000000) - 100000000000000;
    out->interval.days = (int32_t)below(s, 20000) - 10000;
    out->interval.months = (int32_t)below(s, 2000) - 1000;
}

void make_address(source *s, size_t i, cell *out)
{
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    bool four = chance(s, 50);
    size_t size = four ? 4 : 16;
    size_t from = four ? 0 : i % 5 == 0 ? 12 : below(s, 17);
    memset(&out->inet, 0, sizeof out->inet);
    out->inet.family = four ? 4 : 6;
    out->inet.bits = (uint8_t)(chance(s, 50) ? 8 * size : below(s, 8 * size + 1));
    for (size_t k = from; k < size; k++) { /* zeros before, and some behind */
        out->inet.address[k] = chance(s, 60) ? (uint8_t)draw(s) : 0;
    }
    if (!four && i % 5 == 0) {
        memcpy(out->inet.address, mapped, i % 2 == 0 ? sizeof mapped : 0);
    }
}

/* No bits to the right of the netmask. */
void make_network(source *s, size_t i, cell *out)
{
    make_address(s, i, out);
    for (size_t bit = out->inet.bits; bit < 128; bit++) {
        out->inet.address[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
    }
}

void make_uuid(source *s, size_t i, cell *out)
{
    memset(&out->uuid, i == 1 ? 0xFF : 0, sizeof out->uuid);
    for (size_t k = 0; i > 1 && k < sizeof out->uuid.bytes; k++) {
        out->uuid.bytes[k] = (uint8_t)draw(s);
    }
}
