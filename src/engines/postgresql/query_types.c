#include "postgresql.h"

#include "quoting.h"
#include "type_question.h"

#include <stdlib.h>
#include <string.h>

/* The server names a domain's base type itself, but not that of an array's elements.  A cell is
 * text; e is the element of an array, m its base type. */
static const char question[] =
    "SELECT " BM__KIND_OF("p", "p") ", coalesce(m.oid, 0)::pg_catalog.text, coalesce(" BM__KIND_OF(
        "e", "e") ", 'b'), " BM__TYPE_NAME "::pg_catalog.text FROM "
                  "pg_catalog.unnest($1::pg_catalog.oid[]) WITH ORDINALITY AS q(oid, place) JOIN "
                  "pg_catalog.pg_type p ON p.oid" EQ "q.oid " BM__JOIN_ELEMENT " ORDER BY q.place";

enum { C_KIND, C_ELEMENT, C_ELEMENT_KIND, C_TYPE, C_COUNT };

static char letter(const bm__cell *cell)
{
    return cell->kind != BM__CELL_NULL && cell->size > 0 ? *(const char *)cell->data : '\0';
}

static bm_status push(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__catalog *catalog = context;
    bm__table *table = catalog->table;
    if (n != C_COUNT || catalog->n_typed >= table->n_columns) {
        return bm__fail(err, BM_DATABASE, BM_STAGE_CATALOG, "unexpected answer from the catalog");
    }
    bm__table_column *column = &table->columns[catalog->n_typed++];
    const char *element = bm__catalog_text(catalog, &cells[C_ELEMENT]);
    column->type = bm__catalog_text(catalog, &cells[C_TYPE]);
    if (element == NULL || column->type == NULL) {
        column->type = "";
        return bm__no_memory(err);
    }
    column->kind = letter(&cells[C_KIND]);
    column->element = (uint32_t)strtoul(element, NULL, 10);
    column->element_kind = letter(&cells[C_ELEMENT_KIND]);
    return BM_OK;
}

bm_status bm__postgresql_ask_types(bm__catalog *catalog, bm__step *step, bm_error *err)
{
    bm__sql oids = bm__sql_begin(err);
    for (size_t i = 0; i < catalog->table->n_columns; i++) {
        bm__sql_put(&oids, "%s%zu", i > 0 ? "," : "{", (size_t)catalog->table->columns[i].oid);
    }
    bm__sql_put(&oids, "}");
    BM_TRY(bm__sql_end(&oids, &catalog->arena, &catalog->quoted));
    catalog->params[0] = (bm__param){25, catalog->quoted, strlen(catalog->quoted)};
    step->sql = question;
    step->params = catalog->params;
    step->n_params = 1;
    step->push = push;
    return BM_OK;
}
