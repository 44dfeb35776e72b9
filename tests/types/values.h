/*
 * Random values of every type, boundaries first, and each as text: what a person would write, made
 * here with naive means and never by the library's code.
 */
#ifndef TEST_TYPES_VALUES_H
#define TEST_TYPES_VALUES_H

#include <bulkmodel.h>

/* A cell as a member holds it; variable types as bm_slice. */
typedef union cell {
    bool boolean;
    int16_t int2;
    int32_t int4;
    int64_t int8;
    float float4;
    double float8;
    bm_uuid uuid;
    bm_interval interval;
    bm_inet inet;
    bm_slice text;
    bm_array array;
} cell;

/* Random numbers, and the memory of what is made from them. */
typedef struct source {
    uint64_t state;
    bool lite; /* only what SQLite can store: years 1 to 9999, no NaN, numbers below 1e308 */
    struct source_block *blocks;
} source;

/* The seed is `seed`, or BM_TEST_SEED where that is set, and is printed. */
source source_begin(uint64_t seed, const char *of);
void source_end(source *s);
void *source_alloc(source *s, size_t size);
char *source_print(source *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
uint64_t draw(source *s);
size_t below(source *s, size_t n); /* 0 .. n - 1 */
bool chance(source *s, unsigned percent);

/* A column's type, and the member for it. */
typedef struct kind {
    const char *column; /* as PostgreSQL declares it */
    bm_type type;       /* of the member */
    /* Value i: boundaries first, then random ones. */
    void (*make)(source *s, size_t i, cell *out);
    const char *lite; /* as Django declares it on SQLite; NULL: SQLite has no storage for it */
    const char *via;  /* the type that the text is read as first, where that is not the column's */
    bool array;       /* of `make`'s values */
    bool reshaped;    /* the server gives it back in another form: "1.50" for "1.5" */
    bool no_copy;     /* COPY has no bytes for it */
    bool as_cast;     /* it comes back as v::text, not as the type is written */
    bool not_read;    /* the column cannot be read into the member: digits could be lost */
} kind;

extern const kind kinds[];
extern const size_t n_kinds;
const kind *kind_of(const char *column, bm_type type);

/* DDL for the types of `kinds` that are not built in; into the first schema of the path. */
extern const char kinds_ddl[];

bool is_variable(bm_type type);
size_t fixed_width(bm_type type);

/* Value i of a kind; an array of the kind's elements where it is one. */
void make_value(source *s, const kind *k, size_t i, cell *out);

/* A value as text that PostgreSQL's input functions read, or (source.lite) as Django stores it in
 * SQLite, without quotes. */
const char *literal_of(source *s, const kind *k, const cell *c);

/* The same value, bit for bit. */
bool same_value(const kind *k, const cell *a, const cell *b);

/* ---- the parts: calendar.c */

#define DAY_USECS INT64_C(86400000000)
const char *date_text(source *s, int64_t days);
const char *time_text(source *s, int64_t usecs);
const char *timestamp_text(source *s, int64_t usecs, const char *zone);

/* ---- generators: numbers.c, texts.c */

void make_bool(source *s, size_t i, cell *out);
void make_int2(source *s, size_t i, cell *out);
void make_int4(source *s, size_t i, cell *out);
void make_int8(source *s, size_t i, cell *out);
void make_float4(source *s, size_t i, cell *out);
void make_float8(source *s, size_t i, cell *out);
void make_numeric(source *s, size_t i, cell *out);
void make_numeric_12_3(source *s, size_t i, cell *out);
void make_date(source *s, size_t i, cell *out);
void make_time(source *s, size_t i, cell *out);
void make_timestamp(source *s, size_t i, cell *out);
void make_uuid(source *s, size_t i, cell *out);
void make_interval(source *s, size_t i, cell *out);
void make_int4_as_2(source *s, size_t i, cell *out);
void make_int8_as_2(source *s, size_t i, cell *out);
void make_int8_as_4(source *s, size_t i, cell *out);
void make_float8_as_4(source *s, size_t i, cell *out);
void make_domain_int(source *s, size_t i, cell *out);
void make_text(source *s, size_t i, cell *out);
void make_varchar20(source *s, size_t i, cell *out);
void make_char7(source *s, size_t i, cell *out);
void make_name(source *s, size_t i, cell *out);
void make_bytea(source *s, size_t i, cell *out);
void make_json(source *s, size_t i, cell *out);
void make_label(source *s, size_t i, cell *out);
void make_inet(source *s, size_t i, cell *out);
void make_address(source *s, size_t i, cell *out);
void make_network(source *s, size_t i, cell *out);

#define COUNT_OF(array_) (sizeof(array_) / sizeof((array_)[0]))

#endif
