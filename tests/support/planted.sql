-- W11: functions, operators and types of PostgreSQL's names, in the schema that is first in the
-- search_path.  Whoever calls one of them fails.  PostgreSQL's own have their schema here.
DO $do$
DECLARE
    here pg_catalog.text := pg_catalog.current_schema()::pg_catalog.text;
    body pg_catalog.text := 'LANGUAGE plpgsql AS $x$BEGIN RAISE EXCEPTION ''planted''; END$x$';
    f record;
    n pg_catalog.int4 := 0;
BEGIN
    FOR f IN
        SELECT p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid) AS arguments,
               pg_catalog.pg_get_function_result(p.oid) AS result
        FROM pg_catalog.pg_proc p
        WHERE p.pronamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace
          AND p.prokind OPERATOR(pg_catalog.=) 'f'
          AND p.proname OPERATOR(pg_catalog.=) ANY (pg_catalog.string_to_array('array_send'
              ' concat_ws current_setting format format_type generate_series has_column_privilege'
              ' has_sequence_privilege nextval pg_blocking_pids pg_current_xact_id'
              ' pg_backend_pid pg_get_expr pg_get_serial_sequence pg_my_temp_schema'
              ' pg_relation_size pg_sequence_last_value pg_xact_status quote_ident'
              ' row_security_active set_config setval to_regclass unnest', ' ')::pg_catalog.name[])
    LOOP
        BEGIN
            EXECUTE pg_catalog.format('CREATE FUNCTION %I.%I(%s) RETURNS %s %s', here, f.proname,
                f.arguments, f.result, body);
        EXCEPTION WHEN OTHERS THEN NULL; -- "any" is not for everybody
        END;
    END LOOP;
    EXECUTE pg_catalog.format('CREATE FUNCTION %I.unnest(bigint[]) RETURNS SETOF bigint %s', here,
        body);
    EXECUTE pg_catalog.format('CREATE FUNCTION %I.planted_state(bigint, bigint) RETURNS bigint %s',
        here, body);
    EXECUTE pg_catalog.format('CREATE FUNCTION %I.planted_texts(text[], text) RETURNS text[] %s',
        here, body);
    EXECUTE pg_catalog.format('CREATE AGGREGATE %I.array_agg(text) (SFUNC = %I.planted_texts, '
        'STYPE = text[], INITCOND = ''{}'')', here, here);
    FOR f IN SELECT pg_catalog.unnest('{max,min,sum,count,bit_or}'::pg_catalog.text[]) AS name LOOP
        EXECUTE pg_catalog.format('CREATE AGGREGATE %I.%I(bigint) (SFUNC = %I.planted_state, '
            'STYPE = bigint, INITCOND = ''0'')', here, f.name, here);
    END LOOP;
    FOR f IN
        SELECT o.oprname, pg_catalog.format_type(o.oprleft, NULL) AS l,
               pg_catalog.format_type(o.oprright, NULL) AS r,
               pg_catalog.format_type(o.oprresult, NULL) AS result
        FROM pg_catalog.pg_operator o
        WHERE o.oprname OPERATOR(pg_catalog.=) ANY (
              '{=,<>,<,>,<=,>=,+,-,*,/,&,&&,~~,!~~}'::pg_catalog.name[])
          AND o.oprleft OPERATOR(pg_catalog.<>) 0
        UNION ALL SELECT '&', 'bigint', 'integer', 'bigint'
        UNION ALL SELECT '=', 'character varying', 'text', 'boolean'
        UNION ALL SELECT '=', 'character varying', 'character varying', 'boolean'
        UNION ALL SELECT '<>', '"char"', 'unknown', 'boolean'
    LOOP
        n := n OPERATOR(pg_catalog.+) 1;
        BEGIN
            EXECUTE pg_catalog.format('CREATE FUNCTION %I.planted_%s(%s, %s) RETURNS %s %s', here,
                n, f.l, f.r, f.result, body);
            EXECUTE pg_catalog.format('CREATE OPERATOR %I.%s (LEFTARG = %s, RIGHTARG = %s, '
                'FUNCTION = %I.planted_%s)', here, f.oprname, f.l, f.r, here, n);
        EXCEPTION WHEN OTHERS THEN NULL; -- pseudo-types
        END;
    END LOOP;
    EXECUTE pg_catalog.format('CREATE FUNCTION %I.planted() RETURNS boolean %s', here, body);
    FOR f IN SELECT pg_catalog.unnest('{bool,bytea,date,float8,int2,int4,int8,interval,json,jsonb,'
        'name,numeric,oid,regclass,text,timestamptz,uuid,varchar}'::pg_catalog.text[]) AS name LOOP
        EXECUTE pg_catalog.format('CREATE DOMAIN %I.%I AS pg_catalog.%I CHECK (%I.planted())', here,
            f.name, f.name, here);
    END LOOP;
END $do$;
