#include "postgresql.h"

#include "operators.h"
#include "quoting.h"
#include "type.h"
#include "type_question.h"

#include <stdlib.h>
#include <string.h>

/*
 * One row a column, all cells text, so that nothing depends on the binary form of a catalog type.
 * Names are qualified: nothing in a search_path can stand in for a catalog (CVE-2018-1058).
 * b follows domains down to their base type, m those of array elements.  A type is that of the base
 * type, by its schema and its own name ("bpchar": "character" would be char(1)), not of the
 * domain: a cast to a domain over varchar(3) cuts, an assignment refuses.  tgtype's bits:
 * PostgreSQL, pg_trigger.h (1 row, 2 before, 4 insert, 16 update, 64 instead).  FUNCEXPR in a
 * default: it calls a function.  16384: FirstNormalObjectId of transam.h, before it all is
 * PostgreSQL's own; 403: btree.  The = of any enum, range or array does not take a domain beside
 * its base type.
 */
#define FINGERPRINT                                                                                \
    "(SELECT pg_catalog.string_agg(pg_catalog.concat_ws(':', f.attnum, f.attname, f.atttypid, "    \
    "f.atttypmod, f.attnotnull, f.attidentity, f.attgenerated, f.atthasdef), ',' ORDER BY "        \
    "f.attnum) FROM pg_catalog.pg_attribute f WHERE f.attrelid" EQ "c.oid AND f.attnum" GT         \
    "0 AND NOT f.attisdropped)"

/* The keys WITHOUT OVERLAPS that the column is in, a bit each: their index is unique and of an
 * exclusion constraint, too.  One that has a plain unique index beside it is left out. */
#define TEMPORAL                                                                                   \
    "coalesce((SELECT pg_catalog.bit_or(1::pg_catalog.int8 OPERATOR(pg_catalog.<<) "               \
    "k.place::pg_catalog.int4) FROM (SELECT i.indkey, pg_catalog.row_number() OVER (ORDER BY "     \
    "i.indexrelid) AS place FROM pg_catalog.pg_index i WHERE i.indrelid" EQ                        \
    "c.oid AND i.indisunique AND i.indisexclusion AND NOT EXISTS (SELECT 1 FROM "                  \
    "pg_catalog.pg_index j WHERE j.indrelid" EQ "c.oid AND j.indisunique AND NOT "                 \
    "j.indisexclusion AND j.indkey::pg_catalog.text" EQ "i.indkey::pg_catalog.text)) k WHERE "     \
    "k.place" LT "32 AND a.attnum" EQ "ANY (k.indkey)), 0)::pg_catalog.text"

/* A table of another server, or one of its partitions is. */
#define FOREIGN                                                                                    \
    "(c.relkind" EQ "'f' OR c.relkind" EQ                                                          \
    "'p' AND EXISTS (SELECT 1 FROM pg_catalog.pg_partition_tree(c.oid) p JOIN "                    \
    "pg_catalog.pg_class x ON x.oid" EQ "p.relid WHERE x.relkind" EQ "'f'))::pg_catalog.text"

/* How Citus distributes the table: pg_dist_partition.partmethod, 'h' by hash, 'n' a reference
 * table; '' where there is no Citus.  A table that need not be there can only be asked in a
 * statement of its own, which ts_stat carries out. */
#define CITUS                                                                                      \
    "coalesce(CASE WHEN pg_catalog.to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL THEN "  \
    "(SELECT s.word FROM pg_catalog.ts_stat(pg_catalog.concat('SELECT "                            \
    "pg_catalog.array_to_tsvector(ARRAY[partmethod::pg_catalog.text]) FROM "                       \
    "pg_catalog.pg_dist_partition WHERE logicalrelid OPERATOR(pg_catalog.=) ', c.oid, "            \
    "'::pg_catalog.oid')) s LIMIT 1) END, '')"

/* What is said of the table is found once, in c, which is materialized as it is read twice. */
static const char question[] =
    "WITH RECURSIVE k AS (SELECT x.*, n.nspname FROM pg_catalog.pg_class x JOIN "
    "pg_catalog.pg_namespace n ON n.oid" EQ "x.relnamespace WHERE x.oid" EQ
    "pg_catalog.to_regclass($1)), c AS (SELECT c.oid, c.nspname, c.relname, c.relkind, "
    "c.relhassubclass, c.relhasrules, c.reltuples, pg_catalog.row_security_active(c.oid) AS "
    "security, (SELECT coalesce(pg_catalog.bit_or(g.tgtype::pg_catalog.int4), 0) FROM "
    "pg_catalog.pg_trigger g WHERE g.tgrelid" EQ "c.oid AND NOT g.tgisinternal AND g.tgenabled" NE
    "'D' AND g.tgtype" BITS "1" NE "0 AND g.tgtype" BITS "66" NE
    "0) AS triggers, EXISTS (SELECT 1 FROM pg_catalog.pg_constraint q WHERE q.contype" EQ
    "'f' AND q.conrelid" EQ "c.oid AND q.confrelid" EQ "c.oid) AS self, " FOREIGN
    " AS elsewhere, " CITUS " AS citus, " FINGERPRINT
    " AS fingerprint FROM k c), b(attnum, oid, typmod, depth) AS (SELECT a.attnum, a.atttypid, "
    "a.atttypmod, 0 FROM c JOIN pg_catalog.pg_attribute a ON a.attrelid" EQ
    "c.oid WHERE a.attnum" GT
    "0 AND NOT a.attisdropped UNION ALL SELECT b.attnum, t.typbasetype, t.typtypmod, b.depth" PLUS
    "1 FROM b JOIN pg_catalog.pg_type t ON t.oid" EQ "b.oid WHERE t.typtype" EQ
    "'d') SELECT c.nspname::pg_catalog.text, c.relname::pg_catalog.text, "
    "c.relkind::pg_catalog.text, c.relhassubclass::pg_catalog.text, "
    "c.relhasrules::pg_catalog.text, c.security::pg_catalog.text, c.triggers::pg_catalog.text, "
    "c.self::pg_catalog.text, c.elsewhere, c.citus, c.reltuples::pg_catalog.text, c.fingerprint"
    "::pg_catalog.text, a.attname::pg_catalog.text, d.oid::pg_catalog.text, "
    "d.typmod::pg_catalog.text, " BM__KIND_OF(
        "p",
        "o") ", coalesce(m.oid, 0)::pg_catalog.text, "
             "coalesce(" BM__KIND_OF(
                 "e",
                 "e") ", 'b'), " BM__TYPE_NAME ", coalesce((SELECT pg_catalog.concat(' OPERATOR(', "
                      "pg_catalog.quote_ident(n.nspname), "
                      "'.', o.oprname, ') ') FROM pg_catalog.pg_opclass k JOIN pg_catalog.pg_amop "
                      "x ON "
                      "x.amopfamily" EQ "k.opcfamily AND x.amopstrategy" EQ
                      "3 AND x.amoplefttype" EQ "k.opcintype AND x.amoprighttype" EQ
                      "k.opcintype JOIN pg_catalog.pg_operator o ON o.oid" EQ
                      "x.amopopr JOIN pg_catalog.pg_namespace n ON n.oid" EQ
                      "o.oprnamespace WHERE k.opcmethod" EQ
                      "403 AND k.opcdefault AND k.opcintype" EQ "p.oid AND p.oid" GE
                      "16384 AND p.typtype" EQ "'b'), (SELECT pg_catalog.concat('::', "
                      "pg_catalog.quote_ident(n.nspname), '.', "
                      "pg_catalog.quote_ident(p.typname), ' OPERATOR(pg_catalog.=) ') FROM "
                      "pg_catalog.pg_namespace n "
                      "WHERE n.oid" EQ "p.typnamespace AND o.typtype" EQ "'d' AND (p.typtype" EQ
                      "ANY ('{e,r,m}') OR p.typcategory" EQ
                      "'A')), (SELECT ' OPERATOR(pg_catalog.=) ' FROM pg_catalog.pg_collation n "
                      "WHERE n.oid" EQ "a.attcollation AND NOT n.collisdeterministic)), "
                      "a.attnotnull::pg_catalog.text, a.attgenerated::pg_catalog.text, "
                      "a.attidentity::pg_catalog.text, pg_catalog.pg_get_expr(f.adbin, "
                      "f.adrelid)::pg_catalog.text, "
                      "(f.adbin::pg_catalog.text" LIKE
                      "'%FUNCEXPR%')::pg_catalog.text, s.oid::pg_catalog.text, "
                      "pg_catalog.has_sequence_privilege(s.oid, 'USAGE, UPDATE')::pg_catalog.text, "
                      "pg_catalog.has_column_privilege(c.oid, a.attnum, "
                      "'INSERT')::pg_catalog.text, EXISTS (SELECT 1 "
                      "FROM pg_catalog.pg_index i WHERE i.indrelid" EQ
                      "c.oid AND i.indisprimary AND a.attnum" EQ
                      "ANY (i.indkey))::pg_catalog.text, " TEMPORAL
                      " FROM c JOIN pg_catalog.pg_attribute a ON "
                      "a.attrelid" EQ "c.oid AND a.attnum" GT
                      "0 AND NOT a.attisdropped JOIN LATERAL (SELECT b.oid, b.typmod FROM b WHERE "
                      "b.attnum" EQ "a.attnum ORDER BY b.depth DESC LIMIT 1) d ON true JOIN "
                      "pg_catalog.pg_type o ON o.oid" EQ
                      "a.atttypid JOIN pg_catalog.pg_type p ON p.oid" EQ "d.oid " BM__JOIN_ELEMENT
                      " LEFT JOIN pg_catalog.pg_attrdef f ON f.adrelid" EQ "c.oid AND f.adnum" EQ
                      "a.attnum LEFT JOIN LATERAL (SELECT q.oid FROM pg_catalog.pg_depend h "
                      "JOIN pg_catalog.pg_class q ON q.relkind" EQ "'S' AND ((h.classid" EQ
                      "'pg_catalog.pg_attrdef'::pg_catalog.regclass AND h.objid" EQ
                      "f.oid AND h.refclassid" EQ
                      "'pg_catalog.pg_class'::pg_catalog.regclass AND q.oid" EQ
                      "h.refobjid) OR (h.deptype" EQ "'i' AND h.classid" EQ
                      "'pg_catalog.pg_class'::pg_catalog.regclass AND h.refclassid" EQ
                      "'pg_catalog.pg_class'::pg_catalog.regclass AND h.refobjid" EQ
                      "c.oid AND h.refobjsubid" EQ "a.attnum AND q.oid" EQ
                      "h.objid)) LIMIT 1) s ON true ORDER BY a.attnum";

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
    C_FOREIGN,
    C_CITUS,
    C_ROWS,
    C_FINGERPRINT,
    C_COLUMN,
    C_OID,
    C_TYPMOD,
    C_TYPTYPE,
    C_ELEMENT,
    C_ELEMENT_KIND,
    C_FORMAT,
    C_EQUAL,
    C_NOT_NULL,
    C_GENERATED,
    C_IDENTITY,
    C_DEFAULT,
    C_VOLATILE,
    C_SEQUENCE,
    C_SEQUENCE_OK,
    C_INSERT_OK,
    C_PRIMARY,
    C_TEMPORAL,
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
    table->foreign = is_true(&cells[C_FOREIGN]);
    table->citus = letter(&cells[C_CITUS]);
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
        return bm__fail(err, BM_DATABASE, BM_STAGE_CATALOG, "unexpected answer from the catalog");
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
    if (cells[C_EQUAL].kind != BM__CELL_NULL) {
        column->equal = bm__catalog_text(catalog, &cells[C_EQUAL]);
        if (column->equal == NULL) {
            return bm__no_memory(err);
        }
    }
    column->typmod = (int32_t)number(&cells[C_TYPMOD]);
    column->kind = letter(&cells[C_TYPTYPE]);
    column->element = (uint32_t)number(&cells[C_ELEMENT]);
    column->element_kind = letter(&cells[C_ELEMENT_KIND]);
    column->not_null = is_true(&cells[C_NOT_NULL]);
    column->generated = letter(&cells[C_GENERATED]) != '\0';
    column->identity = letter(&cells[C_IDENTITY]);
    column->primary_key = is_true(&cells[C_PRIMARY]);
    column->temporal = (uint32_t)number(&cells[C_TEMPORAL]);
    return read_default(catalog, cells, column, err);
}

bm_status bm__postgresql_ask_of_model(bm__catalog *catalog, const char *sql, bm__step *step,
                                      bm_error *err)
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

bm_status bm__postgresql_ask(bm__catalog *catalog, bm__step *step, bm_error *err)
{
    step->push = push;
    return bm__postgresql_ask_of_model(catalog, question, step, err);
}

/* ---- is it what it was?  The columns, and what a read depends on beside them */

static const char same_question[] =
    "SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text, c.relkind::pg_catalog.text, "
    "c.relhassubclass::pg_catalog.text, " FINGERPRINT
    "::pg_catalog.text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid" EQ
    "c.relnamespace WHERE c.oid" EQ "pg_catalog.to_regclass($1)";

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
        return bm__fail(err, BM_DATABASE, BM_STAGE_CATALOG, "unexpected answer from the catalog");
    }
    catalog->same = is_text(&cells[C_SCHEMA], known->schema) &&
                    is_text(&cells[C_NAME], known->name) && letter(&cells[C_KIND]) == known->kind &&
                    is_true(&cells[C_CHILDREN]) == known->children &&
                    is_text(&cells[C_CHILDREN + 1], known->fingerprint);
    return BM_OK;
}

bm_status bm__postgresql_ask_same(bm__catalog *catalog, bm__step *step, bm_error *err)
{
    step->push = push_same;
    return bm__postgresql_ask_of_model(catalog, same_question, step, err);
}

bm_status bm__postgresql_verify(const bm__table *table, bm__arena *arena, const char **sql,
                                const char **quoted, bm_error *err)
{
    bm__sql name = bm__sql_begin(err);
    bm__sql_table(&name, table->schema, table->name);
    *sql = "SELECT " FINGERPRINT " FROM pg_catalog.pg_class c WHERE c.oid" EQ
           "pg_catalog.to_regclass($1)";
    return bm__sql_end(&name, arena, quoted);
}

bm_type bm__postgresql_type_of(const bm__table_column *column)
{
    for (unsigned i = 1; column->element == 0 && i < BM__TYPE_COUNT; i++) {
        if (bm__type((bm_type)i)->oid == column->oid) {
            return (bm_type)i;
        }
    }
    return BM_ENUM;
}
