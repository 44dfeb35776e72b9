#include "catalog.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

/*
 * One row a column, all cells text, so that nothing depends on the binary form of a catalog type.
 * Names are qualified: nothing in a search_path can stand in for a catalog (CVE-2018-1058).
 * b follows domains down to their base type, m those of array elements.  format_type of -1, not
 * NULL: it says "bpchar", where "character" would be read as char(1); and of the base type, not the
 * domain: a cast to a domain over varchar(3) cuts, an assignment refuses.  tgtype's bits:
 * PostgreSQL, pg_trigger.h (1 row, 2 before, 4 insert, 16 update, 64 instead).  FUNCEXPR in a
 * default: it calls a function.
 */
#define FINGERPRINT                                                                                \
    "(SELECT pg_catalog.string_agg(pg_catalog.concat_ws(':', f.attnum, f.attname, f.atttypid, "    \
    "f.atttypmod, f.attnotnull, f.attidentity, f.attgenerated, f.atthasdef), ',' ORDER BY "        \
    "f.attnum) FROM pg_catalog.pg_attribute f WHERE f.attrelid = c.oid AND f.attnum > 0 AND NOT "  \
    "f.attisdropped)"

static const char question[] =
    "WITH RECURSIVE c AS (SELECT x.*, n.nspname FROM pg_catalog.pg_class x JOIN "
    "pg_catalog.pg_namespace n ON n.oid = x.relnamespace WHERE x.oid = "
    "pg_catalog.to_regclass($1)), "
    "b(attnum, oid, typmod, depth) AS (SELECT a.attnum, a.atttypid, a.atttypmod, 0 FROM c JOIN "
    "pg_catalog.pg_attribute a ON a.attrelid = c.oid WHERE a.attnum > 0 AND NOT a.attisdropped "
    "UNION ALL SELECT b.attnum, t.typbasetype, t.typtypmod, b.depth + 1 FROM b JOIN "
    "pg_catalog.pg_type t ON t.oid = b.oid WHERE t.typtype = 'd') "
    "SELECT c.nspname::text, c.relname::text, c.relkind::text, c.relhassubclass::text, "
    "c.relhasrules::text, "
    "pg_catalog.row_security_active(c.oid)::text, "
    "(SELECT coalesce(pg_catalog.bit_or(g.tgtype::int4), 0) FROM pg_catalog.pg_trigger g WHERE "
    "g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgtype & 1 <> 0 AND "
    "g.tgtype & 66 <> 0)::text, "
    "EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.conrelid = c.oid "
    "AND k.confrelid = c.oid)::text, "
    "c.reltuples::text, " FINGERPRINT "::text, "
    "a.attname::text, d.oid::text, d.typmod::text, o.typtype::text, "
    "coalesce(m.oid, 0)::text, coalesce(e.typtype, 'b')::text, "
    "pg_catalog.format_type(d.oid, -1)::text, a.attnotnull::text, a.attgenerated::text, "
    "a.attidentity::text, pg_catalog.pg_get_expr(f.adbin, f.adrelid)::text, "
    "(f.adbin::text LIKE '%FUNCEXPR%')::text, "
    "s.oid::text, pg_catalog.has_sequence_privilege(s.oid, 'USAGE, UPDATE')::text, "
    "pg_catalog.has_column_privilege(c.oid, a.attnum, 'INSERT')::text, "
    "EXISTS (SELECT 1 FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND "
    "a.attnum = ANY (i.indkey))::text "
    "FROM c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT "
    "a.attisdropped "
    "JOIN LATERAL (SELECT b.oid, b.typmod FROM b WHERE b.attnum = a.attnum ORDER BY b.depth DESC "
    "LIMIT 1) d ON true "
    "JOIN pg_catalog.pg_type o ON o.oid = a.atttypid "
    "JOIN pg_catalog.pg_type p ON p.oid = d.oid "
    "LEFT JOIN pg_catalog.pg_type e ON e.oid = p.typelem AND p.typcategory = 'A' "
    "LEFT JOIN LATERAL (WITH RECURSIVE m(oid, depth) AS (SELECT e.oid, 0 UNION ALL SELECT "
    "t.typbasetype, m.depth + 1 FROM m JOIN pg_catalog.pg_type t ON t.oid = m.oid WHERE t.typtype "
    "= 'd') SELECT m.oid FROM m ORDER BY m.depth DESC LIMIT 1) m ON true "
    "LEFT JOIN pg_catalog.pg_attrdef f ON f.adrelid = c.oid AND f.adnum = a.attnum "
    "LEFT JOIN LATERAL (SELECT q.oid FROM pg_catalog.pg_depend h JOIN pg_catalog.pg_class q ON "
    "q.relkind = 'S' AND ((h.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND h.objid = "
    "f.oid AND h.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND q.oid = h.refobjid) "
    "OR "
    "(h.deptype = 'i' AND h.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND h.refclassid "
    "= "
    "'pg_catalog.pg_class'::pg_catalog.regclass AND h.refobjid = c.oid AND h.refobjsubid = "
    "a.attnum "
    "AND q.oid = h.objid)) LIMIT 1) s ON true "
    "ORDER BY a.attnum";

/* In the order of the question's columns. */
enum {
    C_SCHEMA,
    C_NAME,
    C_KIND,
    C_CHILDREN,
    C_RULES,
    C_SECURITY,
    C_TRIGGERS,
    C_SELF,
    C_ROWS,
    C_FINGERPRINT,
    C_COLUMN,
    C_OID,
    C_TYPMOD,
    C_TYPTYPE,
    C_ELEMENT,
    C_ELEMENT_KIND,
    C_FORMAT,
    C_NOT_NULL,
    C_GENERATED,
    C_IDENTITY,
    C_DEFAULT,
    C_VOLATILE,
    C_SEQUENCE,
    C_SEQUENCE_OK,
    C_INSERT_OK,
    C_PRIMARY,
    C_COUNT
};

static bool is_true(const bm__cell *cell)
{
    return cell->kind != BM__CELL_NULL && cell->size > 0 && *(const char *)cell->data == 't';
}

static char letter(const bm__cell *cell)
{
    return cell->kind != BM__CELL_NULL && cell->size > 0 ? *(const char *)cell->data : '\0';
}

/* A number of the catalog's own; cells are not NUL-terminated. */
static double number(const bm__cell *cell)
{
    char text[32] = "";
    if (cell->kind != BM__CELL_NULL && cell->size < sizeof text) {
        memcpy(text, cell->data, cell->size);
    }
    return strtod(text, NULL);
}

static bm_status read_table(bm__catalog *catalog, const bm__cell *cells, bm_error *err)
{
    bm__table *table = catalog->table;
    table->schema = bm__catalog_text(catalog, &cells[C_SCHEMA]);
    table->name = bm__catalog_text(catalog, &cells[C_NAME]);
    table->fingerprint = bm__catalog_text(catalog, &cells[C_FINGERPRINT]);
    if (table->schema == NULL || table->name == NULL || table->fingerprint == NULL) {
        return bm__no_memory(err);
    }
    int triggers = (int)number(&cells[C_TRIGGERS]);
    table->kind = letter(&cells[C_KIND]);
    table->children = is_true(&cells[C_CHILDREN]);
    table->rules = is_true(&cells[C_RULES]) && table->kind != 'v';
    table->row_security = is_true(&cells[C_SECURITY]);
    table->insert_trigger = (triggers & 4) != 0;
    table->self_reference = is_true(&cells[C_SELF]);
    table->estimated_rows = number(&cells[C_ROWS]);
    return BM_OK;
}

/* What gives a new value of the column: its default, or for an identity column its sequence. */
static bm_status read_default(bm__catalog *catalog, const bm__cell *cells, bm__table_column *column,
                              bm_error *err)
{
    bm__arena *arena = &catalog->table->arena;
    bool sequence = cells[C_SEQUENCE].kind != BM__CELL_NULL;
    if (cells[C_DEFAULT].kind != BM__CELL_NULL && !column->generated) {
        column->default_sql = bm__catalog_text(catalog, &cells[C_DEFAULT]);
        column->volatile_default = is_true(&cells[C_VOLATILE]);
    } else if (column->identity != '\0' && sequence) {
        const char *oid = bm__catalog_text(catalog, &cells[C_SEQUENCE]);
        bm__sql sql = bm__sql_begin(err);
        bm__sql_put(&sql, "pg_catalog.nextval(%s::pg_catalog.oid::pg_catalog.regclass)",
                    oid != NULL ? oid : "");
        BM_TRY(bm__sql_end(&sql, arena, &column->default_sql));
        column->volatile_default = true;
    } else {
        return BM_OK;
    }
    bool drawable = !sequence || is_true(&cells[C_SEQUENCE_OK]);
    column->may_reserve = column->volatile_default && drawable && is_true(&cells[C_INSERT_OK]);
    return column->default_sql != NULL ? BM_OK : bm__no_memory(err);
}

static bm_status push(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__catalog *catalog = context;
    if (n != C_COUNT) {
        return bm__fail(err, BM_DATABASE, BM_STAGE_CATALOG, "the catalog's answer is not one");
    }
    if (catalog->table->n_columns == 0) {
        BM_TRY(read_table(catalog, cells, err));
    }
    bm__table_column *column = bm__catalog_column(catalog);
    if (column == NULL) {
        return bm__no_memory(err);
    }
    column->name = bm__catalog_text(catalog, &cells[C_COLUMN]);
    column->type = bm__catalog_text(catalog, &cells[C_FORMAT]);
    if (column->name == NULL || column->type == NULL) {
        column->name = "";
        return bm__no_memory(err);
    }
    column->oid = (uint32_t)number(&cells[C_OID]);
    column->typmod = (int32_t)number(&cells[C_TYPMOD]);
    column->kind = letter(&cells[C_TYPTYPE]);
    column->element = (uint32_t)number(&cells[C_ELEMENT]);
    column->element_kind = letter(&cells[C_ELEMENT_KIND]);
    column->not_null = is_true(&cells[C_NOT_NULL]);
    column->generated = letter(&cells[C_GENERATED]) != '\0';
    column->identity = letter(&cells[C_IDENTITY]);
    column->primary_key = is_true(&cells[C_PRIMARY]);
    return read_default(catalog, cells, column, err);
}

static bm_status ask_of_model(bm__catalog *catalog, const char *sql, bm__step *step, bm_error *err)
{
    bm__sql name = bm__sql_begin(err);
    bm__sql_table(&name, catalog->model->schema, catalog->model->table);
    BM_TRY(bm__sql_end(&name, &catalog->arena, &catalog->quoted));
    catalog->params[0] = (bm__param){25, catalog->quoted, strlen(catalog->quoted)};
    step->sql = sql;
    step->params = catalog->params;
    step->n_params = 1;
    return BM_OK;
}

bm_status bm__catalog_ask_postgresql(bm__catalog *catalog, bm__step *step, bm_error *err)
{
    step->push = push;
    return ask_of_model(catalog, question, step, err);
}

/* ---- is it what it was?  The columns, and what a read depends on beside them */

static const char same_question[] =
    "SELECT n.nspname::text, c.relname::text, c.relkind::text, c.relhassubclass::text, " FINGERPRINT
    "::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.oid = pg_catalog.to_regclass($1)";

static bool is_text(const bm__cell *cell, const char *text)
{
    return cell->kind != BM__CELL_NULL && cell->size == strlen(text) &&
           memcmp(cell->data, text, cell->size) == 0;
}

static bm_status push_same(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__catalog *catalog = context;
    const bm__table *known = catalog->known;
    if (n != C_CHILDREN + 2) {
        return bm__fail(err, BM_DATABASE, BM_STAGE_CATALOG, "the catalog's answer is not one");
    }
    catalog->same = is_text(&cells[C_SCHEMA], known->schema) &&
                    is_text(&cells[C_NAME], known->name) && letter(&cells[C_KIND]) == known->kind &&
                    is_true(&cells[C_CHILDREN]) == known->children &&
                    is_text(&cells[C_CHILDREN + 1], known->fingerprint);
    return BM_OK;
}

bm_status bm__catalog_ask_postgresql_same(bm__catalog *catalog, bm__step *step, bm_error *err)
{
    step->push = push_same;
    return ask_of_model(catalog, same_question, step, err);
}

bm_status bm__catalog_verify(const bm__table *table, bm__arena *arena, const char **sql,
                             const char **quoted, bm_error *err)
{
    bm__sql name = bm__sql_begin(err);
    bm__sql_table(&name, table->schema, table->name);
    *sql = "SELECT " FINGERPRINT " FROM pg_catalog.pg_class c WHERE c.oid = "
           "pg_catalog.to_regclass($1)";
    return bm__sql_end(&name, arena, quoted);
}
