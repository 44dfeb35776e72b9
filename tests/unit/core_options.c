/* Options that grow, errors that are filled once, and what a SQLSTATE stands for. */
#include "options.h"
#include "utf8.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------------------------------- options */

typedef struct settings { /* as this library knows them */
    size_t size;
    int64_t first;
    int64_t second;
} settings;

typedef struct newer { /* as a later header does */
    size_t size;
    int64_t first;
    int64_t second;
    int64_t third;
    char fourth;
} newer;

static void no_options_are_defaults(void **state)
{
    (void)state;
    settings out = {1, 2, 3};
    bm_error err = BM_ERROR;
    assert_int_equal(bm__options_read(&out, sizeof out, NULL, &err), BM_OK);
    assert_memory_equal(&out, &(settings){0}, sizeof out);
}

static void options_of_this_size(void **state)
{
    (void)state;
    const settings given = {sizeof given, 5, -7};
    settings out = {1, 2, 3};
    bm_error err = BM_ERROR;
    assert_int_equal(bm__options_read(&out, sizeof out, &given, &err), BM_OK);
    assert_memory_equal(&out, &given, sizeof out);
}

static void options_of_an_older_header(void **state)
{
    (void)state;
    for (size_t size = sizeof(size_t); size <= sizeof(settings); size++) {
        unsigned char *given = malloc(size); /* exactly so much: what is behind is not read */
        settings out = {1, 2, 3};
        bm_error err = BM_ERROR;
        memset(given, 0x11, size);
        memcpy(given, &size, sizeof size);
        assert_int_equal(bm__options_read(&out, sizeof out, given, &err), BM_OK);
        assert_memory_equal(&out, given, size);
        for (size_t i = size; i < sizeof out; i++) {
            assert_int_equal(((const unsigned char *)&out)[i], 0);
        }
        free(given);
    }
}

static void options_of_a_newer_header(void **state)
{
    (void)state;
    newer given;
    memset(&given, 0, sizeof given);
    given = (newer){.size = sizeof given, .first = 5, .second = 6};
    settings out;
    bm_error err = BM_ERROR;
    assert_int_equal(bm__options_read(&out, sizeof out, &given, &err), BM_OK);
    assert_int_equal(out.first, 5);
    assert_int_equal(out.second, 6);
    for (size_t i = sizeof(settings); i < sizeof given; i++) {
        unsigned char bytes[sizeof given] = {0};
        size_t size = sizeof given;
        memcpy(bytes, &size, sizeof size);
        bytes[i] = 1; /* any byte that is not known and not zero */
        err = BM_ERROR;
        assert_int_equal(bm__options_read(&out, sizeof out, bytes, &err), BM_UNSUPPORTED);
        assert_int_equal(err.status, BM_UNSUPPORTED);
        assert_int_equal(err.stage, BM_STAGE_CHECK);
    }
}

static void options_without_a_size(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof(size_t); size++) {
        const settings given = {size, 5, 6};
        settings out;
        bm_error err = BM_ERROR;
        assert_int_equal(bm__options_read(&out, sizeof out, &given, &err), BM_INVALID);
        assert_int_equal(err.status, BM_INVALID);
        assert_memory_equal(&out, &(settings){0}, sizeof out);
    }
}

/* --------------------------------------------------------------------------------------- errors */

static void the_first_error_wins(void **state)
{
    (void)state;
    bm_error err = BM_ERROR;
    assert_int_equal(bm__fail_cell(&err, BM_CONVERT, BM_STAGE_CONVERT, 7, "price", "too %s", "big"),
                     BM_CONVERT);
    assert_int_equal(bm__fail(&err, BM_RETRY, BM_STAGE_COMMIT, "other"), BM_RETRY);
    assert_int_equal(bm__fail_cell(&err, BM_INVALID, BM_STAGE_CHECK, 8, "x", "other"), BM_INVALID);
    assert_int_equal(bm__no_memory(&err), BM_NOMEM);
    assert_int_equal(err.status, BM_CONVERT);
    assert_int_equal(err.stage, BM_STAGE_CONVERT);
    assert_int_equal(err.row, 7);
    assert_int_equal(err.other_row, BM_NO_ROW);
    assert_string_equal(err.column, "price");
    assert_string_equal(err.message, "too big");
    assert_false(err.retryable);
}

static void only_a_retry_is_retryable(void **state)
{
    (void)state;
    for (int status = BM_INVALID; status <= BM_INTERNAL; status++) {
        bm_error err = BM_ERROR;
        bm__fail(&err, (bm_status)status, BM_STAGE_WRITE, "%d", status);
        assert_int_equal(err.retryable, status == BM_RETRY);
        assert_int_equal(err.row, BM_NO_ROW);
        assert_string_equal(err.column, "");
    }
}

static void a_reset_empties(void **state)
{
    (void)state;
    bm_error err;
    memset(&err, 0x41, sizeof err);
    err.size = sizeof err;
    bm__error_reset(&err);
    assert_int_equal(err.size, sizeof err);
    assert_int_equal(err.status, BM_OK);
    assert_int_equal(err.stage, BM_STAGE_CHECK);
    assert_int_equal(err.fate, BM_FATE_NOT_STARTED);
    assert_false(err.retryable);
    assert_int_equal(err.native_code, 0);
    assert_int_equal(err.row, BM_NO_ROW);
    assert_int_equal(err.other_row, BM_NO_ROW);
    const char *const texts[] = {err.sqlstate,   err.verb,    err.column,
                                 err.constraint, err.message, err.detail};
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(texts[i], "");
    }
}

/* A program with an older header: only the bytes that it has are written. */
static void a_reset_of_an_older_size(void **state)
{
    (void)state;
    const bm_error empty = BM_ERROR;
    for (size_t size = 0; size <= sizeof empty + 64; size += 8) {
        unsigned char *given = malloc(sizeof empty + 64);
        memset(given, 0x41, sizeof empty + 64);
        memcpy(given, &size, sizeof size);
        bm__error_reset((bm_error *)(void *)given);
        assert_memory_equal(given, &size, sizeof size);
        for (size_t i = sizeof size; i < sizeof empty + 64; i++) {
            bool inside = i < size && i < sizeof empty;
            assert_int_equal(given[i], inside ? ((const unsigned char *)&empty)[i] : 0x41);
        }
        free(given);
    }
}

/* Text of two-, three- and four-byte characters, cut to every size. */
static void texts_are_cut_between_characters(void **state)
{
    (void)state;
    static const char *const units[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    for (size_t u = 0; u < 4; u++) {
        size_t unit = strlen(units[u]);
        char text[13] = "";
        for (size_t i = 0; i < 12 / unit; i++) {
            memcpy(text + i * unit, units[u], unit + 1);
        }
        for (size_t size = 1; size <= 16; size++) {
            char out[17];
            memset(out, '#', sizeof out);
            bm__copy_text(out, size, text);
            size_t fits = size - 1 < 12 ? (size - 1) / unit * unit : 12;
            assert_int_equal(strlen(out), fits);
            assert_memory_equal(out, text, fits);
            assert_int_equal(out[size], '#');
        }
    }
    char out[4] = "abc";
    bm__copy_text(out, sizeof out, NULL);
    assert_string_equal(out, "");
}

/* W12.  Bytes that are no character become U+FFFD each, as the Unicode Standard's table 3-8 has
 * them; nothing is read behind the end. */
static void texts_that_are_not_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"a\x80z", "a\xEF\xBF\xBDz"},
        {"\xFF", "\xEF\xBF\xBD"},
        {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xF0\x9F\x98", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xE2\x82\xAC\xE2", "\xE2\x82\xAC\xEF\xBF\xBD"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[32];
        char *text = strdup(cases[i].text); /* a sanitizer sees its end */
        bm__copy_text(out, sizeof out, text);
        assert_string_equal(out, cases[i].want);
        for (size_t size = 1; size < 8; size++) {
            bm__copy_text(out, size, text);
            assert_true(strlen(out) < size);
            assert_null(bm__text_fault(out, strlen(out)));
        }
        bm_error err = BM_ERROR;
        bm__fail_cell(&err, BM_INVALID, BM_STAGE_CHECK, 1, text, "%s", text);
        assert_string_equal(err.message, cases[i].want);
        assert_string_equal(err.column, cases[i].want);
        free(text);
    }
}

/* Names stand in messages: a cut one must be UTF-8 still. */
static void messages_and_columns_are_cut_too(void **state)
{
    (void)state;
    char name[2100];
    for (size_t lead = 0; lead < 4; lead++) {
        memset(name, 'x', lead);
        for (size_t i = lead; i + 4 < sizeof name; i += 4) {
            memcpy(name + i, "\xF0\x9F\x98\x80", 5);
        }
        bm_error err = BM_ERROR;
        bm__fail(&err, BM_INVALID, BM_STAGE_CHECK, "%s", name);
        assert_int_equal(strlen(err.message), lead + (511 - lead) / 4 * 4);
        assert_memory_equal(err.message, name, strlen(err.message));
        err = BM_ERROR;
        bm__fail_cell(&err, BM_INVALID, BM_STAGE_CHECK, 1, name, "%s", name);
        assert_int_equal(strlen(err.message), lead + (511 - lead) / 4 * 4);
        assert_int_equal(strlen(err.column), lead + (63 - lead) / 4 * 4);
    }
    bm_error err = BM_ERROR;
    bm__fail(&err, BM_INVALID, BM_STAGE_CHECK, "%0511d", 0);
    assert_int_equal(strlen(err.message), 511); /* what fits is not cut */
}

static void statuses_have_names(void **state)
{
    (void)state;
    static const struct {
        bm_status status;
        const char *name;
    } names[] = {
        {BM_OK, "OK"},
        {BM_INVALID, "INVALID"},
        {BM_UNSUPPORTED, "UNSUPPORTED"},
        {BM_CONVERT, "CONVERT"},
        {BM_CONSTRAINT, "CONSTRAINT"},
        {BM_RETRY, "RETRY"},
        {BM_CONNECTION, "CONNECTION"},
        {BM_AUTH, "AUTH"},
        {BM_TIMEOUT, "TIMEOUT"},
        {BM_CANCELLED, "CANCELLED"},
        {BM_NOMEM, "NOMEM"},
        {BM_LIMIT, "LIMIT"},
        {BM_PARTIAL, "PARTIAL"},
        {BM_COMMIT_UNKNOWN, "COMMIT_UNKNOWN"},
        {BM_DATABASE, "DATABASE"},
        {BM_INTERNAL, "INTERNAL"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_string_equal(bm_status_name(names[i].status), names[i].name);
    }
    assert_string_equal(bm_status_name((bm_status)(BM_INTERNAL + 1)), "UNKNOWN");
    assert_string_equal(bm_status_name((bm_status)-1), "UNKNOWN");
}

/* What a caller does next, for codes of PostgreSQL's appendix A. */
static void sqlstates_stand_for_a_status(void **state)
{
    (void)state;
    static const struct {
        const char *sqlstate;
        bm_status status;
    } rules[] = {
        {"23505", BM_CONSTRAINT},     /* unique_violation */
        {"23503", BM_CONSTRAINT},     /* foreign_key_violation */
        {"23502", BM_CONSTRAINT},     /* not_null_violation */
        {"23514", BM_CONSTRAINT},     /* check_violation */
        {"23P01", BM_CONSTRAINT},     /* exclusion_violation */
        {"44000", BM_CONSTRAINT},     /* with_check_option_violation */
        {"40002", BM_CONSTRAINT},     /* transaction_integrity_constraint_violation */
        {"21000", BM_CONSTRAINT},     /* cardinality_violation: ON CONFLICT hits a row twice */
        {"40001", BM_RETRY},          /* serialization_failure */
        {"40P01", BM_RETRY},          /* deadlock_detected */
        {"40003", BM_COMMIT_UNKNOWN}, /* statement_completion_unknown: never to be sent again */
        {"55P03", BM_TIMEOUT},        /* lock_not_available */
        {"57014", BM_CANCELLED},      /* query_canceled */
        {"57P01", BM_CONNECTION},     /* admin_shutdown */
        {"57P02", BM_CONNECTION},     /* crash_shutdown */
        {"57P03", BM_CONNECTION},     /* cannot_connect_now */
        {"57P05", BM_CONNECTION},     /* idle_session_timeout */
        {"25P03", BM_TIMEOUT},        /* idle_in_transaction_session_timeout (W10) */
        {"25P04", BM_TIMEOUT},        /* transaction_timeout, PostgreSQL 17 (W10) */
        {"08006", BM_CONNECTION},     /* connection_failure */
        {"08003", BM_CONNECTION},     /* connection_does_not_exist */
        {"08P01", BM_DATABASE},       /* protocol_violation */
        {"22001", BM_CONVERT},        /* string_data_right_truncation */
        {"22003", BM_CONVERT},        /* numeric_value_out_of_range */
        {"22P02", BM_CONVERT},        /* invalid_text_representation */
        {"22021", BM_CONVERT},        /* character_not_in_repertoire */
        {"28P01", BM_AUTH},           /* invalid_password */
        {"28000", BM_AUTH},           /* invalid_authorization_specification */
        {"42501", BM_AUTH},           /* insufficient_privilege */
        {"53300", BM_LIMIT},          /* too_many_connections */
        {"53100", BM_LIMIT},          /* disk_full */
        {"53200", BM_DATABASE},       /* out_of_memory, but the server's */
        {"54000", BM_LIMIT},          /* program_limit_exceeded */
        {"54011", BM_LIMIT},          /* too_many_columns */
        {"0A000", BM_UNSUPPORTED},    /* feature_not_supported */
        {"42P01", BM_INVALID},        /* undefined_table */
        {"42703", BM_INVALID},        /* undefined_column */
        {"42P10", BM_INVALID},  /* invalid_column_reference: no unique index for ON CONFLICT */
        {"428C9", BM_INVALID},  /* generated_always */
        {"42804", BM_INVALID},  /* datatype_mismatch */
        {"42601", BM_DATABASE}, /* syntax_error */
        {"25P02", BM_DATABASE}, /* in_failed_sql_transaction */
        {"25006", BM_DATABASE}, /* read_only_sql_transaction */
        {"XX000", BM_DATABASE}, /* internal_error */
        {"P0001", BM_DATABASE}, /* raise_exception */
        {"", BM_DATABASE},
        {"4", BM_DATABASE},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        assert_int_equal(bm__status_of_sqlstate(rules[i].sqlstate), rules[i].status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_options_are_defaults),
        cmocka_unit_test(options_of_this_size),
        cmocka_unit_test(options_of_an_older_header),
        cmocka_unit_test(options_of_a_newer_header),
        cmocka_unit_test(options_without_a_size),
        cmocka_unit_test(the_first_error_wins),
        cmocka_unit_test(only_a_retry_is_retryable),
        cmocka_unit_test(a_reset_empties),
        cmocka_unit_test(a_reset_of_an_older_size),
        cmocka_unit_test(texts_are_cut_between_characters),
        cmocka_unit_test(texts_that_are_not_utf8),
        cmocka_unit_test(messages_and_columns_are_cut_too),
        cmocka_unit_test(statuses_have_names),
        cmocka_unit_test(sqlstates_stand_for_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
