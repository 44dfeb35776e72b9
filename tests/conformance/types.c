/*
 * Any column takes text, by every verb: what the library wrote and read must be the server's own
 * `col::text` of the same literal, put beside it by INSERT.  PostgreSQL.
 */
#include "world.h"

#define FIELDS(...) BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES(__VA_ARGS__))
#define MANY ((size_t)1200) /* above the rows of one statement */
#define MOST_TEXTS 8

/* A column type and literals of it, all different to the type. */
typedef struct spelled {
    const char *column;
    const char *text[MOST_TEXTS];
    bool no_key;     /* it has no btree order */
    const char *out; /* how it is read back; NULL: v::text */
} spelled;

typedef struct cell {
    int64_t id;
    const char *v;
    uint8_t v_state;
} cell;

static const bm_model model = BM_MODEL("t", cell, BM_FIELD(cell, id, BM_INT8, BM_KEY),
                                       BM_FIELD_STATE(cell, v, BM_TEXT, 0, v_state));
static const bm_model by_v =
    BM_MODEL("k", cell, BM_FIELD(cell, id, BM_INT8, 0), BM_FIELD(cell, v, BM_TEXT, BM_KEY));
static const bm_model only_v = BM_MODEL("k", cell, BM_FIELD(cell, v, BM_TEXT, BM_KEY));

static size_t n_texts(const spelled *s)
{
    size_t n = 0;
    while (n < MOST_TEXTS && s->text[n] != NULL) {
        n++;
    }
    return n;
}

/* Row i has text i % (n + 1); the last of each round is NULL. */
static cell *cells_of(const spelled *s, size_t n)
{
    size_t texts = n_texts(s);
    cell *rows = calloc(n, sizeof *rows);
    assert_non_null(rows);
    for (size_t i = 0; i < n; i++) {
        size_t at = i % (texts + 1);
        rows[i] =
            (cell){(int64_t)i, at < texts ? s->text[at] : NULL, at < texts ? BM_VALUE : BM_NULL};
    }
    return rows;
}

static void judge(world *w, const spelled *s, const char *what, size_t n)
{
    char *differ = rows_of(w,
                           "SELECT r.id, r.v::text, t.v::text FROM (SELECT * FROM ref WHERE id < "
                           "%zu) AS r FULL JOIN t USING (id) WHERE r.v::text IS DISTINCT FROM "
                           "t.v::text OR t.id IS NULL OR r.id IS NULL LIMIT 3",
                           n);
    if (differ[0] != '\0') {
        fail_msg("%s, %s: %s", s->column, what, differ);
    }
    free(differ);
}

/* ref (id, v): each literal as the server reads it. */
static void make_ref(world *w, const spelled *s)
{
    size_t texts = n_texts(s);
    run(w, "DROP TABLE IF EXISTS ref, t, k");
    run(w, "CREATE TABLE ref (id bigint PRIMARY KEY, v %s)", s->column);
    run(w, "CREATE TABLE t (LIKE ref INCLUDING ALL)");
    for (size_t i = 0; i < texts; i++) {
        char id[24];
        snprintf(id, sizeof id, "%zu", i);
        const char *values[] = {id, s->text[i]};
        PGresult *put =
            PQexecParams(w->pg, "INSERT INTO ref VALUES ($1, $2)", 2, NULL, values, NULL, NULL, 0);
        if (PQresultStatus(put) != PGRES_COMMAND_OK) {
            fail_msg("%s: %s", s->column, PQresultErrorMessage(put));
        }
        PQclear(put);
    }
    run(w, "INSERT INTO ref VALUES (%zu, NULL)", texts);
    run(w,
        "INSERT INTO ref SELECT i, (SELECT v FROM ref AS r WHERE r.id = i %% %zu) FROM "
        "generate_series(%zu, %zu) AS i",
        texts + 1, texts + 1, MANY - 1);
}

static void done(world *w, const spelled *s, const char *verb, bm_status status)
{
    if (status != BM_OK) {
        fail_msg("%s, %s: %s at %zu, column \"%s\" [%s]: %s", s->column, verb,
                 bm_status_name(status), w->err.row, w->err.column, w->err.sqlstate,
                 w->err.message);
    }
}

static void creates(world *w, const spelled *s, const cell *rows)
{
    const size_t sizes[] = {1, n_texts(s) + 1, MANY};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        run(w, "TRUNCATE t");
        done(w, s, "create",
             bm_bulk_create(w->db, bm_structs(&model, rows, sizes[i]), NULL, fresh(w), &w->err));
        judge(w, s, "create", sizes[i]);
    }
}

static void updates(world *w, const spelled *s, const cell *rows)
{
    run(w, "UPDATE t SET v = NULL");
    done(w, s, "update_fields",
         bm_update_fields(w->db, bm_structs(&model, rows, MANY), FIELDS("v"), fresh(w), &w->err));
    judge(w, s, "update_fields", MANY);
    run(w, "UPDATE t SET v = NULL");
    bm_result read = BM_RESULT;
    done(w, s, "copy_to",
         bm_copy_to(w->db, bm_all(&model), COPY(.order_by_key = BM_ON), &read, &w->err));
    for (size_t i = 0; i < MANY; i++) {
        cell *row = bm_queryset_at(read.queryset, i);
        row->v = rows[i].v;
        row->v_state = rows[i].v_state;
    }
    done(w, s, "update_fields of changes",
         bm_update_fields(w->db, bm_queryset_rows(read.queryset), NULL, fresh(w), &w->err));
    bm_result_clear(&read);
    judge(w, s, "update_fields of changes", MANY);
    for (size_t i = 0; i <= n_texts(s); i++) {
        done(w, s, "update",
             bm_update(w->db, bm_keys(&model, &rows[i].id, 1),
                       SET(.values = &rows[i], .fields = BM_NAMES("v")), fresh(w), &w->err));
    }
    judge(w, s, "update", MANY);
}

static void upserts(world *w, const spelled *s, const cell *rows)
{
    run(w, "UPDATE t SET v = NULL; DELETE FROM t WHERE id %% 2 = 0");
    done(w, s, "upsert",
         bm_bulk_create(w->db, bm_structs(&model, rows, MANY), CREATE(.update_conflicts = BM_ON),
                        fresh(w), &w->err));
    judge(w, s, "upsert", MANY);
}

/* Text comes out as the server writes it, all rows and by key. */
static void reads(world *w, const spelled *s)
{
    PGresult *wanted =
        PQexec(w->pg, s->out != NULL ? s->out : "SELECT v::text FROM ref ORDER BY id");
    const int64_t key = 0;
    assert_int_equal(PQntuples(wanted), MANY);
    bm_result one = BM_RESULT;
    done(w, s, "copy_to by key", bm_copy_to(w->db, bm_keys(&model, &key, 1), NULL, &one, &w->err));
    done(w, s, "copy_to",
         bm_copy_to(w->db, bm_all(&model), COPY(.order_by_key = BM_ON), fresh(w), &w->err));
    for (size_t i = 0; i <= MANY; i++) {
        const cell *row =
            i < MANY ? bm_queryset_at(w->result.queryset, i) : bm_queryset_at(one.queryset, 0);
        const int at = i < MANY ? (int)i : 0;
        assert_int_equal(row->v_state == BM_NULL, PQgetisnull(wanted, at, 0));
        if (row->v_state == BM_VALUE && strcmp(row->v, PQgetvalue(wanted, at, 0)) != 0) {
            fail_msg("%s: \"%s\" came out as \"%s\"", s->column, PQgetvalue(wanted, at, 0), row->v);
        }
    }
    bm_result_clear(&one);
    PQclear(wanted);
}

/* Rows found by such a key. */
static void finds(world *w, const spelled *s, cell *rows)
{
    size_t n = n_texts(s);
    const char *keys[MOST_TEXTS];
    run(w, "CREATE TABLE k (id bigint, v %s PRIMARY KEY)", s->column);
    done(w, s, "create by key",
         bm_bulk_create(w->db, bm_structs(&by_v, rows, n), NULL, fresh(w), &w->err));
    for (size_t i = 0; i < n; i++) {
        rows[i].id += 100;
        keys[i] = rows[i].v;
    }
    done(w, s, "update_fields by key",
         bm_update_fields(
             w->db, bm_structs(&by_v, rows, n),
             BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("id"), .require_all = BM_ON),
             fresh(w), &w->err));
    const char *same = "SELECT count(*) FROM ref JOIN k ON ref.v::text = k.v::text "
                       "WHERE ref.id < %zu AND k.id = ref.id + %d";
    expect_number(w, (int64_t)n, same, n, 100);
    for (size_t i = 0; i < n; i++) {
        rows[i].id += 100;
    }
    done(w, s, "upsert by key",
         bm_bulk_create(w->db, bm_structs(&by_v, rows, n), CREATE(.update_conflicts = BM_ON),
                        fresh(w), &w->err));
    expect_number(w, (int64_t)n, same, n, 200);
    done(w, s, "copy_to by key",
         bm_copy_to(w->db, bm_keys(&only_v, keys, n), COPY(.require_all = BM_ON), fresh(w),
                    &w->err));
    assert_int_equal(bm_queryset_count(w->result.queryset), n);
    done(w, s, "delete by key",
         bm_delete(w->db, bm_keys(&only_v, keys, n), DELETE(.require_all = BM_ON), fresh(w),
                   &w->err));
    expect_number(w, 0, "SELECT count(*) FROM k");
}

static void goes_round(world *w, const spelled *s)
{
    cell *rows = cells_of(s, MANY);
    make_ref(w, s);
    creates(w, s, rows);
    updates(w, s, rows);
    upserts(w, s, rows);
    reads(w, s);
    if (!s->no_key) {
        finds(w, s, rows);
    }
    free(rows);
}

static void all_of(world *w, const spelled *types, size_t n)
{
    run(w, "CREATE TYPE mood AS ENUM ('sad', 'so, \"so\"', 'happy');"
           "CREATE TYPE pair AS (a int, b text);"
           "CREATE DOMAIN whole AS int CHECK (VALUE >= 0);"
           "CREATE DOMAIN moods AS mood;"
           "CREATE DOMAIN address AS inet;"
           "CREATE DOMAIN three_bits AS bit(3);"
           "CREATE DOMAIN days AS daterange CHECK (NOT isempty(VALUE))");
    for (size_t i = 0; i < n; i++) {
        goes_round(w, &types[i]);
    }
}

#define ALL_OF(types_) all_of(w, types_, sizeof types_ / sizeof types_[0])

/* Extensions are of the database, not of a case's schema. */
static void make_extensions(world *w)
{
    run(w, "BEGIN; SELECT pg_advisory_xact_lock(190577);"
           "CREATE EXTENSION IF NOT EXISTS hstore SCHEMA public;"
           "CREATE EXTENSION IF NOT EXISTS citext SCHEMA public;"
           "CREATE EXTENSION IF NOT EXISTS ltree SCHEMA public;"
           "CREATE EXTENSION IF NOT EXISTS cube SCHEMA public; COMMIT");
}

/* ---- the types */

#define DIGITS_100                                                                                 \
    "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901"  \
    "234567890"
#define DIGITS_1000                                                                                \
    DIGITS_100 DIGITS_100 DIGITS_100 DIGITS_100 DIGITS_100 DIGITS_100 DIGITS_100 DIGITS_100        \
        DIGITS_100 DIGITS_100

static void numbers(world *w)
{
    static const spelled types[] = {
        {"bool", {"t", "no"}, false, NULL},
        {"smallint", {"-32768", "32767", " 0 "}, false, NULL},
        {"int", {"-2147483648", "2147483647"}, false, NULL},
        {"bigint", {"-9223372036854775808", "9223372036854775807"}, false, NULL},
        {"real", {"NaN", "-infinity", "3.4028235e38", "1e-45", "0.1"}, false, NULL},
        {"double precision",
         {"NaN", "Infinity", "-0.0", "1.7976931348623157e308", "5e-324"},
         false,
         NULL},
        {"numeric", {"NaN", "-Infinity", DIGITS_1000, "-0." DIGITS_1000, "1.50", "0"}, false, NULL},
        {"numeric(8,2)", {"123456.78", "-1.00", "NaN"}, false, NULL},
        {"numeric(6,2)", {"-1.005", "0.1"}, true, NULL}, /* rounded: not the key any more */
        {"money", {"1.50", "-$1,234.56", "92233720368547758.07"}, false, NULL},
        {"oid", {"0", "4294967295", "26"}, false, NULL},
        {"xid8", {"18446744073709551615", "1"}, false, NULL},
        {"pg_lsn", {"0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"}, false, NULL},
    };
    ALL_OF(types);
}

/* timetz follows time: the table is not what the library knew of it. */
static void times(world *w)
{
    static const spelled types[] = {
        {"date",
         {"infinity", "-infinity", "4713-01-01 BC", "5874897-12-31", "Jan 2 2024"},
         false,
         NULL},
        {"time", {"24:00", "23:59:59.999999", "4:05 PM"}, false, NULL},
        {"timetz", {"24:00+00", "00:00+15:59:59", "12:30:01.5-07"}, false, NULL},
        {"timestamp",
         {"infinity", "294276-12-31 23:59:59.999999", "4713-01-01 00:00 BC"},
         false,
         NULL},
        {"timestamptz",
         {"-infinity", "294276-12-31 23:59:59.999999+00", "4713-01-02 00:00+00 BC",
          "2024-02-29 12:00 America/New_York"},
         false,
         NULL},
        {"timestamp(3)", {"2024-02-29 12:00:00.1239", "1999-12-31 23:59:59.9999"}, true, NULL},
        {"interval", {"1 year 2 mons -3 days", "P1DT2H3M4.5S", "1.5 weeks", "0"}, false, NULL},
        {"interval hour to minute", {"1 day 02:03:04", "5:06"}, true, NULL},
    };
    ALL_OF(types);
}

static void bytes_and_texts(world *w)
{
    static const spelled types[] = {
        {"text", {"", " a ", "\xE2\x82\xAC\n\t\\", "NULL"}, false, NULL},
        {"varchar(4)", {"", "abcd", "ab  "}, false, NULL},
        {"char(4)", {"a", "abcd"}, false, "SELECT v FROM ref ORDER BY id"}, /* with its blanks */
        {"name", {"a", "B c"}, false, NULL},
        {"\"char\"", {"a", "b"}, false, NULL},
        {"uuid",
         {"{A0EEBC99-9C0B4EF8-BB6D6BB9-BD380A11}", "00000000000000000000000000000000"},
         false,
         NULL},
        {"json", {"{\"a\": [1, null]}", " null "}, true, NULL},
        {"jsonb", {"{\"b\": 1,  \"a\": \"\\u00e9\"}", "1.50", "null"}, false, NULL},
        {"xml", {"<a b=\"1\">\xC3\xA9</a>", "text <b/>"}, true, NULL},
        {"jsonpath", {"$.a[*] ? (@ > 1)", "strict $"}, true, NULL},
        {"tsvector", {"a:1A fat:2,4 'it''s'", ""}, false, NULL},
        {"tsquery", {"fat & (rat | !cat:*)", "a <-> b"}, false, NULL},
    };
    ALL_OF(types);
}

static void addresses(world *w)
{
    static const spelled types[] = {
        {"inet",
         {"10.0.0.1", "10.0.0.1/8", "::1", "2001:DB8::ff/64", "::ffff:1.2.3.4", "0.0.0.0/0",
          "::/0"},
         false,
         NULL},
        {"cidr",
         {"10", "192.168", "192.168.100.128/25", "2001:4f8:3:ba::/64", "::ffff:1.2.3.0/120"},
         false,
         NULL},
        {"macaddr",
         {"08:00:2b:01:02:03", "0800.2B01.0204", "08002b010205", "08-00-2b-01-02-06"},
         false,
         NULL},
        {"macaddr8",
         {"08:00:2b:01:02:03", "08002b0102030405", "08-00-2b-01-02-03-04-06"},
         false,
         NULL},
    };
    ALL_OF(types);
}

static void bits(world *w)
{
    static const spelled types[] = {
        {"bit", {"0", "1"}, false, NULL},
        {"bit(3)", {"101", "B010", "000"}, false, NULL},
        {"bit(16)", {"1010101010101010", "XfF00"}, false, NULL},
        {"varbit", {"", "1", "X1Fa", "101010101"}, false, NULL},
        {"varbit(5)", {"10101", ""}, false, NULL},
    };
    ALL_OF(types);
}

static void ranges(world *w)
{
    static const spelled types[] = {
        {"int4range", {"[1,5)", "(1,5]", "empty", "[,3)", "(,)", " [ 7 , 7 ] "}, false, NULL},
        {"int8range", {"[-9223372036854775808,9223372036854775807)", "(,0]"}, false, NULL},
        {"numrange", {"[1.50,2.250]", "(-Infinity,NaN)", "[1e30,)"}, false, NULL},
        {"daterange", {"[2024-01-01,2024-02-29]", "(,infinity)", "[4713-01-01 BC,)"}, false, NULL},
        {"tsrange",
         {"[2024-01-01,\"2024-02-29 12:00:00.5\")", "(-infinity,)", "['Jan 1 2024',infinity]"},
         false,
         NULL},
        {"tstzrange", {"[2024-01-01 00:00+02,)", "(,\"2024-02-29 12:00+00\"]"}, false, NULL},
        {"int4multirange", {"{}", "{[1,3),[5,9]}", "{(,1),(7,)}"}, false, NULL},
        {"int8multirange", {"{[1,2]}", "{}"}, false, NULL},
        {"nummultirange", {"{[1.5,2.5],(3,4)}", "{}"}, false, NULL},
        {"datemultirange", {"{[2024-01-01,2024-01-31],[2024-03-01,)}", "{}"}, false, NULL},
        {"tsmultirange", {"{[2024-01-01,2024-01-31)}", "{}"}, false, NULL},
        {"tstzmultirange", {"{[2024-01-01 00:00+02,)}", "{}"}, false, NULL},
    };
    ALL_OF(types);
}

static void shapes(world *w)
{
    static const spelled types[] = {
        {"point", {"(1,2)", "-0.0,1e300", "(NaN,Infinity)"}, true, NULL},
        {"line", {"{1,-2,3}", "[(0,0),(1,1)]"}, true, NULL},
        {"lseg", {"[(1,2),(3,4)]", "1,2,3,4"}, true, NULL},
        {"box", {"(1,2),(3,4)", "((3,4),(1,2))"}, true, NULL},
        {"path", {"[(1,2),(3,4)]", "((1,2),(3,4),(5,6))", "(1,2)"}, true, NULL},
        {"polygon", {"((1,2),(3,4),(5,6))", "1,2"}, true, NULL},
        {"circle", {"<(1,2),3>", "1,2,0"}, true, NULL},
    };
    ALL_OF(types);
}

static void own_types(world *w)
{
    static const spelled types[] = {
        {"mood", {"sad", "so, \"so\"", "happy"}, false, NULL},
        {"moods", {"sad", "so, \"so\""}, false, NULL},
        {"whole", {"0", "2147483647"}, false, NULL},
        {"address", {"10.0.0.1/8", "::1"}, false, NULL},
        {"three_bits", {"101", "000"}, false, NULL},
        {"days", {"[2024-01-01,2024-02-29]", "(,)"}, false, NULL},
        {"pair", {"(1,\"a, \"\"b\"\"\")", "(,)", "(2,)"}, false, NULL},
        {"regclass", {"pg_class", "pg_type", "\"t\""}, false, NULL},
        {"regtype", {"int", "timestamp with time zone"}, false, NULL},
        {"regproc", {"pg_catalog.now", "-"}, false, NULL},
    };
    ALL_OF(types);
}

static void extensions(world *w)
{
    static const spelled types[] = {
        {"public.hstore", {"a=>1, \"b c\"=>NULL", "", "\"\\\"q\\\\\"=>\"=>,\""}, false, NULL},
        {"public.citext", {"MiXed", "", "other"}, false, NULL},
        {"public.ltree", {"Top.Science.Astronomy", "", "a.b"}, false, NULL},
        {"public.lquery", {"Top.*{2}.a*@|b", "*"}, true, NULL},
        {"public.cube", {"(1,2,3)", "(0,0),(1,1)", "7"}, false, NULL},
    };
    make_extensions(w);
    ALL_OF(types);
}

static void arrays(world *w)
{
    static const spelled types[] = {
        {"int[]",
         {"{}", "{1,NULL,3}", "{{1,2},{3,NULL}}", "[0:1]={5,6}", "[-1:0][2:3]={{1,2},{3,4}}",
          "{{{1}}}"},
         false,
         NULL},
        {"text[]", {"{\"\",NULL,\"NULL\",\"a \\\"b\\\"\",\"{}\"}", "{{a},{b}}", "{}"}, false, NULL},
        {"numeric(5,1)[]", {"{1.25,NaN}", "{{1},{2}}"}, true, NULL},
        {"varchar(3)[]", {"{abc}", "{{a,b}}"}, false, NULL},
        {"date[]", {"{infinity,2024-02-29}", "[2:2]={\"0044-03-15 BC\"}"}, false, NULL},
        {"timestamptz[]", {"{\"2024-02-29 12:00+00\",-infinity}", "{}"}, false, NULL},
        {"interval[]", {"{1 day,NULL}", "{}"}, false, NULL},
        {"inet[]", {"{10.0.0.1/8,::1}", "{}"}, false, NULL},
        {"bit(3)[]", {"{101,000}", "{{111}}"}, false, NULL},
        {"mood[]", {"{sad,\"so, \\\"so\\\"\"}", "{}"}, false, NULL},
        {"moods[]", {"{sad,NULL}", "[3:3]={happy}"}, false, NULL},
        {"whole[]", {"{1,2}", "{}"}, false, NULL},
        {"pair[]", {"{\"(1,a)\",NULL}", "{}"}, false, NULL},
        {"int4range[]", {"{\"[1,5)\",empty}", "{}"}, false, NULL},
        {"point[]", {"{\"(1,2)\",\"(3,4)\"}", "{}"}, true, NULL},
        {"box[]", {"{(1,1),(0,0);(3,3),(2,2)}", "{}"}, true, NULL},
        {"jsonb[]", {"{\"{\\\"a\\\": 1}\",null}", "{}"}, false, NULL},
        {"public.citext[]", {"{Ab,cD}", "{}"}, false, NULL},
        {"public.hstore[]", {"{a=>1}", "{}"}, false, NULL},
    };
    make_extensions(w);
    ALL_OF(types);
}

static const conformance_case cases[] = {
    CASE(ON_POSTGRESQL, numbers),
    CASE(ON_POSTGRESQL, times),
    CASE(ON_POSTGRESQL, bytes_and_texts),
    CASE(ON_POSTGRESQL, addresses),
    CASE(ON_POSTGRESQL, bits),
    CASE(ON_POSTGRESQL, ranges),
    CASE(ON_POSTGRESQL, shapes),
    CASE(ON_POSTGRESQL, own_types),
    CASE(ON_POSTGRESQL, extensions),
    CASE(ON_POSTGRESQL, arrays),
};

int main(void)
{
    return conformance_run("types", cases, sizeof cases / sizeof cases[0]);
}
