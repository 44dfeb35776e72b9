/* The rows of storage.py by the C library: storage URL TABLE create|update. */
#include <bulkmodel.h>
#include <stdio.h>
#include <string.h>

#define DAY INT64_C(86400000000)
#define BYTES(text)                                                                                \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

typedef struct sheet {
    int64_t id;
    uint8_t state; /* of all cells but the key */
    int16_t small;
    int32_t whole;
    int64_t big;
    bool flag;
    double real;
    const char *exact;
    const char *name;
    const char *note;
    bm_slice data;
    int32_t day;
    int64_t moment;
    int64_t clock;
    int64_t span;
    const char *span_text; /* PostgreSQL's interval */
    bm_uuid ident;
    const char *doc;
    const char *host;
} sheet;

#define CELL(member, type) BM_FIELD_STATE(sheet, member, type, 0, state)

static const bm_model on_sqlite = BM_MODEL(
    "sheet", sheet, BM_FIELD(sheet, id, BM_INT8, BM_KEY), CELL(small, BM_INT2),
    CELL(whole, BM_INT4), CELL(big, BM_INT8), CELL(flag, BM_BOOL), CELL(real, BM_FLOAT8),
    CELL(exact, BM_NUMERIC), CELL(name, BM_VARCHAR), CELL(note, BM_TEXT), CELL(data, BM_BYTEA),
    CELL(day, BM_DATE), CELL(moment, BM_TIMESTAMPTZ), CELL(clock, BM_TIME), CELL(ident, BM_UUID),
    CELL(doc, BM_JSONB), CELL(host, BM_TEXT), CELL(span, BM_INT8));

static const sheet rows[] = {
    {.id = 1,
     .small = INT16_MIN,
     .whole = INT32_MIN,
     .big = INT64_MIN,
     .flag = true,
     .real = -1e300,
     .exact = "-1234567890.12345",
     .name = "",
     .note = "",
     .data = BYTES(""),
     .day = -719162,
     .moment = -1,
     .clock = 0,
     .span = -3 * DAY + 5000007,
     .span_text = "-3 days 5.000007 seconds",
     .doc = "{\"a\": [1, null, \"\\u00e9\"]}",
     .host = "127.0.0.1"},
    {.id = 2,
     .flag = false,
     .real = 0.1,
     .exact = "0",
     .name = "tab\tline\n\\N \\. 'quote' \"x\"",
     .note = "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
     .data = BYTES("\x00\xff\\'"),
     .day = 19782,
     .moment = 19782 * DAY + INT64_C(45015000250),
     .clock = DAY - 1,
     .span_text = "0",
     .ident = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
     .doc = "[]",
     .host = "::1"},
    {.id = 3,
     .small = INT16_MAX,
     .whole = INT32_MAX,
     .big = INT64_MAX,
     .flag = true,
     .real = 5e-324,
     .exact = "1.5",
     .name = "a",
     .note = "NULL",
     .data = BYTES("ab"),
     .day = 2932896,
     .moment = 2932895 * DAY,
     .clock = INT64_C(3723000000),
     .span = 10000 * DAY + 999999,
     .span_text = "10000 days 0.999999 seconds",
     .ident = {{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}},
     .doc = "2.5",
     .host = "2001:db8::1"},
    {.id = 4, .state = BM_NULL},
};

int main(int argc, char **argv)
{
    if (argc != 4) {
        return 2;
    }
    bm_field fields[17];
    bm_model model = on_sqlite;
    bm_db *db = NULL;
    bm_error err = BM_ERROR;
    memcpy(fields, model.fields, sizeof fields);
    if (strncmp(argv[1], "sqlite:", 7) != 0) {
        const bm_field text = BM_FIELD_STATE(sheet, span_text, BM_TEXT, 0, state);
        fields[16] = text;
        fields[16].name = "span";
    }
    model.fields = fields;
    model.table = argv[2];
    const bm_rows all = bm_structs(&model, rows, sizeof rows / sizeof rows[0]);
    if (bm_open(argv[1], NULL, &db, &err) == BM_OK) {
        if (strcmp(argv[3], "create") == 0) {
            (void)bm_bulk_create(db, all, NULL, NULL, &err);
        } else {
            const char *names[17] = {NULL};
            for (size_t i = 1; i < 17; i++) {
                names[i - 1] = fields[i].name;
            }
            (void)bm_update_fields(
                db, all,
                BM_OPTIONS(bm_update_fields_options, .fields = names, .require_all = BM_ON), NULL,
                &err);
        }
    }
    if (err.status != BM_OK) {
        fprintf(stderr, "%s: %s\n", bm_status_name(err.status), err.message);
    }
    bm_close(db);
    return err.status == BM_OK ? 0 : 1;
}
