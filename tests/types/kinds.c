#include "values.h"

#include "check.h"

#include <string.h>

const char kinds_ddl[] = "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'it''s', 'a \"b\" \\c', "
                         "'\xC3\xA9t\xC3\xA9', 'NULL', '{}', ' x ', "
                         "'abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789a');"
                         "CREATE DOMAIN whole AS int4 CHECK (VALUE >= 0);"
                         "CREATE DOMAIN short_text AS varchar(20) CHECK (VALUE <> 'never');"
                         "CREATE DOMAIN mood_domain AS mood;"
                         "CREATE DOMAIN numbers AS int4[];";

#define ARRAY_OF(column_, type_, make_)                                                            \
    {                                                                                              \
        .column = column_, .type = type_, .make = make_, .array = true                             \
    }

const kind kinds[] = {
    {.column = "bool", .type = BM_BOOL, .make = make_bool, .lite = "bool"},
    {.column = "int2", .type = BM_INT2, .make = make_int2, .lite = "smallint"},
    {.column = "int4", .type = BM_INT4, .make = make_int4, .lite = "integer"},
    {.column = "int8", .type = BM_INT8, .make = make_int8, .lite = "bigint"},
    {.column = "float4", .type = BM_FLOAT4, .make = make_float4, .lite = "real"},
    {.column = "float8", .type = BM_FLOAT8, .make = make_float8, .lite = "real"},
    {.column = "numeric",
     .type = BM_NUMERIC,
     .make = make_numeric,
     .lite = "decimal",
     .reshaped = true},
    {.column = "numeric(12,3)", .type = BM_NUMERIC, .make = make_numeric_12_3, .reshaped = true},
    {.column = "text", .type = BM_TEXT, .make = make_text, .lite = "text"},
    {.column = "varchar(20)", .type = BM_VARCHAR, .make = make_varchar20, .lite = "varchar(20)"},
    {.column = "char(7)", .type = BM_CHAR, .make = make_char7, .reshaped = true},
    {.column = "bytea", .type = BM_BYTEA, .make = make_bytea, .lite = "BLOB"},
    {.column = "date", .type = BM_DATE, .make = make_date, .lite = "date"},
    {.column = "time", .type = BM_TIME, .make = make_time, .lite = "time"},
    {.column = "timestamp", .type = BM_TIMESTAMP, .make = make_timestamp, .lite = "datetime"},
    {.column = "timestamptz", .type = BM_TIMESTAMPTZ, .make = make_timestamp, .lite = "datetime"},
    {.column = "interval", .type = BM_INTERVAL, .make = make_interval, .reshaped = true},
    {.column = "uuid", .type = BM_UUID, .make = make_uuid, .lite = "char(32)"},
    {.column = "json", .type = BM_JSON, .make = make_json, .lite = "text"},
    {.column = "jsonb", .type = BM_JSONB, .make = make_json, .reshaped = true},
    {.column = "mood", .type = BM_ENUM, .make = make_label},
    {.column = "whole", .type = BM_INT4, .make = make_domain_int},
    {.column = "short_text", .type = BM_VARCHAR, .make = make_varchar20},
    {.column = "inet", .type = BM_INET, .make = make_address},
    {.column = "cidr", .type = BM_INET, .make = make_network},
    {.column = "mood_domain", .type = BM_ENUM, .make = make_label},
    /* a member of another width or type than the column's */
    {.column = "int8", .type = BM_INT2, .make = make_int2},
    {.column = "int2", .type = BM_INT4, .make = make_int4_as_2},
    {.column = "int2", .type = BM_INT8, .make = make_int8_as_2},
    {.column = "int4", .type = BM_INT8, .make = make_int8_as_4},
    {.column = "numeric", .type = BM_INT8, .make = make_int8, .not_read = true},
    {.column = "float8", .type = BM_FLOAT4, .make = make_float4, .via = "float4"},
    {.column = "float4",
     .type = BM_FLOAT8,
     .make = make_float8_as_4,
     .via = "float8",
     .reshaped = true},
    {.column = "name", .type = BM_TEXT, .make = make_name},
    {.column = "text", .type = BM_JSON, .make = make_json},
    {.column = "jsonb", .type = BM_TEXT, .make = make_json, .reshaped = true},
    {.column = "mood", .type = BM_TEXT, .make = make_label},
    {.column = "inet", .type = BM_TEXT, .make = make_inet, .reshaped = true, .as_cast = true},
    /* arrays */
    ARRAY_OF("bool[]", BM_BOOL, make_bool),
    ARRAY_OF("int2[]", BM_INT2, make_int2),
    ARRAY_OF("int4[]", BM_INT4, make_int4),
    ARRAY_OF("int8[]", BM_INT8, make_int8),
    ARRAY_OF("float4[]", BM_FLOAT4, make_float4),
    ARRAY_OF("float8[]", BM_FLOAT8, make_float8),
    {.column = "numeric[]",
     .type = BM_NUMERIC,
     .make = make_numeric,
     .array = true,
     .reshaped = true},
    ARRAY_OF("text[]", BM_TEXT, make_text),
    ARRAY_OF("varchar(20)[]", BM_VARCHAR, make_varchar20),
    {.column = "char(7)[]", .type = BM_CHAR, .make = make_char7, .array = true, .reshaped = true},
    ARRAY_OF("bytea[]", BM_BYTEA, make_bytea),
    ARRAY_OF("date[]", BM_DATE, make_date),
    ARRAY_OF("time[]", BM_TIME, make_time),
    ARRAY_OF("timestamp[]", BM_TIMESTAMP, make_timestamp),
    ARRAY_OF("timestamptz[]", BM_TIMESTAMPTZ, make_timestamp),
    {.column = "interval[]",
     .type = BM_INTERVAL,
     .make = make_interval,
     .array = true,
     .reshaped = true},
    ARRAY_OF("uuid[]", BM_UUID, make_uuid),
    ARRAY_OF("inet[]", BM_INET, make_address),
    ARRAY_OF("json[]", BM_JSON, make_json),
    {.column = "jsonb[]", .type = BM_JSONB, .make = make_json, .array = true, .reshaped = true},
    ARRAY_OF("mood[]", BM_ENUM, make_label),
    ARRAY_OF("int2[]", BM_INT8, make_int8_as_2),
    ARRAY_OF("numbers", BM_INT4, make_int4),
    {.column = "whole[]", .type = BM_INT4, .make = make_domain_int, .array = true, .no_copy = true},
};
const size_t n_kinds = COUNT_OF(kinds);

const kind *kind_of(const char *column, bm_type type)
{
    for (size_t i = 0; i < n_kinds; i++) {
        if (strcmp(kinds[i].column, column) == 0 && kinds[i].type == type) {
            return &kinds[i];
        }
    }
    fail_msg("there is no kind %s", column);
    return NULL;
}
