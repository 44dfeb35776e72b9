#include "wide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDE_FIELD(name_, c_, type_, sql_)                                                         \
    BM_FIELD_STATE(wide, name_, type_, 0, states[WIDE_##name_]),

/* clang-format off */
const bm_model wide_model = BM_MODEL("wide", wide,
    BM_FIELD(wide, id, BM_INT8, BM_KEY | BM_ASSIGNED),
    WIDE_COLUMNS(WIDE_FIELD)
    BM_ARRAY_FIELD(wide, numbers, BM_INT4, 0, states[WIDE_numbers]));
/* clang-format on */

#define TEXT_BYTES 64
#define NUMBERS 4

/* What members of one row point to. */
typedef struct texts {
    char price[WIDE_PRICE_BYTES + 1], name[26], body[TEXT_BYTES], code[9], note[TEXT_BYTES];
    char data[16];
    int32_t numbers[NUMBERS];
} texts;

static void write_texts(texts *t, uint64_t bits)
{
    snprintf(t->price, sizeof t->price, "%06u.%02u", (unsigned)(bits % 1000000),
             (unsigned)(bits >> 20) % 100);
    snprintf(t->name, sizeof t->name, "%025llx", (unsigned long long)bits);
    snprintf(t->body, sizeof t->body, "%016llx and as much of it again: %016llx",
             (unsigned long long)bits, (unsigned long long)~bits);
    snprintf(t->code, sizeof t->code, "%08x", (unsigned)(bits >> 32));
    snprintf(t->note, sizeof t->note, "{\"a\": %u, \"b\": [1, 2, 3]}", (unsigned)bits % 100);
    memcpy(t->data, &bits, sizeof bits);
    memcpy(t->data + sizeof bits, &bits, sizeof bits);
    for (size_t i = 0; i < NUMBERS; i++) {
        t->numbers[i] = (int32_t)(bits >> (8 * i) & 0xFF);
    }
}

static wide make_row(int64_t id, const texts *t, uint64_t bits)
{
    wide row = {.id = id,
                .small = (int16_t)bits,
                .medium = (int32_t)(bits >> 8),
                .large = (int64_t)(bits >> 3),
                .flag = (bits & 4) != 0,
                .ratio = (double)(bits >> 12) / 3,
                .weight = (float)(bits >> 44) / 4,
                .price = t->price,
                .name = t->name,
                .body = t->body,
                .code = t->code,
                .data = {t->data, sizeof t->data},
                .day = (int32_t)(bits % 20000),
                .hour = (int64_t)(bits % 86400) * 1000000,
                .made = (int64_t)(bits >> 14),
                .seen = (int64_t)(bits >> 15),
                .note = t->note,
                .document = t->note,
                .numbers = {t->numbers, NUMBERS, NULL}};
    memcpy(row.token.bytes, t->data, sizeof row.token.bytes);
    return row;
}

wide *wide_rows(size_t n)
{
    uint64_t state = 7;
    wide *rows = calloc(n, sizeof *rows);
    texts *all = calloc(n, sizeof *all);
    if (rows == NULL || all == NULL) {
        die("no memory for the rows");
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = next_random(&state);
        write_texts(&all[i], bits);
        rows[i] = make_row((int64_t)i + 1, &all[i], bits);
        for (size_t column = 0; column < WIDE_STATES; column++) {
            rows[i].states[column] = next_random(&state) % 5 == 0 ? BM_NULL : BM_VALUE;
        }
    }
    return rows;
}
