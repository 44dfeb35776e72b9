/* Which member may go to which column, in what form, and back. */
#include "check.h"
#include "pg_cell.h"

static bm_status resolve(const pg_case *how, bool in_array, bm__slot *slot, bm_error *err)
{
    *err = BM_ERROR;
    return bm__slot_resolve(how->type, how->layout, how->width, &how->column, in_array, slot, err);
}

static void check_slot(const pg_case *how, bool in_array, uint32_t oid, const char *type,
                       bool as_text)
{
    bm__slot slot;
    bm_error err;
    if (resolve(how, in_array, &slot, &err) != BM_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(slot.oid, oid);
    assert_string_equal(slot.type, type);
    assert_int_equal(slot.as_text, as_text);
    assert_non_null(slot.codec);
}

static void check_refused(const pg_case *how, bool in_array, bm_status status)
{
    bm__slot slot;
    bm_error err;
    assert_int_equal(resolve(how, in_array, &slot, &err), status);
    assert_int_equal(err.status, status);
    assert_string_equal(err.column, "");
}

static void direct(void **state)
{
    (void)state;
    static const struct {
        uint32_t oid;
        const char *type;
    } texts[] = {{OID_TEXT, "text"}, {OID_VARCHAR, "varchar"}, {OID_BPCHAR, "bpchar"},
                 {OID_NAME, "name"}, {OID_JSON, "json"},       {OID_JSONB, "jsonb"}};
    for (int in_array = 0; in_array <= 1; in_array++) {
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            const pg_case how = cstr_case(BM_TEXT, texts[i].oid);
            check_slot(&how, in_array, texts[i].oid, texts[i].type, false);
            const pg_case label = cstr_case(BM_ENUM, texts[i].oid);
            check_slot(&label, in_array, texts[i].oid, texts[i].type, false);
        }
        const pg_case narrow = fixed_case(BM_INT8, 8, OID_INT2);
        check_slot(&narrow, in_array, OID_INT2, "int2", false);
        const pg_case number = fixed_case(BM_INT4, 4, OID_NUMERIC);
        check_slot(&number, in_array, OID_NUMERIC, "numeric", false);
        const pg_case uuid = fixed_case(BM_UUID, 16, OID_UUID);
        check_slot(&uuid, in_array, OID_UUID, "uuid", false);
    }
}

static void enums(void **state)
{
    (void)state;
    pg_case label = cstr_case(BM_TEXT, OID_OWN);
    label.column.kind = 'e';
    check_slot(&label, false, OID_OWN, "text", false);
    check_slot(&label, true, OID_TEXT, "text", true);
    pg_case number = fixed_case(BM_INT4, 4, OID_OWN);
    number.column.kind = 'e';
    check_refused(&number, false, BM_INVALID);
    check_refused(&number, true, BM_INVALID);
}

static void domains(void **state)
{
    (void)state;
    pg_case over_int = fixed_case(BM_INT4, 4, OID_INT4);
    over_int.column.kind = 'd';
    check_slot(&over_int, false, OID_INT4, "int4", false);
    check_slot(&over_int, true, OID_INT4, "int4", false);
    pg_case over_own = cstr_case(BM_TEXT, OID_OWN);
    over_own.column.kind = 'd';
    check_refused(&over_own, false, BM_UNSUPPORTED);
    check_slot(&over_own, true, OID_TEXT, "text", true);
}

static void as_text(void **state)
{
    (void)state;
    static const bm_type anywhere[] = {BM_TEXT, BM_ENUM};
    static const uint32_t columns[] = {OID_INT4, OID_DATE, OID_OWN};
    for (size_t i = 0; i < sizeof anywhere / sizeof anywhere[0]; i++) {
        for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++) {
            const pg_case to = cstr_case(anywhere[i], columns[k]);
            check_refused(&to, false, BM_UNSUPPORTED);
            check_slot(&to, true, OID_TEXT, "text", true);
        }
        for (int in_array = 0; in_array <= 1; in_array++) { /* read here as the server would */
            const pg_case inet = cstr_case(anywhere[i], OID_INET);
            check_slot(&inet, in_array, OID_INET, "inet", false);
            const pg_case uuid = cstr_case(anywhere[i], OID_UUID);
            check_slot(&uuid, in_array, OID_UUID, "uuid", false);
        }
    }
}

static void mismatches(void **state)
{
    (void)state;
    const pg_case rows[] = {
        fixed_case(BM_INT4, 4, OID_UUID),
        fixed_case(BM_FLOAT8, 8, OID_INT4),
        fixed_case(BM_INT4, 4, OID_FLOAT8),
        cstr_case(BM_NUMERIC, OID_INT4),
        cstr_case(BM_NUMERIC, OID_FLOAT8),
        cstr_case(BM_NUMERIC, OID_TEXT),
        cstr_case(BM_VARCHAR, OID_INT4),
        cstr_case(BM_VARCHAR, OID_UUID),
        cstr_case(BM_TEXT, OID_BYTEA),
        slice_case(BM_BYTEA, OID_TEXT),
        fixed_case(BM_DATE, 4, OID_TIMESTAMP),
        fixed_case(BM_TIMESTAMP, 8, OID_TIMESTAMPTZ),
        fixed_case(BM_TIMESTAMPTZ, 8, OID_TIMESTAMP),
        fixed_case(BM_BOOL, 1, OID_INT2),
        cstr_case(BM_JSON, OID_OWN),
        cstr_case(BM_VARCHAR, OID_JSON),
        fixed_case(BM_INT8, 8, OID_OWN),
        fixed_case(BM_INT4, 4, OID_TEXT),
        fixed_case(BM_INT4, 8, OID_INT4),
        cstr_case(BM_INT4, OID_INT4),
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_refused(&rows[i], false, BM_INVALID);
        check_refused(&rows[i], true, BM_INVALID);
    }
    bm__slot slot;
    bm_error err;
    (void)resolve(&rows[0], false, &slot, &err);
    assert_non_null(strstr(err.message, "int4"));
    assert_non_null(strstr(err.message, "uuid"));
}

static pg_case array_of(bm_type type, uint32_t element, char kind)
{
    pg_case how = {type, BM_ARRAY, sizeof(bm_array), array_column(OID_OWN + 1, element)};
    how.column.element_kind = kind;
    return how;
}

static void arrays(void **state)
{
    (void)state;
    const pg_case ints = array_of(BM_INT4, OID_INT8, 'b');
    check_slot(&ints, false, OID_OWN + 1, "text", false);
    check_slot(&ints, true, OID_TEXT, "text", true);
    const pg_case labels = array_of(BM_TEXT, OID_OWN, 'e');
    check_slot(&labels, false, OID_OWN + 1, "text", false);
    check_slot(&labels, true, OID_TEXT, "text", true);
    const pg_case domains = array_of(BM_INT4, OID_INT4, 'd');
    check_refused(&domains, false, BM_UNSUPPORTED);
    check_slot(&domains, true, OID_TEXT, "text", true);
    const pg_case own = array_of(BM_TEXT, OID_OWN, 'b');
    check_refused(&own, false, BM_UNSUPPORTED);
    check_slot(&own, true, OID_TEXT, "text", true);
    const pg_case wrong = array_of(BM_INT4, OID_UUID, 'b');
    check_refused(&wrong, false, BM_INVALID);
    check_refused(&wrong, true, BM_INVALID);
    pg_case scalar = array_of(BM_INT4, 0, 0);
    scalar.column.oid = OID_INT4;
    check_refused(&scalar, false, BM_INVALID);
    check_refused(&scalar, true, BM_INVALID);
    bm__slot slot;
    bm_error err;
    (void)resolve(&wrong, false, &slot, &err);
    assert_non_null(strstr(err.message, "int4[]"));
    assert_non_null(strstr(err.message, "uuid[]"));
}

static bm_status resolve_reader(const pg_case *how, bool *text)
{
    bm__pg_reader reader;
    bm_error err = BM_ERROR;
    bm_status status =
        bm__reader_resolve(how->type, how->layout, how->width, &how->column, &reader, &err);
    *text = reader.as_text;
    assert_true(status != BM_OK || reader.read != NULL);
    return status;
}

static void readers(void **state)
{
    (void)state;
    bool text;
    const pg_case direct_rows[] = {
        fixed_case(BM_INT4, 4, OID_INT8), fixed_case(BM_FLOAT4, 4, OID_FLOAT8),
        cstr_case(BM_TEXT, OID_NAME),     cstr_case(BM_JSON, OID_JSONB),
        cstr_case(BM_ENUM, OID_VARCHAR),  array_of(BM_ENUM, OID_OWN, 'e'),
    };
    for (size_t i = 0; i < sizeof direct_rows / sizeof direct_rows[0]; i++) {
        assert_int_equal(resolve_reader(&direct_rows[i], &text), BM_OK);
        assert_false(text);
    }
    pg_case label = cstr_case(BM_ENUM, OID_OWN);
    assert_int_equal(resolve_reader(&label, &text), BM_OK);
    assert_true(text);
    label.column.kind = 'e';
    assert_int_equal(resolve_reader(&label, &text), BM_OK);
    assert_false(text);
    const pg_case number = cstr_case(BM_ENUM, OID_INT4);
    assert_int_equal(resolve_reader(&number, &text), BM_OK);
    assert_true(text);
    const pg_case wrong[] = {
        fixed_case(BM_INT4, 4, OID_NUMERIC), fixed_case(BM_INT4, 4, OID_UUID),
        cstr_case(BM_NUMERIC, OID_INT4),     cstr_case(BM_VARCHAR, OID_INT4),
        fixed_case(BM_INT4, 4, OID_OWN),     fixed_case(BM_DATE, 4, OID_TIMESTAMP),
        array_of(BM_INT4, OID_UUID, 'b'),    array_of(BM_INT4, 0, 0),
        fixed_case(BM_INT4, 2, OID_INT2),
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(resolve_reader(&wrong[i], &text), BM_INVALID);
    }
    const pg_case own = array_of(BM_TEXT, OID_OWN, 'b');
    assert_int_equal(resolve_reader(&own, &text), BM_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(direct),  cmocka_unit_test(enums),      cmocka_unit_test(domains),
        cmocka_unit_test(as_text), cmocka_unit_test(mismatches), cmocka_unit_test(arrays),
        cmocka_unit_test(readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
